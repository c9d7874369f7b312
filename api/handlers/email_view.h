/*
 * api/handlers/email_view - an email as GET shows it: what was accepted, and
 * what has become of it for each recipient. No I/O.
 */
#ifndef API_HANDLERS_EMAIL_VIEW_H
#define API_HANDLERS_EMAIL_VIEW_H

#include "api/request.h"

/* The columns that email_view reads, in this order, of all statements in
 * emails_read.sql. */
enum email_column {
    EMAIL_BATCH,
    EMAIL_SEQ,
    EMAIL_CONTENT,    /* JSON: from, to, cc, bcc, reply_to, subject, ... */
    EMAIL_CREATED,    /* microseconds since 1970 */
    EMAIL_STATE,      /* of the batch */
    EMAIL_DUE,        /* microseconds since 1970 */
    EMAIL_CAMPAIGN,   /* null: transactional */
    EMAIL_RECIPIENTS, /* JSON: list of objects */
    EMAIL_REACTION,   /* opened, clicked; null: neither */
    EMAIL_EVENTS,     /* JSON: list of objects; null: not shown */
};

/* Appends one object. Members that the content lacks are null, so that strict
 * decoders find them. */
void email_view_add(struct buf *out, const struct request *request,
                    const PGresult *rows, int row, int64_t now_us);

/* What to call it in one word, as SDKs know it: scheduled, queued, sent,
 * delivered, opened, clicked, delivery_delayed, bounced, failed, suppressed or
 * canceled. recipients: as in EMAIL_RECIPIENTS; due: in the future; reaction:
 * NULL, or what to call it where all is well. */
const char *email_view_last_event(json_t *recipients, const char *state,
                                  bool due_later, const char *reaction);
#endif
