/* Pages of listings: of objects and of unfinished uploads. */
#include "store/s3_xml.h"

/* What a page is made of, and what is known of one while it is read. */
struct page {
    const char *root, *item, *next_key;
    void (*object)(void *user, struct str key, uint64_t bytes);
    void (*upload)(void *user, struct str key, struct str id);
    void *user;
    struct buf key, id, after, after_id;
    int64_t bytes;
    bool rooted, truncated;
};

static void set(struct buf *out, struct str text)
{
    buf_clear(out);
    buf_append_str(out, text);
}

static void take_field(const struct s3_xml *xml, struct page *page)
{
    struct str text = buf_str(&xml->text);
    struct str parent = xml->depth ? xml->names[xml->depth - 1] : (struct str){0};
    bool in_item = str_is(parent, page->item);
    if (in_item && s3_xml_is(xml, S3_XML_CLOSE, "Key")) {
        set(&page->key, text);
    } else if (in_item && s3_xml_is(xml, S3_XML_CLOSE, "UploadId")) {
        set(&page->id, text);
    } else if (in_item && s3_xml_is(xml, S3_XML_CLOSE, "Size")) {
        if (!str_to_i64(text, &page->bytes) || page->bytes < 0)
            page->bytes = -1;
    } else if (s3_xml_is(xml, S3_XML_CLOSE, "IsTruncated")) {
        page->truncated = str_is(text, "true");
    } else if (s3_xml_is(xml, S3_XML_CLOSE, page->next_key)) {
        set(&page->after, text);
    } else if (s3_xml_is(xml, S3_XML_CLOSE, "NextUploadIdMarker")) {
        set(&page->after_id, text);
    }
}

static bool give_item(const struct page *page)
{
    if (page->key.n == 0 || (page->object ? page->bytes < 0 : page->id.n == 0))
        return false;
    if (page->object)
        page->object(page->user, buf_str(&page->key), (uint64_t)page->bytes);
    else
        page->upload(page->user, buf_str(&page->key), buf_str(&page->id));
    return true;
}

/* Whether it is whole; false also without memory. */
static bool read_page(struct page *page, struct str doc, bool *memory)
{
    struct s3_xml xml = {.doc = doc};
    enum s3_xml_event event;
    while ((event = s3_xml_next(&xml)) == S3_XML_OPEN || event == S3_XML_CLOSE) {
        if (event == S3_XML_OPEN && xml.depth == 1)
            page->rooted = s3_xml_is(&xml, event, page->root);
        if (event == S3_XML_OPEN && s3_xml_is(&xml, event, page->item)) {
            buf_clear(&page->key);
            buf_clear(&page->id);
            page->bytes = -1;
        }
        if (event == S3_XML_CLOSE)
            take_field(&xml, page);
        if (event == S3_XML_CLOSE && s3_xml_is(&xml, event, page->item) && page->rooted &&
            !give_item(page))
            break;
    }
    *memory = !xml.text.failed && !page->key.failed && !page->id.failed && !page->after.failed &&
              !page->after_id.failed;
    s3_xml_fini(&xml);
    return event == S3_XML_DONE && page->rooted && (!page->truncated || page->after.n);
}

/* Where the next page begins passes to key and id (which may be NULL). */
static int take_page(struct page *page, struct str doc, struct buf *key, struct buf *id,
                     struct err *err)
{
    bool memory;
    bool ok = read_page(page, doc, &memory);
    set(key, page->truncated ? buf_str(&page->after) : (struct str){0});
    memory = memory && !key->failed;
    if (id) {
        set(id, page->truncated ? buf_str(&page->after_id) : (struct str){0});
        memory = memory && !id->failed;
    }
    buf_fini(&page->key);
    buf_fini(&page->id);
    buf_fini(&page->after);
    buf_fini(&page->after_id);
    if (!memory)
        return err_set(err, ERR_NOMEM, "out of memory");
    return ok ? 0 : err_set(err, ERR_CORRUPT, "the listing is not what S3 answers");
}

int s3_xml_list(struct str doc, void (*entry)(void *user, struct str key, uint64_t bytes),
                void *user, struct buf *token, struct err *err)
{
    struct page page = {.root = "ListBucketResult",
                        .item = "Contents",
                        .next_key = "NextContinuationToken",
                        .object = entry,
                        .user = user};
    return take_page(&page, doc, token, NULL, err);
}

int s3_xml_uploads(struct str doc, void (*entry)(void *user, struct str key, struct str id),
                   void *user, struct buf *key, struct buf *id, struct err *err)
{
    struct page page = {.root = "ListMultipartUploadsResult",
                        .item = "Upload",
                        .next_key = "NextKeyMarker",
                        .upload = entry,
                        .user = user};
    return take_page(&page, doc, key, id, err);
}
