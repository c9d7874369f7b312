/*
 * slow - sites that take mail more slowly than it comes: by a limit, or because
 * their servers take their time, or hang.
 *
 * Part of the pipeline, beside dest. A batch that is not sorted by site has
 * mail for many; what waits in it for a slow one would keep the batch, and its
 * campaign's share of this worker, from the others. So that is handed on into
 * batches of its own site, of which no more are claimed than it takes.
 */
#ifndef SLOW_H
#define SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLOW_WINDOW_MS = 2000, SLOW_AHEAD_S = 5 };

/* A destination's own. {0}: nothing is known. */
struct slow {
    size_t settled;     /* mails in this window */
    bool waited;        /* mail waited all the time, so far */
    int64_t limited_ms; /* when all that waited was last kept by limits */
    double speed;       /* mails a second */
    unsigned windows; /* that it has been slow for; 0: it is not known to be */
    unsigned unsure;  /* the last ones, in which it could not be measured */
};

struct dest;
struct parcel;

/* Often: does mail wait? */
void slow_look(struct dest *t);

/* Often: of all destinations, by key. Once a window their speed is counted for
 * their sites. One that is slow hands on what waits unsorted, if it is much;
 * or, where this is in others' way, if it has been slow for some time. */
struct dest_world;
struct map;
void slow_judge_all(const struct map *all, struct dest_world *w);

/* About how many mails a second go to the site: as its limit has it, or less
 * where it is slow. 0: as many as there are. */
struct pace_site;
double slow_rate(struct pace_site *s);

/* Mails a second that go there while mail waits; < 0: as many as may. */
double slow_speed(const struct dest *t);

/* A campaign's parcel that comes unsorted, to wait for more than some seconds,
 * is handed on. False: it may wait here. */
bool slow_hands_on(struct dest *t, struct parcel *p);
#endif
