/* Campaigns that name a stored template. They have a copy of what it says: of
 * the version that is published when they are sent, or of the one that they
 * name. */
#include "api/handlers/campaigns.h"
#include "api/handlers/templates.h"
#include "api/json.h"
#include "api/pin.h"
#include <string.h>

/* What a template brings, unless the campaign says it itself. */
static const struct {
    const char *field;
    enum stored_column column;
    enum { AS_TEXT, AS_JSON, AS_BOOLEAN } kind;
} brought[] = {
    {"from", STORED_COLUMN_SENDER, AS_TEXT},
    {"subject", STORED_COLUMN_SUBJECT, AS_TEXT},
    {"html", STORED_COLUMN_HTML, AS_TEXT},
    {"text", STORED_COLUMN_TEXT, AS_TEXT},
    {"reply_to", STORED_COLUMN_REPLY_TO, AS_JSON},
    {"inline_css", STORED_COLUMN_INLINE_CSS, AS_BOOLEAN},
};
enum { BROUGHT = sizeof brought / sizeof *brought };

static bool is_set(const json_t *value)
{
    if (json_is_string(value))
        return json_string_length(value) > 0;
    return value && !json_is_null(value);
}

static bool wrong(struct reply *reply, const char *what)
{
    reply_error(reply, API_VALIDATION_ERROR, "%s", what);
    return false;
}

/* "alias", {"id", "version"}, or what is stored: {id, version, pinned,
 * fields}. */
static bool read_name(const json_t *body, struct reply *reply,
                      const char **name, int *version)
{
    const json_t *value = json_object_get(body, "template");
    const json_t *pinned = json_object_get(value, "pinned");
    struct email_error why;

    if (is_set(json_object_get(body, "html")) ||
        is_set(json_object_get(body, "text")))
        return wrong(reply, "Give `template`, or `html` and `text`, not both.");
    *name = json_string_value(
        json_is_string(value) ? value : json_object_get(value, "id"));
    if (!*name || !**name || strlen(*name) > STORED_ALIAS_MAX)
        return wrong(reply, "Invalid `template` field: it is to be the id or "
                            "the alias of a template, or an object with an "
                            "`id` and perhaps a `version`.");
    if (!templates_read_version(json_object_get(value, "version"), version,
                                &why))
        return wrong(reply, why.error.text);
    if (json_is_false(pinned))
        *version = 0;
    return true;
}

static json_t *value_of(const PGresult *row, size_t i)
{
    int column = (int)brought[i].column;
    const char *text = PQgetvalue(row, 0, column);

    if (PQgetisnull(row, 0, column))
        return NULL;
    switch (brought[i].kind) {
    case AS_TEXT: return json_string(text);
    case AS_JSON: return json_loads(text, 0, NULL);
    case AS_BOOLEAN: return json_boolean(*text == 't');
    }
    return NULL;
}

/* Into body what it has not; their names, for the next time. */
static json_t *complete(json_t *body, const PGresult *row)
{
    json_t *fields = json_array();

    for (size_t i = 0; i < BROUGHT; i++) {
        json_t *value = is_set(json_object_get(body, brought[i].field))
                            ? NULL
                            : value_of(row, i);

        if (!value)
            continue;
        json_object_set_new(body, brought[i].field, value);
        json_array_append_new(fields, json_string(brought[i].field));
    }
    return fields;
}

static bool take_template(struct request *request, struct reply *reply,
                          json_t *body, struct campaign_stored *out)
{
    struct template_found found;
    struct template_problem p;
    const char *name;
    int version;

    if (!read_name(body, reply, &name, &version))
        return false;
    if (!templates_find(request->session, request->caller.project, name,
                        version, TEMPLATE_PUBLISHED, &found, &p)) {
        if (!p.absent)
            templates_answer(reply, &p);
        else
            reply_error(reply, API_VALIDATION_ERROR,
                        "There is no template `%.100s`.", name);
        return false;
    }
    out->template =
        json_pack("{s:s, s:o, s:b, s:o}", "id",
                  PQgetvalue(found.row, 0, STORED_COLUMN_ID), "version",
                  json_loads(PQgetvalue(found.row, 0, STORED_COLUMN_NUMBER),
                             JSON_DECODE_ANY, NULL),
                  "pinned", version != 0, "fields", complete(body, found.row));
    out->defaults = json_incref(found.defaults);
    templates_found_fini(&found);
    return true;
}

bool campaigns_resolve(struct request *request, struct reply *reply,
                       json_t *body, struct campaign_stored *out)
{
    enum { SOURCES_MAX = STORED_SOURCES + EMAIL_HEADERS_MAX };
    const char *sources[SOURCES_MAX] = {0}, *name;
    size_t n = STORED_SOURCES;
    struct error err;
    json_t *value;

    *out = (struct campaign_stored){0};
    if (is_set(json_object_get(body, "template")) &&
        !take_template(request, reply, body, out))
        return false;
    stored_sources(body, sources);
    json_object_foreach(json_object_get(body, "headers"), name,
                        value) if (n < SOURCES_MAX) sources[n++] =
        json_string_value(value);
    enum status status = pin_partials(request->session, request->caller.project,
                                      sources, n, &out->partials, &err);
    if (status == STATUS_OK)
        return true;
    reply_status(reply, status, &err);
    campaign_stored_fini(out);
    return false;
}
