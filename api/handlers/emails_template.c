/* Emails that name a stored template: {"template": {"id", "variables"}}. They
 * are filled in as they are accepted, so that what is missing is told at once,
 * and a later edit changes nothing that was accepted. */
#include "api/handlers/emails.h"
#include "api/handlers/templates.h"
#include "api/json.h"
#include "base/memory.h"
#include "mail/address.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch usually names the same template again and again. */
struct emails_kept {
    struct emails_kept *next;
    char name[TEMPLATES_ID_MAX + STORED_ALIAS_MAX];
    int version;
    struct template_found found;
};

void emails_kept_free(struct emails_kept *kept)
{
    while (kept) {
        struct emails_kept *next = kept->next;

        templates_found_fini(&kept->found);
        free(kept);
        kept = next;
    }
}

static bool is_set(const json_t *value)
{
    return value && !json_is_null(value);
}

bool emails_names_template(const json_t *body)
{
    if (is_set(json_object_get(body, "template")))
        return true;
    for (size_t i = 0; i < json_array_size(body); i++)
        if (is_set(json_object_get(json_array_get(body, i), "template")))
            return true;
    return false;
}

static bool refuse(struct template_problem *p, const char *what)
{
    p->why.name = API_VALIDATION_ERROR;
    snprintf(p->why.error.text, sizeof p->why.error.text, "%s", what);
    return false;
}

struct wanted {
    const char *name;
    int version;
    const json_t *variables;
};

static bool read_wanted(const json_t *email, struct wanted *out,
                        struct template_problem *p)
{
    static const char *const known[] = {"id", "variables", "version"};
    json_t *value = json_object_get(email, "template");
    const json_t *html = json_object_get(email, "html");
    const json_t *text = json_object_get(email, "text");

    *p = (struct template_problem){.why.name = API_VALIDATION_ERROR};
    if (json_string_length(html) > 0 || json_string_length(text) > 0)
        return refuse(p, "Send `template`, or `html` and `text`, not both.");
    out->name = json_string_value(json_object_get(value, "id"));
    out->variables = json_object_get(value, "variables");
    if (!out->name || !*out->name || strlen(out->name) > STORED_ALIAS_MAX)
        return refuse(p, "Invalid `template` field: it is to be an object "
                         "with the `id` or the alias of a template, and "
                         "perhaps `variables`.");
    if (json_check_fields(value, known, 3, &p->why.error) != STATUS_OK)
        return false;
    if (is_set(out->variables) && !json_is_object(out->variables))
        return refuse(p, "Invalid `template.variables` field: it is to be an "
                         "object.");
    return templates_read_version(json_object_get(value, "version"),
                                  &out->version, &p->why);
}

static struct emails_kept *look_up(struct request *request,
                                   const struct wanted *w,
                                   struct emails_kept **kept,
                                   struct template_problem *p)
{
    struct emails_kept *k = *kept;

    while (k && (strcmp(k->name, w->name) != 0 || k->version != w->version))
        k = k->next;
    if (k)
        return k;
    k = memory_new(1, sizeof *k);
    snprintf(k->name, sizeof k->name, "%s", w->name);
    k->version = w->version;
    if (!templates_find(request->session, request->caller.project, w->name,
                        w->version, TEMPLATE_PUBLISHED, &k->found, p)) {
        free(k);
        if (p->absent) {
            p->why.name = API_VALIDATION_ERROR;
            snprintf(p->why.error.text, sizeof p->why.error.text,
                     "There is no template `%.100s`.", w->name);
        }
        return NULL;
    }
    k->next = *kept;
    return *kept = k;
}

/* Who gets it, as the variable `email` says it: the first of `to`. */
static const char *first_of(json_t *email, struct address *parsed,
                            char spec[static ADDRESS_MAX])
{
    json_t *to = json_object_get(email, "to");
    const char *text =
        json_string_value(json_is_array(to) ? json_array_get(to, 0) : to);
    struct error ignored;

    if (!text ||
        address_parse(text, strlen(text), parsed, &ignored) != STATUS_OK)
        return NULL;
    snprintf(spec, ADDRESS_MAX, "%.*s", (int)parsed->spec_len, parsed->spec);
    return spec;
}

/* What the email does not say itself. */
static void complete(json_t *email, const PGresult *row,
                     const struct letter_texts *texts)
{
    const char *from = PQgetvalue(row, 0, STORED_COLUMN_SENDER);
    const char *reply_to = PQgetvalue(row, 0, STORED_COLUMN_REPLY_TO);

    if (json_string_length(json_object_get(email, "from")) == 0 && *from)
        json_object_set_new(email, "from", json_string(from));
    if (json_string_length(json_object_get(email, "subject")) == 0 &&
        texts->subject)
        json_object_set_new(email, "subject", json_string(texts->subject));
    if (!is_set(json_object_get(email, "reply_to")))
        json_object_set_new(email, "reply_to", json_loads(reply_to, 0, NULL));
    json_object_del(email, "html");
    json_object_del(email, "text");
    if (texts->html)
        json_object_set_new(email, "html", json_string(texts->html));
    if (texts->text)
        json_object_set_new(email, "text", json_string(texts->text));
    json_object_del(email, "template");
}

bool emails_fill(struct request *request, json_t *email,
                 struct emails_kept **kept, struct template_problem *problem)
{
    struct wanted wanted;
    struct address parsed;
    char spec[ADDRESS_MAX];
    struct arena scratch = {0};
    struct letter_texts texts;

    if (!is_set(json_object_get(email, "template")))
        return true;
    if (!read_wanted(email, &wanted, problem))
        return false;
    struct emails_kept *k = look_up(request, &wanted, kept, problem);
    if (!k ||
        !stored_check_values(k->found.row, wanted.variables, &problem->why))
        return false;
    const struct template_filling filling = {
        .variables = is_set(wanted.variables) ? wanted.variables : NULL,
        .email = first_of(email, &parsed, spec),
        .strict = true,
    };
    bool filled =
        templates_fill(&k->found, &filling, &scratch, &texts, &problem->why);
    if (filled)
        complete(email, k->found.row, &texts);
    arena_fini(&scratch);
    return filled;
}
