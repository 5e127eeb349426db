/* identity.h: which process of which boot of which host this is, so that another can tell whether
 * it still lives. From /proc (proc(5), pid_namespaces(7)) and gethostname(2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { IDENTITY_TEXT_SIZE = 65 };

struct identity {
    char host[IDENTITY_TEXT_SIZE];
    char boot_id[IDENTITY_TEXT_SIZE];       /* empty: not known */
    char pid_namespace[IDENTITY_TEXT_SIZE]; /* where pid counts */
    int64_t pid;
    int64_t start_ticks; /* since boot: tells a process from a later one with the same pid */
};

void identity_self(struct identity *out);
/* Whether the other is known to be gone: same host, boot and namespace, and no such process. */
bool identity_is_gone(const struct identity *other);
