#include "dns/spf.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

ENUM_DEFINE(spf_kind, SPF_KIND_TABLE);

enum { BITS4 = 32, BITS6 = 128, BITS_DIGITS = 3 };

static const char version[] = "v=spf1";

const char *spf_terms(const char *record)
{
    size_t n = sizeof version - 1;

    if (strncasecmp(record, version, n) != 0 ||
        (record[n] != 0 && record[n] != ' '))
        return NULL;
    return record + n;
}

/* "/24": 0 to most, without leading zeros. Returns what follows; NULL: it is
 * none. */
static const char *take_bits(const char *at, unsigned most, unsigned *bits)
{
    size_t n = strspn(at, "0123456789");

    if (n == 0 || n > BITS_DIGITS || (at[0] == '0' && n > 1))
        return NULL;
    *bits = 0;
    for (size_t i = 0; i < n; i++)
        *bits = *bits * 10 + (unsigned)(at[i] - '0');
    return *bits <= most ? at + n : NULL;
}

/* dual-cidr-length: "/24", "//64" or "/24//64". */
static bool take_dual(const char *at, struct spf_term *t)
{
    if (at[0] == '/' && at[1] != '/') {
        at = take_bits(at + 1, BITS4, &t->bits4);
        if (!at)
            return false;
    }
    if (at[0] == '/' && at[1] == '/') {
        at = take_bits(at + 2, BITS6, &t->bits6);
        if (!at)
            return false;
    }
    return *at == 0;
}

static bool take_domain(const char *at, size_t len, struct spf_term *t)
{
    if (len > 0 && at[len - 1] == '.')
        len--;
    if (len == 0 || len >= sizeof t->domain)
        return false;
    memcpy(t->domain, at, len);
    t->domain[len] = 0;
    t->macros = memchr(at, '%', len) != NULL;
    return true;
}

/* ":domain/24" of a and mx, either part of which may be absent. */
static bool take_hosts(const char *at, struct spf_term *t)
{
    if (*at == ':') {
        size_t len = strcspn(++at, "/");

        if (!take_domain(at, len, t))
            return false;
        at += len;
    }
    return take_dual(at, t);
}

static bool take_network(const char *at, int family, struct spf_term *t)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    unsigned *bits = family == AF_INET ? &t->bits4 : &t->bits6;
    char text[INET6_ADDRSTRLEN];
    size_t len = strcspn(at, "/");

    if (len >= sizeof text)
        return false;
    memcpy(text, at, len);
    text[len] = 0;
    if (inet_pton(family, text,
                  family == AF_INET ? (void *)&in.sin_addr
                                    : (void *)&in6.sin6_addr) != 1)
        return false;
    if (family == AF_INET)
        memcpy(&t->network, &in, sizeof in);
    else
        memcpy(&t->network, &in6, sizeof in6);
    if (at[len] == 0)
        return true;
    at = take_bits(at + len + 1, *bits, bits);
    return at && *at == 0;
}

/* What follows the name of a mechanism. */
static bool take_rest(const char *at, struct spf_term *t)
{
    switch (t->kind) {
    case SPF_ALL: return *at == 0;
    case SPF_A:
    case SPF_MX: return take_hosts(at, t);
    case SPF_IP4: return *at == ':' && take_network(at + 1, AF_INET, t);
    case SPF_IP6: return *at == ':' && take_network(at + 1, AF_INET6, t);
    case SPF_INCLUDE:
    case SPF_EXISTS:
        return *at == ':' && take_domain(at + 1, strlen(at + 1), t);
    case SPF_PTR:
        return *at == 0 ||
               (*at == ':' && take_domain(at + 1, strlen(at + 1), t));
    case SPF_REDIRECT: return take_domain(at + 1, strlen(at + 1), t);
    case SPF_OTHER: return true;
    case SPF_WRONG: break;
    }
    return false;
}

/* The name ends at ":", "/", "=" or the term's end. */
static enum spf_kind kind_of(const char *name, size_t len)
{
    for (int kind = SPF_ALL; kind <= SPF_EXISTS; kind++) {
        const char *known = spf_kind_text((enum spf_kind)kind);

        if (strlen(known) == len && strncasecmp(known, name, len) == 0)
            return (enum spf_kind)kind;
    }
    return SPF_WRONG;
}

static void parse(struct spf_term *t)
{
    const char *at = t->text + (strchr("+-~?", t->text[0]) != NULL);
    size_t len = strcspn(at, ":/=");

    t->qualifier = at > t->text ? t->text[0] : '+';
    if (at[len] != '=')
        t->kind = kind_of(at, len);
    else if (at > t->text || len == 0)
        t->kind = SPF_WRONG;
    else
        t->kind =
            len == strlen("redirect") && strncasecmp(at, "redirect", len) == 0
                ? SPF_REDIRECT
                : SPF_OTHER;
    if (!take_rest(at + len, t))
        t->kind = SPF_WRONG;
}

const char *spf_next(const char *text, struct spf_term *out)
{
    text += strspn(text, " ");
    size_t len = strcspn(text, " ");
    size_t kept = len < sizeof out->text ? len : sizeof out->text - 1;

    if (len == 0)
        return NULL;
    *out = (struct spf_term){.kind = SPF_WRONG, .bits4 = BITS4, .bits6 = BITS6};
    memcpy(out->text, text, kept);
    if (kept == len)
        parse(out);
    return text + len;
}
