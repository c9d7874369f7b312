#include "sign/published.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MX_PREFERENCE = 10 };

static struct published_record *add(struct published *p, enum record_kind kind)
{
    if (p->n == PUBLISHED_MAX)
        return NULL;
    struct published_record *r = &p->at[p->n++];

    *r = (struct published_record){.kind = kind};
    return r;
}

void published_init(struct published *p, const struct config *config,
                    const char *hostname, const char *domain)
{
    const char *path = config->return_path_domain;
    const char *envelope = path[0] ? path : domain;
    const char *allowed = config->spf_mechanisms;

    p->n = 0;
    struct published_record *spf = add(p, RECORD_SPF);

    snprintf(spf->name, sizeof spf->name, "%s", envelope);
    snprintf(spf->value, sizeof spf->value, "v=spf1 %s%s ~all",
             allowed[0] ? "" : "a:", allowed[0] ? allowed : hostname);
    if (path[0]) {
        struct published_record *mx = add(p, RECORD_MX);

        snprintf(mx->name, sizeof mx->name, "%s", envelope);
        snprintf(mx->value, sizeof mx->value, "%s", hostname);
    }
    struct published_record *dmarc = add(p, RECORD_DMARC);

    snprintf(dmarc->name, sizeof dmarc->name, "_dmarc.%s", domain);
    snprintf(dmarc->value, sizeof dmarc->value, "v=DMARC1; p=none");
}

void published_add_key(struct published *p, const char *domain,
                       const char *selector, const char *record, bool next)
{
    if (p->n == PUBLISHED_MAX)
        return;
    memmove(&p->at[1], &p->at[0], p->n++ * sizeof p->at[0]);
    struct published_record *r = &p->at[0];

    *r = (struct published_record){.kind = RECORD_DKIM, .next = next};
    snprintf(r->name, sizeof r->name, "%s._domainkey.%s", selector, domain);
    snprintf(r->value, sizeof r->value, "%s", record);
}

/* ---- As JSON ---- */

static const char *text_of(const json_t *item, const char *name)
{
    const char *text = json_string_value(json_object_get(item, name));

    return text ? text : "";
}

static void recall(struct published_record *r, const json_t *item)
{
    static const enum record_state states[] = {RECORD_VERIFIED, RECORD_FAILED,
                                               RECORD_UNKNOWN};

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(text_of(item, "status"), record_state_text(states[i])) == 0)
            r->finding.state = states[i];
    snprintf(r->finding.found, sizeof r->finding.found, "%s",
             text_of(item, "found"));
    snprintf(r->finding.why, sizeof r->finding.why, "%s",
             text_of(item, "problem"));
}

static const char *type_of(const struct published_record *r)
{
    return r->kind == RECORD_MX ? "MX" : "TXT";
}

void published_recall(struct published *p, const char *json, size_t len)
{
    json_t *list = json_loadb(json, len, 0, NULL), *item;
    size_t at;

    json_array_foreach(
        list, at,
        item) for (size_t i = 0; i < p->n;
                   i++) if (strcmp(text_of(item, "name"), p->at[i].name) == 0 &&
                            strcmp(text_of(item, "type"), type_of(&p->at[i])) ==
                                0 &&
                            strcmp(text_of(item, "value"), p->at[i].value) == 0)
        recall(&p->at[i], item);
    json_decref(list);
}

/* Resend's SDKs know records by these names; the return path's MX is one of
 * SPF there. */
static json_t *json_of(const struct published_record *r)
{
    enum record_kind kind = r->kind == RECORD_MX ? RECORD_SPF : r->kind;
    json_t *item =
        json_pack("{ss ss ss ss ss ss}", "record", record_kind_text(kind),
                  "name", r->name, "type", type_of(r), "ttl", "Auto", "status",
                  record_state_text(r->finding.state), "value", r->value);

    if (r->kind == RECORD_MX)
        json_object_set_new(item, "priority", json_integer(MX_PREFERENCE));
    if (r->kind == RECORD_DKIM)
        json_object_set_new(item, "key",
                            json_string(r->next ? "next" : "active"));
    if (r->finding.why[0])
        json_object_set_new(item, "problem", json_string(r->finding.why));
    if (r->finding.found[0])
        json_object_set_new(item, "found", json_string(r->finding.found));
    return item;
}

void published_write(const struct published *p, struct buf *json)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(list, json_of(&p->at[i]));
    char *text = json_dumps(list, JSON_COMPACT);

    buf_add_text(json, text);
    free(text);
    json_decref(list);
}

/* Without its signature or SPF, mail of the domain is refused or distrusted;
 * a policy is what the owner tells receivers. */
const char *published_status(const struct published *p)
{
    size_t counted = 0, verified = 0, unknown = 0, open = 0, keys = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct published_record *r = &p->at[i];

        if (r->next)
            continue;
        counted++;
        keys += r->kind == RECORD_DKIM;
        verified += r->finding.state == RECORD_VERIFIED;
        unknown += r->finding.state == RECORD_UNKNOWN;
        open += r->finding.state == RECORD_NOT_STARTED;
    }
    if (verified == counted && keys > 0)
        return "verified";
    if (open == counted)
        return "not_started";
    if (unknown > 0)
        return "pending";
    return verified > 0 ? "partially_verified" : "failed";
}
