/*
 * inbound/secure - TLS as a server, between buffers: OpenSSL, without sockets.
 */
#ifndef INBOUND_SECURE_H
#define INBOUND_SECURE_H

#include "base/buf.h"
#include "base/status.h"
#include <openssl/ssl.h>
#include <stdbool.h>

/* TLS 1.2 at least. key "": it stands in the certificate's file. NULL with err
 * filled, which names the setting; SSL_CTX_free ends it. */
SSL_CTX *secure_context(const char *certificate, const char *key,
                        struct error *err);

struct secure {
    SSL *ssl; /* NULL: no TLS on this connection */
    bool up;  /* the handshake is done */
};

/* The context may be freed before it. */
void secure_start(struct secure *tls, SSL_CTX *context);
void secure_fini(struct secure *tls);

/* Bytes from the network. */
void secure_hear(struct secure *tls, const char *bytes, size_t n);

/* False: the handshake failed. Look at up. */
bool secure_shake(struct secure *tls);

/* Bytes of the client's into out; 0: none yet. -1: it is over. */
int secure_read(struct secure *tls, char *out, size_t size);

/* To the client. False: it is over. */
bool secure_write(struct secure *tls, const char *bytes, size_t n);

/* What has to go to the network is added to out. */
void secure_drain(struct secure *tls, struct buf *out);
#endif
