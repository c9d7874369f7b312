/*
 * pool/broken - addresses whose TLS is offered and does not work, remembered
 * for an hour by all pools of a worker.
 *
 * What is remembered only decides whether TLS is tried before mail goes in
 * clear; where TLS is a must, nobody asks. Bounded: an address may push out
 * another one, whose TLS is then tried once more.
 */
#ifndef POOL_BROKEN_H
#define POOL_BROKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct broken_tls;

enum {
    BROKEN_TLS_MAX = 4096, /* addresses */
    BROKEN_TLS_MS = 60 * 60 * 1000,
};

struct broken_tls *broken_tls_new(void);
void broken_tls_free(struct broken_tls *b); /* NULL is allowed */

/* The address with its port; times are of the mono clock. */
void broken_tls_note(struct broken_tls *b, const struct sockaddr *address,
                     int64_t now_ms);
bool broken_tls_is(const struct broken_tls *b, const struct sockaddr *address,
                   int64_t now_ms);

/* It is to be tried again. */
void broken_tls_forget(struct broken_tls *b, const struct sockaddr *address);
#endif
