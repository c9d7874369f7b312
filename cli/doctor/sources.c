/* Where mail leaves from: each source address, as receivers see it. */
#include "cli/doctor/doctor.sql.h"
#include "cli/doctor/look.h"
#include "cli/doctor/spf.h"
#include "dns/reverse.h"
#include "egress/here.h"
#include "queue/db.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { WHAT_MAX = INET6_ADDRSTRLEN + sizeof "source " };

static const char hidden[] =
    "nobody outside can see it: what it becomes there is to be checked with "
    "--address";

/* ---- One address ---- */

static void check_here(struct doctor *d, const char *what,
                       const struct sockaddr_storage *address, socklen_t len)
{
    int error = egress_here(address, len);

    if (error)
        say(d, GRADE_WARN, what, "no mail leaves from it here: %s",
            strerror(error));
}

static void check_ehlo(struct doctor *d, const char *what,
                       const struct sockaddr_storage *address, const char *ehlo)
{
    char text[INET6_ADDRSTRLEN];
    struct found found = {0};

    look_up_addresses(d, ehlo, &found);
    if (found_has(&found, address)) {
        say(d, GRADE_OK, what, "%s, said in EHLO, leads to it", ehlo);
    } else if (found.unsure) {
        say(d, GRADE_WARN, what, "%s can't be looked up: %s", ehlo, found.why);
    } else {
        say(d, GRADE_FAIL, what, "%s, said in EHLO, %s", ehlo,
            found.n > 0 ? "leads elsewhere" : "has no address");
        for (size_t i = 0; i < found.n; i++)
            say_found(address_text(&found.addresses[i], text));
        say_publish(ehlo, address->ss_family == AF_INET6 ? "AAAA" : "A",
                    address_text(address, text));
    }
}

static void check_source(struct doctor *d, const char *text, const char *ehlo)
{
    struct sockaddr_storage address;
    char what[WHAT_MAX];
    socklen_t len;

    snprintf(what, sizeof what, "source %s", text);
    if (!egress_address(text, &address, &len)) {
        say(d, GRADE_FAIL, what, "it is no IP address");
        return;
    }
    check_here(d, what, &address, len);
    if (dns_is_private(&address)) {
        say(d, GRADE_WARN, what, "%s", hidden);
        return;
    }
    check_ehlo(d, what, &address, ehlo);
    check_names(d, what, &address, ehlo);
}

void check_sources(struct doctor *d)
{
    struct error err;
    DB_RESULT *r =
        d->conn ? db_query(d->conn, &err, SQL_DOCTOR_SOURCES, 0, NULL) : NULL;

    if (d->conn && !r)
        say(d, GRADE_WARN, "sources", "they are not known: %s", err.text);
    if (r && PQntuples(r) > 0)
        putchar('\n');
    for (int row = 0; r && row < PQntuples(r); row++)
        check_source(d, PQgetvalue(r, row, 0), PQgetvalue(r, row, 1));
}

/* ---- SPF of a domain ---- */

/* False if it fails, and mail leaves from there. */
static bool check_covered(struct doctor *d, const char *envelope,
                          const char *text, bool used, int *covered)
{
    struct sockaddr_storage address;
    char what[DNS_NAME_MAX + sizeof "SPF "], why[SPF_WHY_MAX];
    socklen_t len;

    if (!egress_address(text, &address, &len) || dns_is_private(&address))
        return true;
    snprintf(what, sizeof what, "SPF %s", envelope);
    switch (spf_of(d, envelope, &address, why)) {
    case SPF_PASS: ++*covered; return true;
    case SPF_UNSURE:
        say(d, GRADE_WARN, what, "whether it covers %s is not known: %s", text,
            why);
        return true;
    case SPF_NO: break;
    }
    say(d, used ? GRADE_FAIL : GRADE_WARN, what, "it does not cover %s%s: %s",
        text, used ? "" : ", whose pool no route uses yet", why);
    printf("        add:     %s:%s, there and to the setting spf_mechanisms\n",
           address.ss_family == AF_INET6 ? "ip6" : "ip4", text);
    return !used;
}

bool check_spf_sources(struct doctor *d, const char *domain,
                       const char *envelope)
{
    char what[DNS_NAME_MAX + sizeof "SPF "];
    const char *params[] = {domain};
    struct error err;
    DB_RESULT *r =
        d->conn ? db_query(d->conn, &err, SQL_DOCTOR_DOMAIN_SOURCES, 1, params)
                : NULL;
    int covered = 0;
    bool right = true;

    for (int row = 0; r && row < PQntuples(r); row++)
        right &= check_covered(d, envelope, PQgetvalue(r, row, 0),
                               PQgetvalue(r, row, 1)[0] == 't', &covered);
    snprintf(what, sizeof what, "SPF %s", envelope);
    if (covered > 0)
        say(d, GRADE_OK, what, "it covers %d source address%s", covered,
            covered == 1 ? "" : "es");
    return right;
}
