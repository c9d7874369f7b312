/*
 * sink/ledger - what the sink has seen: totals, copies per recipient
 * (--track) and one line per recipient in a log file:
 *
 *     time_ms TAB sender TAB recipient TAB bytes TAB deed LF
 *
 * A copy that was taken and then left unanswered (dropped_accepted) counts as
 * a mail: the client may send it again, and that makes a duplicate.
 */
#ifndef SINK_LEDGER_H
#define SINK_LEDGER_H

#include "base/buf.h"
#include "base/status.h"
#include "cli/sink/rules.h"
#include "cli/sink/seen.h"
#include <stdbool.h>

enum {
    SINK_TRACK_MAX = SINK_SEEN_MAX / 2, /* recipients */
    SINK_TRACK_BYTES_MAX = 128 << 20,   /* of their addresses */
    /* A little short of one: who left a minute later may be here sooner. */
    SINK_MINUTE_MS = 60 * 1000 - 100,
    SINK_MINUTE_MAX = 4096, /* connections of a minute: more are told as so
                               many */
};

struct sink_ledger {
    int64_t connections, open, open_most, mails, bytes;
    int64_t each_most;       /* mails, taken or not, over one connection */
    int64_t busy, busy_most; /* connections with a mail under way */
    struct sink_minute {
        int64_t began_ms[SINK_MINUTE_MAX]; /* a ring, oldest at first */
        size_t first, n, most;             /* most: n at any time */
    } minute;                              /* connections begun within one */
    int64_t refused, deferred, dropped, dropped_accepted;
    bool track;
    struct sink_seen index; /* recipient to its number, from 1 */
    struct buf names;       /* each with its NUL */
    uint32_t *copies;
    size_t recipients, copies_cap;
    int64_t duplicates, untracked; /* copies beyond the limits */
    int log_fd;                    /* -1: no log */
    struct buf log;
    struct error log_error; /* empty: none */
};

/* log_path NULL: no log. Its lines are appended (O_APPEND). */
MUST_USE enum status sink_ledger_init(struct sink_ledger *ledger, bool track,
                                      const char *log_path, struct error *err);
void sink_ledger_fini(struct sink_ledger *ledger);

/* A connection begins. now_ms: of a clock that never jumps, from any start. */
void sink_ledger_connected(struct sink_ledger *ledger, int64_t now_ms);

/* A connection has a mail under way from now on, or has none any more. */
void sink_ledger_busy(struct sink_ledger *ledger, bool busy);

void sink_ledger_note(struct sink_ledger *ledger, int64_t time_ms,
                      const char *sender, const char *recipient,
                      size_t size_bytes, enum sink_deed deed);

/* Write the log lines gathered: to be called before the client can know what
 * they say. If that fails once, log_error tells why and no more is written. */
void sink_ledger_flush(struct sink_ledger *ledger);

/* {"connections": ...} on one line, without LF. */
void sink_ledger_totals(const struct sink_ledger *ledger, struct buf *out);

/* {"address": copies, ...}; empty unless tracking. */
void sink_ledger_recipients(const struct sink_ledger *ledger, struct buf *out);
#endif
