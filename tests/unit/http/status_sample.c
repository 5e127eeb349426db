/* status_sample.c: prints a /status document: "full" with everything, "empty" with nothing yet. */
#include <stdio.h>
#include <string.h>

#include "status_fixture.h"

int main(int argc, char **argv)
{
    struct buf out = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: status_sample full|empty\n");
        return 2;
    }
    status_print(strcmp(argv[1], "full") == 0 ? &status_full : &status_empty, &out);
    fwrite(out.p, 1, out.n, stdout);
    bool failed = out.failed;
    buf_fini(&out);
    return failed;
}
