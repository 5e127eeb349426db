/* token.h: whether a request may be answered. Inside src/http only. */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct http_token {
    char *bearer, *basic; /* what may follow the scheme; owned; NULL: everybody may read */
};

/* token NULL: everybody. ERR_NOMEM: nobody may be answered. */
int http_token_init(struct http_token *token, const char *text) MUST_CHECK;
void http_token_fini(struct http_token *token);
/* header: the value of Authorization; p NULL: there is none. How long it takes does not tell how
 * much of a wrong token was right. */
bool http_token_allows(const struct http_token *token, struct str header) MUST_CHECK;
