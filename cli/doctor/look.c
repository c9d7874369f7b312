#include "cli/doctor/look.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ALL_BITS = 128 };

static bool keep_why(struct found *f, const struct dns_answer *answer)
{
    if (answer->outcome != DNS_FAILED && answer->outcome != DNS_BOGUS)
        return false;
    f->unsure = true;
    snprintf(f->why, sizeof f->why, "%s", answer->why);
    return true;
}

static void on_a(void *arg, const struct dns_answer *answer)
{
    struct found *f = arg;

    if (keep_why(f, answer))
        return;
    for (size_t i = 0; i < answer->n && f->n < LOOK_ADDRESSES_MAX; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET};

        if (answer->records[i].len != sizeof in.sin_addr)
            continue;
        memcpy(&in.sin_addr, answer->records[i].bytes, sizeof in.sin_addr);
        memcpy(&f->addresses[f->n++], &in, sizeof in);
    }
}

static void on_aaaa(void *arg, const struct dns_answer *answer)
{
    struct found *f = arg;

    if (keep_why(f, answer))
        return;
    for (size_t i = 0; i < answer->n && f->n < LOOK_ADDRESSES_MAX; i++) {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6};

        if (answer->records[i].len != sizeof in.sin6_addr)
            continue;
        memcpy(&in.sin6_addr, answer->records[i].bytes, sizeof in.sin6_addr);
        memcpy(&f->addresses[f->n++], &in, sizeof in);
    }
}

static void on_ptr(void *arg, const struct dns_answer *answer)
{
    struct found *f = arg;

    if (keep_why(f, answer))
        return;
    for (size_t i = 0; i < answer->n && f->n_names < LOOK_NAMES_MAX; i++)
        if (dns_name_text(answer->records[i].bytes, answer->records[i].len,
                          f->names[f->n_names]) > 0)
            f->n_names++;
}

void look_up_addresses(struct doctor *d, const char *name, struct found *f)
{
    ask(d, name, DNS_A, on_a, f);
    ask(d, name, DNS_AAAA, on_aaaa, f);
}

void look_up_names(struct doctor *d, const char *reverse, struct found *f)
{
    ask(d, reverse, DNS_PTR, on_ptr, f);
}

bool found_has(const struct found *f, const struct sockaddr_storage *address)
{
    for (size_t i = 0; i < f->n; i++)
        if (same_network(&f->addresses[i], address, ALL_BITS))
            return true;
    return false;
}

const void *address_bytes(const struct sockaddr_storage *address)
{
    const void *any = address;

    if (address->ss_family == AF_INET6)
        return &((const struct sockaddr_in6 *)any)->sin6_addr;
    return &((const struct sockaddr_in *)any)->sin_addr;
}

const char *address_text(const struct sockaddr_storage *address, char *out)
{
    inet_ntop(address->ss_family, address_bytes(address), out,
              INET6_ADDRSTRLEN);
    return out;
}

bool same_network(const struct sockaddr_storage *a,
                  const struct sockaddr_storage *b, unsigned bits)
{
    const unsigned char *x = address_bytes(a), *y = address_bytes(b);
    unsigned most = a->ss_family == AF_INET6 ? 128 : 32;

    if (a->ss_family != b->ss_family)
        return false;
    for (unsigned i = 0; i < bits && i < most; i++)
        if ((x[i / 8] ^ y[i / 8]) & (0x80u >> i % 8))
            return false;
    return true;
}
