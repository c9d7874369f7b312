/*
 * smtp/tls - the client's side of TLS on one socket, by OpenSSL: policies,
 * DANE, names, sessions resumed. It never blocks, and knows nothing of SMTP.
 *
 * A policy says what a handshake must prove. Where it proves less, it fails:
 * to go on in clear instead is never decided here. TLS 1.2 is the least.
 */
#ifndef SMTP_TLS_H
#define SMTP_TLS_H

#include "base/enum.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SMTP_TLS_TABLE(X)                                                      \
    X(SMTP_TLS_NONE, "none")                   /* never */                     \
    X(SMTP_TLS_OPPORTUNISTIC, "opportunistic") /* if offered, with anybody */  \
    X(SMTP_TLS_REQUIRED, "required")           /* always, with anybody */      \
    X(SMTP_TLS_VERIFIED, "verified")           /* by a CA, and the name */     \
    X(SMTP_TLS_DANE, "dane")                   /* by TLSA records: RFC 7672 */
ENUM_DECLARE(smtp_tls, SMTP_TLS_TABLE);

/* The result types of TLS reports (RFC 8460, 4.3). The last ones are found by
 * who looks policies up, not in here. */
#define SMTP_TLS_RESULT_TABLE(X)                                               \
    X(SMTP_TLS_UNUSED, "unused")                                               \
    X(SMTP_TLS_OK, "ok")                                                       \
    X(SMTP_TLS_NO_STARTTLS, "starttls-not-supported")                          \
    X(SMTP_TLS_HOST_MISMATCH, "certificate-host-mismatch")                     \
    X(SMTP_TLS_EXPIRED, "certificate-expired")                                 \
    X(SMTP_TLS_NOT_TRUSTED, "certificate-not-trusted")                         \
    X(SMTP_TLS_VALIDATION, "validation-failure")                               \
    X(SMTP_TLS_TLSA_INVALID, "tlsa-invalid")                                   \
    X(SMTP_TLS_DNSSEC_INVALID, "dnssec-invalid")                               \
    X(SMTP_TLS_DANE_REQUIRED, "dane-required")                                 \
    X(SMTP_TLS_STS_FETCH, "sts-policy-fetch-error")                            \
    X(SMTP_TLS_STS_INVALID, "sts-policy-invalid")                              \
    X(SMTP_TLS_STS_WEBPKI, "sts-webpki-invalid")
ENUM_DECLARE(smtp_tls_result, SMTP_TLS_RESULT_TABLE);

enum {
    SMTP_TLS_SESSIONS_MAX = 1024, /* kept to be resumed */
    SMTP_TLS_RECORD_MAX = 16384,  /* of one write */
    SMTP_TLS_NAMES_MAX = 8,
    SMTP_TLSA_MAX = 32,
};

/* A TLSA record's data (RFC 6698). PKIX usages (0, 1) are passed over. */
struct smtp_tlsa {
    uint8_t usage, selector, matching;
    const unsigned char *data;
    size_t len;
};

struct smtp_tls_policy {
    enum smtp_tls level;
    /* The server's name: sent as SNI, checked unless names are given. "" or
     * NULL: an address, which no certificate verifies. */
    const char *host;
    const char *const *names; /* any of them will do; n_names 0: host. By
                                 DANE-TA the host will do as well */
    size_t n_names;
    const struct smtp_tlsa *tlsa; /* of DANE; if none is usable, it fails */
    size_t n_tlsa;
    /* Who asks for that much, for reasons: static, "DANE" for instance. NULL:
     * the operator. Nothing depends on it. */
    const char *by;
};

/* What came of it. The texts are OpenSSL's, and stay. */
struct smtp_tls_facts {
    bool on, resumed;
    bool verified; /* by CA and name, or DANE; also where that is not asked */
    enum smtp_tls_result result; /* of what was asked */
    enum smtp_tls_result proof;  /* OK if verified, else what is wrong */
    const char *version, *cipher;
    const char *why; /* it failed, or is not verified; else "" */
};

/* One per process: the context and the sessions. */
struct smtp_tls_net;

/* ca_file: PEM; "" or NULL: the system's. err says what is wrong with it. */
MUST_USE enum status smtp_tls_net_new(const char *ca_file,
                                      struct smtp_tls_net **out,
                                      struct error *err);
void smtp_tls_net_free(struct smtp_tls_net *net);

struct smtp_tls_link;

#define SMTP_TLS_IO_TABLE(X)                                                   \
    X(SMTP_TLS_DONE, "done")                                                   \
    X(SMTP_TLS_WANTS_READ, "wants to read")                                    \
    X(SMTP_TLS_WANTS_WRITE, "wants to write")                                  \
    X(SMTP_TLS_CLOSED, "connection closed by the server")                      \
    X(SMTP_TLS_FAILED, "failed")
ENUM_DECLARE(smtp_tls_io, SMTP_TLS_IO_TABLE);

/* policy is copied. facts are filled in as they become known, until free. */
struct smtp_tls_link *smtp_tls_open(struct smtp_tls_net *net,
                                    const struct smtp_tls_policy *policy,
                                    struct smtp_tls_facts *facts);

/* Before the first of the calls below: fd is connected and does not block; it
 * stays the caller's. */
void smtp_tls_start(struct smtp_tls_link *link, int fd);

/* Says goodbye (close_notify) if goodbye, then frees; NULL is taken. */
void smtp_tls_free(struct smtp_tls_link *link, bool goodbye);

/* Again and again until DONE, CLOSED or FAILED. */
enum smtp_tls_io smtp_tls_shake(struct smtp_tls_link *link);

/* *n is how many bytes were read or written; not 0 if DONE. What was not
 * written must be given again, with at least as many bytes. */
enum smtp_tls_io smtp_tls_read(struct smtp_tls_link *link, char *out,
                               size_t max, size_t *n);
enum smtp_tls_io smtp_tls_write(struct smtp_tls_link *link, const char *bytes,
                                size_t len, size_t *n);

/* Something was received that the socket will not tell of. */
bool smtp_tls_pending(const struct smtp_tls_link *link);
#endif
