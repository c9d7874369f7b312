#include "api/stored.h"
#include "api/campaign.h"
#include "api/json.h"
#include "base/utf8.h"
#include "mail/address.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fields[] = {"name",     "alias",     "from",
                                     "subject",  "html",      "text",
                                     "reply_to", "variables", "inline_css"};
enum { FIELDS = sizeof fields / sizeof *fields };

static bool read_texts(const json_t *body, struct stored_content *out,
                       struct email_error *why)
{
    static const struct field_text texts[] = {
        {"name", STORED_NAME, STORED_NAME_MAX},
        {"from", STORED_SENDER, EMAIL_SUBJECT_MAX},
        {"subject", STORED_SUBJECT, EMAIL_SUBJECT_MAX},
        {"html", STORED_HTML, STORED_BODY_MAX},
        {"text", STORED_TEXT, STORED_BODY_MAX},
        {"alias", STORED_ALIAS, STORED_ALIAS_MAX},
    };

    return fields_read_texts(body, texts, sizeof texts / sizeof *texts,
                             out->params, why);
}

/* An alias stands in paths, and is not to be taken for an id. */
static bool check_alias(const char *alias, struct email_error *why)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789_-.";

    if (!alias || (strspn(alias, set) == strlen(alias) && *alias != '.' &&
                   !campaign_id_valid(alias)))
        return true;
    return field_invalid(
        why, "alias",
        "it is to be of ASCII letters, digits, dashes, underscores "
        "and dots, and no UUID");
}

static bool check_names(const struct stored_content *c, struct email_error *why)
{
    const char *from = c->params[STORED_SENDER];

    if (!c->params[STORED_NAME])
        return field_wrong(why, API_MISSING_REQUIRED_FIELD,
                           "Missing `name` field.");
    if (!utf8_one_line(c->params[STORED_NAME]))
        return field_invalid(why, "name",
                             "it is to be one line without control characters");
    if (!c->params[STORED_HTML] && !c->params[STORED_TEXT])
        return field_wrong(why, API_MISSING_REQUIRED_FIELD,
                           "Missing `html` or `text` field.");
    if (from && !field_check_from(from, why))
        return false;
    return check_alias(c->params[STORED_ALIAS], why);
}

static bool read_reply_to(json_t *body, struct email_error *why)
{
    const json_t *value;
    struct address parsed;
    struct error err;

    if (!field_read_reply_to(body, STORED_REPLY_TO_MAX, why))
        return false;
    value = json_object_get(body, "reply_to");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));

        if (address_parse(text, strlen(text), &parsed, &err) != STATUS_OK)
            return field_wrong(why, API_VALIDATION_ERROR,
                               "Invalid `reply_to` field: %s.", err.text);
    }
    return true;
}

/* Variables. */

static const struct type {
    const char *name;
    enum { TEXT, NUMBER, BOOLEAN, OBJECT, LIST } is;
} types[] = {{"string", TEXT},
             {"number", NUMBER},
             {"boolean", BOOLEAN},
             {"object", OBJECT},
             {"list", LIST}};

static const struct type *type_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

static bool is_of(const struct type *type, const json_t *value)
{
    switch (type->is) {
    case TEXT: return json_is_string(value) || json_is_number(value);
    case NUMBER: return json_is_number(value);
    case BOOLEAN: return json_is_boolean(value);
    case OBJECT: return json_is_object(value);
    case LIST: return json_is_array(value);
    }
    return false;
}

/* These mean the recipient, whatever a mail says. */
static bool is_reserved(const char *key)
{
    static const char *const reserved[] = {
        "FIRST_NAME", "LAST_NAME", "EMAIL", "UNSUBSCRIBE_URL",
        "contact",    "this",      "email", "self"};

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], key) == 0)
            return true;
    return false;
}

static bool check_key(const char *key, size_t index, struct email_error *why)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = key ? strlen(key) : 0;

    if (len == 0 || len > STORED_KEY_MAX || strspn(key, set) != len ||
        (*key >= '0' && *key <= '9'))
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `variables` field: item %zu is to have a `key` "
            "of 1 to %d ASCII letters, digits and underscores, with "
            "a letter first.",
            index, STORED_KEY_MAX);
    return !is_reserved(key) ||
           field_wrong(why, API_VALIDATION_ERROR,
                       "Invalid `variables` field: the key `%s` is reserved.",
                       key);
}

static bool check_variable(const json_t *item, size_t index,
                           struct email_error *why)
{
    const char *key = json_string_value(json_object_get(item, "key"));
    const struct type *type =
        type_named(json_string_value(json_object_get(item, "type")));
    const json_t *fallback = field_member(item, "fallback_value");

    if (!check_key(key, index, why))
        return false;
    if (!type)
        return field_wrong(
            why, API_VALIDATION_ERROR,
            "Invalid `variables` field: the `type` of `%s` is to be "
            "`string`, `number`, `boolean`, `object` or `list`.",
            key);
    return !fallback || is_of(type, fallback) ||
           field_wrong(
               why, API_VALIDATION_ERROR,
               "Invalid `variables` field: the `fallback_value` of `%s` is "
               "no %s.",
               key, type->name);
}

/* Only what counts is kept: SDKs echo ids and times. */
static bool read_variables(json_t *body, struct email_error *why)
{
    const json_t *given = field_member(body, "variables");
    json_t *kept = json_array(), *seen = json_object();
    bool good = !given || json_is_array(given);

    if (!good || json_array_size(given) > STORED_VARIABLES_MAX)
        good =
            field_wrong(why, API_VALIDATION_ERROR,
                        "Invalid `variables` field: it is to be a list of at "
                        "most %d objects with `key`, `type` and perhaps "
                        "`fallback_value`.",
                        STORED_VARIABLES_MAX);
    for (size_t i = 0; good && i < json_array_size(given); i++) {
        const json_t *item = json_array_get(given, i);
        const char *key = json_string_value(json_object_get(item, "key"));
        json_t *fallback = field_member(item, "fallback_value");

        good = check_variable(item, i, why);
        if (good && json_object_get(seen, key))
            good =
                field_wrong(why, API_VALIDATION_ERROR,
                            "Invalid `variables` field: the key `%s` is there "
                            "twice.",
                            key);
        if (!good)
            break;
        json_object_set_new(seen, key, json_true());
        json_array_append_new(kept,
                              json_pack("{s:s, s:O, s:O*}", "key", key, "type",
                                        json_object_get(item, "type"),
                                        "fallback_value", fallback));
    }
    json_decref(seen);
    json_object_set_new(body, "variables", kept);
    return good;
}

static bool compiles(const struct stored_content *c, json_t *partials,
                     struct email_error *why)
{
    const struct letter_source source = {
        .subject = c->params[STORED_SUBJECT],
        .html = c->params[STORED_HTML],
        .text = c->params[STORED_TEXT],
        .partials = partials,
        .inline_css = c->params[STORED_INLINE_CSS][0] == 't',
    };
    struct letter *letter;

    why->name = API_VALIDATION_ERROR;
    if (letter_compile(&source, &letter, &why->error) != STATUS_OK)
        return false;
    letter_free(letter);
    return true;
}

static void write_json(const json_t *body, const char *field,
                       enum stored_param param, struct stored_content *out)
{
    struct buf *own = &out->own[param];

    json_add_value(own, json_object_get(body, field));
    out->params[param] = own->data;
}

bool stored_read(json_t *body, json_t *partials, struct stored_content *out,
                 struct email_error *why)
{
    const json_t *inlined = field_member(body, "inline_css");

    *out = (struct stored_content){0};
    if (!json_is_object(body))
        return field_wrong(why, API_VALIDATION_ERROR,
                           "The body is to be a JSON object.");
    if (json_check_fields(body, fields, FIELDS, &why->error) != STATUS_OK) {
        why->name = API_VALIDATION_ERROR;
        return false;
    }
    if (inlined && !json_is_boolean(inlined))
        return field_invalid(why, "inline_css", "it is to be true or false");
    if (!read_texts(body, out, why) || !check_names(out, why) ||
        !read_reply_to(body, why) || !read_variables(body, why))
        return false;
    out->params[STORED_INLINE_CSS] = json_is_true(inlined) ? "true" : "false";
    if (!compiles(out, partials, why))
        return false;
    write_json(body, "reply_to", STORED_REPLY_TO, out);
    write_json(body, "variables", STORED_VARIABLES, out);
    return true;
}

void stored_fini(struct stored_content *content)
{
    for (size_t i = 0; i < STORED_PARAMS; i++)
        buf_fini(&content->own[i]);
}

void stored_sources(const json_t *body, const char *sources[STORED_SOURCES])
{
    sources[0] = json_string_value(json_object_get(body, "subject"));
    sources[1] = json_string_value(json_object_get(body, "html"));
    sources[2] = json_string_value(json_object_get(body, "text"));
}

/* Rows. */

static const struct {
    const char *name;
    enum stored_column column;
    enum { AS_TEXT, AS_JSON, AS_TIME, AS_BOOLEAN } kind;
} members[] = {
    {"id", STORED_COLUMN_ID, AS_TEXT},
    {"alias", STORED_COLUMN_ALIAS, AS_TEXT},
    {"name", STORED_COLUMN_NAME, AS_TEXT},
    {"created_at", STORED_COLUMN_CREATED, AS_TIME},
    {"updated_at", STORED_COLUMN_UPDATED, AS_TIME},
    {"published_at", STORED_COLUMN_PUBLISHED_AT, AS_TIME},
    {"version", STORED_COLUMN_NUMBER, AS_JSON},
    {"current_version_id", STORED_COLUMN_VERSION_ID, AS_TEXT},
    {"from", STORED_COLUMN_SENDER, AS_TEXT},
    {"reply_to", STORED_COLUMN_REPLY_TO, AS_JSON},
    {"subject", STORED_COLUMN_SUBJECT, AS_TEXT},
    {"html", STORED_COLUMN_HTML, AS_TEXT},
    {"text", STORED_COLUMN_TEXT, AS_TEXT},
    {"variables", STORED_COLUMN_VARIABLES, AS_JSON},
    {"inline_css", STORED_COLUMN_INLINE_CSS, AS_BOOLEAN},
};
enum { MEMBERS = sizeof members / sizeof *members };

void stored_add(struct buf *out, const PGresult *rows, int row)
{
    bool published = !PQgetisnull(rows, row, STORED_COLUMN_PUBLISHED);
    bool ahead = strcmp(PQgetvalue(rows, row, STORED_COLUMN_PUBLISHED),
                        PQgetvalue(rows, row, STORED_COLUMN_LATEST)) != 0;

    buf_addf(out,
             "\"object\":\"template\",\"status\":\"%s\","
             "\"has_unpublished_versions\":%s",
             published ? "published" : "draft", ahead ? "true" : "false");
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

json_t *stored_merge(const PGresult *row, const json_t *body)
{
    json_t *merged = json_object(), *stored = NULL;
    struct buf text = {0};
    struct error ignored;

    buf_add_char(&text, '{');
    stored_add(&text, row, 0);
    buf_add_char(&text, '}');
    /* Written by us: if it can't be read, stored_read will miss fields. */
    if (json_parse(text.data, text.len, &stored, &ignored) != STATUS_OK)
        stored = NULL;
    buf_fini(&text);
    for (size_t i = 0; i < FIELDS; i++)
        json_object_set(merged, fields[i], json_object_get(stored, fields[i]));
    json_object_update(merged, (json_t *)(uintptr_t)body);
    json_decref(stored);
    return merged;
}

static json_t *variables_of(const PGresult *row)
{
    return json_loads(PQgetvalue(row, 0, STORED_COLUMN_VARIABLES), 0, NULL);
}

json_t *stored_defaults(const PGresult *row)
{
    json_t *variables = variables_of(row), *defaults = json_object();

    for (size_t i = 0; i < json_array_size(variables); i++) {
        const json_t *item = json_array_get(variables, i);
        json_t *fallback = field_member(item, "fallback_value");

        if (fallback)
            json_object_set(defaults,
                            json_string_value(json_object_get(item, "key")),
                            fallback);
    }
    json_decref(variables);
    return defaults;
}

static bool check_value(const json_t *item, const json_t *values,
                        struct email_error *why)
{
    const char *key = json_string_value(json_object_get(item, "key"));
    const struct type *type =
        type_named(json_string_value(json_object_get(item, "type")));
    const json_t *value = field_member(values, key);

    if (!value)
        return field_member(item, "fallback_value") ||
               field_wrong(
                   why, API_VALIDATION_ERROR,
                   "Missing the variable `%s` of the template, which has no "
                   "fallback.",
                   key);
    return !type || is_of(type, value) ||
           field_wrong(why, API_VALIDATION_ERROR,
                       "The variable `%s` of the template is to be a %s.", key,
                       type->name);
}

bool stored_check_values(const PGresult *row, const json_t *values,
                         struct email_error *why)
{
    json_t *variables = variables_of(row);
    bool good = true;

    for (size_t i = 0; good && i < json_array_size(variables); i++)
        good = check_value(json_array_get(variables, i), values, why);
    json_decref(variables);
    return good;
}
