#include "egress/route.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One label is enough: *.example is for all below it, and a machine of one's
 * own may have no more. */
static bool check_pattern(const char **text, const char *field, char *out,
                          struct egress_fault *fault)
{
    char two_labels[DOMAIN_MAX + 2], ascii[DOMAIN_MAX];
    const char *domain = *text;
    size_t star = 0;
    struct error err;

    if (!domain)
        return true;
    if (strncmp(domain, "*.", 2) == 0)
        star = 2;
    domain += star;
    if (strlen(domain) >= DOMAIN_MAX)
        return egress_wrong(fault, field, "it is longer than a domain can be");
    snprintf(two_labels, sizeof two_labels, "x.%s", domain);
    if (domain_ascii(two_labels, ascii, &err) != STATUS_OK)
        return egress_wrong(fault, field,
                            "it is neither a domain nor *.DOMAIN");
    memcpy(out, "*.", star);
    memcpy(out + star, ascii + 2, strlen(ascii + 2) + 1);
    *text = out;
    return true;
}

static bool check_way(const struct egress_route *r, struct egress_fault *fault)
{
    bool direct, sandbox;

    if (!r->via)
        return egress_missing(fault, "via");
    if (!egress_is_name(r->via))
        return egress_wrong(fault, "via",
                            "direct, sandbox or a relay's name is expected");
    direct = strcmp(r->via, "direct") == 0;
    sandbox = strcmp(r->via, "sandbox") == 0;
    if (r->fallback && !direct)
        return egress_wrong(fault, "fallback", "it goes with direct only");
    if (r->fallback && !egress_is_name(r->fallback))
        return egress_wrong(fault, "fallback", "a relay's name is expected");
    if (r->pool && sandbox)
        return egress_wrong(fault, "pool", "the sandbox has none");
    return !r->pool || egress_is_name(r->pool) ||
           egress_wrong(fault, "pool", "a pool's name is expected");
}

bool egress_is_class(const char *text)
{
    return strcmp(text, "transactional") == 0 || strcmp(text, "campaign") == 0;
}

bool egress_place_parse(const char *text, int64_t *place,
                        struct egress_fault *fault)
{
    char *end;

    *place = strtoll(text, &end, 10);
    return (*text && !*end) ||
           egress_wrong(fault, "place", "a number is expected");
}

bool egress_route_check(struct egress_route *r, struct egress_fault *fault)
{
    if (r->place < -EGRESS_PLACE_MOST || r->place > EGRESS_PLACE_MOST)
        return egress_wrong(fault, "place", "it is to be within %d",
                            EGRESS_PLACE_MOST);
    if (r->project && (!*r->project || strlen(r->project) > EGRESS_PROJECT_MAX))
        return egress_wrong(fault, "project", "there is no such project");
    if (r->class && !egress_is_class(r->class))
        return egress_wrong(fault, "class",
                            "transactional or campaign is expected");
    return check_pattern(&r->from, "from", r->sender, fault) &&
           check_pattern(&r->to, "to", r->recipient, fault) &&
           check_way(r, fault);
}
