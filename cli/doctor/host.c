/* What receivers look at before the first mail: where it comes from. */
#include "cli/doctor/say.h"
#include "dns/reverse.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { HOST_ADDRESSES_MAX = 16, HOST_NAMES_MAX = 8, HOST_WHY_MAX = 256 };

/* Addresses of a name, or names of an address. */
struct found {
    struct sockaddr_storage addresses[HOST_ADDRESSES_MAX];
    size_t n;
    char names[HOST_NAMES_MAX][DNS_NAME_MAX];
    size_t n_names;
    bool unsure;
    char why[HOST_WHY_MAX];
};

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
    for (size_t i = 0; i < answer->n && f->n < HOST_ADDRESSES_MAX; i++) {
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
    for (size_t i = 0; i < answer->n && f->n < HOST_ADDRESSES_MAX; i++) {
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
    for (size_t i = 0; i < answer->n && f->n_names < HOST_NAMES_MAX; i++)
        if (dns_name_text(answer->records[i].bytes, answer->records[i].len,
                          f->names[f->n_names]) > 0)
            f->n_names++;
}

static void look_up_addresses(struct doctor *d, const char *name,
                              struct found *f)
{
    ask(d, name, DNS_A, on_a, f);
    ask(d, name, DNS_AAAA, on_aaaa, f);
}

/* ---- One address ---- */

static const void *bytes_of(const struct sockaddr_storage *a)
{
    const void *any = a;

    if (a->ss_family == AF_INET6)
        return &((const struct sockaddr_in6 *)any)->sin6_addr;
    return &((const struct sockaddr_in *)any)->sin_addr;
}

static bool same_address(const struct sockaddr_storage *a,
                         const struct sockaddr_storage *b)
{
    return a->ss_family == b->ss_family &&
           memcmp(bytes_of(a), bytes_of(b),
                  a->ss_family == AF_INET6 ? 16 : 4) == 0;
}

/* The name that leads back to the address: forward-confirmed. */
static const char *confirmed(struct doctor *d, const struct found *names,
                             const struct sockaddr_storage *address)
{
    const char *any = NULL;

    for (size_t i = 0; i < names->n_names; i++) {
        struct found back = {0};

        look_up_addresses(d, names->names[i], &back);
        for (size_t k = 0; k < back.n; k++) {
            if (!same_address(&back.addresses[k], address))
                continue;
            if (strcmp(names->names[i], d->hostname) == 0)
                return names->names[i];
            any = names->names[i];
        }
    }
    return any;
}

static void say_names(const struct found *names)
{
    for (size_t i = 0; i < names->n_names; i++)
        say_found(names->names[i]);
}

static void say_ptr(struct doctor *d, const char *reverse)
{
    char value[DNS_NAME_MAX + 1];

    snprintf(value, sizeof value, "%s.", d->hostname);
    say_publish(reverse, "PTR", value);
    puts("        (where the address comes from sets it: your hoster's panel)");
}

static void check_address(struct doctor *d,
                          const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN], reverse[DNS_NAME_MAX];
    char what[sizeof text + sizeof "address "];
    struct found names = {0};
    const char *name;

    inet_ntop(address->ss_family, bytes_of(address), text, sizeof text);
    snprintf(what, sizeof what, "address %s", text);
    if (dns_is_private(address))
        say(d, GRADE_FAIL, what,
            "nobody outside can see it; give the public one with --address");
    dns_reverse(address, reverse);
    ask(d, reverse, DNS_PTR, on_ptr, &names);
    name = confirmed(d, &names, address);
    if (names.unsure) {
        say(d, GRADE_WARN, what, "its PTR can't be looked up: %s", names.why);
    } else if (names.n_names == 0) {
        say(d, GRADE_FAIL, what, "it has no PTR record: many refuse its mail");
        say_ptr(d, reverse);
    } else if (!name) {
        say(d, GRADE_FAIL, what,
            "its PTR name does not lead back to it: many refuse its mail");
        say_names(&names);
        say_ptr(d, reverse);
    } else if (strcmp(name, d->hostname) != 0) {
        say(d, GRADE_WARN, what,
            "its PTR name is another than the one said in EHLO, %s",
            d->hostname);
        say_names(&names);
        say_ptr(d, reverse);
    } else {
        say(d, GRADE_OK, what, "PTR is %s, which leads back to it", name);
    }
}

/* ---- The name ---- */

static bool is_full_name(const char *name)
{
    return strchr(name, '.') && strcmp(name, "localhost.localdomain") != 0 &&
           name[strlen(name) - 1] != '.';
}

void check_host(struct doctor *d, const struct sockaddr_storage *addresses,
                size_t n)
{
    struct found own = {0};

    if (!is_full_name(d->hostname)) {
        say(d, GRADE_FAIL, "hostname",
            "%s is no full name: set `hostname` to one that DNS knows",
            d->hostname);
        return;
    }
    look_up_addresses(d, d->hostname, &own);
    if (own.n > 0) {
        say(d, GRADE_OK, "hostname", "%s, said in EHLO, has an address",
            d->hostname);
    } else if (own.unsure) {
        say(d, GRADE_WARN, "hostname", "%s can't be looked up: %s", d->hostname,
            own.why);
    } else {
        say(d, GRADE_FAIL, "hostname", "%s, said in EHLO, has no address",
            d->hostname);
        say_publish(d->hostname, "A", "(your public address)");
    }
    for (size_t i = 0; i < (n > 0 ? n : own.n); i++)
        check_address(d, n > 0 ? &addresses[i] : &own.addresses[i]);
}
