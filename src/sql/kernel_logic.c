/* kernel_logic.c: three-valued logic, a word of 64 rows at a time. */
#include "sql/kernel.h"
#include "sql/kernels.h"

/* Bits of rows word * 64 and on: which are TRUE, which are FALSE; the others are NULL. */
struct truth {
    uint64_t true_bits, false_bits;
};

static struct truth truth_word(const struct value *value, size_t word, uint32_t rows)
{
    uint64_t bits;
    if (value->constant)
        bits = value->vec.boolean[0] & 1 ? ~0ULL : 0;
    else
        bits = kernel_pack(value->vec.boolean + word * 64, kernel_word_rows(rows, word));
    uint64_t valid = kernel_valid_word(value, word);
    return (struct truth){bits & valid, ~bits & valid};
}

/* Spreads 64 bits into bytes of 0 or 1. */
static void unpack(uint64_t bits, uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(bits >> i & 1);
}

static int store_truth(struct eval *eval, struct value *out, size_t word, struct truth truth)
{
    uint32_t n = kernel_word_rows(out->vec.rows, word);
    uint64_t all = n == 64 ? ~0ULL : (1ULL << n) - 1;
    unpack(truth.true_bits, out->vec.boolean + word * 64, n);
    uint64_t valid = truth.true_bits | truth.false_bits;
    if (!out->vec.valid && (valid & all) == all)
        return 0;
    uint64_t *words = kernel_own_valid(eval, out);
    if (!words)
        return ERR_NOMEM;
    words[word] = valid;
    return 0;
}

static bool without_nulls(const struct value *args)
{
    return !args[0].vec.valid && !args[1].vec.valid;
}

int kernel_and(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)expr;
    uint8_t *result = out->vec.boolean;
    if (without_nulls(args)) {
        KERNEL_BINARY(uint8_t, boolean, result[i] = x & y);
        return 0;
    }
    for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++) {
        struct truth a = truth_word(&args[0], word, out->vec.rows);
        struct truth b = truth_word(&args[1], word, out->vec.rows);
        struct truth both = {a.true_bits & b.true_bits, a.false_bits | b.false_bits};
        if (store_truth(eval, out, word, both) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int kernel_or(struct eval *eval, const struct expr *expr, const struct value *args,
              struct value *out)
{
    (void)expr;
    uint8_t *result = out->vec.boolean;
    if (without_nulls(args)) {
        KERNEL_BINARY(uint8_t, boolean, result[i] = x | y);
        return 0;
    }
    for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++) {
        struct truth a = truth_word(&args[0], word, out->vec.rows);
        struct truth b = truth_word(&args[1], word, out->vec.rows);
        struct truth both = {a.true_bits | b.true_bits, a.false_bits & b.false_bits};
        if (store_truth(eval, out, word, both) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

int kernel_not(struct eval *eval, const struct expr *expr, const struct value *args,
               struct value *out)
{
    (void)eval, (void)expr;
    for (uint32_t i = 0; i < out->vec.rows; i++)
        out->vec.boolean[i] = (args[0].vec.boolean[i] & 1) ^ 1;
    return 0;
}

static int null_test(const struct value *args, struct value *out, uint64_t flip)
{
    for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++) {
        uint64_t valid = args[0].vec.type->kind == TYPE_VOID ? 0 : kernel_valid_word(args, word);
        unpack(valid ^ flip, out->vec.boolean + word * 64, kernel_word_rows(out->vec.rows, word));
    }
    return 0;
}

int kernel_is_null(struct eval *eval, const struct expr *expr, const struct value *args,
                   struct value *out)
{
    (void)eval, (void)expr;
    return null_test(args, out, ~0ULL);
}

int kernel_is_not_null(struct eval *eval, const struct expr *expr, const struct value *args,
                       struct value *out)
{
    (void)eval, (void)expr;
    return null_test(args, out, 0);
}

int kernel_null_safe_equal(struct eval *eval, const struct expr *expr, const struct value *args,
                           struct value *out)
{
    int code = expr->compare(eval, expr, args, out);
    if (code != 0 || without_nulls(args))
        return code;
    for (size_t word = 0; word < vec_valid_words(out->vec.rows); word++) {
        uint32_t n = kernel_word_rows(out->vec.rows, word);
        uint64_t a = kernel_valid_word(&args[0], word), b = kernel_valid_word(&args[1], word);
        uint64_t equal = kernel_pack(out->vec.boolean + word * 64, n);
        unpack((a & b & equal) | (~a & ~b), out->vec.boolean + word * 64, n);
    }
    return 0;
}

/* value IN (list): TRUE if it equals one, else NULL if it or one of the list is NULL. */
int kernel_in(struct eval *eval, const struct expr *expr, const struct value *args,
              struct value *out)
{
    size_t words = vec_valid_words(out->vec.rows);
    uint64_t *found = arena_calloc(eval->arena, words, sizeof *found);
    uint64_t *unsure = arena_calloc(eval->arena, words, sizeof *unsure);
    struct value equal = {0};
    if (!found || !unsure || vec_init(&equal.vec, expr->type, out->vec.rows, eval->arena) != 0)
        return ERR_NOMEM;
    for (uint32_t k = 1; k < expr->arg_count; k++) {
        struct value pair[2] = {args[0], args[k]};
        bool null = args[k].constant && vec_is_null(&args[k].vec, 0);
        equal.constant = args[0].constant && args[k].constant;
        equal.vec.rows = equal.constant ? 1 : out->vec.rows;
        int code = null ? 0 : expr->compare(eval, expr, pair, &equal);
        if (code != 0)
            return code;
        for (size_t word = 0; word < words; word++) {
            uint64_t valid = kernel_valid_word(&pair[0], word) & kernel_valid_word(&pair[1], word);
            if (!null)
                found[word] |= truth_word(&equal, word, out->vec.rows).true_bits & valid;
            unsure[word] |= ~valid;
        }
    }
    for (size_t word = 0; word < words; word++) {
        struct truth truth = {found[word], ~found[word] & ~unsure[word]};
        if (store_truth(eval, out, word, truth) != 0)
            return ERR_NOMEM;
    }
    return 0;
}
