#include "batch/envelope.h"

#include <stdio.h>

#include "base/crc32c.h"

enum { LINE_MAX_BYTES = 120 };

void envelope_append(struct buf *out, const char *kind, uint32_t version, struct str content)
{
    buf_printf(out, "sluice %s %u bytes=%zu crc32c=%08x\n", kind, version, content.n,
               crc32c(0, content));
    buf_append_str(out, content);
}

static int not_ours(struct err *err, const char *kind)
{
    return err_set(err, ERR_CORRUPT,
                   "this is no %s record of sluice: it does not begin with one's "
                   "first line",
                   kind);
}

int envelope_open(struct str bytes, const char *kind, uint32_t version, uint32_t *found,
                  struct str *content, struct err *err)
{
    char line[LINE_MAX_BYTES + 1], word[32] = "";
    const char *end = bytes.n ? memchr(bytes.p, '\n', bytes.n) : NULL;
    unsigned number = 0, sum = 0;
    size_t length = 0;
    if (bytes.n == 0)
        return err_set(err, ERR_CORRUPT, "it is empty");
    if (!str_starts_with(bytes, STR("sluice ")))
        return not_ours(err, kind);
    size_t n = end ? (size_t)(end - bytes.p) : bytes.n;
    if (!end && n <= LINE_MAX_BYTES)
        return err_set(err, ERR_CORRUPT, "it is cut short: %zu bytes are left", bytes.n);
    if (n > LINE_MAX_BYTES)
        return not_ours(err, kind);
    memcpy(line, bytes.p, n);
    line[n] = '\0';
    int fields = sscanf(line, "sluice %31s %u bytes=%zu crc32c=%8x", word, &number, &length, &sum);
    if (fields < 2 || strcmp(word, kind) != 0)
        return not_ours(err, kind);
    if (number > version)
        return err_set(err, ERR_CORRUPT,
                       "it is of version %u, written by a newer sluice; this one reads up to "
                       "version %u",
                       number, version);
    if (fields < 4 || number == 0)
        return err_set(err, ERR_CORRUPT, "it is damaged: its first line is not in order");
    *content = (struct str){end + 1, bytes.n - n - 1};
    if (content->n < length)
        return err_set(err, ERR_CORRUPT, "it is cut short: %zu of %zu bytes are there", content->n,
                       length);
    if (content->n > length)
        return err_set(err, ERR_CORRUPT, "it is damaged: %zu bytes where %zu should be", content->n,
                       length);
    uint32_t is = crc32c(0, *content);
    if (is != sum)
        return err_set(err, ERR_CORRUPT, "it is damaged: its checksum is %08x, not %08x", is, sum);
    if (found)
        *found = number;
    return 0;
}
