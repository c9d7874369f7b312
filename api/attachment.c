#include "api/attachment.h"
#include "api/fetch.h"
#include "api/json.h"
#include "mail/base64.h"
#include "mail/encode.h"
#include <string.h>

/* Names that a field has in SDKs, ours first. */
struct names {
    const char *at[3];
};

static const struct names FILENAME = {{"filename", "name", NULL}};
static const struct names TYPE = {{"content_type", "contentType", NULL}};
static const struct names ID = {
    {"content_id", "inline_content_id", "contentId"}};

/* The text by the first of the names that is set; NULL if none is. */
static enum status read_text(json_t *item, const struct names *names,
                             const char **out, struct error *err)
{
    *out = NULL;
    for (size_t i = 0; i < 3 && names->at[i] && !*out; i++) {
        json_t *value = json_object_get(item, names->at[i]);

        /* SDKs send "" for what was not set. */
        if (!value || json_is_null(value) ||
            (json_is_string(value) && json_string_length(value) == 0))
            continue;
        *out = json_string_value(value);
        if (!*out)
            return fail(err, STATUS_INVALID, "%s: it is to be a text",
                        names->at[i]);
        if (strlen(*out) != json_string_length(value))
            return fail(err, STATUS_INVALID, "%s: it has a NUL", names->at[i]);
    }
    return STATUS_OK;
}

/* "<id>" is what the mail will say, and some write it so here. */
static const char *bare_id(const char *id, struct arena *arena)
{
    size_t len = id ? strlen(id) : 0;

    if (len < 2 || id[0] != '<' || id[len - 1] != '>')
        return id;
    return arena_copy(arena, id + 1, len - 2);
}

static enum status read_bytes(const json_t *array, struct buf *base64,
                              struct error *err)
{
    size_t n = json_array_size(array);
    struct buf bytes = {0};
    char *to = buf_reserve(&bytes, n);
    enum status st = STATUS_OK;

    for (size_t i = 0; i < n && st == STATUS_OK; i++) {
        const json_t *value = json_array_get(array, i);
        json_int_t byte = json_integer_value(value);

        if (!json_is_integer(value) || byte < 0 || byte > UINT8_MAX)
            st = fail(err, STATUS_INVALID,
                      "content: item %zu is to be a byte, 0 to 255", i);
        to[i] = (char)byte;
    }
    if (st == STATUS_OK)
        encode_base64(base64, to, n);
    buf_fini(&bytes);
    return st;
}

static enum status read_content(json_t *value, struct arena *arena,
                                struct message_attachment *out,
                                struct error *err)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    struct buf base64 = {0};
    enum status st = STATUS_OK;

    if (text && base64_is_canonical(text, len)) {
        out->base64 = text;
        out->base64_len = len;
        return STATUS_OK;
    }
    if (json_is_object(value))
        value = json_object_get(value, "data");
    if (json_is_array(value))
        st = read_bytes(value, &base64, err);
    else if (!text)
        st = fail(err, STATUS_INVALID,
                  "content: it is to be a base64 text or a list of bytes");
    else if (!base64_clean(&base64, text, len))
        st = fail(err, STATUS_INVALID, "content: it is not base64");
    if (st == STATUS_OK) {
        out->base64 =
            arena_copy(arena, base64.len ? base64.data : "", base64.len);
        out->base64_len = base64.len;
    }
    buf_fini(&base64);
    return st;
}

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value) &&
           !(json_is_string(value) && json_string_length(value) == 0);
}

static enum status read_item(json_t *item, struct arena *arena,
                             struct message_attachment *out, struct error *err)
{
    json_t *content = json_object_get(item, "content");
    enum status st;

    if (!json_is_object(item))
        return fail(err, STATUS_INVALID, "it is to be an object");
    st = read_text(item, &FILENAME, &out->filename, err);
    if (st == STATUS_OK && !out->filename)
        return fail(err, STATUS_INVALID, "filename: missing");
    if (st == STATUS_OK)
        st = read_text(item, &TYPE, &out->content_type, err);
    if (st == STATUS_OK)
        st = read_text(item, &ID, &out->content_id, err);
    if (st != STATUS_OK)
        return st;
    out->content_id = bare_id(out->content_id, arena);
    if (!content || json_is_null(content))
        return fail(err, STATUS_INVALID, "content: missing");
    return read_content(content, arena, out, err);
}

/* ---- Fetching ---- */

static bool item_has_path(const json_t *item)
{
    return is_set(json_object_get(item, "path"));
}

static bool email_has_path(const json_t *email)
{
    const json_t *list = json_object_get(email, "attachments");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (item_has_path(json_array_get(list, i)))
            return true;
    return false;
}

bool attachment_has_path(const json_t *body)
{
    for (size_t i = 0; i < json_array_size(body); i++)
        if (email_has_path(json_array_get(body, i)))
            return true;
    return email_has_path(body);
}

/* The last part of the URL's path, as it is: "report.pdf". */
static void name_by_url(json_t *item, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t len = strcspn(host, "?#");
    const char *slash = memrchr(host, '/', len);
    size_t name = slash ? len - (size_t)(slash + 1 - host) : 0;

    if (!is_set(json_object_get(item, "filename")) && name > 0)
        json_object_set_new(item, "filename", json_stringn(slash + 1, name));
    if (!is_set(json_object_get(item, "filename")))
        json_object_set_new(item, "filename", json_string("attachment"));
}

static enum status fetch_item(json_t *item, struct fetch *fetch,
                              struct error *err)
{
    const char *url = json_string_value(json_object_get(item, "path"));
    struct fetched file;
    struct buf base64 = {0};
    struct error why;

    if (is_set(json_object_get(item, "content")))
        return fail(err, STATUS_INVALID, "give content or path, not both");
    if (!url)
        return fail(err, STATUS_INVALID, "path: it is to be a text");
    if (fetch_url(fetch, url, &file, &why) != STATUS_OK)
        return fail(err, STATUS_INVALID, "path: %s", why.text);
    encode_base64(&base64, file.bytes.data ? file.bytes.data : "",
                  file.bytes.len);
    json_object_set_new(
        item, "content",
        json_stringn(base64.len ? base64.data : "", base64.len));
    if (!is_set(json_object_get(item, "content_type")) &&
        !is_set(json_object_get(item, "contentType")) && file.type[0])
        json_object_set_new(item, "content_type", json_string(file.type));
    name_by_url(item, url);
    json_object_del(item, "path");
    buf_fini(&base64);
    buf_fini(&file.bytes);
    return STATUS_OK;
}

enum status attachment_fetch(json_t *email, struct fetch *fetch,
                             struct error *err)
{
    json_t *list = json_object_get(email, "attachments");

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        struct error why;

        if (item_has_path(item) && fetch_item(item, fetch, &why) != STATUS_OK)
            return fail(err, STATUS_INVALID, "attachments[%zu]: %s", i,
                        why.text);
    }
    return STATUS_OK;
}

/* ---- Reading ---- */

enum status attachment_read(json_t *value, struct arena *arena,
                            struct attachment_list *out, struct error *err)
{
    out->n = 0;
    if (!is_set(value))
        return STATUS_OK;
    if (!json_is_array(value))
        return fail(err, STATUS_INVALID, "attachments: it is to be a list");
    if (json_array_size(value) > MESSAGE_ATTACHMENTS_MAX)
        return fail(err, STATUS_INVALID, "attachments: more than %d",
                    MESSAGE_ATTACHMENTS_MAX);
    for (; out->n < json_array_size(value); out->n++) {
        struct error why;
        struct message_attachment *item = &out->at[out->n];

        *item = (struct message_attachment){0};
        if (read_item(json_array_get(value, out->n), arena, item, &why) !=
            STATUS_OK)
            return fail(err, STATUS_INVALID, "attachments[%zu]: %s", out->n,
                        why.text);
    }
    return STATUS_OK;
}

static void add_member(struct buf *out, const char *name, const char *text)
{
    if (!text)
        return;
    buf_addf(out, ",\"%s\":", name);
    json_add_text(out, text);
}

void attachment_write(const struct attachment_list *list, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        const struct message_attachment *item = &list->at[i];

        /* Base64 needs no escapes. */
        buf_add_text(out, i > 0 ? ",{\"content\":\"" : "{\"content\":\"");
        buf_add(out, item->base64, item->base64_len);
        buf_add_char(out, '"');
        add_member(out, "filename", item->filename);
        add_member(out, "content_type", item->content_type);
        add_member(out, "content_id", item->content_id);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}
