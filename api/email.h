/*
 * api/email - one email of POST /emails or /emails/batch: from foreign JSON to
 * what the queue takes, or to an error that names the field.
 *
 * Everything that sending could refuse is refused here, so that an accepted
 * email can be built. No I/O.
 */
#ifndef API_EMAIL_H
#define API_EMAIL_H

#include "api/fields.h"
#include "base/arena.h"
#include "base/buf.h"
#include "queue/accept.h"
#include <jansson.h>

enum {
    EMAIL_SUBJECT_MAX = 2000, /* bytes */
    EMAIL_HEADERS_MAX = 50,
    EMAIL_HEADER_BYTES_MAX = 4000, /* one value */
    EMAIL_TAGS_MAX = 75,
    EMAIL_TAG_BYTES_MAX = 256,
    /* What is scheduled further ahead is more likely a mistake. */
    EMAIL_AHEAD_DAYS_MAX = 5 * 366,
    /* Clocks differ: a time that has just passed means now. */
    EMAIL_PAST_SECONDS_MAX = 300,
};

/* Content and recipients live in the arena. out->project is left alone. False:
 * *why says what is wrong. scratch is overwritten. */
bool email_read(json_t *item, struct arena *arena, struct buf *scratch,
                int64_t now_us, struct accept_email *out,
                struct email_error *why);

/* tags of an email or a campaign: absent, null, or a valid list. */
bool email_read_tags(json_t *item, struct email_error *why);

/* scheduled_at, a text: 0 into *due_us if it is now or just past. */
bool email_read_time(json_t *value, int64_t now_us, int64_t *due_us,
                     struct email_error *why);
#endif
