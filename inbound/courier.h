/*
 * inbound/courier - the thread of one mailbox. Part of inbound/postman.
 */
#ifndef INBOUND_COURIER_H
#define INBOUND_COURIER_H

#include "inbound/mailbox.h"
#include <libpq-fe.h>
#include <pthread.h>
#include <stdint.h>

struct courier {
    struct mailbox_settings settings;
    const char *conninfo;
    int64_t poll_seconds;
    atomic_bool stop;
    pthread_t thread;
    bool wanted; /* still in the store */
};

/* A row of postman_mailboxes, copied. */
void courier_settings(struct mailbox_settings *s, const PGresult *r, int row);
void courier_settings_fini(struct mailbox_settings *s);

/* Takes the settings over. NULL: no thread can be had. */
struct courier *courier_start(struct mailbox_settings settings,
                              const char *conninfo, int64_t poll_seconds);

/* Waits for its end. */
void courier_free(struct courier *c);
#endif
