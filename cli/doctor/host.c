/* What receivers look at before the first mail: where it comes from. */
#include "cli/doctor/look.h"
#include "dns/reverse.h"
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* ---- One address ---- */

/* The name that leads back to the address: forward-confirmed; that which is
 * said in EHLO if it is among them. */
static const char *confirmed(struct doctor *d, const struct found *names,
                             const struct sockaddr_storage *address,
                             const char *ehlo)
{
    const char *any = NULL;

    for (size_t i = 0; i < names->n_names; i++) {
        struct found back = {0};

        look_up_addresses(d, names->names[i], &back);
        if (!found_has(&back, address))
            continue;
        if (strcmp(names->names[i], ehlo) == 0)
            return names->names[i];
        any = names->names[i];
    }
    return any;
}

static void say_names(const struct found *names)
{
    for (size_t i = 0; i < names->n_names; i++)
        say_found(names->names[i]);
}

static void say_ptr(const char *reverse, const char *ehlo)
{
    char value[DNS_NAME_MAX + 1];

    snprintf(value, sizeof value, "%s.", ehlo);
    say_publish(reverse, "PTR", value);
    puts("        (where the address comes from sets it: your hoster's panel)");
}

void check_names(struct doctor *d, const char *what,
                 const struct sockaddr_storage *address, const char *ehlo)
{
    char reverse[DNS_NAME_MAX];
    struct found names = {0};
    const char *name;

    dns_reverse(address, reverse);
    look_up_names(d, reverse, &names);
    name = confirmed(d, &names, address, ehlo);
    if (names.unsure) {
        say(d, GRADE_WARN, what, "its PTR can't be looked up: %s", names.why);
    } else if (names.n_names == 0) {
        say(d, GRADE_FAIL, what, "it has no PTR record: many refuse its mail");
        say_ptr(reverse, ehlo);
    } else if (!name) {
        say(d, GRADE_FAIL, what,
            "its PTR name does not lead back to it: many refuse its mail");
        say_names(&names);
        say_ptr(reverse, ehlo);
    } else if (strcmp(name, ehlo) != 0) {
        say(d, GRADE_WARN, what,
            "its PTR name is another than the one said in EHLO, %s", ehlo);
        say_names(&names);
        say_ptr(reverse, ehlo);
    } else {
        say(d, GRADE_OK, what, "PTR is %s, which leads back to it", name);
    }
}

static void check_address(struct doctor *d,
                          const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN];
    char what[sizeof text + sizeof "address "];

    snprintf(what, sizeof what, "address %s", address_text(address, text));
    if (dns_is_private(address))
        say(d, GRADE_FAIL, what,
            "nobody outside can see it; give the public one with --address");
    check_names(d, what, address, d->hostname);
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
