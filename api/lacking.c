#include "api/lacking.h"
#include "api/json.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lacking_fini(struct lacking *l)
{
    free(l->names);
    *l = (struct lacking){0};
}

void lacking_next(struct lacking *l, const char *recipient)
{
    l->recipients++;
    l->recipient = recipient;
}

static struct lacking_name *entry(struct lacking *l, const char *name)
{
    if (!l->names)
        l->names = memory_new(LACKING_NAMES_MAX, sizeof *l->names);
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->names[i].name, name) == 0)
            return &l->names[i];
    if (l->n == LACKING_NAMES_MAX)
        return NULL;
    memcpy(l->names[l->n].name, name, strlen(name) + 1);
    return &l->names[l->n++];
}

void lacking_note(void *context, const char *name, size_t len)
{
    struct lacking *l = context;
    char copy[LACKING_NAME_MAX];

    snprintf(copy, sizeof copy, "%.*s", (int)len, name);
    struct lacking_name *e = entry(l, copy);
    if (!e || e->last == l->recipients)
        return;
    e->last = l->recipients;
    if (l->recipient && e->recipients < LACKING_EXAMPLES_MAX)
        snprintf(e->examples[e->recipients], LACKING_EXAMPLE_MAX, "%s",
                 l->recipient);
    e->recipients++;
}

void lacking_add_json(const struct lacking *l, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < l->n; i++) {
        const struct lacking_name *e = &l->names[i];

        buf_add_text(out, i ? ",{\"variable\":" : "{\"variable\":");
        json_add_text(out, e->name);
        buf_addf(out, ",\"recipients\":%zu,\"examples\":[", e->recipients);
        for (size_t k = 0; k < e->recipients && k < LACKING_EXAMPLES_MAX; k++) {
            if (k)
                buf_add_char(out, ',');
            json_add_text(out, e->examples[k]);
        }
        buf_add_text(out, "]}");
    }
    buf_add_char(out, ']');
}

void lacking_add_text(const struct lacking *l, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct lacking_name *e = &l->names[i];

        buf_addf(out, "%s`%s`", i ? ", " : "", e->name);
        if (l->recipient)
            buf_addf(out, " (%zu of %zu, one is %s)", e->recipients,
                     l->recipients, e->examples[0]);
    }
}
