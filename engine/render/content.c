#include "render/content.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { CONTENT_LIST_MAX = MESSAGE_ADDRESSES_MAX };

/* Lists borrowed from a JSON document for the time of one compile. */
struct lists {
    const char *to[CONTENT_LIST_MAX], *cc[CONTENT_LIST_MAX],
        *reply_to[CONTENT_LIST_MAX];
    struct message_header headers[MESSAGE_HEADERS_MAX];
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

static void compile(struct content *c, const struct message_source *source)
{
    if (message_compile(source, &c->message, &c->why) != STATUS_OK) {
        c->message = NULL;
        return;
    }
    const char *at = strrchr(message_sender(c->message), '@');

    snprintf(c->id_domain, sizeof c->id_domain, "%s", at ? at + 1 : "invalid");
}

struct content *content_of_campaign(const struct content_campaign *row)
{
    struct content *c = memory_new(1, sizeof *c);
    struct lists *lists = memory_new(1, sizeof *lists);
    json_t *headers = json_loads(row->headers ? row->headers : "{}", 0, NULL);
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
    };

    compile(c, &source);
    json_decref(headers);
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
        .from = json_string_value(json_object_get(root, "from")),
        .to = lists->to,
        .n_to = list_of(json_object_get(root, "to"), lists->to),
        .cc = lists->cc,
        .n_cc = list_of(json_object_get(root, "cc"), lists->cc),
        .reply_to = lists->reply_to,
        .n_reply_to =
            list_of(json_object_get(root, "reply_to"), lists->reply_to),
        .subject = json_string_value(json_object_get(root, "subject")),
        .html = json_string_value(json_object_get(root, "html")),
        .text = json_string_value(json_object_get(root, "text")),
        .headers = lists->headers,
        .n_headers =
            headers_of(json_object_get(root, "headers"), lists->headers),
    };

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
