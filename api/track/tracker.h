/*
 * api/track/tracker - events of recipients, on their way into the store.
 *
 * A thread takes what has gathered for TRACKER_PAUSE_MS and writes it in one
 * statement; so a click never waits for the disk, and thousands of openings a
 * second are a few transactions. What is not written yet is lost with the
 * process: a fifth of a second's openings and clicks. Unsubscribing does not go
 * this way.
 */
#ifndef API_TRACK_TRACKER_H
#define API_TRACK_TRACKER_H

#include "base/config.h"
#include "base/mailid.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    TRACKER_PAUSE_MS = 200,
    TRACKER_QUEUED_MAX = 100 * 1000, /* while the database is away, say */
    TRACKER_AGENT_MAX = 200,
    /* One mail's events beyond these are no reader's: they are dropped. */
    TRACKER_MAIL_EVENTS_MAX = 200,
    TRACKER_MAIL_SECONDS = 10,
};

enum track_kind { TRACK_OPENED, TRACK_CLICKED };

struct track_event {
    struct mailid mail;
    enum track_kind kind;
    int link;          /* -1: none */
    const char *url;   /* copied; NULL: none */
    const char *agent; /* User-Agent, foreign; copied; NULL: none */
    bool machine;      /* a scanner or a proxy, by what is known already */
};

struct tracker;
struct tracker *tracker_new(const struct config *config);
/* What is queued is written first, if the database is there. */
void tracker_free(struct tracker *t);

/* Any thread; never blocks for long. Beyond TRACKER_QUEUED_MAX, or the limit of
 * its mail, it is dropped, and that is logged. */
void tracker_add(struct tracker *t, const struct track_event *event);

/* Does this User-Agent name a machine that does such things by itself? A proxy
 * that fetches pictures as a reader looks at them is none. */
bool track_agent_is_machine(const char *agent, enum track_kind kind);
#endif
