#include "smtp/patience.h"
#include "base/bug.h"

enum {
    DATA_MS = 2 * 60 * 1000,  /* RFC 5321, 4.5.3.2.4: its 354 */
    BLOCK_MS = 3 * 60 * 1000, /* 4.5.3.2.5: some of a body taken */
    QUIT_MS = 5000,           /* a server that we leave may so long say 221 */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool smtp_all_taken(const struct smtp_session *s)
{
    return s->said.taken == s->said.total;
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
        return smtp_all_taken(s) ? l->final_dot_ms
                                 : least(BLOCK_MS, l->final_dot_ms);
    case STEP_IDLE: return l->idle_ms;
    case STEP_QUIT:
    case STEP_OVER:
    case SMTP_STEPS: return QUIT_MS;
    }
    BUG("no such step");
}
