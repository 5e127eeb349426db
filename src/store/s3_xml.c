#include "store/s3_xml.h"

#include <stdio.h>

void s3_xml_fini(struct s3_xml *xml)
{
    buf_fini(&xml->text);
}

static struct str rest(const struct s3_xml *xml)
{
    return (struct str){xml->doc.p + xml->at, xml->doc.n - xml->at};
}

/* Moves behind the next `end`; false when there is none. */
static bool skip_past(struct s3_xml *xml, struct str end)
{
    for (; xml->at + end.n <= xml->doc.n; xml->at++) {
        if (str_starts_with(rest(xml), end)) {
            xml->at += end.n;
            return true;
        }
    }
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_name(char c)
{
    return is_space(c) || c == '/' || c == '>';
}

/* Without a namespace prefix. */
static struct str take_name(struct s3_xml *xml)
{
    size_t start = xml->at;
    while (xml->at < xml->doc.n && !ends_name(xml->doc.p[xml->at])) {
        if (xml->doc.p[xml->at++] == ':')
            start = xml->at;
    }
    return (struct str){xml->doc.p + start, xml->at - start};
}

static void append_code_point(struct buf *out, unsigned long c)
{
    if (c < 0x80) {
        buf_append_char(out, (char)c);
    } else if (c < 0x800) {
        buf_append_char(out, (char)(0xc0 | c >> 6));
        buf_append_char(out, (char)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        buf_append_char(out, (char)(0xe0 | c >> 12));
        buf_append_char(out, (char)(0x80 | (c >> 6 & 63)));
        buf_append_char(out, (char)(0x80 | (c & 63)));
    } else {
        buf_append_char(out, (char)(0xf0 | c >> 18));
        buf_append_char(out, (char)(0x80 | (c >> 12 & 63)));
        buf_append_char(out, (char)(0x80 | (c >> 6 & 63)));
        buf_append_char(out, (char)(0x80 | (c & 63)));
    }
}

/* &#38; and &#x26; without the frame: "#38". */
static bool append_numeric(struct buf *out, struct str s)
{
    unsigned base = s.n > 2 && s.p[1] == 'x' ? 16 : 10;
    unsigned long value = 0;
    size_t i = base == 16 ? 2 : 1;
    if (i >= s.n || s.n > 8)
        return false;
    for (; i < s.n; i++) {
        char c = s.p[i] >= 'A' && s.p[i] <= 'F' ? (char)(s.p[i] + 32) : s.p[i];
        unsigned digit = c >= '0' && c <= '9'                 ? (unsigned)(c - '0')
                         : base == 16 && c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                              : 99;
        if (digit == 99)
            return false;
        value = value * base + digit;
    }
    if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return false;
    append_code_point(out, value);
    return true;
}

static bool append_entity(struct s3_xml *xml)
{
    static const struct {
        const char *name;
        char c;
    } named[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    size_t start = ++xml->at; /* behind & */
    const char *semicolon = memchr(xml->doc.p + start, ';', xml->doc.n - start);
    if (!semicolon)
        return false;
    struct str s = {xml->doc.p + start, (size_t)(semicolon - xml->doc.p) - start};
    xml->at = start + s.n + 1;
    if (s.n && s.p[0] == '#')
        return append_numeric(&xml->text, s);
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        if (str_is(s, named[i].name)) {
            buf_append_char(&xml->text, named[i].c);
            return true;
        }
    }
    return false;
}

static enum s3_xml_event close_element(struct s3_xml *xml)
{
    xml->depth--; /* its name stays readable behind the open ones */
    return S3_XML_CLOSE;
}

static enum s3_xml_event read_close(struct s3_xml *xml)
{
    xml->at += 2;
    struct str name = take_name(xml);
    while (xml->at < xml->doc.n && is_space(xml->doc.p[xml->at]))
        xml->at++;
    if (xml->at >= xml->doc.n || xml->doc.p[xml->at++] != '>')
        return S3_XML_BAD;
    if (xml->depth == 0 || !str_eq(name, xml->names[xml->depth - 1]))
        return S3_XML_BAD;
    return close_element(xml);
}

static enum s3_xml_event read_open(struct s3_xml *xml)
{
    xml->at++;
    struct str name = take_name(xml);
    char quote = 0;
    while (xml->at < xml->doc.n && (quote || xml->doc.p[xml->at] != '>')) {
        char c = xml->doc.p[xml->at++];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
    }
    if (xml->at >= xml->doc.n || name.n == 0 || xml->depth >= S3_XML_DEPTH_MAX)
        return S3_XML_BAD;
    xml->empty = xml->doc.p[xml->at - 1] == '/';
    xml->at++;
    xml->names[xml->depth++] = name;
    buf_clear(&xml->text);
    return S3_XML_OPEN;
}

enum s3_xml_event s3_xml_next(struct s3_xml *xml)
{
    if (xml->empty) {
        xml->empty = false;
        return close_element(xml);
    }
    while (xml->at < xml->doc.n) {
        char c = xml->doc.p[xml->at];
        bool ok = true;
        if (c == '&') {
            ok = append_entity(xml);
        } else if (c != '<') {
            buf_append_char(&xml->text, c);
            ok = xml->depth > 0 || is_space(c) || c == '\xef' || c == '\xbb' || c == '\xbf';
            xml->at++;
        } else if (str_starts_with(rest(xml), STR("<![CDATA["))) {
            size_t start = xml->at += 9;
            ok = skip_past(xml, STR("]]>"));
            if (ok)
                buf_append(&xml->text, xml->doc.p + start, xml->at - 3 - start);
        } else if (str_starts_with(rest(xml), STR("<!--"))) {
            ok = skip_past(xml, STR("-->"));
        } else if (str_starts_with(rest(xml), STR("<?"))) {
            ok = skip_past(xml, STR("?>"));
        } else if (str_starts_with(rest(xml), STR("</"))) {
            return read_close(xml);
        } else {
            return str_starts_with(rest(xml), STR("<!")) ? S3_XML_BAD : read_open(xml);
        }
        if (!ok)
            return S3_XML_BAD;
    }
    return xml->depth == 0 && xml->names[0].n ? S3_XML_DONE : S3_XML_BAD;
}

bool s3_xml_is(const struct s3_xml *xml, enum s3_xml_event event, const char *name)
{
    return str_is(xml->names[event == S3_XML_OPEN ? xml->depth - 1 : xml->depth], name);
}

static void copy_text(const struct s3_xml *xml, char *out, size_t size)
{
    size_t n = xml->text.n < size ? xml->text.n : size - 1;
    if (n)
        memcpy(out, xml->text.p, n);
    out[n] = '\0';
    for (size_t i = 0; i < n; i++) { /* one line, whatever the server writes */
        if ((unsigned char)out[i] < 0x20)
            out[i] = ' ';
    }
}

static void copy_error_field(const struct s3_xml *xml, struct s3_error_body *out)
{
    const struct {
        const char *name;
        char *text;
        size_t size;
    } fields[] = {
        {"Code", out->code, sizeof out->code},
        {"Message", out->message, sizeof out->message},
        {"Region", out->region, sizeof out->region},
        {"Endpoint", out->endpoint, sizeof out->endpoint},
        {"RequestId", out->request_id, sizeof out->request_id},
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (s3_xml_is(xml, S3_XML_CLOSE, fields[i].name))
            copy_text(xml, fields[i].text, fields[i].size);
    }
}

bool s3_xml_error(struct str doc, struct s3_error_body *out)
{
    struct s3_xml xml = {.doc = doc};
    enum s3_xml_event event;
    bool error = false;
    *out = (struct s3_error_body){0};
    while ((event = s3_xml_next(&xml)) == S3_XML_OPEN || event == S3_XML_CLOSE) {
        if (event == S3_XML_OPEN && xml.depth == 1) {
            error = s3_xml_is(&xml, event, "Error") || s3_xml_is(&xml, event, "ErrorResponse");
            if (!error)
                break;
        }
        if (event == S3_XML_CLOSE)
            copy_error_field(&xml, out);
    }
    s3_xml_fini(&xml);
    return error && event == S3_XML_DONE;
}

bool s3_xml_value(struct str doc, const char *root, const char *name, struct buf *out)
{
    struct s3_xml xml = {.doc = doc};
    enum s3_xml_event event;
    bool found = false;
    buf_clear(out);
    while ((event = s3_xml_next(&xml)) == S3_XML_OPEN || event == S3_XML_CLOSE) {
        if (event == S3_XML_OPEN && xml.depth == 1 && !s3_xml_is(&xml, event, root))
            break;
        if (event == S3_XML_CLOSE && !found && s3_xml_is(&xml, event, name)) {
            buf_append_str(out, buf_str(&xml.text));
            found = true;
        }
    }
    found = found && event == S3_XML_DONE && !out->failed && !xml.text.failed;
    s3_xml_fini(&xml);
    return found;
}
