#include "smtp/tls.h"
#include "base/bug.h"
#include "base/digest.h"
#include "base/memory.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

ENUM_DEFINE(smtp_tls, SMTP_TLS_TABLE);
ENUM_DEFINE(smtp_tls_result, SMTP_TLS_RESULT_TABLE);
ENUM_DEFINE(smtp_tls_io, SMTP_TLS_IO_TABLE);

/* A session and for whom it may be resumed; a newer one takes its slot. */
struct kept {
    unsigned char key[DIGEST_BYTES];
    SSL_SESSION *session;
};

struct smtp_tls_net {
    SSL_CTX *ctx;
    BIO_METHOD *socket;
    struct kept kept[SMTP_TLS_SESSIONS_MAX];
};

struct smtp_tls_link {
    struct smtp_tls_net *net;
    SSL *ssl;
    int fd;
    bool up, dane, named;            /* named: a name is checked */
    unsigned char key[DIGEST_BYTES]; /* of its session */
    struct smtp_tls_facts *facts;
};

/* ---- The socket: as OpenSSL's own, but without SIGPIPE ---- */

static bool again(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int socket_write(BIO *bio, const char *bytes, int len)
{
    const struct smtp_tls_link *link = BIO_get_data(bio);
    ssize_t n = send(link->fd, bytes, (size_t)len, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (again(n))
        BIO_set_retry_write(bio);
    return (int)n;
}

static int socket_read(BIO *bio, char *out, int max)
{
    const struct smtp_tls_link *link = BIO_get_data(bio);
    ssize_t n = recv(link->fd, out, (size_t)max, 0);

    BIO_clear_retry_flags(bio);
    if (again(n))
        BIO_set_retry_read(bio);
    return (int)n;
}

static long socket_control(BIO *bio, int what, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return what == BIO_CTRL_FLUSH || what == BIO_CTRL_DUP;
}

static BIO_METHOD *socket_method(void)
{
    BIO_METHOD *method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "smtp");

    if (!method || !BIO_meth_set_write(method, socket_write) ||
        !BIO_meth_set_read(method, socket_read) ||
        !BIO_meth_set_ctrl(method, socket_control))
        BUG("OpenSSL takes no BIO");
    return method;
}

/* ---- Sessions ---- */

static struct kept *slot_of(const struct smtp_tls_link *link)
{
    uint32_t at;

    memcpy(&at, link->key, sizeof at);
    return &link->net->kept[at % SMTP_TLS_SESSIONS_MAX];
}

static bool is_of(const struct kept *k, const struct smtp_tls_link *link)
{
    return k->session && memcmp(k->key, link->key, sizeof k->key) == 0;
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct smtp_tls_link *link = SSL_get_app_data(ssl);
    struct kept *k = slot_of(link);

    SSL_SESSION_free(k->session);
    memcpy(k->key, link->key, sizeof k->key);
    k->session = session;
    return 1; /* it is ours now */
}

/* A session proves again what its own handshake has proved: only one for the
 * same host by the same policy will do. Names and records are foreign: another
 * policy that has the same key must not be to be found. */
static void make_key(struct smtp_tls_link *link,
                     const struct smtp_tls_policy *p)
{
    struct digest d;

    digest_start(&d);
    digest_add(&d, &p->level, sizeof p->level);
    digest_add_text(&d, p->host ? p->host : "");
    digest_add(&d, &p->n_names, sizeof p->n_names);
    for (size_t i = 0; i < p->n_names; i++)
        digest_add_text(&d, p->names[i]);
    for (size_t i = 0; i < p->n_tlsa; i++) {
        const uint8_t how[] = {p->tlsa[i].usage, p->tlsa[i].selector,
                               p->tlsa[i].matching};

        digest_add(&d, how, sizeof how);
        digest_add(&d, p->tlsa[i].data, p->tlsa[i].len);
    }
    digest_end(&d, link->key);
}

static void resume(struct smtp_tls_link *link)
{
    const struct kept *k = slot_of(link);

    if (is_of(k, link))
        SSL_set_session(link->ssl, k->session);
}

/* ---- What a handshake must prove ---- */

static bool is_name(const char *host)
{
    return host && *host && strspn(host, "0123456789.") != strlen(host) &&
           !strchr(host, ':');
}

/* RFC 7672, 3.1: DANE-TA(2) and DANE-EE(3) only. False if none is usable. */
static bool use_dane(struct smtp_tls_link *link,
                     const struct smtp_tls_policy *p)
{
    bool usable = false;

    if (p->level != SMTP_TLS_DANE || !is_name(p->host))
        return false;
    if (SSL_dane_enable(link->ssl, p->host) <= 0)
        return false;
    for (size_t i = 0; i < p->n_tlsa && i < SMTP_TLSA_MAX; i++) {
        const struct smtp_tlsa *t = &p->tlsa[i];

        if (t->usage == 2 || t->usage == 3)
            usable |= SSL_dane_tlsa_add(link->ssl, t->usage, t->selector,
                                        t->matching, t->data, t->len) > 0;
    }
    /* The record is for this host already (RFC 7672, 3.1.1). */
    SSL_dane_set_flags(link->ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    return usable;
}

static void add_name(struct smtp_tls_link *link, const char *name)
{
    if (!is_name(name))
        return;
    if (SSL_add1_host(link->ssl, name) != 1)
        BUG("OpenSSL takes no name");
    link->named = true;
}

static void apply_names(struct smtp_tls_link *link,
                        const struct smtp_tls_policy *p)
{
    SSL_set_hostflags(link->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* The host is DANE's own name already. */
    if (p->n_names == 0 && !link->dane)
        add_name(link, p->host);
    for (size_t i = 0; i < p->n_names && i < SMTP_TLS_NAMES_MAX; i++)
        add_name(link, p->names[i]);
}

/* It is copied, but OpenSSL's macro wants it to be writable. */
static void say_name(SSL *ssl, const char *host)
{
    char name[TLSEXT_MAXLEN_host_name + 1];

    snprintf(name, sizeof name, "%s", host);
    SSL_set_tlsext_host_name(ssl, name);
}

static void apply(struct smtp_tls_link *link, const struct smtp_tls_policy *p)
{
    bool proof = p->level == SMTP_TLS_VERIFIED;

    link->dane = use_dane(link, p);
    apply_names(link, p);
    proof |= link->dane;
    SSL_set_verify(link->ssl, proof ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    /* The weakest cipher is better than none, where none is the choice. */
    if (p->level == SMTP_TLS_OPPORTUNISTIC)
        SSL_set_security_level(link->ssl, 0);
    if (is_name(p->host))
        say_name(link->ssl, p->host);
}

/* A name to be verified and no name: nothing can prove it. What counts where
 * TLSA records are of no use is for the policy to say, never "anybody". */
static const char *hopeless(const struct smtp_tls_link *link,
                            const struct smtp_tls_policy *p,
                            enum smtp_tls_result *result)
{
    if (p->level == SMTP_TLS_DANE && !link->dane) {
        *result = SMTP_TLS_TLSA_INVALID;
        return "none of the server's TLSA records can be used";
    }
    if (p->level == SMTP_TLS_VERIFIED && p->n_names == 0 && !is_name(p->host)) {
        *result = SMTP_TLS_HOST_MISMATCH;
        return "the server has no name to verify";
    }
    return "";
}

struct smtp_tls_link *smtp_tls_open(struct smtp_tls_net *net,
                                    const struct smtp_tls_policy *policy,
                                    struct smtp_tls_facts *facts)
{
    struct smtp_tls_link *link = memory_new(1, sizeof *link);
    BIO *bio = BIO_new(net->socket);

    link->net = net;
    link->fd = -1;
    link->facts = facts;
    make_key(link, policy);
    link->ssl = SSL_new(net->ctx);
    if (!bio || !link->ssl)
        BUG("out of memory for TLS");
    BIO_set_data(bio, link);
    BIO_set_init(bio, 1);
    SSL_set_bio(link->ssl, bio, bio);
    SSL_set_app_data(link->ssl, link);
    SSL_set_connect_state(link->ssl);
    apply(link, policy);
    *facts = (struct smtp_tls_facts){.version = "", .cipher = "", .why = ""};
    facts->why = hopeless(link, policy, &facts->result);
    return link;
}

void smtp_tls_start(struct smtp_tls_link *link, int fd)
{
    link->fd = fd;
    resume(link);
}

/* ---- The handshake ---- */

static enum smtp_tls_result result_of(long verify)
{
    switch (verify) {
    case X509_V_OK: return SMTP_TLS_VALIDATION; /* it failed otherwise */
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return SMTP_TLS_HOST_MISMATCH;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return SMTP_TLS_EXPIRED;
    case X509_V_ERR_DANE_NO_MATCH: return SMTP_TLS_TLSA_INVALID;
    default: return SMTP_TLS_NOT_TRUSTED;
    }
}

static const char *last_error(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : "TLS failed";
}

static void note_success(struct smtp_tls_link *link)
{
    struct smtp_tls_facts *f = link->facts;
    long verify = SSL_get_verify_result(link->ssl);

    link->up = true;
    f->on = true;
    f->result = SMTP_TLS_OK;
    f->resumed = SSL_session_reused(link->ssl);
    f->version = SSL_get_version(link->ssl);
    f->cipher = SSL_get_cipher_name(link->ssl);
    /* Without a certificate at all it is OK too. */
    f->verified = verify == X509_V_OK && (link->named || link->dane) &&
                  SSL_get0_peer_certificate(link->ssl);
    f->proof = f->verified ? SMTP_TLS_OK : result_of(verify);
    if (verify != X509_V_OK)
        f->why = X509_verify_cert_error_string(verify);
}

static void note_failure(struct smtp_tls_link *link)
{
    long verify = SSL_get_verify_result(link->ssl);
    bool of_proof = SSL_get_verify_mode(link->ssl) == SSL_VERIFY_PEER &&
                    verify != X509_V_OK;
    struct kept *k = slot_of(link);

    link->facts->result = of_proof ? result_of(verify) : SMTP_TLS_VALIDATION;
    link->facts->why =
        of_proof ? X509_verify_cert_error_string(verify) : last_error();
    /* Should the session be what it was about, the next try goes without. */
    if (is_of(k, link)) {
        SSL_SESSION_free(k->session);
        *k = (struct kept){0};
    }
}

static enum smtp_tls_io io_of(const struct smtp_tls_link *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_NONE: return SMTP_TLS_DONE;
    case SSL_ERROR_WANT_READ: return SMTP_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return SMTP_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return SMTP_TLS_CLOSED;
    /* Hung up without a goodbye: SMTP marks its own ends, nothing is cut. */
    case SSL_ERROR_SYSCALL: return SMTP_TLS_CLOSED;
    default:
        return ERR_GET_REASON(ERR_peek_last_error()) ==
                       SSL_R_UNEXPECTED_EOF_WHILE_READING
                   ? SMTP_TLS_CLOSED
                   : SMTP_TLS_FAILED;
    }
}

enum smtp_tls_io smtp_tls_shake(struct smtp_tls_link *link)
{
    if (link->facts->result != SMTP_TLS_UNUSED)
        return SMTP_TLS_FAILED;
    ERR_clear_error();

    enum smtp_tls_io io = io_of(link, SSL_do_handshake(link->ssl));

    if (io == SMTP_TLS_DONE)
        note_success(link);
    else if (io == SMTP_TLS_FAILED || io == SMTP_TLS_CLOSED)
        note_failure(link);
    if (io == SMTP_TLS_CLOSED)
        link->facts->why = smtp_tls_io_text(io);
    return io;
}

/* ---- After it ---- */

enum smtp_tls_io smtp_tls_read(struct smtp_tls_link *link, char *out,
                               size_t max, size_t *n)
{
    *n = 0;
    ERR_clear_error();

    enum smtp_tls_io io = io_of(link, SSL_read_ex(link->ssl, out, max, n));

    link->up &= io != SMTP_TLS_FAILED;
    return io;
}

enum smtp_tls_io smtp_tls_write(struct smtp_tls_link *link, const char *bytes,
                                size_t len, size_t *n)
{
    *n = 0;
    ERR_clear_error();

    enum smtp_tls_io io = io_of(link, SSL_write_ex(link->ssl, bytes, len, n));

    link->up &= io != SMTP_TLS_FAILED;
    return io;
}

bool smtp_tls_pending(const struct smtp_tls_link *link)
{
    return SSL_has_pending(link->ssl);
}

void smtp_tls_free(struct smtp_tls_link *link, bool goodbye)
{
    if (!link)
        return;
    ERR_clear_error();
    if (goodbye && link->up)
        SSL_shutdown(link->ssl);
    else
        SSL_set_quiet_shutdown(link->ssl, 1);
    SSL_free(link->ssl);
    ERR_clear_error();
    free(link);
}

/* ---- One per process ---- */

/* 2,000 connections' buffers would be 70 MB: an idle one has none. */
static void set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_session);
    if (SSL_CTX_dane_enable(ctx) <= 0)
        BUG("OpenSSL without DANE");
}

enum status smtp_tls_net_new(const char *ca_file, struct smtp_tls_net **out,
                             struct error *err)
{
    struct smtp_tls_net *net = memory_new(1, sizeof *net);
    int ok;

    ERR_clear_error();
    net->ctx = SSL_CTX_new(TLS_client_method());
    if (!net->ctx)
        BUG("OpenSSL has no TLS");
    net->socket = socket_method();
    set_up(net->ctx);
    if (ca_file && *ca_file)
        ok = SSL_CTX_load_verify_file(net->ctx, ca_file);
    else
        ok = SSL_CTX_set_default_verify_paths(net->ctx);
    if (!ok) {
        smtp_tls_net_free(net);
        return fail(err, STATUS_INVALID, "%s: no certificates can be read (%s)",
                    ca_file && *ca_file ? ca_file : "system", last_error());
    }
    *out = net;
    return STATUS_OK;
}

void smtp_tls_net_free(struct smtp_tls_net *net)
{
    if (!net)
        return;
    for (size_t i = 0; i < SMTP_TLS_SESSIONS_MAX; i++)
        SSL_SESSION_free(net->kept[i].session);
    SSL_CTX_free(net->ctx);
    BIO_meth_free(net->socket);
    free(net);
}
