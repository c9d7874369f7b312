/* GET /emails, GET /emails?to=ADDRESS, GET /emails/{id}. */
#include "api/handlers/email_view.h"
#include "api/handlers/emails_read.sql.h"
#include "api/json.h"
#include "base/clock.h"
#include "mail/address.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_STANDARD = 20, PAGE_MAX = 100, NUMBER_MAX = 24 };

struct page {
    int64_t limit;
    const char *to;     /* NULL: to anybody */
    struct mailid from; /* exclusive */
    bool before;        /* newer than from, instead of older */
};

static void number_text(char out[NUMBER_MAX], int64_t n)
{
    snprintf(out, NUMBER_MAX, "%lld", (long long)n);
}

void emails_get_handle(struct request *request, struct reply *reply)
{
    char project[NUMBER_MAX], batch[NUMBER_MAX], seq[NUMBER_MAX];
    const char *params[] = {project, batch, seq};
    struct mailid id = {0};
    DB_RESULT *rows = NULL;
    struct error err;
    enum status status = STATUS_OK;

    if (request_mailid_parse(request, request->args[0], &id)) {
        number_text(project, request->caller.project);
        number_text(batch, id.batch);
        number_text(seq, id.seq);
        status = session_run(request->session, SQL_EMAILS_GET, params, 3, &rows,
                             &err);
    }
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
    } else if (!rows || PQntuples(rows) == 0) {
        reply_error(reply, API_NOT_FOUND, "Email not found");
    } else {
        reply->status = 200;
        email_view_add(&reply->body, request, rows, 0, clock_wall_us());
    }
}

/* The page that is asked for. */

static bool read_limit(const struct request *request, struct reply *reply,
                       struct page *page)
{
    const char *text = request_query(request, "limit");
    char *end;

    page->limit = PAGE_STANDARD;
    if (!text)
        return true;
    page->limit = strtol(text, &end, 10);
    if (*text && !*end && page->limit >= 1 && page->limit <= PAGE_MAX)
        return true;
    reply_error(reply, API_VALIDATION_ERROR,
                "`limit` is to be a number from 1 to %d.", PAGE_MAX);
    return false;
}

static bool read_cursor(const struct request *request, struct reply *reply,
                        struct page *page)
{
    const char *after = request_query(request, "after");
    const char *before = request_query(request, "before");

    page->from = (struct mailid){INT64_MAX >> 2, MAILID_SEQ_MAX};
    page->before = before != NULL;
    if (after && before) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "`after` and `before` exclude each other.");
        return false;
    }
    if ((!after && !before) ||
        request_mailid_parse(request, after ? after : before, &page->from))
        return true;
    reply_error(reply, API_VALIDATION_ERROR,
                "`%s` is to be the id of an email.",
                after ? "after" : "before");
    return false;
}

static bool read_to(const struct request *request, struct reply *reply,
                    struct page *page)
{
    struct address parsed;
    struct error err;

    page->to = request_query(request, "to");
    if (!page->to)
        return true;
    if (address_parse_spec(page->to, strlen(page->to), &parsed, &err) !=
        STATUS_OK)
        reply_error(reply, API_VALIDATION_ERROR, "Invalid `to`: %s.", err.text);
    else if (page->before)
        reply_error(reply, API_VALIDATION_ERROR,
                    "`to` goes with `after`, not with `before`.");
    else
        return true;
    return false;
}

/* The list. One row more than asked for tells whether there are more. */

static void add_rows(struct request *request, struct buf *out,
                     const PGresult *rows, int from, int to)
{
    int64_t now_us = clock_wall_us();

    for (int row = from; row < to; row++) {
        if (out->data[out->len - 1] != '[')
            buf_add_char(out, ',');
        email_view_add(out, request, rows, row, now_us);
    }
}

static void begin_list(struct reply *reply)
{
    buf_add_text(&reply->body, "{\"object\":\"list\",\"data\":[");
}

static void end_list(struct reply *reply, bool more)
{
    reply->status = 200;
    buf_addf(&reply->body, "],\"has_more\":%s}", more ? "true" : "false");
}

static enum status list_all(struct request *request, struct reply *reply,
                            const struct page *page, struct error *err)
{
    char project[NUMBER_MAX], batch[NUMBER_MAX], seq[NUMBER_MAX],
        limit[NUMBER_MAX];
    const char *params[] = {project, batch, seq, limit};
    DB_RESULT *rows = NULL;

    number_text(project, request->caller.project);
    number_text(batch, page->from.batch);
    number_text(seq, page->from.seq);
    number_text(limit, page->limit + 1);
    enum status status = session_run(
        request->session, page->before ? SQL_EMAILS_BEFORE : SQL_EMAILS_AFTER,
        params, 4, &rows, err);
    if (status != STATUS_OK)
        return status;

    int n = PQntuples(rows), most = (int)page->limit;
    bool more = n > most;

    begin_list(reply);
    /* Read upwards, the row too many is the newest, which comes first. */
    add_rows(request, &reply->body, rows, more && page->before ? 1 : 0,
             more && !page->before ? most : n);
    end_list(reply, more);
    return STATUS_OK;
}

/* One partition; *left rows are still wanted. */
static enum status list_partition(struct request *request, struct buf *out,
                                  const struct page *page,
                                  const char *partition, int64_t *left,
                                  struct error *err)
{
    char project[NUMBER_MAX], batch[NUMBER_MAX], seq[NUMBER_MAX],
        limit[NUMBER_MAX];
    const char *params[] = {project, partition, page->to, batch, seq, limit};
    DB_RESULT *rows = NULL;

    number_text(project, request->caller.project);
    number_text(batch, page->from.batch);
    number_text(seq, page->from.seq);
    number_text(limit, *left + 1);
    enum status status =
        session_run(request->session, SQL_EMAILS_TO, params, 6, &rows, err);
    if (status != STATUS_OK)
        return status;
    int n = PQntuples(rows);

    add_rows(request, out, rows, 0, n > *left ? (int)*left : n);
    *left -= n;
    return STATUS_OK;
}

/* Partitions newest first, so that a full page spares the older ones. */
static enum status list_to(struct request *request, struct reply *reply,
                           const struct page *page, struct error *err)
{
    struct session *s = request->session;
    char batch[NUMBER_MAX];
    const char *params[] = {batch};
    DB_RESULT *parts = NULL;
    int64_t left = page->limit;

    number_text(batch, page->from.batch);
    enum status status =
        session_run(s, SQL_EMAILS_PARTITIONS, params, 1, &parts, err);
    begin_list(reply);
    for (int i = 0; status == STATUS_OK && i < PQntuples(parts) && left >= 0;
         i++)
        status = list_partition(request, &reply->body, page,
                                PQgetvalue(parts, i, 0), &left, err);
    end_list(reply, left < 0);
    return status;
}

void emails_list_handle(struct request *request, struct reply *reply)
{
    struct page page = {0};
    struct error err;

    if (!read_limit(request, reply, &page) ||
        !read_cursor(request, reply, &page) || !read_to(request, reply, &page))
        return;
    enum status status = page.to ? list_to(request, reply, &page, &err)
                                 : list_all(request, reply, &page, &err);
    if (status != STATUS_OK)
        reply_status(reply, status, &err);
}
