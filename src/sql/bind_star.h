/* bind_star.h: what *, relation.* and struct.* stand for. */
#pragma once

#include "sql/binder_impl.h"

/* Values and their names, in the binder's arena. */
struct star {
    struct expr **values;
    struct str *names;
    uint32_t count;
};
/* ERR_INVALID for what is neither the relation nor a STRUCT. */
int bind_star(struct binder *binder, const struct ast *star, struct star *out) MUST_CHECK;
/* Whether it is * or relation.*, not struct.*. */
bool bind_star_is_relation(const struct binder *binder, const struct ast *star);
/* The arguments of a call, stars among them. */
int bind_arguments(struct binder *binder, const struct ast *ast, struct expr ***args,
                   uint32_t *count) MUST_CHECK;
