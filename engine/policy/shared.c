/* A policy as a thing that several keep: no I/O, as decide. */
#include "policy/policy.h"
#include <stdlib.h>
#include <string.h>

ENUM_DEFINE(policy_type, POLICY_TYPE_TABLE);

struct policy *policy_keep(struct policy *p)
{
    p->users++;
    return p;
}

void policy_drop(struct policy *p)
{
    if (!p || --p->users > 0)
        return;
    arena_fini(&p->memory);
    free(p->json);
    free(p->hosts);
    free(p);
}

const struct policy_host *policy_host(const struct policy *p, const char *name)
{
    for (size_t i = 0; i < p->n_hosts; i++)
        if (strcmp(p->hosts[i].name, name) == 0)
            return &p->hosts[i];
    return NULL;
}

bool policy_demands_tls(const struct policy *p)
{
    for (size_t i = 0; p && i < p->n_hosts; i++)
        if (p->hosts[i].tls.level >= SMTP_TLS_REQUIRED)
            return true;
    return false;
}
