/* json_path.h: the paths of get_json_object, and what they find: Spark's JsonPathParser and
 * evaluatePath, which follow Hive. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "format/json_reader.h"

struct json_path;

/* *out is NULL when the text is no path: it finds nothing. The path is in the arena, but for the
 * names, which are views into the text. False without memory. */
bool json_path_parse(struct str text, struct arena *arena, const struct json_path **out);

enum json_found { JSON_FOUND, JSON_NOT_FOUND, JSON_FOUND_NOMEM };

/* Appends what the path finds in a text. The reader is used again and again. */
enum json_found json_path_find(const struct json_path *path, struct json_reader *reader,
                               struct str text, struct buf *out);
