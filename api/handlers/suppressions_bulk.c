/* Lists of suppressions as a whole: taken in line by line, and given out. */
#include "api/api.h"
#include "api/handlers/suppressions.h"
#include "api/handlers/suppressions.sql.h"
#include "api/handlers/uploading.h"
#include "api/json.h"
#include "base/utf8.h"
#include "mail/address.h"
#include "mail/suppression.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLICE_LINES = 5000, /* committed together */
    PAGE_ROWS = 5000,
    WHY_MAX = 200,
};

/* ---- POST /suppressions/import ---- */

enum column { ADDRESSES, REASONS, UNTILS, NOTES, COLUMNS };

/* What stands in a line beside the address. */
struct line {
    enum suppression reason;
    char until[CLOCK_RFC3339_MAX]; /* "": for ever */
    char note[SUPPRESSIONS_NOTE_MAX + 1];
};

struct import {
    struct uploading in; /* first: the sink's context is both */
    bool reason_is_set;  /* for all lines, by the query */
    enum suppression reason;
    struct line line;           /* from refuse to take */
    struct buf arrays[COLUMNS]; /* of a slice, as text */
    size_t n;
    long long lines, added;
    char why[WHY_MAX];
};

/* Cut where a character ends; what no column can hold is left out. */
static void take_note(struct line *line, const char *text)
{
    size_t len = strlen(text);

    if (len > SUPPRESSIONS_NOTE_MAX)
        len = SUPPRESSIONS_NOTE_MAX;
    while (len > 0 && utf8_check(text, len) != len)
        len--;
    for (size_t i = 0; i < len; i++)
        line->note[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
    line->note[len] = 0;
}

static const char *member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && *text ? text : NULL;
}

/* With ?reason= a column of that name is another service's word for it. */
static const char *read_reason(struct import *im, const json_t *variables)
{
    const char *reason = member(variables, "reason");

    im->line.reason = im->reason;
    if (!reason)
        return NULL;
    if (im->reason_is_set) {
        if (!member(variables, "note"))
            take_note(&im->line, reason);
        return NULL;
    }
    if (suppression_find(reason, &im->line.reason))
        return NULL;
    return "reason: bounce, complaint, unsubscribe, soft_bounce or manual; or "
           "give one for all lines: ?reason=";
}

static const char *refuse(void *context, const char *text, size_t len)
{
    struct import *im = context;
    JSON_DECREF json_t *variables =
        text ? json_loadb(text, len, 0, NULL) : NULL;
    const char *until = member(variables, "expires_at");
    const char *note = member(variables, "note");
    struct error err;

    im->line = (struct line){0};
    if (note)
        take_note(&im->line, note);
    const char *why = read_reason(im, variables);
    if (why || !until)
        return why;
    if (suppressions_until(until, im->line.until, &err) == STATUS_OK)
        return NULL;
    snprintf(im->why, sizeof im->why, "%.*s", WHY_MAX - 1, err.text);
    return im->why;
}

static void open_slice(struct import *im)
{
    im->n = 0;
    for (int i = 0; i < COLUMNS; i++) {
        buf_reset(&im->arrays[i]);
        buf_add_char(&im->arrays[i], '{');
    }
}

static enum status write_slice(struct import *im, struct error *err)
{
    struct request *request = im->in.request;
    char project[SUPPRESSIONS_NUMBER_MAX];
    const char *params[1 + COLUMNS] = {project};
    DB_RESULT *row = NULL;

    if (im->n == 0)
        return STATUS_OK;
    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    for (int i = 0; i < COLUMNS; i++) {
        buf_add_char(&im->arrays[i], '}');
        params[1 + i] = im->arrays[i].data;
    }
    enum status status = session_run(request->session, SQL_SUPPRESSIONS_IMPORT,
                                     params, 1 + COLUMNS, &row, err);
    if (status != STATUS_OK)
        return status;
    im->lines += (long long)im->n;
    im->added += strtoll(PQgetvalue(row, 0, 0), NULL, 10);
    open_slice(im);
    return STATUS_OK;
}

static enum status take(void *context, const char *address, size_t address_len,
                        const char *variables, size_t variables_len,
                        struct error *err)
{
    struct import *im = context;
    char text[ADDRESS_MAX];

    (void)variables, (void)variables_len;
    snprintf(text, sizeof text, "%.*s", (int)address_len, address);
    suppressions_add_element(&im->arrays[ADDRESSES], text);
    suppressions_add_element(&im->arrays[REASONS],
                             suppression_text(im->line.reason));
    suppressions_add_element(&im->arrays[UNTILS], im->line.until);
    suppressions_add_element(&im->arrays[NOTES], im->line.note);
    return ++im->n < SLICE_LINES ? STATUS_OK : write_slice(im, err);
}

static bool read_query(struct import *im, struct reply *reply)
{
    const char *reason = request_query(im->in.request, "reason");

    im->reason = SUPPRESSION_MANUAL;
    im->reason_is_set = reason != NULL;
    if (!reason || suppression_find(reason, &im->reason))
        return true;
    reply_error(reply, API_VALIDATION_ERROR,
                "`reason` is to be bounce, complaint, unsubscribe, "
                "soft_bounce or manual.");
    return false;
}

/* Slice by slice: to add twice is to add once, so what was taken may stay when
 * the rest can't be read. */
void suppressions_import_handle(struct request *request, struct reply *reply)
{
    struct import im = {.in.request = request};
    const struct upload_sink sink = {.take = take,
                                     .reject = uploading_reject,
                                     .context = &im,
                                     .refuse = refuse};
    struct error err;

    if (!read_query(&im, reply))
        return;
    open_slice(&im);
    enum status status = uploading_run(&im.in, &sink, &err);
    if (status == STATUS_OK)
        status = write_slice(&im, &err);
    if (status == STATUS_OK) {
        reply->status = 200;
        buf_addf(&reply->body,
                 "{\"object\":\"import\",\"added\":%lld,\"known\":%lld,",
                 im.added, im.lines - im.added);
        uploading_add_rejected(&im.in, &reply->body);
        buf_add_char(&reply->body, '}');
    } else {
        reply_status(reply, status, &err);
    }
    uploading_fini(&im.in);
    for (int i = 0; i < COLUMNS; i++)
        buf_fini(&im.arrays[i]);
}

/* ---- GET /suppressions.csv and .ndjson ---- */

typedef void add_row(struct buf *out, const struct request *request,
                     const PGresult *rows, int row);

static void add_ndjson(struct buf *out, const struct request *request,
                       const PGresult *rows, int row)
{
    buf_add_char(out, '{');
    suppressions_add_members(out, request, rows, row);
    buf_add_text(out, "}\n");
}

/* RFC 4180. */
static void add_cell(struct buf *out, const char *text)
{
    bool quoted = strpbrk(text, "\",\r\n") != NULL;

    if (quoted)
        buf_add_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_add_char(out, '"');
        buf_add_char(out, *text);
    }
    if (quoted)
        buf_add_char(out, '"');
}

static void add_csv_time(struct buf *out, const PGresult *rows, int row,
                         int column)
{
    char text[CLOCK_RFC3339_MAX] = "";

    if (!PQgetisnull(rows, row, column))
        clock_rfc3339(strtoll(PQgetvalue(rows, row, column), NULL, 10), text);
    buf_add_text(out, text);
}

static void add_csv(struct buf *out, const struct request *request,
                    const PGresult *rows, int row)
{
    (void)request;
    add_cell(out, PQgetvalue(rows, row, SUPPRESSIONS_ADDRESS));
    buf_addf(out, ",%s,", PQgetvalue(rows, row, SUPPRESSIONS_REASON));
    add_cell(out, PQgetvalue(rows, row, SUPPRESSIONS_NOTE));
    buf_add_char(out, ',');
    add_csv_time(out, rows, row, SUPPRESSIONS_CREATED);
    buf_add_char(out, ',');
    add_csv_time(out, rows, row, SUPPRESSIONS_EXPIRES);
    buf_add_text(out, "\r\n");
}

/* Page by page, newest first. Before the first page is written an error is
 * answered as such; later it breaks the answer off. */
static void export(struct request *request, struct reply *reply,
                   const char *head, add_row *add)
{
    char project[SUPPRESSIONS_NUMBER_MAX], limit[SUPPRESSIONS_NUMBER_MAX];
    char last[SUPPRESSIONS_ID_MAX] = "";
    struct buf out = {0};
    struct error err;
    enum status status;
    int n = PAGE_ROWS;
    bool there = true;

    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    snprintf(limit, sizeof limit, "%d", PAGE_ROWS);
    buf_add_text(&out, head);
    while (there && n == PAGE_ROWS) {
        const char *params[] = {project, *last ? last : NULL, limit, NULL};
        DB_RESULT *rows = NULL;

        status = session_run(request->session, SQL_SUPPRESSIONS_AFTER, params,
                             4, &rows, &err);
        if (status != STATUS_OK) {
            reply->content_type = NULL;
            reply_status(reply, status, &err);
            break;
        }
        n = PQntuples(rows);
        for (int row = 0; row < n; row++)
            add(&out, request, rows, row);
        if (n > 0)
            snprintf(last, sizeof last, "%s",
                     PQgetvalue(rows, n - 1, SUPPRESSIONS_ID));
        there =
            request_write(request, reply, out.data ? out.data : "", out.len);
        buf_reset(&out);
    }
    buf_fini(&out);
}

void suppressions_ndjson_handle(struct request *request, struct reply *reply)
{
    reply->content_type = "application/x-ndjson";
    export(request, reply, "", add_ndjson);
}

void suppressions_csv_handle(struct request *request, struct reply *reply)
{
    reply->content_type = "text/csv; charset=utf-8";
    export(request, reply, "email,reason,note,created_at,expires_at\r\n",
           add_csv);
}
