/*
 * pace/shape - how fast a site lets us be, found out: down by a factor when it
 * complains, up by a step while it does not (AIMD).
 *
 * At rest there is no bound. The first complaint bounds the rate to a part of
 * what was really sent; each further one, at most every few seconds, to a part
 * of that, once some mails have shown what the site says to the new rate: one
 * that refuses a share of all mail, however slow they come, is not to be slowed
 * to nothing at once. After a pause of peace the bound rises evenly, and goes
 * once it is twice what the site last complained about. Connections likewise.
 *
 * Pure: time is an argument (microseconds, never jumps).
 */
#ifndef PACE_SHAPE_H
#define PACE_SHAPE_H

#include "pace/meter.h"

#define SHAPE_FLOOR 0.05         /* mails a second: one in 20 s */
#define SHAPE_FACTOR 0.6         /* of it is left after complaints, */
#define SHAPE_MILD 0.85          /* or so much if they are few */
#define SHAPE_RISE_SECONDS 600.0 /* to rise by what was complained about */

enum {
    SHAPE_SETTLE_US = 3000000, /* complaints of that time are one */
    SHAPE_SAMPLE = 10, /* so are those of so few mails at the new rate, */
    SHAPE_SAMPLE_US = 60000000, /* unless they took so long */
    SHAPE_PEACE_US = 10000000,  /* before it rises */
};

struct shape {
    double rate;  /* mails a second; 0: no bound */
    double peak;  /* at the last complaint */
    double lines; /* connections; 0: no bound */
    struct meter_gate gate;
    double seen; /* really sent a second, smoothed */
    int64_t window_us, n_window;
    int64_t n_since, n_complaints; /* since the last that counted */
    int64_t complained_us, risen_us;
    int64_t failed_us, lines_risen_us;
};

/* A mail was sent, whatever became of it. */
void shape_sent(struct shape *s, int64_t now_us);

/* The site wants less. */
void shape_slow_down(struct shape *s, int64_t now_us);

/* It took a mail. */
void shape_delivered(struct shape *s, int64_t now_us);

/* It took, or did not take, a connection while open of them were there; that
 * many work (ready), and are not given up for it. */
void shape_connected(struct shape *s, unsigned open, int64_t now_us);
void shape_connect_failed(struct shape *s, unsigned open, unsigned ready,
                          int64_t now_us);

/* The bounds as they were before a restart; 0: none. */
void shape_restore(struct shape *s, double rate, double lines, int64_t now_us);

/* The share of the site's lanes is another one: so many times as large. */
void shape_scale(struct shape *s, double by, int64_t now_us);

/* No bounds any more. */
void shape_forget(struct shape *s);
#endif
