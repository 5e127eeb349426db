/* json_kernels.h: what the JSON functions keep from call to call, in expr->prepared. */
#pragma once

#include "format/json_decode.h"
#include "sql/json_path.h"

struct json_prepared {
    struct json_reader reader;
    bool constant;                /* the path is the same in every row */
    const struct json_path *path; /* then; NULL: it is none */
    struct json_decoder *decoder; /* from_json */
};
