/* GET /campaigns/{id}/recipients: what became of each mail of a campaign, page
 * by page, or all of it as NDJSON. Mails are read batch by batch, in two range
 * scans that are merged here. */
#include "api/handlers/campaigns.h"
#include "api/handlers/recipients.sql.h"
#include "api/json.h"
#include "mail/outcome.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LIST_STANDARD = 20,
    LIST_MAX = 100,
    BATCHES_AT_ONCE = 64,
    WRITE_BYTES = 64 * 1024,
};

/* What a recipient is asked for by. */
enum filter { FILTER_NONE, FILTER_FINAL, FILTER_PENDING, FILTER_DEFERRED };

struct walk {
    struct request *request;
    struct reply *reply;
    const struct campaign_ref *ref;
    enum filter filter;
    const char *verdict; /* of FILTER_FINAL */
    struct mailid from;  /* the first mail to look at */
    int left;            /* rows still wanted; -1: all */
    bool ndjson;
    bool more; /* there is one beyond */
    bool gone; /* the client has gone */
    int rows;  /* written so far */
    struct buf *out;
};

static int64_t number_at(const PGresult *rows, int row, int column)
{
    return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

/* Columns of recipients_outcomes. */
enum {
    OUTCOME_SEQ,
    OUTCOME_ATTEMPT,
    OUTCOME_AT,
    OUTCOME_VERDICT,
    OUTCOME_FINAL,
    OUTCOME_CODE,
    OUTCOME_ENHANCED,
    OUTCOME_REPLY,
    OUTCOME_MX,
    OUTCOME_CATEGORY,
    OUTCOME_LATER,
};

/* Columns of recipients_events. */
enum { EVENT_SEQ, EVENT_KIND, EVENT_AT };

/* A mail's outcomes, and what its recipient did: rows first .. end - 1; none
 * while it waits, or nothing was done. */
struct history {
    const PGresult *rows, *events;
    int first, end;
    int events_first, events_end;
};

static bool has_ended(const struct history *h)
{
    return h->end > h->first &&
           PQgetvalue(h->rows, h->end - 1, OUTCOME_FINAL)[0] == 't';
}

static const char *outcome_of(const struct history *h)
{
    if (has_ended(h))
        return PQgetvalue(h->rows, h->end - 1, OUTCOME_VERDICT);
    return h->end > h->first ? verdict_text(VERDICT_DEFERRED) : "pending";
}

static bool is_wanted(const struct walk *w, const struct history *h)
{
    switch (w->filter) {
    case FILTER_NONE: return true;
    case FILTER_FINAL:
        return has_ended(h) && strcmp(outcome_of(h), w->verdict) == 0;
    case FILTER_PENDING: return !has_ended(h);
    case FILTER_DEFERRED: return !has_ended(h) && h->end > h->first;
    }
    return false;
}

static void add_text(struct buf *out, const char *name, const struct history *h,
                     int column)
{
    int last = h->end - 1;
    bool none = h->end == h->first || PQgetisnull(h->rows, last, column);

    buf_addf(out, ",\"%s\":", name);
    json_add_text(out, none ? NULL : PQgetvalue(h->rows, last, column));
}

static void add_time(struct buf *out, const char *name, const struct history *h,
                     int row)
{
    buf_addf(out, ",\"%s\":", name);
    if (h->end == h->first)
        buf_add_text(out, "null");
    else
        json_add_time(out, number_at(h->rows, row, OUTCOME_AT));
}

static void add_event(struct buf *out, const char *kind,
                      const struct history *h)
{
    buf_addf(out, ",\"%s_at\":", kind);
    for (int row = h->events_first; row < h->events_end; row++)
        if (strcmp(PQgetvalue(h->events, row, EVENT_KIND), kind) == 0) {
            json_add_time(out, number_at(h->events, row, EVENT_AT));
            return;
        }
    buf_add_text(out, "null");
}

static void add_row(struct walk *w, struct mailid mail, const char *recipient,
                    const struct history *h)
{
    struct buf *out = w->out;
    char id[MAILID_TEXT_MAX];
    int last = h->end - 1;
    bool tried = h->end > h->first;

    request_mailid_text(w->request, mail, id);
    buf_addf(out, "%s{\"id\":\"%s\",\"recipient\":",
             w->rows++ && !w->ndjson ? "," : "", id);
    json_add_text(out, recipient);
    buf_addf(out, ",\"outcome\":\"%s\",\"attempts\":%s,\"code\":%s",
             outcome_of(h),
             tried ? PQgetvalue(h->rows, last, OUTCOME_ATTEMPT) : "0",
             tried && !PQgetisnull(h->rows, last, OUTCOME_CODE)
                 ? PQgetvalue(h->rows, last, OUTCOME_CODE)
                 : "null");
    add_text(out, "enhanced_status", h, OUTCOME_ENHANCED);
    add_text(out, "reply", h, OUTCOME_REPLY);
    add_text(out, "category", h, OUTCOME_CATEGORY);
    add_text(out, "later", h, OUTCOME_LATER);
    add_text(out, "mx", h, OUTCOME_MX);
    add_time(out, "first_at", h, h->first);
    add_time(out, "last_at", h, last);
    add_event(out, "opened", h);
    add_event(out, "clicked", h);
    add_event(out, "unsubscribed", h);
    buf_add_text(out, w->ndjson ? "}\n" : "}");
}

/* False: no more is wanted. */
static bool take_mail(struct walk *w, struct mailid mail, const char *recipient,
                      const struct history *h)
{
    if (!is_wanted(w, h))
        return true;
    if (w->left == 0) {
        w->more = true;
        return false;
    }
    w->left -= w->left > 0;
    add_row(w, mail, recipient, h);
    if (!w->ndjson || w->out->len < WRITE_BYTES)
        return true;
    w->gone = !request_write(w->request, w->reply, w->out->data, w->out->len);
    buf_reset(w->out);
    return !w->gone;
}

/* The first row from `at` on that is not of this mail, in a list that ascends
 * by seq. */
static int end_of(const PGresult *rows, int at, int column, int64_t seq)
{
    while (at < PQntuples(rows) && number_at(rows, at, column) == seq)
        at++;
    return at;
}

/* All lists ascend by seq. */
static bool merge(struct walk *w, int64_t batch, const PGresult *mails,
                  const PGresult *outcomes, const PGresult *events)
{
    struct history h = {.rows = outcomes, .events = events};

    for (int i = 0; i < PQntuples(mails); i++) {
        int64_t seq = number_at(mails, i, 0);

        h.first = h.end;
        h.end = end_of(outcomes, h.end, OUTCOME_SEQ, seq);
        h.events_first = h.events_end;
        h.events_end = end_of(events, h.events_end, EVENT_SEQ, seq);
        if (!take_mail(w, (struct mailid){batch, (int32_t)seq},
                       PQgetvalue(mails, i, 1), &h))
            return false;
    }
    return true;
}

static enum status walk_batch(struct walk *w, const char *batch, bool *go_on,
                              struct error *err)
{
    DB_RESULT *mails = NULL, *outcomes = NULL, *events = NULL;
    char seq[CAMPAIGNS_NUMBER_MAX];
    const char *params[] = {batch, seq};
    int64_t id = strtoll(batch, NULL, 10);
    struct session *s = w->request->session;

    snprintf(seq, sizeof seq, "%d", id == w->from.batch ? w->from.seq : 0);
    enum status status =
        session_run(s, SQL_RECIPIENTS_MAILS, params, 2, &mails, err);
    if (status == STATUS_OK)
        status =
            session_run(s, SQL_RECIPIENTS_OUTCOMES, params, 2, &outcomes, err);
    if (status == STATUS_OK)
        status = session_run(s, SQL_RECIPIENTS_EVENTS, params, 2, &events, err);
    if (status == STATUS_OK)
        *go_on = merge(w, id, mails, outcomes, events);
    return status;
}

static enum status next_batches(struct walk *w, int64_t from, PGresult **out,
                                struct error *err)
{
    char first[CAMPAIGNS_NUMBER_MAX], most[CAMPAIGNS_NUMBER_MAX];
    const char *filter = NULL;

    if (w->filter == FILTER_FINAL)
        filter = w->verdict;
    else if (w->filter != FILTER_NONE)
        filter = "pending";
    snprintf(first, sizeof first, "%lld", (long long)from);
    /* A page seldom needs more than one. */
    snprintf(most, sizeof most, "%d", w->ndjson ? BATCHES_AT_ONCE : 2);
    const char *params[] = {w->ref->id, first, filter, most};

    return session_run(w->request->session, SQL_RECIPIENTS_BATCHES, params, 4,
                       out, err);
}

static enum status walk(struct walk *w, struct error *err)
{
    int64_t from = w->from.batch;
    bool go_on = true;
    enum status status = STATUS_OK;

    while (go_on && status == STATUS_OK) {
        DB_RESULT *batches = NULL;

        status = next_batches(w, from, &batches, err);
        if (status != STATUS_OK || PQntuples(batches) == 0)
            break;
        for (int i = 0; go_on && status == STATUS_OK && i < PQntuples(batches);
             i++) {
            status = walk_batch(w, PQgetvalue(batches, i, 0), &go_on, err);
            from = number_at(batches, i, 0) + 1;
        }
    }
    return status;
}

/* outcome=...: false if there is none of that name; the reply is set. */
static bool read_filter(struct walk *w)
{
    static const enum verdict finals[] = {
        VERDICT_DELIVERED, VERDICT_BOUNCED,    VERDICT_IN_DOUBT,
        VERDICT_EXPIRED,   VERDICT_SUPPRESSED, VERDICT_CANCELLED};
    const char *text = request_query(w->request, "outcome");

    if (!text)
        return true;
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
        if (strcmp(text, verdict_text(finals[i])) == 0) {
            w->filter = FILTER_FINAL;
            w->verdict = verdict_text(finals[i]);
            return true;
        }
    if (strcmp(text, "pending") == 0)
        w->filter = FILTER_PENDING;
    else if (strcmp(text, verdict_text(VERDICT_DEFERRED)) == 0)
        w->filter = FILTER_DEFERRED;
    else
        reply_error(w->reply, API_VALIDATION_ERROR,
                    "`outcome` is to be pending, deferred, delivered, bounced, "
                    "in_doubt, expired, suppressed or cancelled.");
    return w->filter != FILTER_NONE;
}

static bool read_page(struct walk *w)
{
    struct page page;

    if (!campaigns_page(w->request, w->reply, LIST_STANDARD, LIST_MAX, &page))
        return false;
    w->left = page.limit;
    if (page.before) {
        reply_error(w->reply, API_VALIDATION_ERROR,
                    "`before` is not supported here: use `after`.");
        return false;
    }
    if (page.after && !request_mailid_parse(w->request, page.after, &w->from)) {
        reply_error(w->reply, API_VALIDATION_ERROR,
                    "`after` is to be the id of a recipient's mail.");
        return false;
    }
    w->from.seq += page.after != NULL;
    return true;
}

/* Nothing has been sent before the first full buffer: until then an error can
 * still be answered as such. */
static void export(struct walk *w)
{
    struct buf out = {0};
    struct error err;

    w->out = &out;
    w->ndjson = true;
    w->left = -1;
    w->reply->content_type = "application/x-ndjson";
    enum status status = walk(w, &err);
    if (status == STATUS_OK && !w->gone)
        w->gone = !request_write(w->request, w->reply, out.data ? out.data : "",
                                 out.len);
    w->out = NULL;
    buf_fini(&out);
    w->out = NULL;
    if (status != STATUS_OK) {
        w->reply->content_type = NULL;
        reply_status(w->reply, status, &err);
    }
}

static void list(struct walk *w)
{
    struct error err;

    w->out = &w->reply->body;
    buf_add_text(w->out, "{\"object\":\"list\",\"data\":[");
    enum status status = walk(w, &err);
    if (status != STATUS_OK) {
        reply_status(w->reply, status, &err);
        return;
    }
    w->reply->status = 200;
    buf_addf(w->out, "],\"has_more\":%s}", w->more ? "true" : "false");
}

static void handle(struct request *request, struct reply *reply, bool ndjson)
{
    struct campaign_ref ref;
    DB_RESULT *row = NULL;
    struct walk w = {.request = request, .reply = reply, .ref = &ref};

    if (!campaigns_ref(request, reply, &ref) ||
        !campaigns_find(request, reply, &ref, &row) || !read_filter(&w))
        return;
    if (ndjson)
        export(&w);
    else if (read_page(&w))
        list(&w);
}

void recipients_list_handle(struct request *request, struct reply *reply)
{
    const char *accept = request->headers[HEADER_ACCEPT];

    handle(request, reply, accept && strstr(accept, "application/x-ndjson"));
}

void recipients_export_handle(struct request *request, struct reply *reply)
{
    handle(request, reply, true);
}
