#include "cli/sink/tls.h"
#include "base/bug.h"
#include "base/memory.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { VALID_SECONDS = 30 * 86400, CLOCK_SLACK_SECONDS = 3600 };

struct sink_tls_context {
    SSL_CTX *ctx;
};

struct sink_tls {
    SSL *ssl;
    BIO *in, *out; /* ssl's */
};

static void add_name(X509 *cert, const char *hostname)
{
    char text[300];
    X509_NAME *name = X509_get_subject_name(cert);

    snprintf(text, sizeof text, "DNS:%s", hostname);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);

    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"presort sink", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    if (names)
        X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
}

static bool use_own(SSL_CTX *ctx, const char *hostname)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key && cert;

    if (ok) {
        X509_set_version(cert, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
        X509_gmtime_adj(X509_getm_notBefore(cert), -CLOCK_SLACK_SECONDS);
        X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS);
        X509_set_pubkey(cert, key);
        add_name(cert, hostname);
        ok = X509_sign(cert, key, EVP_sha256()) > 0 &&
             SSL_CTX_use_certificate(ctx, cert) == 1 &&
             SSL_CTX_use_PrivateKey(ctx, key) == 1;
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

enum status sink_tls_context_new(const char *hostname, const char *cert,
                                 const char *key, struct sink_tls_context **out,
                                 struct error *err)
{
    struct sink_tls_context *c = memory_new(1, sizeof *c);
    bool ok;

    c->ctx = SSL_CTX_new(TLS_server_method());
    if (!c->ctx)
        BUG("OpenSSL has no TLS");
    SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS);
    if (cert)
        ok = SSL_CTX_use_certificate_chain_file(c->ctx, cert) == 1 &&
             SSL_CTX_use_PrivateKey_file(c->ctx, key ? key : cert,
                                         SSL_FILETYPE_PEM) == 1;
    else
        ok = use_own(c->ctx, hostname);
    if (!ok) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());

        sink_tls_context_free(c);
        return fail(err, STATUS_INVALID, "--tls-cert %s: %s",
                    cert ? cert : "(own)", why ? why : "unusable");
    }
    *out = c;
    return STATUS_OK;
}

void sink_tls_context_free(struct sink_tls_context *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}

struct sink_tls *sink_tls_new(struct sink_tls_context *context)
{
    struct sink_tls *tls = memory_new(1, sizeof *tls);

    tls->ssl = SSL_new(context->ctx);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out)
        BUG("out of memory for TLS");
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void sink_tls_free(struct sink_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

void sink_tls_received(struct sink_tls *tls, const char *bytes, size_t n)
{
    if (BIO_write(tls->in, bytes, (int)n) != (int)n)
        BUG("out of memory for TLS");
}

static bool is_waiting(const struct sink_tls *tls, int result)
{
    int why = SSL_get_error(tls->ssl, result);

    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

bool sink_tls_shake(struct sink_tls *tls)
{
    ERR_clear_error();

    int result = SSL_do_handshake(tls->ssl);

    return result == 1 || is_waiting(tls, result);
}

bool sink_tls_is_up(const struct sink_tls *tls)
{
    return SSL_is_init_finished(tls->ssl);
}

int sink_tls_read(struct sink_tls *tls, char *out, size_t max)
{
    ERR_clear_error();
    if (max == 0)
        return 0;

    int n = SSL_read(tls->ssl, out, (int)max);

    if (n > 0)
        return n;
    return is_waiting(tls, n) ? 0 : -1;
}

void sink_tls_write(struct sink_tls *tls, const char *bytes, size_t n,
                    struct buf *out)
{
    char *sealed;

    ERR_clear_error();
    if (n > 0 && SSL_write(tls->ssl, bytes, (int)n) <= 0)
        ERR_clear_error(); /* it ended: what is left is TLS's own last word */
    long len = BIO_get_mem_data(tls->out, &sealed);

    if (len > 0)
        buf_add(out, sealed, (size_t)len);
    (void)BIO_reset(tls->out);
}
