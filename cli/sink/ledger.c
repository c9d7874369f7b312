#include "cli/sink/ledger.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPIES_FIRST = 1024 };

enum status sink_ledger_init(struct sink_ledger *ledger, bool track,
                             const char *log_path, struct error *err)
{
    *ledger = (struct sink_ledger){.track = track, .log_fd = -1};
    if (!log_path)
        return STATUS_OK;
    ledger->log_fd =
        open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (ledger->log_fd < 0)
        return fail(err, STATUS_FAILED, "--log %s: %s", log_path,
                    strerror(errno));
    return STATUS_OK;
}

void sink_ledger_fini(struct sink_ledger *ledger)
{
    sink_seen_fini(&ledger->index);
    buf_fini(&ledger->names);
    buf_fini(&ledger->log);
    free(ledger->copies);
    if (ledger->log_fd >= 0)
        close(ledger->log_fd);
}

static uint32_t *copies_new(struct sink_ledger *ledger, const char *recipient)
{
    buf_add(&ledger->names, recipient, strlen(recipient) + 1);
    if (ledger->recipients == ledger->copies_cap) {
        ledger->copies_cap =
            ledger->copies_cap ? ledger->copies_cap * 2 : COPIES_FIRST;
        ledger->copies = memory_resize(ledger->copies, ledger->copies_cap,
                                       sizeof *ledger->copies);
    }
    uint32_t *copies = &ledger->copies[ledger->recipients++];
    *copies = 0;
    return copies;
}

static void track(struct sink_ledger *ledger, const char *recipient)
{
    if (ledger->names.len >= SINK_TRACK_BYTES_MAX) {
        ledger->untracked++;
        return;
    }
    int64_t *number = sink_seen_at(&ledger->index, sink_seen_key(0, recipient));
    if (!number) {
        ledger->untracked++;
        return;
    }
    uint32_t *copies =
        *number ? &ledger->copies[*number - 1] : copies_new(ledger, recipient);
    if (!*number)
        *number = (int64_t)ledger->recipients;
    ledger->duplicates += *copies > 0;
    ++*copies;
}

static void count(struct sink_ledger *ledger, const char *recipient,
                  size_t size_bytes)
{
    ledger->mails++;
    ledger->bytes += (int64_t)size_bytes;
    if (ledger->track)
        track(ledger, recipient);
}

void sink_ledger_connected(struct sink_ledger *ledger, int64_t now_ms)
{
    struct sink_minute *m = &ledger->minute;

    ledger->connections++;
    if (++ledger->open > ledger->open_most)
        ledger->open_most = ledger->open;
    while (m->n > 0 && (m->n == SINK_MINUTE_MAX ||
                        now_ms - m->began_ms[m->first] >= SINK_MINUTE_MS)) {
        m->first = (m->first + 1) % SINK_MINUTE_MAX;
        m->n--;
    }
    m->began_ms[(m->first + m->n++) % SINK_MINUTE_MAX] = now_ms;
    if (m->n > m->most)
        m->most = m->n;
}

void sink_ledger_busy(struct sink_ledger *ledger, bool busy)
{
    ledger->busy += busy ? 1 : -1;
    if (ledger->busy > ledger->busy_most)
        ledger->busy_most = ledger->busy;
}

void sink_ledger_note(struct sink_ledger *ledger, int64_t time_ms,
                      const char *sender, const char *recipient,
                      size_t size_bytes, enum sink_deed deed)
{
    switch (deed) {
    case SINK_DROPPED_ACCEPTED:
        ledger->dropped_accepted++;
        count(ledger, recipient, size_bytes);
        break;
    case SINK_ACCEPTED: count(ledger, recipient, size_bytes); break;
    case SINK_REFUSED: ledger->refused++; break;
    case SINK_DEFERRED: ledger->deferred++; break;
    case SINK_DROPPED: ledger->dropped++; break;
    }
    if (ledger->log_fd >= 0)
        buf_addf(&ledger->log, "%" PRId64 "\t%s\t%s\t%zu\t%s\n", time_ms,
                 sender, recipient, size_bytes, sink_deed_text(deed));
}

void sink_ledger_flush(struct sink_ledger *ledger)
{
    size_t done = 0;
    while (done < ledger->log.len && !ledger->log_error.text[0]) {
        ssize_t n = write(ledger->log_fd, ledger->log.data + done,
                          ledger->log.len - done);
        if (n < 0 && errno != EINTR)
            snprintf(ledger->log_error.text, sizeof ledger->log_error.text,
                     "--log: %s", strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    if (ledger->log.len)
        buf_reset(&ledger->log);
}

void sink_ledger_totals(const struct sink_ledger *ledger, struct buf *out)
{
    buf_addf(out,
             "{\"connections\": %" PRId64 ", \"open\": %" PRId64
             ", \"max_connections\": %" PRId64
             ", \"max_mails_at_once\": %" PRId64
             ", \"max_connections_a_minute\": %zu"
             ", \"max_mails_per_connection\": %" PRId64 ", \"mails\": %" PRId64
             ", \"bytes\": %" PRId64 ", \"refused\": %" PRId64
             ", \"deferred\": %" PRId64 ", \"dropped\": %" PRId64
             ", \"dropped_accepted\": %" PRId64,
             ledger->connections, ledger->open, ledger->open_most,
             ledger->busy_most, ledger->minute.most, ledger->each_most,
             ledger->mails, ledger->bytes, ledger->refused, ledger->deferred,
             ledger->dropped, ledger->dropped_accepted);
    if (ledger->track)
        buf_addf(out,
                 ", \"recipients\": %zu, \"duplicates\": %" PRId64
                 ", \"untracked\": %" PRId64,
                 ledger->recipients, ledger->duplicates, ledger->untracked);
    buf_add_char(out, '}');
}

/* Addresses hold no control characters; other bytes go out as they came. */
static void add_quoted(struct buf *out, const char *s)
{
    buf_add_char(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *s);
    }
    buf_add_char(out, '"');
}

void sink_ledger_recipients(const struct sink_ledger *ledger, struct buf *out)
{
    const char *name = ledger->names.data;
    buf_add_char(out, '{');
    for (size_t i = 0; i < ledger->recipients; i++) {
        buf_add_text(out, i ? ",\n" : "");
        add_quoted(out, name);
        buf_addf(out, ": %" PRIu32, ledger->copies[i]);
        name += strlen(name) + 1;
    }
    buf_add_char(out, '}');
}
