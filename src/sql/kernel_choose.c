/* kernel_choose.c: CASE, IF, coalesce, and values of the batch. */
#include "sql/kernel.h"
#include "sql/kernels_nested.h"

/* Copies the values of the rows in `bits` (of one word) from an argument. */
static void copy_rows(struct value *out, const struct value *from, size_t word, uint64_t bits)
{
    size_t width = type_width(out->vec.type);
    const char *source = from->vec.data;
    char *target = out->vec.data;
    for (; bits; bits &= bits - 1) {
        uint32_t row = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);
        memcpy(target + row * width, source + kernel_row(from, row) * width, width);
    }
}

/* Gives the rows in `bits` the argument's values and NULLs. */
static int take_rows(struct eval *eval, struct value *out, const struct value *from, size_t word,
                     uint64_t bits)
{
    uint64_t valid = from->vec.type->kind == TYPE_VOID ? 0 : kernel_valid_word(from, word);
    copy_rows(out, from, word, bits & valid);
    if (!(bits & ~valid))
        return 0;
    uint64_t *words = kernel_own_valid(eval, out);
    if (!words)
        return ERR_NOMEM;
    words[word] &= ~(bits & ~valid);
    return 0;
}

static uint64_t true_bits(const struct value *value, size_t word, uint32_t rows)
{
    uint64_t bits;
    if (value->constant)
        bits = value->vec.boolean[0] & 1 ? ~0ULL : 0;
    else
        bits = kernel_pack(value->vec.boolean + word * 64, kernel_word_rows(rows, word));
    return bits & kernel_valid_word(value, word);
}

static uint64_t all_bits(uint32_t rows, size_t word)
{
    uint32_t n = kernel_word_rows(rows, word);
    return n == 64 ? ~0ULL : (1ULL << n) - 1;
}

/* What no arm takes is NULL. */
static int null_rows(struct eval *eval, struct value *out, size_t word, uint64_t bits)
{
    if (!bits)
        return 0;
    uint64_t *words = kernel_own_valid(eval, out);
    if (!words)
        return ERR_NOMEM;
    words[word] &= ~bits;
    return 0;
}

int kernel_case(struct eval *eval, const struct expr *expr, const struct value *args,
                struct value *out)
{
    uint32_t rows = out->vec.rows;
    if (type_is_nested(out->vec.type->kind))
        return kernel_case_nested(eval, expr, args, out);
    memset(out->vec.data, 0, rows * type_width(out->vec.type));
    for (size_t word = 0; word < vec_valid_words(rows); word++) {
        uint64_t open = all_bits(rows, word);
        uint32_t i = 0;
        for (; i + 1 < expr->arg_count && open; i += 2) {
            uint64_t taken = open & true_bits(&args[i], word, rows);
            if (take_rows(eval, out, &args[i + 1], word, taken) != 0)
                return ERR_NOMEM;
            open &= ~taken;
        }
        bool otherwise = expr->arg_count % 2;
        if (otherwise && take_rows(eval, out, &args[expr->arg_count - 1], word, open) != 0)
            return ERR_NOMEM;
        if (!otherwise && null_rows(eval, out, word, open) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int kernel_coalesce(struct eval *eval, const struct expr *expr, const struct value *args,
                    struct value *out)
{
    if (!args[0].vec.valid && args[0].constant == out->constant) {
        *out = args[0];
        out->valid_shared = true;
        return 0;
    }
    uint32_t rows = out->vec.rows;
    if (type_is_nested(out->vec.type->kind))
        return kernel_coalesce_nested(eval, expr, args, out);
    memset(out->vec.data, 0, rows * type_width(out->vec.type));
    for (size_t word = 0; word < vec_valid_words(rows); word++) {
        uint64_t open = all_bits(rows, word);
        for (uint32_t i = 0; i < expr->arg_count && open; i++) {
            uint64_t taken = open & kernel_valid_word(&args[i], word);
            copy_rows(out, &args[i], word, taken);
            open &= ~taken;
        }
        if (null_rows(eval, out, word, open) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int kernel_current_timestamp(struct eval *eval, const struct expr *expr, const struct value *args,
                             struct value *out)
{
    (void)args;
    *out = (struct value){.constant = true};
    if (vec_init(&out->vec, expr->type, 1, eval->arena) != 0)
        return ERR_NOMEM;
    out->vec.i64[0] = eval->context->batch_timestamp_us;
    return 0;
}

int kernel_current_date(struct eval *eval, const struct expr *expr, const struct value *args,
                        struct value *out)
{
    (void)args;
    *out = (struct value){.constant = true};
    if (vec_init(&out->vec, expr->type, 1, eval->arena) != 0)
        return ERR_NOMEM;
    int64_t us = eval->context->batch_timestamp_us, day = 86400000000LL;
    out->vec.i32[0] = (int32_t)((us >= 0 ? us : us - day + 1) / day);
    return 0;
}
