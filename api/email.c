#include "api/email.h"
#include "api/attachment.h"
#include "api/dsn.h"
#include "api/json.h"
#include "api/tracking.h"
#include "api/time_parse.h"
#include "base/bug.h"
#include "mail/address.h"
#include "mail/tls_required.h"
#include "render/message.h"
#include <stdio.h>
#include <string.h>

/* What one email says, in texts that belong to its JSON. */
struct list {
    const char *at[ACCEPT_RECIPIENTS_MAX];
    size_t n;
};

struct draft {
    const char *from, *subject, *html, *text, *preheader;
    struct list to, cc, bcc, reply_to;
    struct message_header headers[EMAIL_HEADERS_MAX];
    size_t n_headers;
    json_t *tags, *metadata, *tracking, *dsn;
    bool inline_css, require_tls, spare_tls;
    struct attachment_list attachments;
    struct email_error *why;
};

static bool invalid(struct draft *d, const char *field, const char *what)
{
    return field_invalid(d->why, field, what);
}

/* A text, or NULL where it is absent or null. */
static bool read_text(struct draft *d, json_t *item, const char *field,
                      size_t most, const char **out)
{
    json_t *value = json_object_get(item, field);

    *out = NULL;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return invalid(d, field, "it is to be a text");
    if (json_string_length(value) > most)
        return field_wrong(
            d->why, API_VALIDATION_ERROR,
            "Invalid `%s` field: it has %zu bytes, %zu are allowed.", field,
            json_string_length(value), most);
    *out = json_string_value(value);
    return true;
}

static bool read_address(struct draft *d, const char *field, const char *text,
                         struct address *out)
{
    struct error err;
    bool from = strcmp(field, "from") == 0;

    if (!text)
        BUG("a field that was not required");
    if (address_parse(text, strlen(text), out, &err) == STATUS_OK)
        return true;
    return field_wrong(
        d->why, from ? API_INVALID_FROM_ADDRESS : API_VALIDATION_ERROR,
        "Invalid `%s` field: %s. The format is `email@example.com` or "
        "`Name <email@example.com>`.",
        field, err.text);
}

static bool add_address(struct draft *d, const char *field, json_t *value,
                        struct list *out)
{
    struct address parsed;
    const char *text = json_string_value(value);

    if (!text)
        return invalid(d, field, "it is to be a text or a list of texts");
    if (out->n == ACCEPT_RECIPIENTS_MAX)
        return field_wrong(d->why, API_VALIDATION_ERROR,
                           "Invalid `%s` field: more than %d addresses.", field,
                           ACCEPT_RECIPIENTS_MAX);
    if (!read_address(d, field, text, &parsed))
        return false;
    out->at[out->n++] = text;
    return true;
}

static bool read_addresses(struct draft *d, json_t *item, const char *field,
                           struct list *out)
{
    json_t *value = json_object_get(item, field);

    /* SDKs send "" for what was not set. */
    if (!value || json_is_null(value) ||
        (json_is_string(value) && json_string_length(value) == 0))
        return true;
    if (!json_is_array(value))
        return add_address(d, field, value, out);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!add_address(d, field, json_array_get(value, i), out))
            return false;
    return true;
}

static bool read_headers(struct draft *d, json_t *item)
{
    json_t *headers = json_object_get(item, "headers"), *value;
    const char *name;

    if (!headers || json_is_null(headers))
        return true;
    if (!json_is_object(headers))
        return invalid(d, "headers", "it is to be an object of texts");
    if (json_object_size(headers) > EMAIL_HEADERS_MAX)
        return field_wrong(d->why, API_VALIDATION_ERROR,
                           "Invalid `headers` field: more than %d headers.",
                           EMAIL_HEADERS_MAX);
    json_object_foreach(headers, name, value)
    {
        if (!json_is_string(value) ||
            json_string_length(value) > EMAIL_HEADER_BYTES_MAX)
            return field_wrong(
                d->why, API_VALIDATION_ERROR,
                "Invalid `headers` field: `%.80s` is to be a text of "
                "at most %d bytes.",
                name, EMAIL_HEADER_BYTES_MAX);
        d->headers[d->n_headers++] =
            (struct message_header){name, json_string_value(value)};
        d->spare_tls |= tls_required_is_no(name, json_string_value(value));
    }
    return true;
}

/* ASCII letters, digits, underscores and dashes, as SDKs document it. */
static bool tag_word(json_t *value)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = json_string_length(value);

    return len > 0 && len <= EMAIL_TAG_BYTES_MAX &&
           strspn(json_string_value(value), set) == len;
}

bool email_read_tags(json_t *item, struct email_error *why)
{
    json_t *tags = json_object_get(item, "tags");

    if (!tags || json_is_null(tags))
        return true;
    if (!json_is_array(tags) || json_array_size(tags) > EMAIL_TAGS_MAX)
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `tags` field: it is to be a list of at most %d "
            "objects with `name` and `value`.",
            EMAIL_TAGS_MAX);
    for (size_t i = 0; i < json_array_size(tags); i++) {
        json_t *tag = json_array_get(tags, i);

        if (!tag_word(json_object_get(tag, "name")) ||
            !tag_word(json_object_get(tag, "value")))
            return field_wrong(
                why, API_VALIDATION_ERROR,
                "Invalid `tags` field: item %zu is to have a `name` "
                "and a `value` of 1 to %d ASCII letters, digits, "
                "underscores or dashes.",
                i, EMAIL_TAG_BYTES_MAX);
    }
    return true;
}

static bool read_tags(struct draft *d, json_t *item)
{
    if (!email_read_tags(item, d->why))
        return false;
    d->tags = json_object_get(item, "tags");
    return true;
}

static bool read_metadata(struct draft *d, json_t *item)
{
    if (!field_check_metadata(item, d->why))
        return false;
    d->metadata = field_member(item, "metadata");
    return true;
}

static bool read_switch(struct draft *d, json_t *item, const char *field,
                        bool *out)
{
    const json_t *value = field_member(item, field);

    *out = json_is_true(value);
    return !value || json_is_boolean(value) ||
           invalid(d, field, "it is to be true or false");
}

static bool read_dsn(struct draft *d, json_t *item)
{
    if (!dsn_check(item, d->why))
        return false;
    d->dsn = field_member(item, "dsn");
    return true;
}

static bool read_tracking(struct draft *d, json_t *item)
{
    if (!tracking_read(item, d->why))
        return false;
    d->tracking = json_object_get(item, "tracking");
    return true;
}

static bool is_set(json_t *value)
{
    if (json_is_array(value))
        return json_array_size(value) > 0;
    return value && !json_is_null(value) && !json_is_false(value);
}

static bool refuse_unsupported(struct draft *d, json_t *item)
{
    if (is_set(json_object_get(item, "template")))
        return field_wrong(
            d->why, API_VALIDATION_ERROR,
            "`template` can't be used here. Send `html` or `text`.");
    return true;
}

static bool read_attachments(struct draft *d, json_t *item, struct arena *arena)
{
    if (attachment_read(json_object_get(item, "attachments"), arena,
                        &d->attachments, &d->why->error) == STATUS_OK)
        return true;
    d->why->name = API_INVALID_ATTACHMENT;
    return false;
}

static bool require(struct draft *d, bool there, const char *field)
{
    return there || field_wrong(d->why, API_MISSING_REQUIRED_FIELD,
                                "Missing `%s` field.", field);
}

static bool empty(const char *text)
{
    return !text || *text == 0;
}

/* RFC 8689, 5: one says the opposite of the other. */
static bool agrees_on_tls(struct draft *d)
{
    return !d->require_tls || !d->spare_tls ||
           invalid(d, "require_tls", "the headers say `TLS-Required: No`");
}

static bool read_fields(struct draft *d, json_t *item, struct arena *arena)
{
    static const char *const known[] = {
        "from",        "to",       "cc",      "bcc",        "reply_to",
        "subject",     "html",     "text",    "tags",       "scheduled_at",
        "attachments", "template", "headers", "tracking",   "inline_css",
        "preheader",   "metadata", "dsn",     "require_tls"};
    struct address from;

    if (!json_is_object(item))
        return field_wrong(d->why, API_VALIDATION_ERROR,
                           "An email is to be a JSON object.");
    if (json_check_fields(item, known, sizeof known / sizeof *known,
                          &d->why->error) != STATUS_OK) {
        d->why->name = API_VALIDATION_ERROR;
        return false;
    }
    return refuse_unsupported(d, item) &&
           read_text(d, item, "from", EMAIL_SUBJECT_MAX, &d->from) &&
           require(d, !empty(d->from), "from") &&
           read_address(d, "from", d->from, &from) &&
           read_addresses(d, item, "to", &d->to) &&
           require(d, d->to.n > 0, "to") &&
           read_addresses(d, item, "cc", &d->cc) &&
           read_addresses(d, item, "bcc", &d->bcc) &&
           read_addresses(d, item, "reply_to", &d->reply_to) &&
           read_text(d, item, "subject", EMAIL_SUBJECT_MAX, &d->subject) &&
           require(d, d->subject != NULL, "subject") &&
           read_text(d, item, "html", MESSAGE_BYTES_MAX, &d->html) &&
           read_text(d, item, "text", MESSAGE_BYTES_MAX, &d->text) &&
           read_text(d, item, "preheader", EMAIL_SUBJECT_MAX, &d->preheader) &&
           require(d, !empty(d->html) || !empty(d->text), "html` or `text") &&
           read_headers(d, item) && read_tags(d, item) &&
           read_metadata(d, item) &&
           read_switch(d, item, "inline_css", &d->inline_css) &&
           read_switch(d, item, "require_tls", &d->require_tls) &&
           read_dsn(d, item) && read_tracking(d, item) &&
           read_attachments(d, item, arena) && agrees_on_tls(d);
}

/* The engine's own opinion: whether this can be built. */
static bool compiles(struct draft *d)
{
    const struct message_source source = {
        .from = d->from,
        .to = d->to.at,
        .n_to = d->to.n,
        .cc = d->cc.at,
        .n_cc = d->cc.n,
        .reply_to = d->reply_to.at,
        .n_reply_to = d->reply_to.n,
        .subject = d->subject,
        .html = empty(d->html) ? NULL : d->html,
        /* Whether a text is made of the HTML is no reason to refuse it. */
        .text = d->text ? d->text : "",
        .preheader = d->preheader,
        .inline_css = d->inline_css,
        .headers = d->headers,
        .n_headers = d->n_headers,
        .attachments = d->attachments.at,
        .n_attachments = d->attachments.n,
    };
    struct message *message;

    if (message_compile(&source, &message, &d->why->error) != STATUS_OK) {
        bool attached = strncmp(d->why->error.text, "attachments", 11) == 0;

        d->why->name = attached ? API_INVALID_ATTACHMENT : API_VALIDATION_ERROR;
        return false;
    }
    message_free(message);
    return true;
}

/* Everybody who gets a copy, each once (compared without case). */

struct envelope {
    char folded[ACCEPT_RECIPIENTS_MAX][ADDRESS_MAX];
    const char *spec[ACCEPT_RECIPIENTS_MAX];
    size_t n;
};

static bool add_recipients(struct envelope *e, const struct list *list,
                           struct arena *arena, struct draft *d)
{
    struct address address;
    struct error ignored;
    char folded[ADDRESS_MAX];

    for (size_t i = 0; i < list->n; i++) {
        size_t at = 0;

        /* It was parsed before. */
        if (address_parse(list->at[i], strlen(list->at[i]), &address,
                          &ignored) != STATUS_OK)
            return invalid(d, "to", "not an address");
        address_fold(address.spec, address.spec_len, folded);
        while (at < e->n && strcmp(e->folded[at], folded) != 0)
            at++;
        if (at < e->n)
            continue;
        if (e->n == ACCEPT_RECIPIENTS_MAX)
            return field_wrong(
                d->why, API_VALIDATION_ERROR,
                "`to`, `cc` and `bcc` have more than %d addresses "
                "together.",
                ACCEPT_RECIPIENTS_MAX);
        memcpy(e->folded[e->n], folded, sizeof folded);
        e->spec[e->n++] = arena_copy(arena, address.spec, address.spec_len);
    }
    return true;
}

static bool take_recipients(struct draft *d, struct arena *arena,
                            struct accept_email *out)
{
    struct envelope e;
    const char **list;

    e.n = 0;
    if (!add_recipients(&e, &d->to, arena, d) ||
        !add_recipients(&e, &d->cc, arena, d) ||
        !add_recipients(&e, &d->bcc, arena, d))
        return false;
    list = arena_take(arena, e.n * sizeof *list);
    memcpy(list, e.spec, e.n * sizeof *list);
    out->recipients = list;
    out->n_recipients = e.n;
    return true;
}

/* Content as the engine reads it: lists are lists, what is empty is absent. */

static void add_field(struct buf *b, const char *name, const char *text)
{
    if (empty(text))
        return;
    buf_addf(b, ",\"%s\":", name);
    json_add_text(b, text);
}

static void add_list(struct buf *b, const char *name, const struct list *list)
{
    if (list->n == 0)
        return;
    buf_addf(b, ",\"%s\":[", name);
    for (size_t i = 0; i < list->n; i++) {
        if (i > 0)
            buf_add_char(b, ',');
        json_add_text(b, list->at[i]);
    }
    buf_add_char(b, ']');
}

static void add_headers(struct buf *b, const struct draft *d)
{
    if (d->n_headers == 0)
        return;
    buf_add_text(b, ",\"headers\":{");
    for (size_t i = 0; i < d->n_headers; i++) {
        if (i > 0)
            buf_add_char(b, ',');
        json_add_text(b, d->headers[i].name);
        buf_add_char(b, ':');
        json_add_text(b, d->headers[i].value);
    }
    buf_add_char(b, '}');
}

static void add_tags(struct buf *b, const struct draft *d)
{
    if (json_array_size(d->tags) == 0)
        return;
    buf_add_text(b, ",\"tags\":[");
    for (size_t i = 0; i < json_array_size(d->tags); i++) {
        json_t *tag = json_array_get(d->tags, i);

        buf_add_text(b, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_add_text(b, json_string_value(json_object_get(tag, "name")));
        buf_add_text(b, ",\"value\":");
        json_add_text(b, json_string_value(json_object_get(tag, "value")));
        buf_add_char(b, '}');
    }
    buf_add_char(b, ']');
}

/* scheduled_at stands in the content only to say that it was scheduled; when,
 * is the batch's to say, which can be moved. */
static void write_content(const struct draft *d, int64_t due_us, struct buf *b)
{
    buf_reset(b);
    buf_add_text(b, "{\"from\":");
    json_add_text(b, d->from);
    add_list(b, "to", &d->to);
    add_list(b, "cc", &d->cc);
    add_list(b, "bcc", &d->bcc);
    add_list(b, "reply_to", &d->reply_to);
    buf_add_text(b, ",\"subject\":");
    json_add_text(b, d->subject);
    add_field(b, "html", d->html);
    add_field(b, "preheader", d->preheader);
    if (d->text) {
        buf_add_text(b, ",\"text\":");
        json_add_text(b, d->text);
    }
    add_headers(b, d);
    add_tags(b, d);
    if (json_object_size(d->metadata) > 0) {
        buf_add_text(b, ",\"metadata\":");
        json_add_value(b, d->metadata);
    }
    if (d->inline_css)
        buf_add_text(b, ",\"inline_css\":true");
    if (d->require_tls)
        buf_add_text(b, ",\"require_tls\":true");
    if (d->spare_tls) /* what render/job looks for */
        buf_add_text(b, ",\"spare_tls\":true");
    if (d->dsn) {
        buf_add_text(b, ",\"dsn\":");
        json_add_value(b, d->dsn);
    }
    if (d->tracking) {
        buf_add_text(b, ",\"tracking\":");
        json_add_value(b, d->tracking);
    }
    if (d->attachments.n > 0) {
        buf_add_text(b, ",\"attachments\":");
        attachment_write(&d->attachments, b);
    }
    if (due_us) {
        buf_add_text(b, ",\"scheduled_at\":");
        json_add_time(b, due_us);
    }
    buf_add_char(b, '}');
}

bool email_read_time(json_t *value, int64_t now_us, int64_t *due_us,
                     struct email_error *why)
{
    const char *text = json_string_value(value);
    struct error err;
    int64_t second = 1000000;

    *due_us = 0;
    if (!value || json_is_null(value) || (text && *text == 0))
        return true;
    if (!text)
        return field_wrong(why, API_VALIDATION_ERROR,
                           "Invalid `scheduled_at` field: it is to be a text.");
    if (time_parse(text, now_us, due_us, &err) != STATUS_OK)
        return field_wrong(why, API_VALIDATION_ERROR,
                           "Invalid `scheduled_at` field: it %s.", err.text);
    if (*due_us < now_us - EMAIL_PAST_SECONDS_MAX * second)
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `scheduled_at` field: the time has passed.");
    if (*due_us > now_us + EMAIL_AHEAD_DAYS_MAX * 86400 * second)
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `scheduled_at` field: more than %d days ahead.",
            EMAIL_AHEAD_DAYS_MAX);
    if (*due_us <= now_us)
        *due_us = 0;
    return true;
}

bool email_read(json_t *item, struct arena *arena, struct buf *scratch,
                int64_t now_us, struct accept_email *out,
                struct email_error *why)
{
    struct draft d = {.why = why};

    if (!read_fields(&d, item, arena) ||
        !email_read_time(json_object_get(item, "scheduled_at"), now_us,
                         &out->due_us, why) ||
        !take_recipients(&d, arena, out) || !compiles(&d))
        return false;
    write_content(&d, out->due_us, scratch);
    out->content = arena_copy(arena, scratch->data, scratch->len);
    out->content_len = scratch->len;
    return true;
}
