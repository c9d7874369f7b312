#include "api/handlers/uploading.h"
#include "api/json.h"

enum {
    READ_BYTES = 64 * 1024,
    REJECTED_SHOWN_MAX = 1000,
    VALUE_SHOWN_MAX = 200, /* bytes of a rejected line */
};

void uploading_fini(struct uploading *u)
{
    buf_fini(&u->lines);
}

void uploading_reject(void *context, uint64_t line, const char *reason,
                      const char *value, size_t value_len)
{
    struct uploading *u = context;
    struct buf *out = &u->lines;

    if (u->rejected++ >= REJECTED_SHOWN_MAX)
        return;
    buf_addf(out, "%s{\"line\":%llu,\"reason\":", out->len ? "," : "",
             (unsigned long long)line);
    json_add_text(out, reason);
    buf_add_text(out, ",\"value\":");
    json_add_text_n(out, value,
                    value_len < VALUE_SHOWN_MAX ? value_len : VALUE_SHOWN_MAX);
    buf_add_char(out, '}');
}

void uploading_add_rejected(const struct uploading *u, struct buf *out)
{
    buf_addf(out, "\"rejected\":%llu,\"rejected_lines\":[",
             (unsigned long long)u->rejected);
    buf_add(out, u->lines.data, u->lines.len);
    buf_add_char(out, ']');
}

/* Whole blocks, so that the parsers aren't called for single bytes. 0 at the
 * body's end, -1 if the client has gone. */
static ssize_t read_block(struct request *request, char *block)
{
    size_t n = 0;
    ssize_t more = 1;

    while (n < READ_BYTES && more > 0) {
        more = request_read(request, block + n, READ_BYTES - n);
        if (more > 0)
            n += (size_t)more;
    }
    return more < 0 ? -1 : (ssize_t)n;
}

static enum status read_body(struct request *request, struct upload *upload,
                             struct error *err)
{
    char block[READ_BYTES];
    ssize_t n;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (n = read_block(request, block)) != 0) {
        if (n < 0)
            return fail(err, STATUS_INVALID,
                        "The connection ended in the middle of the upload.");
        status = upload_feed(upload, block, (size_t)n, err);
    }
    if (status == STATUS_OK)
        status = upload_end(upload, err);
    return status;
}

enum status uploading_run(struct uploading *u, const struct upload_sink *sink,
                          struct error *err)
{
    const struct request *r = u->request;
    struct upload_form form;
    enum status status =
        upload_form_of(r->headers[HEADER_CONTENT_TYPE],
                       r->headers[HEADER_CONTENT_ENCODING], &form, err);

    if (status != STATUS_OK)
        return status;
    struct upload *upload =
        upload_new(form, (uint64_t)r->config->api_upload_max_bytes, sink);

    status = read_body(u->request, upload, err);
    upload_free(upload);
    return status;
}
