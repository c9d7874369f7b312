#include "cli/campaign/progress.h"
#include "base/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    NUMBER_MAX = 32,
    TAIL_MAX = 160,
    WIDTH_USUAL = 80,
    BAR_LEAST = 8,
    BAR_MOST = 40,
    MINUTE_MS = 60000,
    HOUR_MS = 3600000,
};

const char *progress_number(int64_t n, char *out)
{
    char digits[NUMBER_MAX];
    int len = snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? 0 : n);
    char *to = out;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return out;
}

const char *progress_time(int64_t ms, char *out)
{
    if (ms < 10000)
        snprintf(out, NUMBER_MAX, "%.1f s", (double)ms / 1000);
    else if (ms < MINUTE_MS)
        snprintf(out, NUMBER_MAX, "%" PRId64 " s", ms / 1000);
    else if (ms < HOUR_MS)
        snprintf(out, NUMBER_MAX, "%" PRId64 " min %" PRId64 " s",
                 ms / MINUTE_MS, ms % MINUTE_MS / 1000);
    else
        snprintf(out, NUMBER_MAX, "%" PRId64 " h %" PRId64 " min", ms / HOUR_MS,
                 ms % HOUR_MS / MINUTE_MS);
    return out;
}

/* What stands right of the bar. */
static void tail(const struct progress_counts *c, int64_t rate, char *out)
{
    char done[NUMBER_MAX], total[NUMBER_MAX], per_s[NUMBER_MAX],
        failed[NUMBER_MAX], left[NUMBER_MAX];
    int64_t finished = c->delivered + c->failed;
    int n = snprintf(out, TAIL_MAX, "%s of %s", progress_number(finished, done),
                     progress_number(c->total, total));

    if (c->failed)
        n += snprintf(out + n, TAIL_MAX - (size_t)n, "  %s failed",
                      progress_number(c->failed, failed));
    if (strcmp(c->state, "sending") != 0)
        n += snprintf(out + n, TAIL_MAX - (size_t)n, "  %.20s", c->state);
    if (rate > 0 && finished < c->total)
        snprintf(out + n, TAIL_MAX - (size_t)n, "  %s/s  %s left",
                 progress_number(rate, per_s),
                 progress_time((c->total - finished) * 1000 / rate, left));
}

void progress_line(const struct progress_counts *c, int64_t rate,
                   unsigned width, bool bar, char *out)
{
    char text[TAIL_MAX];
    int64_t finished = c->delivered + c->failed;
    int percent = c->total ? (int)(finished * 100 / c->total) : 0;
    int cells = 0, n = 0;

    tail(c, rate, text);
    if (bar)
        cells = (int)width - (int)strlen(text) - 12;
    if (cells > BAR_MOST)
        cells = BAR_MOST;
    if (cells >= BAR_LEAST) {
        int full = c->total ? (int)(finished * cells / c->total) : 0;

        out[n++] = ' ', out[n++] = ' ', out[n++] = '[';
        for (int i = 0; i < cells; i++)
            out[n++] = i < full ? '=' : (i == full ? '>' : ' ');
        out[n++] = ']';
    }
    snprintf(out + n, PROGRESS_LINE_MAX - (size_t)n, " %3d %%  %s", percent,
             text);
}

int64_t progress_rate(struct progress *p, int64_t now_ms, int64_t done)
{
    unsigned last = (p->first + p->n - 1) % PROGRESS_SAMPLES_MAX;

    /* Spread over the window, so that the ring holds all of it. */
    if (!p->n || now_ms - p->samples[last].at_ms >=
                     2 * PROGRESS_WINDOW_MS / PROGRESS_SAMPLES_MAX) {
        if (p->n == PROGRESS_SAMPLES_MAX)
            p->first = (p->first + 1) % PROGRESS_SAMPLES_MAX, p->n--;
        last = (p->first + p->n++) % PROGRESS_SAMPLES_MAX;
        p->samples[last].at_ms = now_ms;
        p->samples[last].done = done;
    }
    while (p->n > 2 && now_ms - p->samples[p->first].at_ms > PROGRESS_WINDOW_MS)
        p->first = (p->first + 1) % PROGRESS_SAMPLES_MAX, p->n--;
    int64_t ms = now_ms - p->samples[p->first].at_ms;
    return ms > 0 ? (done - p->samples[p->first].done) * 1000 / ms : 0;
}

static unsigned terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20)
        return WIDTH_USUAL;
    return size.ws_col;
}

void progress_show(struct progress *p, int64_t now_ms,
                   const struct progress_counts *counts, bool last)
{
    char line[PROGRESS_LINE_MAX];
    int64_t every = p->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_PLAIN_MS;
    int64_t rate = progress_rate(p, now_ms, counts->delivered + counts->failed);

    if (!last && p->shown_ms && now_ms - p->shown_ms < every)
        return;
    p->shown_ms = now_ms;
    progress_line(counts, rate,
                  p->terminal ? terminal_width() - 1 : WIDTH_USUAL, p->terminal,
                  line);
    if (p->terminal)
        printf("\r%s\033[K%s", line, last ? "\n" : "");
    else
        printf("%s\n", line);
    fflush(stdout);
}
