#include "api/upload/upload.h"
#include "api/upload/csv.h"
#include "api/upload/gunzip.h"
#include "api/upload/ndjson.h"
#include "base/memory.h"
#include <stdlib.h>
#include <strings.h>

/* Enough to tell gzip from a byte order mark from text. */
enum { HEAD_BYTES = 4 };

struct upload {
    struct upload_form form;
    uint64_t bytes, bytes_max; /* unpacked */
    const struct upload_sink *sink;
    struct buf head, text_head; /* until the packing, the format is known */
    struct gunzip *gunzip;
    struct csv *csv;
    struct ndjson *ndjson;
};

static const struct {
    const char *type;
    enum upload_format format;
    enum upload_packing packing;
} types[] = {
    {"text/csv", UPLOAD_CSV, UPLOAD_ANY},
    {"application/csv", UPLOAD_CSV, UPLOAD_ANY},
    {"text/tab-separated-values", UPLOAD_CSV, UPLOAD_ANY},
    {"application/x-ndjson", UPLOAD_NDJSON, UPLOAD_ANY},
    {"application/ndjson", UPLOAD_NDJSON, UPLOAD_ANY},
    {"application/jsonl", UPLOAD_NDJSON, UPLOAD_ANY},
    {"application/json", UPLOAD_NDJSON, UPLOAD_ANY},
    {"application/gzip", UPLOAD_UNKNOWN, UPLOAD_GZIP},
    {"application/x-gzip", UPLOAD_UNKNOWN, UPLOAD_GZIP},
    /* What clients say who were told nothing. */
    {"application/octet-stream", UPLOAD_UNKNOWN, UPLOAD_ANY},
    {"application/x-www-form-urlencoded", UPLOAD_UNKNOWN, UPLOAD_ANY},
    {"text/plain", UPLOAD_UNKNOWN, UPLOAD_ANY},
};

enum status upload_form_of(const char *content_type,
                           const char *content_encoding,
                           struct upload_form *out, struct error *err)
{
    *out = (struct upload_form){UPLOAD_UNKNOWN, UPLOAD_ANY};
    if (content_type && *content_type) {
        size_t n = strcspn(content_type, "; \t"), i = 0;

        while (i < sizeof types / sizeof *types &&
               (strlen(types[i].type) != n ||
                strncasecmp(types[i].type, content_type, n) != 0))
            i++;
        if (i == sizeof types / sizeof *types)
            return fail(err, STATUS_INVALID,
                        "Content-Type: recipients come as text/csv or "
                        "application/x-ndjson");
        *out = (struct upload_form){types[i].format, types[i].packing};
    }
    if (!content_encoding || !*content_encoding ||
        strcasecmp(content_encoding, "identity") == 0)
        return STATUS_OK;
    if (strcasecmp(content_encoding, "gzip") != 0 &&
        strcasecmp(content_encoding, "x-gzip") != 0)
        return fail(err, STATUS_INVALID,
                    "Content-Encoding: only gzip is understood");
    out->packing = UPLOAD_GZIP;
    return STATUS_OK;
}

struct upload *upload_new(struct upload_form form, uint64_t bytes_max,
                          const struct upload_sink *sink)
{
    struct upload *u = memory_new(1, sizeof *u);

    u->form = form;
    u->bytes_max = bytes_max;
    u->sink = sink;
    return u;
}

void upload_free(struct upload *u)
{
    if (!u)
        return;
    buf_fini(&u->head);
    buf_fini(&u->text_head);
    gunzip_free(u->gunzip);
    csv_free(u->csv);
    ndjson_free(u->ndjson);
    free(u);
}

static enum status take_text(struct upload *u, const char *bytes, size_t n,
                             struct error *err)
{
    return u->csv ? csv_feed(u->csv, bytes, n, err)
                  : ndjson_feed(u->ndjson, bytes, n, err);
}

/* An opening brace begins an object, and no list of columns. */
static enum status open_text(struct upload *u, struct error *err)
{
    const char *text = u->text_head.data ? u->text_head.data : "";

    if (strncmp(text, "\xff\xfe", 2) == 0 || strncmp(text, "\xfe\xff", 2) == 0)
        return fail(err, STATUS_INVALID,
                    "the upload is UTF-16: save it as UTF-8");
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    if (*text == '[')
        return fail(err, STATUS_INVALID,
                    "the upload is a JSON array: send one object a line");
    if (u->form.format == UPLOAD_UNKNOWN)
        u->form.format = *text == '{' ? UPLOAD_NDJSON : UPLOAD_CSV;
    if (u->form.format == UPLOAD_CSV)
        u->csv = csv_new(u->sink);
    else
        u->ndjson = ndjson_new(u->sink);
    return take_text(u, u->text_head.data, u->text_head.len, err);
}

static enum status feed_text(void *context, const char *bytes, size_t n,
                             struct error *err)
{
    struct upload *u = context;

    u->bytes += n;
    if (u->bytes > u->bytes_max)
        return fail(err, STATUS_TOO_BIG, "the upload has more than %llu bytes",
                    (unsigned long long)u->bytes_max);
    if (u->csv || u->ndjson)
        return take_text(u, bytes, n, err);
    buf_add(&u->text_head, bytes, n);
    if (u->text_head.len < HEAD_BYTES)
        return STATUS_OK;
    return open_text(u, err);
}

static enum status feed_packed(struct upload *u, const char *bytes, size_t n,
                               struct error *err)
{
    return u->gunzip ? gunzip_feed(u->gunzip, bytes, n, err)
                     : feed_text(u, bytes, n, err);
}

static enum status open_packing(struct upload *u, struct error *err)
{
    if (u->form.packing == UPLOAD_ANY)
        u->form.packing =
            u->head.len >= 2 && memcmp(u->head.data, "\x1f\x8b", 2) == 0
                ? UPLOAD_GZIP
                : UPLOAD_PLAIN;
    if (u->form.packing == UPLOAD_GZIP)
        u->gunzip = gunzip_new(u->bytes_max, feed_text, u);
    return feed_packed(u, u->head.data, u->head.len, err);
}

enum status upload_feed(struct upload *u, const char *bytes, size_t n,
                        struct error *err)
{
    bool open = u->head.len >= HEAD_BYTES;

    if (open)
        return feed_packed(u, bytes, n, err);
    buf_add(&u->head, bytes, n);
    return u->head.len >= HEAD_BYTES ? open_packing(u, err) : STATUS_OK;
}

enum status upload_end(struct upload *u, struct error *err)
{
    enum status st = STATUS_OK;

    if (u->head.len < HEAD_BYTES)
        st = open_packing(u, err);
    if (st == STATUS_OK && u->gunzip)
        st = gunzip_end(u->gunzip, err);
    if (st == STATUS_OK && !u->csv && !u->ndjson)
        st = open_text(u, err);
    if (st != STATUS_OK)
        return st;
    return u->csv ? csv_end(u->csv, err) : ndjson_end(u->ndjson, err);
}
