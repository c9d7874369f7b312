#include "api/handlers/templates.h"
#include "api/campaign.h"
#include "api/handlers/templates.sql.h"
#include "api/pin.h"
#include "base/clock.h"
#include <stdio.h>

void templates_found_fini(struct template_found *f)
{
    PQclear(f->row);
    json_decref(f->partials);
    json_decref(f->defaults);
    *f = (struct template_found){0};
}

void templates_answer(struct reply *reply, const struct template_problem *p)
{
    if (p->status != STATUS_OK)
        reply_status(reply, p->status, &p->why.error);
    else
        reply_error(reply, p->why.name, "%s", p->why.error.text);
}

static bool refuse(struct template_problem *p, const char *what,
                   const char *name)
{
    p->why.name = API_VALIDATION_ERROR;
    snprintf(p->why.error.text, sizeof p->why.error.text,
             "The template `%.100s` %s.", name, what);
    return false;
}

static bool not_there(struct template_problem *p)
{
    p->absent = true;
    p->why.name = API_NOT_FOUND;
    snprintf(p->why.error.text, sizeof p->why.error.text, "Template not found");
    return false;
}

static enum status find_row(struct session *session, int64_t project,
                            const char *name, int version,
                            enum template_wanted wanted, PGresult **row,
                            struct error *err)
{
    char number[TEMPLATES_NUMBER_MAX], owner[TEMPLATES_NUMBER_MAX];
    bool is_id = campaign_id_valid(name);
    const char *params[] = {owner, is_id ? name : NULL, is_id ? NULL : name,
                            version ? number : NULL,
                            wanted == TEMPLATE_PUBLISHED ? "true" : "false"};

    snprintf(owner, sizeof owner, "%lld", (long long)project);
    snprintf(number, sizeof number, "%d", version);
    return session_run(session, SQL_TEMPLATES_FIND, params, 5, row, err);
}

static const char *text_at(const PGresult *row, enum stored_column column)
{
    return PQgetisnull(row, 0, (int)column) ? NULL
                                            : PQgetvalue(row, 0, (int)column);
}

bool templates_find(struct session *session, int64_t project, const char *name,
                    int version, enum template_wanted wanted,
                    struct template_found *out, struct template_problem *p)
{
    const char *sources[STORED_SOURCES];

    *out = (struct template_found){0};
    *p = (struct template_problem){0};
    p->status = find_row(session, project, name, version, wanted, &out->row,
                         &p->why.error);
    if (p->status != STATUS_OK)
        return false;
    if (PQntuples(out->row) == 0) {
        templates_found_fini(out);
        return not_there(p);
    }
    if (PQgetisnull(out->row, 0, STORED_COLUMN_NUMBER)) {
        templates_found_fini(out);
        return refuse(p, version ? "has no such version" : "is not published",
                      name);
    }
    sources[0] = text_at(out->row, STORED_COLUMN_SUBJECT);
    sources[1] = text_at(out->row, STORED_COLUMN_HTML);
    sources[2] = text_at(out->row, STORED_COLUMN_TEXT);
    p->status = pin_partials(session, project, sources, STORED_SOURCES,
                             &out->partials, &p->why.error);
    if (p->status == STATUS_OK)
        out->defaults = stored_defaults(out->row);
    else
        templates_found_fini(out);
    return p->status == STATUS_OK;
}

bool templates_read_version(const json_t *value, int *out,
                            struct email_error *why)
{
    enum { VERSION_MAX = 1000000000 };

    *out = 0;
    if (!value || json_is_null(value))
        return true;
    if (json_is_integer(value) && json_integer_value(value) > 0 &&
        json_integer_value(value) <= VERSION_MAX) {
        *out = (int)json_integer_value(value);
        return true;
    }
    why->name = API_VALIDATION_ERROR;
    snprintf(why->error.text, sizeof why->error.text,
             "Invalid `version` field: it is to be a number from 1 on.");
    return false;
}

void templates_sample_url(const struct config *config,
                          char out[static TEMPLATES_URL_MAX])
{
    out[0] = 0;
    if (config->public_url[0])
        snprintf(out, TEMPLATES_URL_MAX, "%s/u/sample", config->public_url);
}

bool templates_fill(const struct template_found *f,
                    const struct template_filling *with, struct arena *scratch,
                    struct letter_texts *out, struct email_error *why)
{
    const struct letter_source source = {
        .subject = text_at(f->row, STORED_COLUMN_SUBJECT),
        .html = text_at(f->row, STORED_COLUMN_HTML),
        .text = text_at(f->row, STORED_COLUMN_TEXT),
        .partials = f->partials,
        .defaults = f->defaults,
        .strict_variables = with->strict,
        .generate_text = with->generate_text,
        .inline_css = *PQgetvalue(f->row, 0, STORED_COLUMN_INLINE_CSS) == 't',
    };
    const struct letter_reader reader = {
        .variables = with->variables,
        .email = with->email,
        .unsubscribe_url = with->unsubscribe_url,
        .now_us = clock_wall_us(),
        .missing = with->missing,
        .missing_context = with->missing_context,
    };
    struct letter *letter;
    enum status status = letter_compile(&source, &letter, &why->error);

    why->name = API_VALIDATION_ERROR;
    if (status != STATUS_OK)
        return false;
    status = letter_render(letter, &reader, scratch, out, &why->error);
    letter_free(letter);
    return status == STATUS_OK;
}
