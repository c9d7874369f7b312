#include "render/content.h"
#include "base/memory.h"
#include "mail/tls_required.h"
#include <stdlib.h>
#include <string.h>

enum { CONTENT_LIST_MAX = MESSAGE_ADDRESSES_MAX };

/* Lists borrowed from a JSON document for the time of one compile. */
struct lists {
    const char *to[CONTENT_LIST_MAX], *cc[CONTENT_LIST_MAX],
        *reply_to[CONTENT_LIST_MAX];
    struct message_header headers[MESSAGE_HEADERS_MAX];
    struct message_attachment attachments[MESSAGE_ATTACHMENTS_MAX];
};

static size_t list_of(const json_t *value, const char **list)
{
    size_t n = 0;

    if (json_is_string(value)) {
        list[n++] = json_string_value(value);
        return n;
    }
    for (size_t i = 0; i < json_array_size(value) && n < CONTENT_LIST_MAX; i++)
        if (json_is_string(json_array_get(value, i)))
            list[n++] = json_string_value(json_array_get(value, i));
    return n;
}

static size_t headers_of(json_t *object, struct message_header *headers)
{
    const char *name;
    json_t *value;
    size_t n = 0;

    json_object_foreach(object, name, value) if (json_is_string(value) &&
                                                 n < MESSAGE_HEADERS_MAX)
        headers[n++] = (struct message_header){name, json_string_value(value)};
    return n;
}

static const char *member_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static size_t attachments_of(const json_t *array,
                             struct message_attachment *list)
{
    size_t n = 0;

    for (; n < json_array_size(array) && n < MESSAGE_ATTACHMENTS_MAX; n++) {
        const json_t *item = json_array_get(array, n);

        list[n] = (struct message_attachment){
            .filename = member_text(item, "filename"),
            .base64 = member_text(item, "content"),
            .base64_len = json_string_length(json_object_get(item, "content")),
            .content_type = member_text(item, "content_type"),
            .content_id = member_text(item, "content_id"),
        };
    }
    return n;
}

static void compile(struct content *c, const struct message_source *source)
{
    if (message_compile(source, &c->message, &c->why) != STATUS_OK) {
        c->message = NULL;
        return;
    }
    const char *at = strrchr(message_sender(c->message), '@');

    snprintf(c->id_domain, sizeof c->id_domain, "%s", at ? at + 1 : "invalid");
}

static json_t *object_of(const char *text)
{
    return text ? json_loads(text, 0, NULL) : NULL;
}

static enum content_switch switch_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_boolean(value))
        return CONTENT_AS_SET;
    return json_is_true(value) ? CONTENT_ON : CONTENT_OFF;
}

static void read_tracking(struct content *c, const json_t *object)
{
    c->tracking.clicks = switch_of(object, "clicks");
    c->tracking.opens = switch_of(object, "opens");
}

/* RFC 3461, 4.1: NEVER, or a list. */
static void read_notify(struct content_transfer *t, const json_t *notify)
{
    static const struct {
        const char *ours, *theirs;
    } words[] = {
        {"success", "SUCCESS"}, {"failure", "FAILURE"}, {"delay", "DELAY"}};
    const json_t *value;
    size_t at, n = 0;

    if (json_is_string(notify))
        snprintf(t->notify, sizeof t->notify, "NEVER");
    json_array_foreach(notify, at, value)
    {
        const char *text = json_string_value(value);

        for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
            if (strcmp(text, words[i].ours) == 0 && n < sizeof t->notify)
                n +=
                    (size_t)snprintf(t->notify + n, sizeof t->notify - n,
                                     "%s%s", n > 0 ? "," : "", words[i].theirs);
    }
}

static void read_dsn(struct content_transfer *t, const json_t *dsn)
{
    const char *ret = member_text(dsn, "return");
    const char *envid = member_text(dsn, "envid");

    read_notify(t, json_object_get(dsn, "notify"));
    if (ret)
        t->ret = strcmp(ret, "full") == 0 ? "FULL" : "HDRS";
    snprintf(t->envid, sizeof t->envid, "%s", envid ? envid : "");
}

static void read_tls(struct content_transfer *t, bool require_tls,
                     const struct message_source *source)
{
    t->require_tls = require_tls;
    for (size_t i = 0; i < source->n_headers && !require_tls; i++)
        t->spare_tls |= tls_required_is_no(source->headers[i].name,
                                           source->headers[i].value);
}

struct content *content_of_campaign(const struct content_campaign *row)
{
    struct content *c = memory_new(1, sizeof *c);
    struct lists *lists = memory_new(1, sizeof *lists);
    json_t *headers = object_of(row->headers);
    json_t *partials = object_of(row->partials);
    json_t *defaults = object_of(row->defaults);
    json_t *tracking = object_of(row->tracking);
    json_t *attachments = object_of(row->attachments);
    json_t *dsn = object_of(row->dsn);
    const struct message_source source = {
        .from = row->sender,
        .reply_to = row->reply_to,
        .n_reply_to = row->n_reply_to,
        .subject = row->subject,
        .html = row->html,
        .text = row->text,
        .headers = lists->headers,
        .n_headers = headers_of(headers, lists->headers),
        .templates = true,
        .partials = partials,
        .defaults = defaults,
        .preheader = row->preheader,
        .strict_variables = row->strict_variables,
        .inline_css = row->inline_css,
        .links = true,
        .attachments = lists->attachments,
        .n_attachments = attachments_of(attachments, lists->attachments),
    };

    read_tracking(c, tracking);
    read_dsn(&c->transfer, dsn);
    read_tls(&c->transfer, row->require_tls, &source);
    compile(c, &source);
    json_decref(dsn);
    json_decref(tracking);
    json_decref(attachments);
    json_decref(headers);
    json_decref(partials);
    json_decref(defaults);
    free(lists);
    return c;
}

struct content *content_of_email(const char *json, size_t len)
{
    struct content *c = memory_new(1, sizeof *c);
    struct lists *lists = memory_new(1, sizeof *lists);
    json_error_t why;
    json_t *root = json_loadb(json, len, JSON_ALLOW_NUL, &why);
    const struct message_source source = {
        .from = member_text(root, "from"),
        .to = lists->to,
        .n_to = list_of(json_object_get(root, "to"), lists->to),
        .cc = lists->cc,
        .n_cc = list_of(json_object_get(root, "cc"), lists->cc),
        .reply_to = lists->reply_to,
        .n_reply_to =
            list_of(json_object_get(root, "reply_to"), lists->reply_to),
        .subject = member_text(root, "subject"),
        .html = member_text(root, "html"),
        .text = member_text(root, "text"),
        .preheader = member_text(root, "preheader"),
        .headers = lists->headers,
        .n_headers =
            headers_of(json_object_get(root, "headers"), lists->headers),
        .attachments = lists->attachments,
        .n_attachments = attachments_of(json_object_get(root, "attachments"),
                                        lists->attachments),
        .links = json_object_get(root, "tracking") != NULL,
        .inline_css = json_is_true(json_object_get(root, "inline_css")),
    };

    read_tracking(c, json_object_get(root, "tracking"));
    read_dsn(&c->transfer, json_object_get(root, "dsn"));
    read_tls(&c->transfer, json_is_true(json_object_get(root, "require_tls")),
             &source);
    if (!root || !source.from)
        (void)!fail(&c->why, STATUS_INVALID, "content: %s",
                    root ? "no sender" : why.text);
    else
        compile(c, &source);
    json_decref(root);
    free(lists);
    return c;
}

void content_free(struct content *c)
{
    if (!c)
        return;
    message_free(c->message);
    free(c);
}
