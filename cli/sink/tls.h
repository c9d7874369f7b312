/*
 * sink/tls - the server's side of TLS over memory: what came from the socket
 * goes in, what is to go there comes out. Does no I/O but to read the files of
 * the certificate; without files it makes itself one, signed by itself.
 */
#ifndef SINK_TLS_H
#define SINK_TLS_H

#include "base/buf.h"
#include "base/status.h"
#include <stdbool.h>

struct sink_tls_context;

/* cert and key: PEM files, or both NULL. */
MUST_USE enum status sink_tls_context_new(const char *hostname,
                                          const char *cert, const char *key,
                                          struct sink_tls_context **out,
                                          struct error *err);
void sink_tls_context_free(struct sink_tls_context *context);

struct sink_tls;

struct sink_tls *sink_tls_new(struct sink_tls_context *context);
void sink_tls_free(struct sink_tls *tls);

/* Bytes from the socket. */
void sink_tls_received(struct sink_tls *tls, const char *bytes, size_t n);

/* Goes on with the handshake; false: it failed. */
bool sink_tls_shake(struct sink_tls *tls);
bool sink_tls_is_up(const struct sink_tls *tls);

/* What the client said, at most max bytes; 0: no more for now. -1: it has
 * ended, or is broken. */
int sink_tls_read(struct sink_tls *tls, char *out, size_t max);

/* Seals n bytes (0: only what TLS has to say) and appends what is to go to the
 * socket to out. */
void sink_tls_write(struct sink_tls *tls, const char *bytes, size_t n,
                    struct buf *out);
#endif
