/* kernel_window.c: the window of a row. */
#include "sql/eval.h"
#include "sql/kernels.h"
#include "sql/window.h"

int kernel_row_window(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    const struct window_spec *spec = expr->prepared;
    int64_t *starts = out->vec.children[0].i64, *ends = out->vec.children[1].i64;
    for (uint32_t i = 0; i < out->vec.rows; i++) {
        int64_t time_us = args[0].vec.i64[args[0].constant ? 0 : i];
        if (spec->session) {
            starts[i] = time_us;
            ends[i] = args[1].vec.i64[args[1].constant ? 0 : i];
            continue;
        }
        uint64_t back_us = (uint64_t)(eval->windows ? eval->windows[i] : 0);
        starts[i] =
            (int64_t)((uint64_t)window_floor(time_us, spec) - back_us * (uint64_t)spec->slide_us);
        ends[i] = (int64_t)((uint64_t)starts[i] + (uint64_t)spec->size_us);
    }
    return 0;
}
