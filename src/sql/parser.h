/* parser.h: tokens → ast.h, by recursive descent with Spark's precedence (SqlBaseParser.g4). */
#pragma once

#include "sql/ast.h"

/* Nesting of an expression, and depth of its tree. */
enum { SQL_DEPTH_MAX = 1000 };

/* Parses a schema, "a INT, b ARRAY<STRING>" (a STRUCT), or a type alone; diag->text is the schema.
 * Fails as parser_run. */
int parser_schema(const struct diag *diag, struct arena *arena, const struct type **out) MUST_CHECK;

/* Parses the one query form there is. Fails with ERR_INVALID, ERR_UNSUPPORTED or ERR_NOMEM. */
int parser_run(const struct diag *diag, struct arena *arena, struct ast_query *query) MUST_CHECK;
