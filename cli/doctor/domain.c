/* What receivers look up about the domain that mail says it is from. */
#include "cli/doctor/doctor.sql.h"
#include "cli/doctor/say.h"
#include "base/memory.h"
#include "dns/align.h"
#include "policy/rua.h"
#include "policy/sts.h"
#include "queue/db.h"
#include "sign/published.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    WHAT_MAX = DNS_NAME_MAX + 64,
    HOSTS_MAX = 4, /* that are spoken with */
};

/* One domain, while it is looked at. */
struct visit {
    struct doctor *d;
    const char *domain;
    const char *signer; /* whose keys sign: it, or a domain above */
    struct published published;
    bool dkim, spf; /* published as they should be */
    bool strict_dkim, strict_spf, dmarc;
    bool sts; /* there is an MTA-STS record */
    struct dns_mail_host hosts[HOSTS_MAX];
    size_t n_hosts;
    char why[512];
};

/* ---- Records that we know the value of ---- */

struct question {
    struct published_record *record;
    enum dns_outcome outcome;
};

static void on_record(void *arg, const struct dns_answer *answer)
{
    struct question *q = arg;

    q->outcome = answer->outcome;
    record_check(q->record->kind, q->record->value, answer,
                 &q->record->finding);
}

/* DMARC's record may stand at a domain above (RFC 7489, 6.6.3). */
static void look_up(struct visit *v, struct published_record *r)
{
    struct question q = {.record = r};
    const char *up = v->domain;
    char name[DNS_NAME_MAX + sizeof "_dmarc."];

    ask(v->d, r->name, r->kind == RECORD_MX ? DNS_MX : DNS_TXT, on_record, &q);
    while (r->kind == RECORD_DMARC &&
           (q.outcome == DNS_NO_NAME || q.outcome == DNS_NO_DATA)) {
        up = strchr(up, '.');
        if (!up || !strchr(up + 1, '.'))
            return;
        up++;
        snprintf(name, sizeof name, "_dmarc.%s", up);
        ask(v->d, name, DNS_TXT, on_record, &q);
    }
}

static void publish(const struct published_record *r)
{
    char value[PUBLISHED_VALUE_MAX + 8];

    if (r->kind != RECORD_MX) {
        say_publish(r->name, "TXT", r->value);
        return;
    }
    snprintf(value, sizeof value, "10 %s.", r->value);
    say_publish(r->name, "MX", value);
}

static void say_record(struct visit *v, const struct published_record *r)
{
    const struct record_finding *f = &r->finding;
    enum grade bad = r->next ? GRADE_WARN : GRADE_FAIL;
    char what[WHAT_MAX];

    snprintf(what, sizeof what, "%s %s%s", record_kind_text(r->kind), r->name,
             r->next ? " (next key)" : "");
    if (f->state == RECORD_VERIFIED) {
        say(v->d, GRADE_OK, what, "as it should be");
        return;
    }
    if (f->state == RECORD_UNKNOWN) {
        say(v->d, GRADE_WARN, what, "can't be looked up: %s", f->why);
        return;
    }
    say(v->d, bad, what, "%s", f->why);
    say_found(f->found);
    publish(r);
}

static void take(struct visit *v, const struct published_record *r)
{
    bool good = r->finding.state == RECORD_VERIFIED;
    char mode[8];

    if (r->kind == RECORD_DKIM && !r->next)
        v->dkim |= good;
    if (r->kind == RECORD_SPF)
        v->spf = good;
    if (r->kind != RECORD_DMARC || !good)
        return;
    v->dmarc = true;
    v->strict_dkim = record_tag(r->finding.found, "adkim", mode, sizeof mode) &&
                     strcasecmp(mode, "s") == 0;
    v->strict_spf = record_tag(r->finding.found, "aspf", mode, sizeof mode) &&
                    strcasecmp(mode, "s") == 0;
}

/* The domain that SPF speaks of. */
static const char *envelope_of(const struct visit *v)
{
    const char *path = v->d->config->return_path_domain;

    return path[0] ? path : v->domain;
}

/* ---- Alignment: what DMARC asks for beyond the records ---- */

static void check_alignment(struct visit *v)
{
    const char *envelope = envelope_of(v);
    enum aligned spf = domains_aligned(v->domain, envelope, v->strict_spf);
    enum aligned dkim = domains_aligned(v->domain, v->signer, v->strict_dkim);
    bool by_dkim = v->dkim && dkim == ALIGNED_YES;
    bool by_spf = v->spf && spf == ALIGNED_YES;
    char what[WHAT_MAX];

    snprintf(what, sizeof what, "alignment of %s", v->domain);
    say(v->d, spf == ALIGNED_YES ? GRADE_OK : GRADE_INFO, what,
        "SPF speaks of the return path, %s: %s%s", envelope, aligned_text(spf),
        v->strict_spf ? " (aspf=s)" : "");
    if (dkim != ALIGNED_YES)
        say(v->d, GRADE_WARN, what, "keys are those of %s: %s%s", v->signer,
            aligned_text(dkim), v->strict_dkim ? " (adkim=s)" : "");
    if (by_dkim || by_spf)
        say(v->d, GRADE_OK, what, "DMARC passes by %s%s%s",
            by_dkim ? "DKIM" : "", by_dkim && by_spf ? " and " : "",
            by_spf ? "SPF" : "");
    else
        say(v->d, GRADE_FAIL, what,
            "DMARC fails: neither DKIM nor SPF is both right and aligned");
}

/* ---- What comes back ---- */

static void on_mail(void *arg, const struct dns_mail *mail)
{
    struct visit *v = arg;
    char what[WHAT_MAX];

    snprintf(what, sizeof what, "MX %s", v->domain);
    switch (mail->outcome) {
    case DNS_MAIL_HOSTS:
        say(v->d, GRADE_OK, what, "replies go to %s%s", mail->hosts[0].name,
            mail->n_hosts > 1 ? " and others" : "");
        while (v->n_hosts < HOSTS_MAX && v->n_hosts < mail->n_hosts) {
            v->hosts[v->n_hosts] = mail->hosts[v->n_hosts];
            v->n_hosts++;
        }
        break;
    case DNS_MAIL_REFUSED:
        say(v->d, GRADE_WARN, what,
            "nobody can reply, and some refuse such mail: %s", mail->why);
        break;
    case DNS_MAIL_LATER:
        say(v->d, GRADE_WARN, what, "can't be looked up: %s", mail->why);
        break;
    }
}

static void on_sts(void *arg, const struct dns_answer *answer)
{
    struct visit *v = arg;
    char id[STS_ID_MAX], what[WHAT_MAX];

    snprintf(what, sizeof what, "MTA-STS _mta-sts.%s", v->domain);
    v->sts = sts_id(answer, id);
    if (v->sts)
        say(v->d, GRADE_INFO, what, "there, id %s", id);
    else
        say(v->d, GRADE_INFO, what,
            "not there: mail to the domain may be sent without TLS");
}

static void on_rua(void *arg, const struct dns_answer *answer)
{
    struct visit *v = arg;
    char uris[RUA_MAX], what[WHAT_MAX];

    snprintf(what, sizeof what, "TLS-RPT _smtp._tls.%s", v->domain);
    if (rua_of(answer, uris))
        say(v->d, GRADE_INFO, what, "there, reports go to %s", uris);
    else
        say(v->d, GRADE_INFO, what, "not there: nobody reports failing TLS");
}

static void check_receiving(struct visit *v)
{
    char name[DNS_NAME_MAX + 16];

    ask_mail(v->d, v->domain, on_mail, v);
    snprintf(name, sizeof name, "_mta-sts.%s", v->domain);
    ask(v->d, name, DNS_TXT, on_sts, v);
    snprintf(name, sizeof name, "_smtp._tls.%s", v->domain);
    ask(v->d, name, DNS_TXT, on_rua, v);
    for (size_t i = 0; i < v->n_hosts; i++)
        check_tls(v->d, &v->hosts[i], v->sts);
}

/* ---- The domain ---- */

/* The name that keys were found under stays with the result. */
static void add_keys(struct visit *v, const PGresult *r)
{
    for (int row = 0; r && row < PQntuples(r); row++)
        published_add_key(&v->published, v->signer, PQgetvalue(r, row, 0),
                          PQgetvalue(r, row, 1),
                          PQgetvalue(r, row, 2)[0] == 't');
    if (r && PQntuples(r) == 0) {
        char what[WHAT_MAX];

        snprintf(what, sizeof what, "DKIM of %s", v->domain);
        say(v->d, GRADE_FAIL, what,
            "there is no key: `presort domains add %s` makes one", v->domain);
    }
}

static void check_records(struct visit *v)
{
    for (size_t i = 0; i < v->published.n; i++) {
        look_up(v, &v->published.at[i]);
        say_record(v, &v->published.at[i]);
        take(v, &v->published.at[i]);
    }
    v->spf &= check_spf_sources(v->d, v->domain, envelope_of(v));
}

void check_domain(struct doctor *d, const char *domain)
{
    struct visit *v = memory_new(1, sizeof *v);
    struct error err;
    const char *params[] = {domain};
    DB_RESULT *r =
        d->conn ? db_query(d->conn, &err, SQL_DOCTOR_KEYS, 1, params) : NULL;

    v->d = d;
    v->domain = domain;
    v->signer = r && PQntuples(r) > 0 ? PQgetvalue(r, 0, 3) : domain;
    published_init(&v->published, d->config, d->hostname, domain);
    if (!r)
        say(d, GRADE_WARN, "DKIM", "keys are not known: %s",
            d->conn ? err.text : "no database");
    add_keys(v, r);
    check_records(v);
    check_alignment(v);
    check_receiving(v);
    free(v);
}
