/*
 * cli/campaign/progress - one line about a campaign under way: on a terminal
 * drawn again in place, with a bar; elsewhere a line now and then.
 */
#ifndef CLI_CAMPAIGN_PROGRESS_H
#define CLI_CAMPAIGN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PROGRESS_LINE_MAX = 512,
    PROGRESS_TERMINAL_MS = 150, /* between two lines of a terminal */
    PROGRESS_PLAIN_MS = 2000,   /* and of a file */
    PROGRESS_WINDOW_MS = 3000,  /* that the rate is taken over */
    PROGRESS_SAMPLES_MAX = 32,
};

struct progress {
    bool terminal;
    int64_t shown_ms; /* of the monotonic clock; 0: nothing yet */
    struct {
        int64_t at_ms, done;
    } samples[PROGRESS_SAMPLES_MAX];
    unsigned first, n;
};

struct progress_counts {
    int64_t total, delivered, failed; /* failed: final, and not delivered */
    const char *state;
};

/* Pure: the line's text of the given width (a terminal's columns) into out
 * (PROGRESS_LINE_MAX bytes). rate: mails per second, 0 if unknown. */
void progress_line(const struct progress_counts *counts, int64_t rate,
                   unsigned width, bool bar, char *out);

/* "1.2 s", "3 min 20 s", "2 h 5 min" into out (32 bytes); returns out. */
const char *progress_time(int64_t ms, char *out);

/* "1,234,567" into out (32 bytes); returns out. */
const char *progress_number(int64_t n, char *out);

/* Takes the counts in; mails per second over the last seconds. */
int64_t progress_rate(struct progress *progress, int64_t now_ms, int64_t done);

/* Prints the line on stdout if it is time to, or if last. */
void progress_show(struct progress *progress, int64_t now_ms,
                   const struct progress_counts *counts, bool last);
#endif
