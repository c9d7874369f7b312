#include "smtp/patience.h"
#include "base/bug.h"

enum {
    DATA_MS = 2 * 60 * 1000,  /* RFC 5321, 4.5.3.2.4: its 354 */
    BLOCK_MS = 3 * 60 * 1000, /* 4.5.3.2.5: some of a body taken */
    QUIT_MS = 5000,           /* a server that we leave may so long say 221 */
    PROGRESS_BYTES = 4096,    /* less of a body taken is no sign of life */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool all_taken(const struct smtp_session *s)
{
    return s->said.taken == s->said.total;
}

bool smtp_progress_made(struct smtp_progress *at, const struct smtp_session *s)
{
    if (at->replies == s->replies && at->waits == smtp_session_waits(s) &&
        at->quitting == s->quitting && at->all_taken == all_taken(s) &&
        s->said.taken - at->taken < PROGRESS_BYTES)
        return false;
    *at = (struct smtp_progress){.replies = s->replies,
                                 .taken = s->said.taken,
                                 .waits = smtp_session_waits(s),
                                 .quitting = s->quitting,
                                 .all_taken = all_taken(s)};
    return true;
}

int64_t smtp_patience_ms(const struct smtp_session *s,
                         const struct smtp_conn_limits *l)
{
    switch (smtp_session_waits(s)) {
    case STEP_GREETING:
    case STEP_EHLO:
    case STEP_HELO:
    case STEP_STARTTLS:
    case STEP_HANDSHAKE:
    case STEP_AUTH:
    case STEP_RSET: return s->quitting ? QUIT_MS : l->reply_ms;
    case STEP_MAIL:
    case STEP_RCPT: return l->reply_ms;
    case STEP_DATA: return least(DATA_MS, l->reply_ms);
    case STEP_BODY:
    case STEP_BDAT:
    case STEP_EMPTY:
        return all_taken(s) ? l->final_dot_ms
                            : least(BLOCK_MS, l->final_dot_ms);
    case STEP_IDLE: return l->idle_ms;
    case STEP_QUIT:
    case STEP_OVER:
    case SMTP_STEPS: return QUIT_MS;
    }
    BUG("no such step");
}
