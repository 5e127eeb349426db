/* envelope.h: the frame around everything a checkpoint keeps besides state: one line that says what
 * it is, in which version, how long and with which checksum, then the content. Pure.
 *
 *     sluice commit 1 bytes=1234 crc32c=0a1b2c3d\n<content>
 *
 * The line comes first so that a newer version is told apart from damage. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Appends the frame and the content. kind: one word. */
void envelope_append(struct buf *out, const char *kind, uint32_t version, struct str content);
/* The content, a view into `bytes`. Versions 1 to `version` are taken; *found (may be NULL) says
 * which. ERR_CORRUPT: not ours, of another kind, newer, cut short, or its checksum is wrong; the
 * message says which of these. */
int envelope_open(struct str bytes, const char *kind, uint32_t version, uint32_t *found,
                  struct str *content, struct err *err) MUST_CHECK;
