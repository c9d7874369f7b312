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

/* All that was said is handed over. */
bool smtp_all_taken(const struct smtp_session *s);
#endif
