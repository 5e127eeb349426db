/* s3_xml.h: reads the XML answers of S3 and of AWS's token service.
 *
 * A pull parser for small well-formed documents without a DTD: elements, text, the five named
 * entities, numeric ones and CDATA; attributes, comments and processing instructions are passed
 * over, prefixes of names cut off. A cut-off document is an error, never half an answer. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { S3_XML_DEPTH_MAX = 16 };

enum s3_xml_event { S3_XML_OPEN, S3_XML_CLOSE, S3_XML_DONE, S3_XML_BAD };

/* All zero but for doc before the first s3_xml_next; s3_xml_fini after the last. */
struct s3_xml {
    struct str doc;
    size_t at;
    uint32_t depth;
    bool empty;                             /* <a/> was opened: it closes next */
    struct str names[S3_XML_DEPTH_MAX + 1]; /* of the open elements, and of the one just closed */
    struct buf text; /* at CLOSE: the text of the element, when it holds no other element */
};

enum s3_xml_event s3_xml_next(struct s3_xml *xml);
void s3_xml_fini(struct s3_xml *xml);
/* At OPEN and CLOSE: whether the element is called that. */
bool s3_xml_is(const struct s3_xml *xml, enum s3_xml_event event, const char *name);

/* What an <Error> document says; strings are cut to fit, "" when absent. */
struct s3_error_body {
    char code[64], message[320], region[64], endpoint[256], request_id[128];
};

/* False when it is no error document of S3 or of the token service. */
bool s3_xml_error(struct str doc, struct s3_error_body *out);
/* Text of the first element with that name in a document with that root; false when the document
 * is damaged, has another root, or no such element. out is cleared first. */
bool s3_xml_value(struct str doc, const char *root, const char *name, struct buf *out);
/* A page of ListObjectsV2: calls `entry` for each object; the token of the next page, empty after
 * the last, in `token`. ERR_CORRUPT (damaged, or no such document), ERR_NOMEM. */
int s3_xml_list(struct str doc, void (*entry)(void *user, struct str key, uint64_t bytes),
                void *user, struct buf *token, struct err *err) MUST_CHECK;
/* The same of ListMultipartUploads; where the next page begins in `key` and `id`. */
int s3_xml_uploads(struct str doc, void (*entry)(void *user, struct str key, struct str id),
                   void *user, struct buf *key, struct buf *id, struct err *err) MUST_CHECK;
