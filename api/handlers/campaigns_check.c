/* POST /campaigns/{id}/check, and the look before a campaign is sent: it is
 * rendered for a sample of its recipients, as the engine would do it. */
#include "api/handlers/campaigns.h"
#include "api/handlers/campaigns_act.h"
#include "api/handlers/campaigns_check.sql.h"
#include "api/handlers/templates.h"
#include "api/json.h"
#include "api/lacking.h"
#include "base/clock.h"
#include "mail/address.h"
#include "render/message.h"
#include <stdio.h>
#include <string.h>

enum {
    SAMPLE_STANDARD = 1000,
    SAMPLE_MAX = 10000,
    SAMPLE_SEND = 500,   /* before it is sent */
    CHECK_MS_MAX = 3000, /* what is not rendered by then is not looked at */
};

/* What a sample showed. */
struct sampled {
    struct lacking lacking;
    size_t failed;
    char unsubscribe_url[TEMPLATES_URL_MAX];
    char why[ERROR_TEXT_MAX], who[ADDRESS_MAX]; /* of the first that failed */
};

static void render_one(const struct message *message, const char *recipient,
                       const char *variables, struct arena *scratch,
                       struct buf *out, struct sampled *v)
{
    JSON_DECREF json_t *object = json_loads(variables, JSON_ALLOW_NUL, NULL);
    const struct message_recipient to = {
        .address = recipient,
        .variables = object,
        .id = "00000000-0000-4000-8000-000000000000",
        .id_domain = "presort.invalid",
        .date_us = clock_wall_us(),
        .unsubscribe_url = v->unsubscribe_url[0] ? v->unsubscribe_url : NULL,
        .missing = lacking_note,
        .missing_context = &v->lacking,
    };
    struct error err;

    lacking_next(&v->lacking, recipient);
    arena_reset(scratch);
    buf_reset(out);
    if (message_render(message, &to, scratch, out, &err) == STATUS_OK)
        return;
    if (v->failed++ > 0)
        return;
    snprintf(v->why, sizeof v->why, "%s", err.text);
    snprintf(v->who, sizeof v->who, "%s", recipient);
}

static void render_all(const struct message *message, const PGresult *rows,
                       struct sampled *v)
{
    int64_t until_ms = clock_mono_ms() + CHECK_MS_MAX;
    struct arena scratch = {0};
    struct buf out = {0};

    for (int i = 0; i < PQntuples(rows) && clock_mono_ms() < until_ms; i++)
        render_one(message, PQgetvalue(rows, i, 0),
                   PQgetisnull(rows, i, 1) ? "{}" : PQgetvalue(rows, i, 1),
                   &scratch, &out, v);
    buf_fini(&out);
    arena_fini(&scratch);
}

/* As it is stored now; *strict: its variables are to be there. */
static bool compile(struct request *request, struct reply *reply,
                    const PGresult *row, struct message **out, bool *strict)
{
    JSON_DECREF json_t *fields = campaign_merge(row, NULL);
    struct campaign_content content;
    struct campaign_stored stored;
    struct email_error why;

    if (!campaigns_resolve(request, reply, fields, &stored))
        return false;
    if (!campaign_read(fields, &stored, &content, &why) ||
        !campaign_compile(fields, &content, out, &why))
        reply_error(reply, why.name, "%s", why.error.text);
    *strict = content.strict_variables;
    campaign_fini(&content);
    campaign_stored_fini(&stored);
    return reply->status == 0;
}

/* v needs lacking_fini where this is true. */
static bool look(struct request *request, struct reply *reply,
                 const struct campaign_ref *ref, const PGresult *row,
                 int sample, struct sampled *v, bool *strict)
{
    char limit[CAMPAIGNS_NUMBER_MAX];
    const char *params[] = {ref->id, limit};
    DB_RESULT *rows = NULL;
    struct message *message = NULL;
    struct error err;

    *v = (struct sampled){0};
    templates_sample_url(request->config, v->unsubscribe_url);
    if (!compile(request, reply, row, &message, strict))
        return false;
    snprintf(limit, sizeof limit, "%d", sample);
    enum status status =
        session_run(request->session, SQL_CHECK_SAMPLE, params, 2, &rows, &err);
    if (status == STATUS_OK)
        render_all(message, rows, v);
    else
        reply_status(reply, status, &err);
    message_free(message);
    return status == STATUS_OK;
}

bool campaigns_check(struct request *request, struct reply *reply,
                     const struct campaign_ref *ref, const PGresult *row)
{
    struct sampled v;
    struct buf names = {0};
    bool strict;

    if (!look(request, reply, ref, row, SAMPLE_SEND, &v, &strict))
        return false;
    if (strict && v.lacking.n > 0) {
        lacking_add_text(&v.lacking, &names);
        reply_error(
            reply, API_VALIDATION_ERROR,
            "Recipients lack variables that the template shows: %.400s.",
            names.data);
    } else if (v.failed > 0 && (strict || v.failed == v.lacking.recipients)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "The mail to %s, and %zu more of %zu that were tried, "
                    "can't be rendered: %.300s",
                    v.who, v.failed - 1, v.lacking.recipients, v.why);
    }
    buf_fini(&names);
    lacking_fini(&v.lacking);
    return reply->status == 0;
}

static void answer(struct reply *reply, const struct campaign_ref *ref,
                   const PGresult *row, const struct sampled *v)
{
    struct buf *out = &reply->body;
    bool good = v->failed == 0 && v->lacking.n == 0;

    reply->status = 200;
    buf_addf(out,
             "{\"object\":\"campaign_check\",\"campaign_id\":\"%s\","
             "\"recipients\":%s,\"checked\":%zu,\"ok\":%s,\"failed\":%zu,"
             "\"error\":",
             ref->id, PQgetvalue(row, 0, COLUMN_RECIPIENTS),
             v->lacking.recipients, good ? "true" : "false", v->failed);
    if (v->failed > 0) {
        buf_add_text(out, "{\"recipient\":");
        json_add_text(out, v->who);
        buf_add_text(out, ",\"message\":");
        json_add_text(out, v->why);
        buf_add_char(out, '}');
    } else {
        buf_add_text(out, "null");
    }
    buf_add_text(out, ",\"missing\":");
    lacking_add_json(&v->lacking, out);
    buf_add_char(out, '}');
}

void campaigns_check_handle(struct request *request, struct reply *reply)
{
    static const char *const known[] = {"sample"};
    JSON_DECREF json_t *body = request_json(request, reply);
    json_t *size = json_object_get(body, "sample");
    struct campaign_ref ref;
    struct sampled v;
    DB_RESULT *row = NULL;
    struct error err;
    bool strict;

    if (!body || !campaigns_ref(request, reply, &ref))
        return;
    if (json_check_fields(body, known, 1, &err) != STATUS_OK) {
        reply_error(reply, API_VALIDATION_ERROR, "%s", err.text);
        return;
    }
    if (size && (!json_is_integer(size) || json_integer_value(size) < 1 ||
                 json_integer_value(size) > SAMPLE_MAX)) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `sample` field: it is to be a number from 1 to "
                    "%d.",
                    SAMPLE_MAX);
        return;
    }
    if (!campaigns_find(request, reply, &ref, &row) ||
        !look(request, reply, &ref, row,
              size ? (int)json_integer_value(size) : SAMPLE_STANDARD, &v,
              &strict))
        return;
    answer(reply, &ref, row, &v);
    lacking_fini(&v.lacking);
}
