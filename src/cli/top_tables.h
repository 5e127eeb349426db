/* top_tables.h: the lower part of a frame: partitions, queries and sinks. */
#pragma once

#include "cli/top_frame.h"

void top_draw_tables(struct top_canvas *canvas, const struct top_view *view);
