/*
 * smtp/patience - how long a server may take for its next step (RFC 5321,
 * 4.5.3.2). Part of smtp/conn, which has the clock.
 */
#ifndef SMTP_PATIENCE_H
#define SMTP_PATIENCE_H

#include "smtp/conn.h"

/* From here on, until something brings the session on. */
int64_t smtp_patience_ms(const struct smtp_session *s,
                         const struct smtp_conn_limits *limits);

/* How far a conversation has come. */
struct smtp_progress {
    uint64_t replies, taken;
    enum smtp_step waits;
    bool quitting, all_taken;
};

/* Has anything brought it on: a complete reply, a new step, some of a body
 * taken? Then *at is where it is now. Single bytes are nothing. */
bool smtp_progress_made(struct smtp_progress *at, const struct smtp_session *s);
#endif
