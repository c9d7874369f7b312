#include "render/message.h"
#include "base/bug.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/transfer.h"
#include "render/attach.h"
#include "render/css_inline.h"
#include "render/fields.h"
#include "render/html_text.h"
#include "render/partials.h"
#include "render/preheader.h"
#include "templates/template.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One body, with its own header. Where it is the same for everybody it is
 * encoded once, or twice: for servers that take 8bit too. */
struct body {
    const char *head; /* NULL: the mail has no such part */
    struct template *program;
    struct buf encoded, eight; /* eight: empty where they are the same */
    bool constant;
};

struct message {
    struct address from;
    struct buf head;      /* From to Cc: the same in every mail */
    bool to_alone;        /* To: the recipient */
    struct field *fields; /* Subject, then the author's own */
    size_t n_fields;
    struct body text, html;
    struct links links; /* of the HTML, where they may be tracked */
    struct buf marked;  /* its source, then */
    bool tracked;
    struct attachments attached;
    struct partials partials;
    json_t *defaults;
};

static const char TEXT_HEAD[] = "Content-Type: text/plain; charset=utf-8\r\n";
static const char HTML_HEAD[] = "Content-Type: text/html; charset=utf-8\r\n";

/* The part's head and body, in the encoding that is best for this text. */
static void write_body(struct buf *out, const char *head, const char *text,
                       size_t len, bool eight)
{
    enum transfer transfer = transfer_best(text, len, eight);

    buf_add_text(out, head);
    buf_add_text(out, "Content-Transfer-Encoding: ");
    buf_add_text(out, transfer_text(transfer));
    buf_add_text(out, "\r\n\r\n");
    transfer_encode(out, transfer, text, len);
}

/* Compiling. */

static enum status compile_addresses(struct message *m,
                                     const struct message_source *s,
                                     struct error *err)
{
    enum status st;

    if (!s->from)
        return fail(err, STATUS_INVALID, "from: missing");
    st = address_parse(s->from, strlen(s->from), &m->from, err);
    if (st != STATUS_OK) {
        error_prefix(err, "from");
        return st;
    }
    header_addresses(&m->head, "From", &m->from, 1);
    st = fields_addresses(&m->head, "Reply-To", "reply_to", s->reply_to,
                          s->n_reply_to, err);
    if (st == STATUS_OK)
        st = fields_addresses(&m->head, "To", "to", s->to, s->n_to, err);
    if (st == STATUS_OK)
        st = fields_addresses(&m->head, "Cc", "cc", s->cc, s->n_cc, err);
    m->to_alone = s->n_to == 0;
    return st;
}

static enum status compile_header(struct message *m,
                                  const struct message_header *h,
                                  const struct template_options *templates,
                                  struct error *err)
{
    enum status st = header_name_check(h->name, err);
    char label[HEADER_NAME_MAX + 16];

    if (st != STATUS_OK) {
        error_prefix(err, "headers");
        return st;
    }
    if (fields_is_reserved(h->name))
        return fail(err, STATUS_INVALID, "headers.%s: this name is reserved",
                    h->name);
    if (!h->value)
        return fail(err, STATUS_INVALID, "headers.%s: missing value", h->name);
    snprintf(label, sizeof label, "headers.%s", h->name);
    return field_init(&m->fields[m->n_fields++], h->name, h->value, label,
                      templates, err);
}

/* How its templates are compiled; escape is the part's own. */
static struct template_options options_of(struct message *m,
                                          const struct message_source *s,
                                          enum template_escape escape,
                                          bool as_text)
{
    struct template_options options = {
        .escape = escape,
        .strict_variables = s->strict_variables,
        .strict_filters = true,
        .strict_partials = true,
    };

    partials_use(&m->partials, as_text, &options);
    return options;
}

static enum status compile_fields(struct message *m,
                                  const struct message_source *s,
                                  struct error *err)
{
    const struct template_options options =
        options_of(m, s, TEMPLATE_TEXT, false);
    const struct template_options *templates = s->templates ? &options : NULL;
    enum status st = STATUS_OK;

    if (s->n_headers > MESSAGE_HEADERS_MAX)
        return fail(err, STATUS_TOO_BIG, "headers: more than %d",
                    MESSAGE_HEADERS_MAX);
    m->fields = memory_new(s->n_headers + 1, sizeof *m->fields);
    if (s->subject)
        st = field_init(&m->fields[m->n_fields++], "Subject", s->subject,
                        "subject", templates, err);
    for (size_t i = 0; i < s->n_headers && st == STATUS_OK; i++)
        st = compile_header(m, &s->headers[i], templates, err);
    return st;
}

/* options: NULL where the text is taken as it is. */
static enum status compile_body(struct body *b, const char *source,
                                const struct template_options *options,
                                const char *head, const char *label,
                                struct error *err)
{
    size_t len = strlen(source);
    size_t bad = utf8_check(source, len);
    enum status st = STATUS_OK;

    if (len > TEMPLATE_SOURCE_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d bytes", label,
                    TEMPLATE_SOURCE_MAX);
    if (bad < len)
        return fail(err, STATUS_INVALID, "%s: byte %zu is not valid UTF-8",
                    label, bad + 1);
    if (options)
        st = template_compile_with(source, len, options, &b->program, err);
    if (st != STATUS_OK) {
        error_prefix(err, label);
        return st;
    }
    b->head = head;
    b->constant = !options || template_is_constant(b->program);
    if (b->constant)
        write_body(&b->encoded, b->head, source, len, false);
    if (b->constant && transfer_best(source, len, true) == TRANSFER_8BIT)
        write_body(&b->eight, b->head, source, len, true);
    return STATUS_OK;
}

/* The text or the HTML; as_text: a text that was made from HTML. */
static enum status compile_part(struct message *m,
                                const struct message_source *s, struct body *b,
                                const char *source, bool as_text,
                                struct error *err)
{
    bool html = b == &m->html;
    const struct template_options options =
        options_of(m, s, html ? TEMPLATE_HTML : TEMPLATE_TEXT, as_text);

    return compile_body(b, source, s->templates ? &options : NULL,
                        html ? HTML_HEAD : TEXT_HEAD, html ? "html" : "text",
                        err);
}

/* With marks for its links, where these may be tracked and can be found. */
static bool compile_tracked(struct message *m, const struct message_source *s,
                            const char *html)
{
    size_t len = strlen(html);
    struct error ignored;

    if (!s->links || !links_find(&m->links, html, len, s->templates))
        return false;
    links_mark(&m->links, html, len, &m->marked);
    m->tracked = compile_part(m, s, &m->html, m->marked.data, false,
                              &ignored) == STATUS_OK;
    return m->tracked;
}

static enum status add_preheader(struct message *m,
                                 const struct message_source *s,
                                 const char **html, struct buf *with,
                                 struct error *err)
{
    const struct template_options options =
        options_of(m, s, TEMPLATE_HTML, false);

    if (!s->preheader || !s->preheader[0])
        return STATUS_OK;
    preheader_insert(with, *html, s->preheader, s->templates);
    *html = with->data;
    return preheader_check(s->preheader, s->templates ? &options : NULL, err);
}

/* Mistakes are told by their place in what the author wrote: that is compiled
 * where what is made of it can't be. */
static enum status compile_html(struct message *m,
                                const struct message_source *s,
                                struct error *err)
{
    struct buf inlined = {0}, with = {0};
    const char *html = s->html;
    enum status st = STATUS_OK;

    if (s->inline_css) {
        st = css_inline(html, strlen(html), s->templates, &inlined, err);
        html = inlined.data ? inlined.data : "";
    }
    if (st != STATUS_OK)
        error_prefix(err, "html");
    else
        st = add_preheader(m, s, &html, &with, err);
    if (st == STATUS_OK && !compile_tracked(m, s, html) &&
        (html == s->html ||
         compile_part(m, s, &m->html, html, false, err) != STATUS_OK))
        st = compile_part(m, s, &m->html, s->html, false, err);
    buf_fini(&inlined);
    buf_fini(&with);
    return st;
}

/* A courtesy: a mail whose text can't be made goes without. */
static void generate_text(struct message *m, const struct message_source *s)
{
    struct buf text = {0};
    struct error ignored;

    if (html_text(&text, s->html, strlen(s->html), s->templates) &&
        compile_part(m, s, &m->text, text.data, true, &ignored) != STATUS_OK)
        m->text.head = NULL;
    buf_fini(&text);
}

static enum status too_big(struct error *err)
{
    return fail(err, STATUS_TOO_BIG, "the mail has more than %d bytes",
                MESSAGE_BYTES_MAX);
}

/* What no recipient can make shorter. */
static size_t fixed_bytes(const struct message *m)
{
    return m->head.len + m->text.encoded.len + m->html.encoded.len +
           m->attached.bytes;
}

static enum status compile(struct message *m, const struct message_source *s,
                           struct error *err)
{
    enum status st = compile_addresses(m, s, err);

    if (st == STATUS_OK)
        st = compile_fields(m, s, err);
    if (st == STATUS_OK && !s->html && !s->text)
        return fail(err, STATUS_INVALID, "html or text: one is needed");
    /* Beside HTML, an empty text says that none is wanted. */
    if (st == STATUS_OK && s->text && (s->text[0] || !s->html))
        st = compile_part(m, s, &m->text, s->text, false, err);
    if (st == STATUS_OK && s->html)
        st = compile_html(m, s, err);
    if (st == STATUS_OK && s->html && !s->text)
        generate_text(m, s);
    if (st == STATUS_OK)
        st = attach_init(&m->attached, s, err);
    if (st == STATUS_OK && fixed_bytes(m) > MESSAGE_BYTES_MAX)
        return too_big(err);
    return st;
}

enum status message_compile(const struct message_source *source,
                            struct message **out, struct error *err)
{
    struct message *m = memory_new(1, sizeof *m);
    enum status st;

    partials_init(&m->partials, source->partials);
    m->defaults = json_incref(source->defaults);
    st = compile(m, source, err);

    if (st == STATUS_OK)
        *out = m;
    else
        message_free(m);
    return st;
}

static void body_fini(struct body *b)
{
    template_free(b->program);
    buf_fini(&b->encoded);
    buf_fini(&b->eight);
}

void message_free(struct message *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n_fields; i++)
        field_fini(&m->fields[i]);
    free(m->fields);
    buf_fini(&m->head);
    body_fini(&m->text);
    body_fini(&m->html);
    links_fini(&m->links);
    buf_fini(&m->marked);
    attach_fini(&m->attached);
    partials_fini(&m->partials);
    json_decref(m->defaults);
    free(m);
}

bool message_has_field(const struct message *m, const char *name)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (strcasecmp(m->fields[i].name, name) == 0)
            return true;
    return false;
}

const char *message_sender(const struct message *m)
{
    return m->from.spec;
}

/* Rendering. */

struct render {
    const struct message *m;
    const struct message_recipient *to;
    struct template_values values;
    struct arena *scratch;
    struct buf *out;
    struct error *err;
};

static enum status add_head(struct render *r)
{
    const struct message *m = r->m;
    struct address to;
    enum status st = STATUS_OK;

    buf_add(r->out, m->head.data, m->head.len);
    if (m->to_alone) {
        st = address_parse_spec(r->to->address, strlen(r->to->address), &to,
                                r->err);
        if (st != STATUS_OK) {
            error_prefix(r->err, "recipient");
            return st;
        }
        header_addresses(r->out, "To", &to, 1);
    }
    for (size_t i = 0; i < m->n_fields && st == STATUS_OK; i++)
        st =
            field_render(&m->fields[i], &r->values, r->scratch, r->out, r->err);
    return st;
}

/* A tail that the mail's own fields have in common. */
static void add_identity(struct render *r)
{
    header_date(r->out, r->to->date_us);
    buf_add_text(r->out, "Message-ID: <");
    buf_add_text(r->out, r->to->id);
    buf_add_char(r->out, '@');
    buf_add_text(r->out, r->to->id_domain);
    buf_add_text(r->out, ">\r\nMIME-Version: 1.0\r\n");
    if (r->to->headers)
        buf_add_text(r->out, r->to->headers);
}

/* What was written behind start goes through scratch: what is made of it is
 * longer. */
static char *take_back(struct render *r, size_t start, size_t *len)
{
    *len = r->out->len - start;
    r->out->len = start;
    return arena_copy(r->scratch, r->out->data + start, *len);
}

static const struct links_track untracked = {.public_url = ""};

static enum status add_body(struct render *r, const struct body *b,
                            const char *label)
{
    bool tracked = r->m->tracked && b == &r->m->html;
    size_t start, len;
    enum status st = STATUS_OK;

    if (b->constant && !tracked) {
        const struct buf *as =
            r->to->eight_bit && b->eight.len > 0 ? &b->eight : &b->encoded;

        buf_add(r->out, as->data, as->len);
        return STATUS_OK;
    }
    start = r->out->len;
    if (b->program)
        st =
            template_render(b->program, &r->values, r->scratch, r->out, r->err);
    else
        buf_add(r->out, r->m->marked.data, r->m->marked.len);
    if (st != STATUS_OK) {
        error_prefix(r->err, label);
        return st;
    }
    char *text = take_back(r, start, &len);

    if (tracked) {
        links_fill(&r->m->links, r->to->track ? r->to->track : &untracked, text,
                   len, r->out);
        text = take_back(r, start, &len);
    }
    write_body(r->out, b->head, text, len, r->to->eight_bit);
    return STATUS_OK;
}

/* The multiparts of one mail, by the letter that tells their boundaries
 * apart: equally long, none of them begins like another. */
enum multipart {
    MULTIPART_ALTERNATIVE = 'a',
    MULTIPART_RELATED = 'r',
    MULTIPART_MIXED = 'm',
};

/* "=_" cannot stand in a quoted-printable body (RFC 2045 6.7) nor in base64,
 * and text with a line that begins so is not left as it is (mail/transfer):
 * so no body has this line, whatever the id. */
static void add_boundary(struct render *r, enum multipart kind,
                         const char *before, const char *after)
{
    const char mark[] = {'=', '_', (char)kind};

    buf_add_text(r->out, before);
    buf_add(r->out, mark, sizeof mark);
    buf_add_text(r->out, r->to->id);
    buf_add_text(r->out, after);
}

static void add_delimiter(struct render *r, enum multipart kind)
{
    add_boundary(r, kind, "\r\n--", "\r\n");
}

static void add_end(struct render *r, enum multipart kind)
{
    add_boundary(r, kind, "\r\n--", "--\r\n");
}

static void add_parts(struct render *r, enum attach_place place,
                      enum multipart kind)
{
    const struct attach_parts *parts = &r->m->attached.in[place];

    for (size_t i = 0; i < parts->n; i++) {
        add_delimiter(r, kind);
        buf_add(r->out, parts->at[i].data, parts->at[i].len);
    }
}

/* The HTML, with what it shows (RFC 2387). */
static enum status add_html(struct render *r)
{
    enum status st;

    if (r->m->attached.in[ATTACH_RELATED].n == 0)
        return add_body(r, &r->m->html, "html");
    add_boundary(r, MULTIPART_RELATED,
                 "Content-Type: multipart/related; type=\"text/html\";\r\n"
                 " boundary=\"",
                 "\"\r\n");
    add_delimiter(r, MULTIPART_RELATED);
    st = add_body(r, &r->m->html, "html");
    add_parts(r, ATTACH_RELATED, MULTIPART_RELATED);
    add_end(r, MULTIPART_RELATED);
    return st;
}

/* RFC 2046 5.1.4: the best form last. */
static enum status add_forms(struct render *r)
{
    const struct message *m = r->m;
    bool more = m->attached.in[ATTACH_FORM].n > 0;
    enum status st = STATUS_OK;

    if (!m->html.head && !more)
        return add_body(r, &m->text, "text");
    if (!m->text.head && !more)
        return add_html(r);
    add_boundary(r, MULTIPART_ALTERNATIVE,
                 "Content-Type: multipart/alternative;\r\n boundary=\"",
                 "\"\r\n");
    if (m->text.head) {
        add_delimiter(r, MULTIPART_ALTERNATIVE);
        st = add_body(r, &m->text, "text");
    }
    if (m->html.head && st == STATUS_OK) {
        add_delimiter(r, MULTIPART_ALTERNATIVE);
        st = add_html(r);
    }
    add_parts(r, ATTACH_FORM, MULTIPART_ALTERNATIVE);
    add_end(r, MULTIPART_ALTERNATIVE);
    return st;
}

static enum status add_content(struct render *r)
{
    enum status st;

    if (r->m->attached.in[ATTACH_MIXED].n == 0)
        return add_forms(r);
    add_boundary(r, MULTIPART_MIXED,
                 "Content-Type: multipart/mixed;\r\n boundary=\"", "\"\r\n");
    add_delimiter(r, MULTIPART_MIXED);
    st = add_forms(r);
    add_parts(r, ATTACH_MIXED, MULTIPART_MIXED);
    add_end(r, MULTIPART_MIXED);
    return st;
}

static enum status add_mail(struct render *r)
{
    enum status st = add_head(r);

    if (st != STATUS_OK)
        return st;
    add_identity(r);
    st = add_content(r);
    if (st != STATUS_OK)
        return st;
    if (memcmp(r->out->data + r->out->len - 2, "\r\n", 2) != 0)
        buf_add_text(r->out, "\r\n");
    return STATUS_OK;
}

enum status message_render(const struct message *m,
                           const struct message_recipient *to,
                           struct arena *scratch, struct buf *out,
                           struct error *err)
{
    const struct template_builtin builtins[] = {
        {"email", to->address},
        {"unsubscribe_url", to->unsubscribe_url},
        {"RESEND_UNSUBSCRIBE_URL", to->unsubscribe_url},
    };
    struct render r = {
        .m = m,
        .to = to,
        .values = {.object = to->variables,
                   .defaults = m->defaults,
                   .missing = to->missing,
                   .missing_context = to->missing_context,
                   .builtins = builtins,
                   .n_builtins = to->unsubscribe_url ? 3 : 1,
                   .now_us = to->date_us},
        .scratch = scratch,
        .out = out,
        .err = err,
    };
    size_t start = out->len;
    enum status st = add_mail(&r);

    if (st == STATUS_OK && out->len - start > MESSAGE_BYTES_MAX)
        st = too_big(err);
    if (st != STATUS_OK) {
        out->len = start;
        if (out->data)
            out->data[start] = 0;
    }
    return st;
}
