/*
 * route/refresh - an access token that a token endpoint gives for a refresh
 * token (oauth/token), asked for without blocking, in time.
 *
 * The secrets are read anew for each question (oauth/grant). Nothing secret is
 * logged.
 */
#ifndef ROUTE_REFRESH_H
#define ROUTE_REFRESH_H

#include "loop/web.h"
#include "oauth/request.h"
#include <stdint.h>

struct refresh;

/* settings have been checked, and are copied. name: for the log. ca_file must
 * live. changed is called when there is another token, or none any more, or
 * asking for one has failed; never from within a call. */
struct refresh *refresh_new(uv_loop_t *loop, struct web *web, const char *name,
                            const struct oauth_settings *settings,
                            const char *ca_file, void (*changed)(void *owner),
                            void *owner);

/* What is under way is given up. The memory goes with libuv's callbacks. NULL
 * is taken. */
void refresh_free(struct refresh *f);

/* "" while there is none. */
const char *refresh_text(const struct refresh *f);

/* Why there is none; "" while there is one, or it is asked for the first
 * time. */
const char *refresh_fault(const struct refresh *f);

/* After a fault: when it is asked for again (mono, ms). */
int64_t refresh_again_ms(const struct refresh *f);

/* A server has refused the token, over a connection that was opened then (mono,
 * ms), or taken it. */
void refresh_refused(struct refresh *f, int64_t opened_ms);
void refresh_accepted(struct refresh *f);
#endif
