#include "sql/kernel.h"

enum { TEXT_CHUNK = 16384, ARGS_INLINE = 6 };

uint64_t *kernel_own_valid(struct eval *eval, struct value *out)
{
    if (out->vec.valid && !out->valid_shared)
        return out->vec.valid;
    const uint64_t *shared = out->vec.valid;
    out->vec.valid = NULL;
    if (vec_ensure_valid(&out->vec, eval->arena) != 0)
        return NULL;
    if (shared)
        memcpy(out->vec.valid, shared, vec_valid_words(out->vec.rows) * sizeof(uint64_t));
    out->valid_shared = false;
    return out->vec.valid;
}

int kernel_null_where(struct eval *eval, struct value *out, const uint8_t *flags)
{
    if (out->vec.rows == 0)
        return 0;
    uint64_t *valid = kernel_own_valid(eval, out);
    if (!valid)
        return ERR_NOMEM;
    for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++)
        valid[word] &= ~kernel_pack(flags + word * 64, kernel_word_rows(out->vec.rows, word));
    return 0;
}

char *kernel_text(struct eval *eval, size_t n)
{
    if ((size_t)(eval->text_end - eval->text) >= n && eval->text)
        return eval->text;
    size_t size = n > TEXT_CHUNK ? n : TEXT_CHUNK;
    eval->text = arena_alloc(eval->arena, size);
    eval->text_end = eval->text ? eval->text + size : NULL;
    return eval->text;
}

uint8_t *kernel_flags(struct eval *eval, uint32_t rows)
{
    return arena_alloc(eval->arena, rows);
}

int kernel_all_null(struct eval *eval, struct value *out)
{
    return vec_init_null(&out->vec, out->vec.type, out->vec.rows, eval->arena);
}

static int eval_column(struct eval *eval, uint32_t column, struct value *out)
{
    *out = (struct value){.valid_shared = true};
    if (!eval->picks) {
        out->vec = eval->cols[column];
        return 0;
    }
    struct eval_column *selected = &eval->selected[column];
    if (!selected->done) {
        if (vec_gather(&selected->vec, &eval->cols[column], eval->picks, eval->rows, eval->arena) !=
            0)
            return ERR_NOMEM;
        selected->done = true;
    }
    out->vec = selected->vec;
    return 0;
}

/* Joins the arguments' bitmaps into the result's. One alone is shared, not copied. */
static int join_valid(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!args[i].vec.valid || (args[i].constant && !out->constant))
            continue;
        if (!out->vec.valid) {
            out->vec.valid = args[i].vec.valid;
            out->valid_shared = true;
            continue;
        }
        uint64_t *valid = kernel_own_valid(eval, out);
        if (!valid)
            return ERR_NOMEM;
        for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++)
            valid[word] &= args[i].vec.valid[word];
    }
    return 0;
}

static bool is_null_constant(const struct value *value)
{
    return value->constant && vec_is_null(&value->vec, 0);
}

static int null_constant(struct eval *eval, const struct type *type, struct value *out)
{
    *out = (struct value){.constant = true};
    return vec_init_null(&out->vec, type, 1, eval->arena);
}

static int run_kernel(struct eval *eval, const struct expr *expr, const struct value *args,
                      struct value *out)
{
    *out = (struct value){.constant = expr->arg_count > 0};
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        out->constant &= args[i].constant;
        if (expr->strict && is_null_constant(&args[i]))
            return null_constant(eval, expr->type, out);
    }
    if (vec_init(&out->vec, expr->type, out->constant ? 1 : eval->rows, eval->arena) != 0)
        return ERR_NOMEM;
    if (expr->strict && join_valid(eval, expr, args, out) != 0)
        return ERR_NOMEM;
    return expr->kernel(eval, expr, args, out);
}

static int eval_call(struct eval *eval, const struct expr *expr, struct value *out)
{
    if (!expr->kernel) {
        int code = eval_expr(eval, expr->args[0], out);
        out->vec.type = expr->type;
        return code;
    }
    struct value few[ARGS_INLINE];
    struct value *args = few;
    if (expr->arg_count > ARGS_INLINE) {
        args = ARENA_ARRAY(eval->arena, struct value, expr->arg_count);
        if (!args)
            return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        int code = eval_expr(eval, expr->args[i], &args[i]);
        if (code != 0)
            return code;
    }
    return run_kernel(eval, expr, args, out);
}

int eval_expr(struct eval *eval, const struct expr *expr, struct value *out)
{
    if (expr->op == EXPR_CONST) {
        *out = expr->constant;
        return 0;
    }
    if (expr->op == EXPR_COLUMN)
        return eval_column(eval, expr->column, out);
    if (!expr->memo)
        return eval_call(eval, expr, out);
    struct eval_memo *memo = &eval->memo[expr->memo - 1];
    if (!memo->done) {
        int code = eval_call(eval, expr, &memo->value);
        if (code != 0)
            return code;
        memo->value.valid_shared = true;
        memo->done = true;
    }
    *out = memo->value;
    return 0;
}

/* Appends the rows of one word that are selected. */
static uint32_t pick_word(uint64_t bits, uint32_t base, uint32_t *picks)
{
    uint32_t n = 0;
    for (; bits; bits &= bits - 1)
        picks[n++] = base + (uint32_t)__builtin_ctzll(bits);
    return n;
}

/* Takes rows of the selection as the new one, and forgets what was computed for the old one. */
static int reselect(struct eval *eval, uint32_t *picks, uint32_t n)
{
    for (uint32_t i = 0; eval->picks && i < n; i++)
        picks[i] = eval->picks[picks[i]];
    eval->picks = picks;
    eval->rows = n;
    if (eval->memo_count)
        memset(eval->memo, 0, eval->memo_count * sizeof *eval->memo);
    eval->selected = ARENA_ARRAY(eval->arena, struct eval_column, eval->column_count);
    return eval->selected ? 0 : ERR_NOMEM;
}

static int narrow(struct eval *eval, uint32_t *picks, uint32_t n)
{
    return n == eval->rows ? 0 : reselect(eval, picks, n);
}

int eval_expand(struct eval *eval, uint32_t *picks, const uint32_t *windows, uint32_t n)
{
    eval->windows = windows;
    return reselect(eval, picks, n);
}

int eval_select(struct eval *eval, const struct value *condition)
{
    uint32_t n = 0;
    if (condition->constant) {
        bool pass = !vec_is_null(&condition->vec, 0) && condition->vec.boolean[0];
        eval->rows = pass ? eval->rows : 0;
        return 0;
    }
    uint32_t *picks = arena_alloc(eval->arena, eval->rows * sizeof *picks);
    if (!picks)
        return ERR_NOMEM;
    for (size_t word = 0; word < vec_valid_words(eval->rows); word++) {
        uint64_t bits =
            kernel_pack(condition->vec.boolean + word * 64, kernel_word_rows(eval->rows, word));
        n += pick_word(bits & kernel_valid_word(condition, word), (uint32_t)(word * 64), picks + n);
    }
    return narrow(eval, picks, n);
}

int eval_keep(struct eval *eval, const uint32_t *kept, uint32_t n)
{
    uint32_t *picks = arena_alloc(eval->arena, n * sizeof *picks);
    if (!picks)
        return ERR_NOMEM;
    if (n)
        memcpy(picks, kept, n * sizeof *picks);
    return narrow(eval, picks, n);
}

int eval_materialise(struct eval *eval, const struct value *value, struct vec *out)
{
    if (!value->constant) {
        *out = value->vec;
        return 0;
    }
    if (vec_is_null(&value->vec, 0) || value->vec.type->kind == TYPE_VOID)
        return vec_init_null(out, value->vec.type, eval->rows, eval->arena);
    uint32_t *picks = arena_calloc(eval->arena, eval->rows, sizeof *picks);
    if (!picks)
        return ERR_NOMEM;
    int code = vec_gather(out, &value->vec, picks, eval->rows, eval->arena);
    out->valid = NULL;
    return code;
}

static int fold_one(struct expr *expr, struct arena *arena)
{
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->op != EXPR_CONST)
            return 0;
    }
    struct err err;
    struct eval eval = {.arena = arena, .rows = 1, .err = &err};
    struct value value;
    uint32_t memo = expr->memo;
    expr->memo = 0;
    int code = eval_expr(&eval, expr, &value);
    expr->memo = memo;
    if (code == ERR_NOMEM)
        return code;
    if (code != 0 || eval.needs_batch)
        return 0;
    value.constant = true;
    value.valid_shared = true;
    expr->constant = value;
    expr->op = EXPR_CONST;
    return 0;
}

int eval_fold(struct expr *expr, struct arena *arena)
{
    if (expr->folded)
        return 0;
    expr->folded = true;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        int code = eval_fold(expr->args[i], arena);
        if (code != 0)
            return code;
    }
    return expr->op == EXPR_CALL && !expr->volatile_ ? fold_one(expr, arena) : 0;
}
