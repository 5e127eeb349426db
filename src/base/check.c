#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *kind, const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s failed at %s:%d: %s\n", kind, file, line, cond);
    abort();
}
