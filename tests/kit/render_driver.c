/*
 * render_driver MAILS DIRECTORY - for tests/path/test_mime_readback.py: reads
 * mails as JSON lines and writes N.eml, or N.err with the refusal, for line N.
 */
#include "render/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 50, PATH_ROOM = 4096 };

struct lists {
    const char *to[LIST_MAX], *cc[LIST_MAX], *reply_to[LIST_MAX];
    struct message_header headers[LIST_MAX];
    struct message_attachment attachments[LIST_MAX];
};

static const char *text_of(const json_t *mail, const char *key)
{
    return json_string_value(json_object_get(mail, key));
}

static size_t list_of(const json_t *mail, const char *key, const char **list)
{
    const json_t *array = json_object_get(mail, key);

    for (size_t i = 0; i < json_array_size(array); i++)
        list[i] = json_string_value(json_array_get(array, i));
    return json_array_size(array);
}

static size_t attachments_of(const json_t *array,
                             struct message_attachment *list)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);

        list[i] = (struct message_attachment){
            .filename = text_of(item, "filename"),
            .base64 = text_of(item, "content"),
            .base64_len = json_string_length(json_object_get(item, "content")),
            .content_type = text_of(item, "content_type"),
            .content_id = text_of(item, "content_id"),
        };
    }
    return json_array_size(array);
}

static struct message_source source_of(json_t *mail, struct lists *l)
{
    struct message_source s = {
        .from = text_of(mail, "from"),
        .to = l->to,
        .n_to = list_of(mail, "to", l->to),
        .cc = l->cc,
        .n_cc = list_of(mail, "cc", l->cc),
        .reply_to = l->reply_to,
        .n_reply_to = list_of(mail, "reply_to", l->reply_to),
        .subject = text_of(mail, "subject"),
        .html = text_of(mail, "html"),
        .text = text_of(mail, "text"),
        .headers = l->headers,
        .attachments = l->attachments,
        .n_attachments = attachments_of(json_object_get(mail, "attachments"),
                                        l->attachments),
        .templates = json_is_true(json_object_get(mail, "templates")),
    };
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(mail, "headers"), name, value)
        l->headers[s.n_headers++] =
        (struct message_header){name, json_string_value(value)};
    return s;
}

static enum status build(json_t *mail, struct buf *out, struct error *err)
{
    struct lists lists;
    struct arena scratch = {0};
    struct message_source source = source_of(mail, &lists);
    struct message_recipient to = {
        .address = text_of(mail, "recipient"),
        .variables = json_object_get(mail, "variables"),
        .id = text_of(mail, "id"),
        .id_domain = "example.net",
        .date_us = json_integer_value(json_object_get(mail, "date_us")),
    };
    struct message *m;
    enum status st = message_compile(&source, &m, err);

    if (st != STATUS_OK)
        return st;
    st = message_render(m, &to, &scratch, out, err);
    message_free(m);
    arena_fini(&scratch);
    return st;
}

static void dump(const char *line, const char *dir, int number)
{
    struct buf out = {0};
    struct error err;
    char path[PATH_ROOM];
    json_t *mail = json_loads(line, JSON_ALLOW_NUL, NULL);
    enum status st = build(mail, &out, &err);

    snprintf(path, sizeof path, "%s/%d.%s", dir, number,
             st == STATUS_OK ? "eml" : "err");
    FILE *f = fopen(path, "wb");
    if (!f)
        exit(2);
    if (st == STATUS_OK)
        fwrite(out.data, 1, out.len, f);
    else
        fputs(err.text, f);
    fclose(f);
    buf_fini(&out);
    json_decref(mail);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    int number = 0;

    if (argc != 3)
        return 2;
    FILE *f = fopen(argv[1], "r");
    if (!f)
        return 2;
    while (getline(&line, &room, f) > 0)
        dump(line, argv[2], number++);
    free(line);
    fclose(f);
    return 0;
}
