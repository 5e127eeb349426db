/* status_fixture.h: two snapshots: everything there is, and a run that has only just begun. */
#pragma once

#include "http/status.h"

extern const struct status status_full, status_empty;
