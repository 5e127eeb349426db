#include "fixture.h"

#include <stdlib.h>

int fixture_run(struct sql_query *query, const struct block *in,
                const struct sql_batch_context *context, struct arena *arena, struct block *out,
                struct err *err)
{
    struct sql_run run;
    int code = sql_run_begin(&run, query, in, context, arena, err);
    if (code == 0)
        code = sql_run_early(&run);
    if (code == 0)
        code = sql_run_late(&run);
    return code == 0 ? sql_run_items(&run, out) : code;
}
