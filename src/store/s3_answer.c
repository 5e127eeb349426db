#include "store/s3_answer.h"

#include <curl/curl.h>
#include <stdio.h>

enum { MD5_HEX_BYTES = 32, RETRY_AFTER_MS_MAX = 300000 };

void s3_answer_clear(struct s3_answer *answer)
{
    struct buf body = answer->body;
    buf_clear(&body);
    *answer = (struct s3_answer){.body = body, .content_length = -1, .retry_after_ms = -1};
}

void s3_answer_fini(struct s3_answer *answer)
{
    buf_fini(&answer->body);
}

static void copy_value(char *out, size_t size, struct str value)
{
    size_t n = value.n < size ? value.n : size - 1;
    if (n)
        memcpy(out, value.p, n);
    out[n] = '\0';
}

/* Milliseconds since 1970, or 0. */
static int64_t parse_date(struct str value)
{
    char text[64];
    copy_value(text, sizeof text, value);
    time_t seconds = curl_getdate(text, NULL);
    return seconds > 0 ? (int64_t)seconds * 1000 : 0;
}

static int64_t parse_retry_after(const struct s3_answer *answer, struct str value, int64_t now_ms)
{
    int64_t seconds, ms;
    if (str_to_i64(value, &seconds)) {
        ms = seconds < 0 ? 0 : seconds > RETRY_AFTER_MS_MAX ? RETRY_AFTER_MS_MAX : seconds * 1000;
    } else {
        int64_t date_ms = parse_date(value);
        if (date_ms == 0)
            return -1;
        ms = date_ms - (answer->date_ms ? answer->date_ms : now_ms);
    }
    return ms < 0 ? 0 : ms > RETRY_AFTER_MS_MAX ? RETRY_AFTER_MS_MAX : ms;
}

static void set_etag(struct s3_answer *answer, struct str value)
{
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = (struct str){value.p + 1, value.n - 2};
    copy_value(answer->etag, sizeof answer->etag, value);
}

void s3_answer_header(struct s3_answer *answer, struct str line, int64_t now_ms)
{
    if (str_starts_with(line, STR("HTTP/"))) { /* 100 Continue has a head of its own */
        s3_answer_clear(answer);
        return;
    }
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    if (!colon)
        return;
    struct str name = {line.p, (size_t)(colon - line.p)};
    struct str value = str_trim((struct str){colon + 1, line.n - name.n - 1});
    if (str_eq_nocase(name, STR("x-amz-request-id")))
        copy_value(answer->request_id, sizeof answer->request_id, value);
    else if (str_eq_nocase(name, STR("x-amz-bucket-region")))
        copy_value(answer->region, sizeof answer->region, value);
    else if (str_eq_nocase(name, STR("etag")))
        set_etag(answer, value);
    else if (str_eq_nocase(name, STR("x-amz-checksum-crc32c")))
        copy_value(answer->crc32c, sizeof answer->crc32c, value.n == 8 ? value : (struct str){0});
    else if (str_eq_nocase(name, STR("content-length")) &&
             !str_to_i64(value, &answer->content_length))
        answer->content_length = -1;
    else if (str_eq_nocase(name, STR("transfer-encoding")))
        answer->chunked = str_eq_nocase(value, STR("chunked"));
    else if (str_eq_nocase(name, STR("date")))
        answer->date_ms = parse_date(value);
    else if (str_eq_nocase(name, STR("retry-after")))
        answer->retry_after_ms = parse_retry_after(answer, value, now_ms);
    else if (str_eq_nocase(name, STR("x-amz-server-side-encryption")))
        answer->encrypted |= str_starts_with(value, STR("aws:"));
    else if (str_eq_nocase(name, STR("x-amz-server-side-encryption-customer-algorithm")))
        answer->encrypted = true;
}

void s3_answer_end(struct s3_answer *answer, bool document)
{
    struct s3_error_body error;
    if (answer->transport != S3_TRANSPORT_OK)
        return;
    bool good = answer->status >= 200 && answer->status < 300;
    if ((document || !good) && s3_xml_error(buf_str(&answer->body), &error))
        answer->error = error;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool s3_etag_plain(const char *etag, uint32_t *parts)
{
    int64_t count = 0;
    for (size_t i = 0; i < MD5_HEX_BYTES; i++) {
        if (!is_hex(etag[i]))
            return false;
    }
    const char *end = etag + MD5_HEX_BYTES;
    if (*end && (*end != '-' || !str_to_i64(str_of(end + 1), &count) || count < 1 || count > 10000))
        return false;
    *parts = (uint32_t)count;
    return true;
}
