/*
 * policy/store - what the database knows of TLS: the operator's rules and the
 * MTA-STS policies that any worker fetched, read at start and whenever they
 * change; and the counts that reports are written from.
 *
 * Without the database all goes on with what is known; counts wait, bounded.
 * What was counted in the last seconds before a kill is lost with the worker.
 */
#ifndef POLICY_STORE_H
#define POLICY_STORE_H

#include "base/digest.h"
#include "policy/sts.h"
#include "smtp/tls.h"
#include <uv.h>

struct policy_store;

enum {
    POLICY_RULES_MAX = 100000,
    POLICY_STS_MAX = 100000,   /* policies kept; further ones are forgotten */
    POLICY_COUNTS_MAX = 20000, /* rows not yet written; further ones are lost */
};

struct sts_kept {
    char id[STS_ID_MAX];
    enum sts_mode mode;
    char *mx;
    int64_t max_age_seconds, fetched_us, expires_us;
};

/* conninfo is copied. */
struct policy_store *policy_store_new(uv_loop_t *loop, const char *conninfo);
void policy_store_free(struct policy_store *s);

/* Of the rules that are known (install.tls_round); -1: none were read yet. */
int64_t policy_store_round(const struct policy_store *s);

/* What the operator says of the domain: its own rule, else that of the nearest
 * "*.parent". False: nothing. */
bool policy_store_rule(const struct policy_store *s, const char *domain,
                       enum smtp_tls *level);

/* The domain's policy that has not expired, or NULL; until the next call. */
const struct sts_kept *policy_store_sts(struct policy_store *s,
                                        const char *domain);

/* One was fetched just now. */
void policy_store_keep(struct policy_store *s, const char *domain,
                       const char *id, const struct sts *policy);

/* One session. policy is JSON (RFC 8460, 4.4); result "" if TLS was as it
 * should be. */
struct policy_session {
    const char *domain, *policy, *result, *sending_ip, *mx_host, *receiving_ip;
    const char *reason;
};
void policy_store_count(struct policy_store *s,
                        const struct policy_session *session);

/* The same for sessions that are counted together: equal ones of one day. */
void policy_session_key(const struct policy_session *session,
                        int64_t day_seconds, char out[DIGEST_TEXT_MAX]);
#endif
