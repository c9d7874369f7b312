/*
 * inbound/inbox - takes messages, reads them and commits what they say, many
 * in one transaction. A message is answered for only after its commit.
 *
 * Also takes what the API has stored (inbound_post), and forgets what is old.
 */
#ifndef INBOUND_INBOX_H
#define INBOUND_INBOX_H

#include "base/config.h"
#include "base/mailid.h"
#include <uv.h>

struct inbox;

enum {
    INBOX_WAITING_MAX = 5000, /* messages that wait for their commit */
};

/* committed: false if it is not known to be: it may be taken again. */
typedef void inbox_done(void *arg, bool committed);

/* config must outlive it. ready(owner) is called once, when the database has
 * answered and messages can be taken. */
struct inbox *inbox_new(uv_loop_t *loop, const struct config *config,
                        const char *conninfo, void (*ready)(void *owner),
                        void *owner);
void inbox_free(struct inbox *in);

/* The installation's, once ready. */
const unsigned char *inbox_secret(const struct inbox *in);

/* False: not now; done is not called. bytes are not kept. */
bool inbox_take(struct inbox *in, const char *bytes, size_t len,
                const char *source, inbox_done *done, void *arg);

/* Nothing waits any more. */
bool inbox_is_idle(const struct inbox *in);
#endif
