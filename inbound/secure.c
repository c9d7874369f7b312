#include "inbound/secure.h"
#include "base/bug.h"
#include <limits.h>
#include <openssl/err.h>

SSL_CTX *secure_context(const char *certificate, const char *key,
                        struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    const char *wrong = NULL;

    if (!context)
        BUG("no TLS");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        wrong = "inbound_tls_certificate";
    else if (SSL_CTX_use_PrivateKey_file(context, *key ? key : certificate,
                                         SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(context) != 1)
        wrong = "inbound_tls_key";
    if (!wrong)
        return context;
    const char *why = ERR_reason_error_string(ERR_get_error());

    (void)!fail(err, STATUS_INVALID, "%s: %s", wrong,
                why ? why : "can't be read");
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

void secure_start(struct secure *tls, SSL_CTX *context)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

    *tls = (struct secure){.ssl = SSL_new(context)};
    if (!tls->ssl || !in || !out)
        BUG("no memory for TLS");
    SSL_set_bio(tls->ssl, in, out);
    SSL_set_accept_state(tls->ssl);
}

void secure_fini(struct secure *tls)
{
    SSL_free(tls->ssl);
    *tls = (struct secure){0};
}

void secure_hear(struct secure *tls, const char *bytes, size_t n)
{
    BIO_write(SSL_get_rbio(tls->ssl), bytes, (int)n);
}

/* An error leaves its text in a queue of the thread's: the next call on
 * another connection would find it. */
static bool is_waiting(struct secure *tls, int result)
{
    int why = SSL_get_error(tls->ssl, result);

    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

bool secure_shake(struct secure *tls)
{
    int result = SSL_do_handshake(tls->ssl);

    tls->up = result == 1;
    return tls->up || is_waiting(tls, result);
}

int secure_read(struct secure *tls, char *out, size_t size)
{
    int n = SSL_read(tls->ssl, out, size > INT_MAX ? INT_MAX : (int)size);

    if (n > 0)
        return n;
    return is_waiting(tls, n) ? 0 : -1;
}

bool secure_write(struct secure *tls, const char *bytes, size_t n)
{
    int done = SSL_write(tls->ssl, bytes, (int)n);

    if (done <= 0)
        ERR_clear_error();
    return done > 0;
}

void secure_drain(struct secure *tls, struct buf *out)
{
    BIO *from = SSL_get_wbio(tls->ssl);
    size_t n = BIO_ctrl_pending(from);

    if (!n)
        return;
    int got = BIO_read(from, buf_reserve(out, n), (int)n);

    if (got > 0)
        out->len += (size_t)got;
}
