/*
 * cli/doctor/say - what `presort doctor` found, a line for each thing, and the
 * questions to DNS that it waits for.
 */
#ifndef CLI_DOCTOR_SAY_H
#define CLI_DOCTOR_SAY_H

#include "base/config.h"
#include "base/enum.h"
#include "dns/mail.h"
#include <libpq-fe.h>
#include <uv.h>

#define GRADE_TABLE(X)                                                         \
    X(GRADE_OK, "ok")                                                          \
    X(GRADE_INFO, "info") /* may be left as it is */                           \
    X(GRADE_WARN, "warn") /* mail arrives, less well */                        \
    X(GRADE_FAIL, "FAIL") /* mail will be refused or distrusted */
ENUM_DECLARE(grade, GRADE_TABLE);

struct doctor {
    const struct config *config;
    PGconn *conn; /* NULL: no database */
    uv_loop_t loop;
    uv_timer_t limit;
    unsigned unanswered; /* questions in a row */
    struct dns *dns;
    char hostname[DNS_NAME_MAX];
    int failures, warnings;
};

/* "ok    what: ..."; counted. */
PRINTF(4, 5)
void say(struct doctor *d, enum grade grade, const char *what, const char *fmt,
         ...);

/* Under it. Lines of found, each by itself; nothing if it is empty. */
void say_found(const char *found);

/* As a zone file has it; strings of a TXT have 255 bytes at most. */
void say_publish(const char *name, const char *type, const char *value);

/* Wait for the answer, which answered is called with before this returns; that
 * is DNS_FAILED if none comes for some seconds. */
void ask(struct doctor *d, const char *name, enum dns_type type,
         dns_answered *answered, void *arg);
void ask_mail(struct doctor *d, const char *domain, dns_mail_answered *answered,
              void *arg);

/* Speaks with a mail host's first address, by STARTTLS. demanded: the domain's
 * MTA-STS record says that it must be there and right. */
void check_tls(struct doctor *d, const struct dns_mail_host *host,
               bool demanded);

/* The machine: its name, addresses and their names. addresses: given by the
 * caller, n of them; without any, those of the name. */
void check_host(struct doctor *d, const struct sockaddr_storage *addresses,
                size_t n);

/* The PTR record of an address: does it name ehlo, and lead back? Said of
 * `what`. */
void check_names(struct doctor *d, const char *what,
                 const struct sockaddr_storage *address, const char *ehlo);

/* The enabled source addresses, each with its own name. */
void check_sources(struct doctor *d);

/* Does the SPF record of envelope, the domain of the return path, cover the
 * source addresses that mail of the domain leaves from directly? Those of pools
 * that no route uses yet are only warned of. False if mail would fail. */
bool check_spf_sources(struct doctor *d, const char *domain,
                       const char *envelope);

/* A sending domain, as domain_ascii gives it. */
void check_domain(struct doctor *d, const char *domain);
#endif
