/* check.h: assertions for states that cannot be, and compiler hints.
 *
 * REQUIRE guards a precondition, INVARIANT a state this module alone controls. Both stay on in
 * release builds and abort with file and line. The outside world (input, network, disk, failed
 * allocation) is never asserted: it is an ordinary error (err.h). */
#pragma once

#include <stddef.h>

#define MUST_CHECK             __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define LIKELY(x)              __builtin_expect(!!(x), 1)
#define UNLIKELY(x)            __builtin_expect(!!(x), 0)
#define COUNT_OF(array)        (sizeof(array) / sizeof((array)[0]))

/* The owner of a member: CONTAINER_OF(&owner->link, struct owner, link) == owner. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define REQUIRE(cond) (LIKELY(cond) ? (void)0 : check_failed("REQUIRE", #cond, __FILE__, __LINE__))
#define INVARIANT(cond)                                                                            \
    (LIKELY(cond) ? (void)0 : check_failed("INVARIANT", #cond, __FILE__, __LINE__))

/* Prints one line to stderr and aborts. */
_Noreturn void check_failed(const char *kind, const char *cond, const char *file, int line);
