#include "api/pin.h"
#include "api/pin.sql.h"
#include "base/memory.h"
#include "templates/template.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 24 };

struct pin {
    struct session *session;
    char project[NUMBER_MAX];
    json_t *found;
    enum status status; /* of the queries */
    struct error *err;
};

static bool look_up(void *context, const char *name, size_t len,
                    const char **source, size_t *source_len)
{
    struct pin *p = context;
    json_t *text = json_object_getn(p->found, name, len);

    if (!text && p->status == STATUS_OK && !memchr(name, 0, len)) {
        char *copy = text_copy_n(name, len);
        const char *params[] = {p->project, copy};
        DB_RESULT *row = NULL;

        p->status =
            session_run(p->session, SQL_PIN_ONE, params, 2, &row, p->err);
        if (p->status == STATUS_OK && PQntuples(row) == 1) {
            text = json_string(PQgetvalue(row, 0, 0));
            json_object_set_new(p->found, copy, text);
        }
        free(copy);
    }
    *source = json_string_value(text);
    *source_len = json_string_length(text);
    return text != NULL;
}

static void take_all(struct pin *p)
{
    const char *params[] = {p->project};
    DB_RESULT *rows = NULL;

    p->status = session_run(p->session, SQL_PIN_ALL, params, 1, &rows, p->err);
    for (int i = 0; p->status == STATUS_OK && i < PQntuples(rows); i++)
        json_object_set_new(p->found, PQgetvalue(rows, i, 0),
                            json_string(PQgetvalue(rows, i, 1)));
}

/* Most templates have none, and need not be compiled to know. */
static bool may_include(const char *source)
{
    return source && (strstr(source, "render") || strstr(source, "include"));
}

enum status pin_partials(struct session *s, int64_t project,
                         const char *const *sources, size_t n, json_t **out,
                         struct error *err)
{
    struct pin p = {.session = s, .found = json_object(), .err = err};
    const struct template_options options = {.partial = look_up,
                                             .partial_context = &p};
    bool all = false;

    snprintf(p.project, sizeof p.project, "%lld", (long long)project);
    for (size_t i = 0; i < n && p.status == STATUS_OK; i++) {
        struct template *t = NULL;

        if (!may_include(sources[i]) ||
            template_compile_with(sources[i], strlen(sources[i]), &options, &t,
                                  NULL) != STATUS_OK)
            continue;
        all = all || template_names_partials(t);
        template_free(t);
    }
    if (all && p.status == STATUS_OK)
        take_all(&p);
    if (p.status != STATUS_OK) {
        json_decref(p.found);
        return p.status;
    }
    *out = p.found;
    return STATUS_OK;
}
