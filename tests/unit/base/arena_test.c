#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/buf.h"

Test(arena, remembers_that_it_failed)
{
    struct arena arena = {0};
    struct buf failed = {.failed = true};
    cr_expect_not_null(arena_alloc(&arena, 0));
    cr_expect_not(arena.failed);
    cr_expect_null(arena_alloc(&arena, SIZE_MAX));
    cr_expect(arena.failed);
    arena_reset(&arena);
    cr_expect_not(arena.failed);
    cr_expect_null(arena_calloc(&arena, SIZE_MAX / 2, 3));
    cr_expect(arena.failed);
    arena_reset(&arena);
    cr_expect_null(arena_buf(&arena, &failed).p, "what it holds is not all");
    cr_expect(arena.failed);
    arena_fini(&arena);
}

Test(arena, copies_a_buffer)
{
    struct arena arena = {0};
    struct buf buf = {0};
    cr_expect_not_null(arena_buf(&arena, &buf).p, "empty, but there");
    buf_append_str(&buf, STR("text"));
    struct str copy = arena_buf(&arena, &buf);
    buf_fini(&buf);
    cr_expect(str_is(copy, "text"));
    cr_expect_not(arena.failed);
    arena_fini(&arena);
}
