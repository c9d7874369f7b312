/* /templates/{id}/preview and /test: how it looks, before anybody gets it. */
#include "api/handlers/emails.h"
#include "api/handlers/templates.h"
#include "api/json.h"
#include "api/lacking.h"
#include <stdio.h>
#include <string.h>

/* What both take. */
struct asked {
    const json_t *variables;
    int version;
    bool strict;
};

static bool wrong(struct reply *reply, const char *what)
{
    reply_error(reply, API_VALIDATION_ERROR, "%s", what);
    return false;
}

static bool read_asked(json_t *body, const char *const *known, size_t n,
                       struct reply *reply, struct asked *out)
{
    const json_t *strict = json_object_get(body, "strict_variables");
    struct email_error why;

    *out = (struct asked){.variables = json_object_get(body, "variables")};
    if (!json_is_object(body))
        return wrong(reply, "The body is to be a JSON object.");
    if (json_check_fields(body, known, n, &why.error) != STATUS_OK)
        return wrong(reply, why.error.text);
    if (json_is_null(out->variables))
        out->variables = NULL;
    if (out->variables && !json_is_object(out->variables))
        return wrong(reply,
                     "Invalid `variables` field: it is to be an object.");
    if (strict && !json_is_null(strict) && !json_is_boolean(strict))
        return wrong(reply, "Invalid `strict_variables` field: it is to be "
                            "true or false.");
    out->strict = json_is_true(strict);
    if (!templates_read_version(json_object_get(body, "version"), &out->version,
                                &why))
        return wrong(reply, why.error.text);
    return true;
}

static bool find(struct request *request, struct reply *reply,
                 const struct asked *asked, struct template_found *found)
{
    struct template_problem p;

    if (templates_find(request->session, request->caller.project,
                       request->args[0], asked->version, TEMPLATE_LATEST, found,
                       &p))
        return true;
    templates_answer(reply, &p);
    return false;
}

static void refuse_missing(struct reply *reply, const struct lacking *l)
{
    struct buf names = {0};

    lacking_add_text(l, &names);
    reply_error(reply, API_VALIDATION_ERROR, "Missing variables: %.400s.",
                names.data);
    buf_fini(&names);
}

static void add_member(struct buf *out, const char *name, const char *text)
{
    buf_addf(out, ",\"%s\":", name);
    json_add_text(out, text);
}

static void show(struct reply *reply, const struct template_found *found,
                 const struct letter_texts *texts, const struct lacking *l)
{
    struct buf *out = &reply->body;

    reply->status = 200;
    buf_addf(out,
             "{\"object\":\"template_preview\",\"id\":\"%s\",\"version\":%s",
             PQgetvalue(found->row, 0, STORED_COLUMN_ID),
             PQgetvalue(found->row, 0, STORED_COLUMN_NUMBER));
    add_member(out, "subject", texts->subject);
    add_member(out, "html", texts->html);
    add_member(out, "text", texts->text);
    buf_add_text(out, ",\"missing\":[");
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_add_char(out, ',');
        json_add_text(out, l->names[i].name);
    }
    buf_add_text(out, "]}");
}

void templates_preview_handle(struct request *request, struct reply *reply)
{
    static const char *const known[] = {"variables", "version", "email",
                                        "strict_variables"};
    JSON_DECREF json_t *body = request_json(request, reply);
    struct template_found found;
    struct arena scratch = {0};
    struct lacking lacking = {0};
    struct letter_texts texts;
    char url[TEMPLATES_URL_MAX];
    struct email_error why;
    struct asked asked;

    if (!body || !read_asked(body, known, 4, reply, &asked) ||
        !find(request, reply, &asked, &found))
        return;
    templates_sample_url(request->config, url);
    const struct template_filling filling = {
        .variables = asked.variables,
        .email = json_string_value(json_object_get(body, "email")),
        .unsubscribe_url = *url ? url : NULL,
        .generate_text = true,
        .missing = lacking_note,
        .missing_context = &lacking,
    };
    lacking_next(&lacking, NULL);
    if (!templates_fill(&found, &filling, &scratch, &texts, &why))
        reply_error(reply, why.name, "%s", why.error.text);
    else if (asked.strict && lacking.n > 0)
        refuse_missing(reply, &lacking);
    else
        show(reply, &found, &texts, &lacking);
    lacking_fini(&lacking);
    arena_fini(&scratch);
    templates_found_fini(&found);
}

/* What a campaign's mail would have, too. */
static json_t *test_variables(const json_t *body, const struct config *config)
{
    static const char *const names[] = {"unsubscribe_url",
                                        "RESEND_UNSUBSCRIBE_URL"};
    json_t *variables = json_object();
    char url[TEMPLATES_URL_MAX];

    templates_sample_url(config, url);
    for (size_t i = 0; *url && i < sizeof names / sizeof *names; i++)
        json_object_set_new(variables, names[i], json_string(url));
    json_object_update(variables, json_object_get(body, "variables"));
    return variables;
}

/* A test mail, as an email that names this version of the template. */
static json_t *test_email(json_t *body, const struct config *config,
                          const struct template_found *found)
{
    const char *id = PQgetvalue(found->row, 0, STORED_COLUMN_ID);
    int version = 0;

    if (sscanf(PQgetvalue(found->row, 0, STORED_COLUMN_NUMBER), "%9d",
               &version) != 1)
        version = 1;
    return json_pack(
        "{s:O*, s:O*, s:O*, s:{s:s, s:i, s:o}}", "to",
        json_object_get(body, "to"), "from", json_object_get(body, "from"),
        "subject", json_object_get(body, "subject"), "template", "id", id,
        "version", version, "variables", test_variables(body, config));
}

void templates_test_handle(struct request *request, struct reply *reply)
{
    static const char *const known[] = {"to", "from", "subject", "variables",
                                        "version"};
    JSON_DECREF json_t *body = request_json(request, reply);
    struct template_found found;
    struct asked asked;

    if (!body || !read_asked(body, known, 5, reply, &asked))
        return;
    if (!request->session) {
        request->needs_session = true;
        return;
    }
    if (!find(request, reply, &asked, &found))
        return;
    JSON_DECREF json_t *email = test_email(body, request->config, &found);
    templates_found_fini(&found);
    emails_send(request, reply, email);
}
