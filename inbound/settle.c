#include "inbound/settle.h"
#include <stdio.h>

void settled_read(struct settled *s, struct notice_reader *reader,
                  const char *bytes, size_t len, const char *source)
{
    notice_read(reader, bytes, len, &s->notice);
    snprintf(s->source, sizeof s->source, "%s", source);
    buf_reset(&s->raw);
    s->has_post = false;
    if (s->notice.keep)
        buf_add(&s->raw, bytes, len < NOTICE_KEPT_MAX ? len : NOTICE_KEPT_MAX);
}

static void add_text(struct args *args, const char *text)
{
    if (text[0])
        args_element_text(args, text, strlen(text));
    else
        args_element_null(args);
}

static void add_key(struct args *args, const struct settled *s)
{
    args_element_text(args, (const char *)s->notice.key, NOTICE_KEY_BYTES);
}

static void add_source(struct args *args, const struct settled *s)
{
    add_text(args, s->source);
}

static void add_kind(struct args *args, const struct settled *s)
{
    add_text(args, s->notice.kind);
}

static void add_batch(struct args *args, const struct settled *s)
{
    if (s->notice.named)
        args_element_bigint(args, s->notice.mail.batch);
    else
        args_element_null(args);
}

static void add_seq(struct args *args, const struct settled *s)
{
    if (s->notice.named)
        args_element_int(args, s->notice.mail.seq);
    else
        args_element_null(args);
}

static void add_category(struct args *args, const struct settled *s)
{
    add_text(args, category_text(s->notice.category));
}

static void add_hard(struct args *args, const struct settled *s)
{
    args_element_bool(args, s->notice.hard);
}

static void add_code(struct args *args, const struct settled *s)
{
    if (s->notice.code)
        args_element_smallint(args, (int16_t)s->notice.code);
    else
        args_element_null(args);
}

static void add_status(struct args *args, const struct settled *s)
{
    add_text(args, s->notice.status);
}

static void add_diagnostic(struct args *args, const struct settled *s)
{
    add_text(args, s->notice.diagnostic);
}

static void add_address(struct args *args, const struct settled *s)
{
    add_text(args, s->notice.address);
}

static void add_subject(struct args *args, const struct settled *s)
{
    add_text(args, s->notice.subject);
}

static void add_raw(struct args *args, const struct settled *s)
{
    if (s->notice.keep)
        args_element_text(args, s->raw.data ? s->raw.data : "", s->raw.len);
    else
        args_element_null(args);
}

static void add_post(struct args *args, const struct settled *s)
{
    if (s->has_post)
        args_element_uuid(args, s->post);
}

/* In the order of inbound_settle's arguments. */
static const struct {
    enum args_element type;
    void (*add)(struct args *args, const struct settled *s);
} columns[] = {
    {ARGS_ELEMENT_BYTEA, add_key},    {ARGS_ELEMENT_TEXT, add_source},
    {ARGS_ELEMENT_TEXT, add_kind},    {ARGS_ELEMENT_BIGINT, add_batch},
    {ARGS_ELEMENT_INT, add_seq},      {ARGS_ELEMENT_TEXT, add_category},
    {ARGS_ELEMENT_BOOL, add_hard},    {ARGS_ELEMENT_SMALLINT, add_code},
    {ARGS_ELEMENT_TEXT, add_status},  {ARGS_ELEMENT_TEXT, add_diagnostic},
    {ARGS_ELEMENT_TEXT, add_address}, {ARGS_ELEMENT_TEXT, add_subject},
    {ARGS_ELEMENT_BYTEA, add_raw},    {ARGS_ELEMENT_UUID, add_post},
};

void settle_args(struct args *args, const struct settled *const *all, size_t n)
{
    args_reset(args);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        args_array_start(args, columns[c].type);
        for (size_t i = 0; i < n; i++)
            columns[c].add(args, all[i]);
        args_array_end(args);
    }
}
