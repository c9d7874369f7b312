#include "render/letter.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "render/css_inline.h"
#include "render/fields.h"
#include "render/html_text.h"
#include "render/partials.h"
#include <stdlib.h>
#include <string.h>

struct letter {
    struct template *subject, *html, *text;
    struct partials partials;
    json_t *defaults;
};

static enum status compile(struct letter *l, const struct letter_source *s,
                           const char *source, const char *label, bool as_text,
                           struct template **out, struct error *err)
{
    struct template_options options = {
        .escape = out == &l->html ? TEMPLATE_HTML : TEMPLATE_TEXT,
        .strict_variables = s->strict_variables,
        .strict_filters = true,
        .strict_partials = true,
    };
    size_t len = source ? strlen(source) : 0;
    size_t bad = source ? utf8_check(source, len) : 0;
    enum status st = STATUS_OK;

    if (!source)
        return STATUS_OK;
    if (bad < len)
        return fail(err, STATUS_INVALID, "%s: byte %zu is not valid UTF-8",
                    label, bad + 1);
    partials_use(&l->partials, as_text, &options);
    st = template_compile_with(source, len, &options, out, err);
    if (st != STATUS_OK)
        error_prefix(err, label);
    return st;
}

/* Mistakes are told by their place in what the author wrote. */
static enum status compile_html(struct letter *l, const struct letter_source *s,
                                struct error *err)
{
    struct buf inlined = {0};
    enum status st;

    if (!s->inline_css || !s->html)
        return compile(l, s, s->html, "html", false, &l->html, err);
    st = css_inline(s->html, strlen(s->html), true, &inlined, err);
    if (st != STATUS_OK)
        error_prefix(err, "html");
    else if (compile(l, s, inlined.data ? inlined.data : "", "html", false,
                     &l->html, err) != STATUS_OK)
        st = compile(l, s, s->html, "html", false, &l->html, err);
    buf_fini(&inlined);
    return st;
}

/* A courtesy: a text that can't be made is no error. */
static void generate_text(struct letter *l, const struct letter_source *s)
{
    struct buf text = {0};
    struct error ignored;

    if (html_text(&text, s->html, strlen(s->html), true) &&
        compile(l, s, text.data, "text", true, &l->text, &ignored) != STATUS_OK)
        l->text = NULL;
    buf_fini(&text);
}

enum status letter_compile(const struct letter_source *source,
                           struct letter **out, struct error *err)
{
    struct letter *l = memory_new(1, sizeof *l);
    const struct letter_source *s = source;

    partials_init(&l->partials, s->partials);
    l->defaults = json_incref(s->defaults);
    enum status st =
        compile(l, s, s->subject, "subject", false, &l->subject, err);
    if (st == STATUS_OK)
        st = compile_html(l, s, err);
    if (st == STATUS_OK)
        st = compile(l, s, s->text, "text", false, &l->text, err);
    if (st != STATUS_OK) {
        letter_free(l);
        return st;
    }
    if (s->generate_text && s->html && !s->text)
        generate_text(l, s);
    *out = l;
    return STATUS_OK;
}

void letter_free(struct letter *l)
{
    if (!l)
        return;
    template_free(l->subject);
    template_free(l->html);
    template_free(l->text);
    partials_fini(&l->partials);
    json_decref(l->defaults);
    free(l);
}

static enum status render(const struct template *t, const char *label,
                          const struct template_values *values,
                          struct arena *scratch, struct buf *room, char **out,
                          struct error *err)
{
    enum status st;

    if (!t)
        return STATUS_OK;
    buf_reset(room);
    buf_add(room, "", 0);
    st = template_render(t, values, scratch, room, err);
    if (st == STATUS_OK)
        *out = arena_copy(scratch, room->data, room->len);
    else
        error_prefix(err, label);
    return st;
}

enum status letter_render(const struct letter *l,
                          const struct letter_reader *to, struct arena *scratch,
                          struct letter_texts *out, struct error *err)
{
    struct template_builtin builtins[3];
    size_t n = 0;

    if (to->email)
        builtins[n++] = (struct template_builtin){"email", to->email};
    if (to->unsubscribe_url) {
        builtins[n++] =
            (struct template_builtin){"unsubscribe_url", to->unsubscribe_url};
        builtins[n++] = (struct template_builtin){"RESEND_UNSUBSCRIBE_URL",
                                                  to->unsubscribe_url};
    }
    const struct template_values values = {
        .object = to->variables,
        .defaults = l->defaults,
        .builtins = builtins,
        .n_builtins = n,
        .now_us = to->now_us,
        .missing = to->missing,
        .missing_context = to->missing_context,
    };
    struct buf room = {0};
    enum status st;

    *out = (struct letter_texts){0};
    st = render(l->subject, "subject", &values, scratch, &room, &out->subject,
                err);
    if (st == STATUS_OK)
        st = render(l->html, "html", &values, scratch, &room, &out->html, err);
    if (st == STATUS_OK)
        st = render(l->text, "text", &values, scratch, &room, &out->text, err);
    buf_fini(&room);
    return st;
}
