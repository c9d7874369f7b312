#include "api/campaign.h"
#include "api/dsn.h"
#include "api/json.h"
#include "api/tracking.h"
#include "base/utf8.h"
#include "mail/tls_required.h"
#include "render/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Places of the parameters, as in campaigns.sql. */
enum param {
    PARAM_NAME,
    PARAM_SENDER,
    PARAM_REPLY_TO,
    PARAM_SUBJECT,
    PARAM_HTML,
    PARAM_TEXT,
    PARAM_HEADERS,
    PARAM_TAGS,
    PARAM_WEIGHT,
    PARAM_EXPIRE_SECONDS,
    PARAM_TEMPLATE,
    PARAM_PARTIALS,
    PARAM_DEFAULTS,
    PARAM_STRICT_VARIABLES,
    PARAM_INLINE_CSS,
    PARAM_TRACKING,
    PARAM_ATTACHMENTS,
    PARAM_PREHEADER,
    PARAM_METADATA,
    PARAM_DSN,
    PARAM_REQUIRE_TLS,
};

static const char *const content_fields[] = {
    "name",           "from",     "subject",
    "html",           "text",     "tags",
    "headers",        "weight",   "reply_to",
    "expire_seconds", "template", "strict_variables",
    "inline_css",     "tracking", "attachments",
    "preheader",      "metadata", "dsn",
    "require_tls"};
enum { CONTENT_FIELDS = sizeof content_fields / sizeof *content_fields };

static bool read_texts(json_t *body, struct campaign_content *out,
                       struct email_error *why)
{
    static const struct field_text texts[] = {
        {"name", PARAM_NAME, CAMPAIGN_NAME_MAX},
        {"from", PARAM_SENDER, EMAIL_SUBJECT_MAX},
        {"subject", PARAM_SUBJECT, EMAIL_SUBJECT_MAX},
        {"html", PARAM_HTML, MESSAGE_BYTES_MAX},
        {"text", PARAM_TEXT, MESSAGE_BYTES_MAX},
        {"preheader", PARAM_PREHEADER, EMAIL_SUBJECT_MAX},
    };

    if (!fields_read_texts(body, texts, sizeof texts / sizeof *texts,
                           out->params, why))
        return false;
    if (out->params[PARAM_NAME] && !utf8_one_line(out->params[PARAM_NAME]))
        return field_invalid(why, "name",
                             "it is to be one line without control characters");
    return true;
}

static bool require(const struct campaign_content *c, struct email_error *why)
{
    const char *missing = NULL;

    if (!c->params[PARAM_SENDER])
        missing = "from";
    else if (!c->params[PARAM_SUBJECT])
        missing = "subject";
    else if (!c->params[PARAM_HTML] && !c->params[PARAM_TEXT])
        missing = "html` or `text";
    return !missing || field_wrong(why, API_MISSING_REQUIRED_FIELD,
                                   "Missing `%s` field.", missing);
}

static bool read_headers(json_t *body, struct email_error *why)
{
    json_t *headers = field_member(body, "headers"), *value;
    const char *name;

    if (!headers)
        return json_object_set_new(body, "headers", json_object()) == 0;
    if (!json_is_object(headers) ||
        json_object_size(headers) > EMAIL_HEADERS_MAX)
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `headers` field: it is to be an object of at "
            "most %d texts.",
            EMAIL_HEADERS_MAX);
    json_object_foreach(headers, name, value) if (
        !json_is_string(value) ||
        json_string_length(value) >
            EMAIL_HEADER_BYTES_MAX) return field_wrong(why,
                                                       API_VALIDATION_ERROR,
                                                       "Invalid `headers` "
                                                       "field: "
                                                       "`%.80s` is to be a "
                                                       "text of "
                                                       "at most %d bytes.",
                                                       name,
                                                       EMAIL_HEADER_BYTES_MAX);
    return true;
}

static bool read_number(json_t *body, const char *field, json_int_t most,
                        struct buf *out, struct email_error *why)
{
    json_t *value = field_member(body, field);

    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > most)
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `%s` field: it is to be a number from 1 to %lld.", field,
            (long long)most);
    buf_addf(out, "%lld", (long long)json_integer_value(value));
    return true;
}

static bool read_numbers(json_t *body, struct campaign_content *out,
                         struct email_error *why)
{
    struct buf *weight = &out->own[PARAM_WEIGHT];
    struct buf *expire = &out->own[PARAM_EXPIRE_SECONDS];

    if (!read_number(body, "weight", CAMPAIGN_WEIGHT_MAX, weight, why) ||
        !read_number(body, "expire_seconds", CAMPAIGN_EXPIRE_SECONDS_MAX,
                     expire, why))
        return false;
    out->params[PARAM_WEIGHT] = weight->len ? weight->data : "1";
    out->params[PARAM_EXPIRE_SECONDS] = expire->len ? expire->data : NULL;
    return true;
}

static bool read_switch(json_t *body, const char *field, bool *out,
                        struct email_error *why)
{
    json_t *value = field_member(body, field);

    *out = json_is_true(value);
    return !value || json_is_boolean(value) ||
           field_invalid(why, field, "it is to be true or false");
}

/* RFC 8689, 5: one says the opposite of the other. */
static bool agrees_on_tls(json_t *body, const struct campaign_content *out,
                          struct email_error *why)
{
    json_t *value;
    const char *name;

    json_object_foreach(field_member(body, "headers"), name, value)
    {
        if (out->require_tls &&
            tls_required_is_no(name, json_string_value(value)))
            return field_invalid(why, "require_tls",
                                 "the headers say `TLS-Required: No`");
    }
    return true;
}

static bool read_switches(json_t *body, struct campaign_content *out,
                          struct email_error *why)
{
    if (!read_switch(body, "strict_variables", &out->strict_variables, why) ||
        !read_switch(body, "inline_css", &out->inline_css, why) ||
        !read_switch(body, "require_tls", &out->require_tls, why))
        return false;
    out->params[PARAM_STRICT_VARIABLES] =
        out->strict_variables ? "true" : "false";
    out->params[PARAM_INLINE_CSS] = out->inline_css ? "true" : "false";
    out->params[PARAM_REQUIRE_TLS] = out->require_tls ? "true" : "false";
    return true;
}

/* Absent, they stay what they are. */
static bool read_attachments(json_t *body, struct campaign_content *out,
                             struct email_error *why)
{
    struct buf *own = &out->own[PARAM_ATTACHMENTS];

    if (!json_object_get(body, "attachments"))
        return true;
    if (attachment_read(field_member(body, "attachments"), &out->arena,
                        &out->attachments, &why->error) != STATUS_OK) {
        why->name = API_INVALID_ATTACHMENT;
        return false;
    }
    attachment_write(&out->attachments, own);
    out->params[PARAM_ATTACHMENTS] = own->data;
    return true;
}

bool campaign_compile(json_t *body, const struct campaign_content *c,
                      struct message **out, struct email_error *why)
{
    struct message_header headers[EMAIL_HEADERS_MAX];
    const char *reply_to[CAMPAIGN_REPLY_TO_MAX], *name;
    struct message_source source = {
        .from = c->params[PARAM_SENDER],
        .reply_to = reply_to,
        .subject = c->params[PARAM_SUBJECT],
        .html = c->params[PARAM_HTML],
        .text = c->params[PARAM_TEXT],
        .headers = headers,
        .templates = true,
        .partials = c->stored->partials,
        .defaults = c->stored->defaults,
        .preheader = c->params[PARAM_PREHEADER],
        .strict_variables = c->strict_variables,
        .inline_css = c->inline_css,
        .links = true,
        .attachments = c->attachments.at,
        .n_attachments = c->attachments.n,
    };
    json_t *value;
    size_t i;

    json_array_foreach(field_member(body, "reply_to"), i, value)
        reply_to[source.n_reply_to++] = json_string_value(value);
    json_object_foreach(field_member(body, "headers"), name, value)
        headers[source.n_headers++] =
            (struct message_header){name, json_string_value(value)};
    why->name = API_VALIDATION_ERROR;
    return message_compile(&source, out, &why->error) == STATUS_OK;
}

/* The engine's own opinion: whether this can be sent. */
static bool compiles(json_t *body, const struct campaign_content *c,
                     struct email_error *why)
{
    struct message *message;

    if (!campaign_compile(body, c, &message, why))
        return false;
    message_free(message);
    return true;
}

static void write_json(json_t *body, const char *field, enum param param,
                       struct campaign_content *out)
{
    struct buf *own = &out->own[param];

    json_add_value(own, field_member(body, field));
    out->params[param] = own->data;
}

/* Of what came with it: null, or an object. */
static void write_stored(json_t *value, const char *absent, enum param param,
                         struct campaign_content *out)
{
    if (value)
        json_add_value(&out->own[param], value);
    out->params[param] = value ? out->own[param].data : absent;
}

bool campaign_read(json_t *body, const struct campaign_stored *stored,
                   struct campaign_content *out, struct email_error *why)
{
    static const struct campaign_stored none;

    *out = (struct campaign_content){.stored = stored ? stored : &none};
    if (!json_is_object(body))
        return field_wrong(why, API_VALIDATION_ERROR,
                           "The body is to be a JSON object.");
    if (json_check_fields(body, content_fields, CONTENT_FIELDS, &why->error) !=
        STATUS_OK) {
        why->name = API_VALIDATION_ERROR;
        return false;
    }
    /* Passed over, the campaign would stay a draft, and nobody be told. */
    if (json_string_length(field_member(body, "scheduled_at")) > 0)
        return field_invalid(
            why, "scheduled_at",
            "the time is given with POST /campaigns/{id}/send");
    if (!read_texts(body, out, why) || !require(out, why) ||
        !field_check_from(out->params[PARAM_SENDER], why) ||
        !field_read_reply_to(body, CAMPAIGN_REPLY_TO_MAX, why) ||
        !read_headers(body, why) || !email_read_tags(body, why) ||
        !field_check_metadata(body, why) || !tracking_read(body, why) ||
        !dsn_check(body, why) || !read_numbers(body, out, why) ||
        !read_switches(body, out, why) || !agrees_on_tls(body, out, why) ||
        !read_attachments(body, out, why) || !compiles(body, out, why))
        return false;
    if (!out->params[PARAM_NAME])
        out->params[PARAM_NAME] = out->params[PARAM_SUBJECT];
    if (!field_member(body, "tags"))
        json_object_set_new(body, "tags", json_array());
    write_json(body, "reply_to", PARAM_REPLY_TO, out);
    write_json(body, "headers", PARAM_HEADERS, out);
    write_json(body, "tags", PARAM_TAGS, out);
    write_stored(field_member(body, "metadata"), "{}", PARAM_METADATA, out);
    write_stored(field_member(body, "dsn"), NULL, PARAM_DSN, out);
    write_stored(field_member(body, "tracking"), "{}", PARAM_TRACKING, out);
    write_stored(out->stored->template, NULL, PARAM_TEMPLATE, out);
    write_stored(out->stored->partials, "{}", PARAM_PARTIALS, out);
    write_stored(out->stored->defaults, "{}", PARAM_DEFAULTS, out);
    return true;
}

void campaign_stored_fini(struct campaign_stored *s)
{
    json_decref(s->template);
    json_decref(s->partials);
    json_decref(s->defaults);
    *s = (struct campaign_stored){0};
}

void campaign_fini(struct campaign_content *content)
{
    for (size_t i = 0; i < CAMPAIGN_PARAMS; i++)
        buf_fini(&content->own[i]);
    arena_fini(&content->arena);
}

static const struct {
    const char *name;
    enum campaign_column column;
    enum { AS_TEXT, AS_NUMBER, AS_TIME, AS_JSON, AS_BOOLEAN } kind;
} members[] = {
    {"id", COLUMN_ID, AS_TEXT},
    {"name", COLUMN_NAME, AS_TEXT},
    {"from", COLUMN_SENDER, AS_TEXT},
    {"subject", COLUMN_SUBJECT, AS_TEXT},
    {"state", COLUMN_STATE, AS_TEXT},
    {"recipients", COLUMN_RECIPIENTS, AS_NUMBER},
    {"duplicates", COLUMN_DUPLICATES, AS_NUMBER},
    {"weight", COLUMN_WEIGHT, AS_NUMBER},
    {"expire_seconds", COLUMN_EXPIRE_SECONDS, AS_NUMBER},
    {"resend_of", COLUMN_RESEND_OF, AS_TEXT},
    {"created_at", COLUMN_CREATED, AS_TIME},
    {"updated_at", COLUMN_UPDATED, AS_TIME},
    {"scheduled_at", COLUMN_SCHEDULED, AS_TIME},
    {"started_at", COLUMN_STARTED, AS_TIME},
    {"finished_at", COLUMN_FINISHED, AS_TIME},
    {"html", COLUMN_HTML, AS_TEXT},
    {"text", COLUMN_TEXT, AS_TEXT},
    {"reply_to", COLUMN_REPLY_TO, AS_JSON},
    {"headers", COLUMN_HEADERS, AS_JSON},
    {"tags", COLUMN_TAGS, AS_JSON},
    {"template", COLUMN_TEMPLATE, AS_JSON},
    {"strict_variables", COLUMN_STRICT_VARIABLES, AS_BOOLEAN},
    {"inline_css", COLUMN_INLINE_CSS, AS_BOOLEAN},
    {"tracking", COLUMN_TRACKING, AS_JSON},
    {"attachments", COLUMN_ATTACHMENTS, AS_JSON},
    {"preheader", COLUMN_PREHEADER, AS_TEXT},
    {"metadata", COLUMN_METADATA, AS_JSON},
    {"dsn", COLUMN_DSN, AS_JSON},
    {"require_tls", COLUMN_REQUIRE_TLS, AS_BOOLEAN},
};
enum { MEMBERS = sizeof members / sizeof *members };

void campaign_add(struct buf *out, const PGresult *rows, int row)
{
    buf_add_text(out, "\"object\":\"campaign\"");
    for (size_t i = 0; i < MEMBERS; i++) {
        int column = (int)members[i].column;

        if (column >= PQnfields(rows))
            continue;
        const char *value = PQgetvalue(rows, row, column);
        buf_addf(out, ",\"%s\":", members[i].name);
        if (PQgetisnull(rows, row, column))
            buf_add_text(out, "null");
        else if (members[i].kind == AS_TEXT)
            json_add_text(out, value);
        else if (members[i].kind == AS_TIME)
            json_add_time(out, strtoll(value, NULL, 10));
        else if (members[i].kind == AS_BOOLEAN)
            buf_add_text(out, *value == 't' ? "true" : "false");
        else
            buf_add_text(out, value);
    }
}

/* They are read anew from there. */
static void drop_templates_fields(json_t *merged, const json_t *template)
{
    const json_t *fields = json_object_get(template, "fields");

    for (size_t i = 0; i < json_array_size(fields); i++)
        json_object_del(merged, json_string_value(json_array_get(fields, i)));
}

json_t *campaign_merge(const PGresult *row, json_t *body)
{
    struct buf text = {0};
    json_t *stored = NULL, *merged = json_object();
    struct error ignored;

    buf_add_char(&text, '{');
    campaign_add(&text, row, 0);
    buf_add_char(&text, '}');
    /* Written by us: if it can't be read, campaign_read will miss fields. */
    if (json_parse(text.data, text.len, &stored, &ignored) != STATUS_OK)
        stored = NULL;
    buf_fini(&text);
    for (size_t i = 0; i < CONTENT_FIELDS; i++)
        json_object_set(merged, content_fields[i],
                        json_object_get(stored, content_fields[i]));
    /* Their content is not in the row: what is not given anew stays. */
    json_object_del(merged, "attachments");
    if (!json_is_null(json_object_get(body, "template")))
        drop_templates_fields(merged, json_object_get(stored, "template"));
    json_object_update(merged, body);
    json_decref(stored);
    return merged;
}

bool campaign_id_valid(const char *text)
{
    size_t n = strlen(text);

    if (n != CAMPAIGN_ID_MAX - 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
            return false;
    }
    return true;
}
