/* api/track/page - the few plain pages that recipients get to see: no script,
 * nothing from elsewhere, readable by whatever reads HTML. */
#ifndef API_TRACK_PAGE_H
#define API_TRACK_PAGE_H

#include "api/reply.h"
#include <stdbool.h>

/* Texts are escaped. ask: an address that a button on the page unsubscribes,
 * by POST to the page's own URL; NULL: there is no button. */
void page_write(struct reply *reply, int status, const char *title,
                const char *text, const char *ask);

/* 503: the database is away. */
void page_unavailable(struct reply *reply);

/* The printable ASCII of a foreign header's value into out, cut at max; false
 * if there is none. */
bool page_ascii(const char *value, char *out, size_t max);
#endif
