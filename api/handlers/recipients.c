/* POST /campaigns/{id}/recipients: an audience comes in, line by line, and is
 * presorted on the way. One transaction from the first slice to the last:
 * half an upload is none. */
#include "api/api.h"
#include "api/handlers/campaigns.h"
#include "api/handlers/recipients.sql.h"
#include "api/json.h"
#include "api/upload/upload.h"
#include "queue/intake.h"
#include <stdio.h>
#include <string.h>

enum {
    READ_BYTES = 64 * 1024,
    REJECTED_SHOWN_MAX = 1000,
    VALUE_SHOWN_MAX = 200, /* bytes of a rejected line */
};

struct audience {
    struct request *request;
    struct reply *reply;
    struct campaign_ref ref;
    struct intake *intake;
    bool held; /* the transaction is open, the campaign's row locked */
    uint64_t rejected;
    struct buf rejected_lines; /* in JSON */
};

/* Before a byte of the body is read, and again once the campaign is locked. */
static enum status check_state(struct request *request,
                               const struct campaign_ref *ref,
                               struct error *err)
{
    DB_RESULT *row = NULL;
    enum status status =
        campaigns_run(request, SQL_RECIPIENTS_STATE, ref, NULL, 0, &row, err);

    if (status != STATUS_OK)
        return status;
    if (PQntuples(row) == 0)
        return fail(err, STATUS_NOT_FOUND, "Campaign not found");
    if (strcmp(PQgetvalue(row, 0, 0), "draft") != 0)
        return fail(err, STATUS_CONFLICT,
                    "The campaign is %s: recipients can be uploaded into a "
                    "draft only.",
                    PQgetvalue(row, 0, 0));
    return STATUS_OK;
}

/* Small uploads wait for nobody with a transaction open: it begins when the
 * first slice is full, or all has been read. */
static enum status hold(struct audience *a, struct error *err)
{
    if (a->held)
        return STATUS_OK;
    enum status status = session_begin(a->request->session, err);
    if (status != STATUS_OK)
        return status;
    a->held = true;
    status = campaigns_lock(a->request, &a->ref, err);
    if (status == STATUS_OK)
        status = check_state(a->request, &a->ref, err);
    return status;
}

static enum status write_slice(struct audience *a, struct error *err)
{
    enum status status = hold(a, err);

    if (status == STATUS_OK)
        status = intake_write(a->intake, session_pg(a->request->session), err);
    return status;
}

static enum status take(void *context, const char *address, size_t address_len,
                        const char *variables, size_t variables_len,
                        struct error *err)
{
    struct audience *a = context;
    enum status status = STATUS_OK;

    if (intake_full(a->intake))
        status = write_slice(a, err);
    if (status == STATUS_OK)
        intake_add(a->intake, address, address_len, variables, variables_len);
    return status;
}

static void reject(void *context, uint64_t line, const char *reason,
                   const char *value, size_t value_len)
{
    struct audience *a = context;
    struct buf *out = &a->rejected_lines;

    if (a->rejected++ >= REJECTED_SHOWN_MAX)
        return;
    buf_addf(out, "%s{\"line\":%llu,\"reason\":", out->len ? "," : "",
             (unsigned long long)line);
    json_add_text(out, reason);
    buf_add_text(out, ",\"value\":");
    json_add_text_n(out, value,
                    value_len < VALUE_SHOWN_MAX ? value_len : VALUE_SHOWN_MAX);
    buf_add_char(out, '}');
}

/* Whole blocks, so that the parsers aren't called for single bytes. 0 at the
 * body's end, -1 if the client has gone. */
static ssize_t read_block(struct request *request, char *block)
{
    size_t n = 0;
    ssize_t more = 1;

    while (n < READ_BYTES && more > 0) {
        more = request_read(request, block + n, READ_BYTES - n);
        if (more > 0)
            n += (size_t)more;
    }
    return more < 0 ? -1 : (ssize_t)n;
}

static enum status read_body(struct audience *a, struct upload *upload,
                             struct error *err)
{
    char block[READ_BYTES];
    ssize_t n;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (n = read_block(a->request, block)) != 0) {
        if (n < 0)
            return fail(err, STATUS_INVALID,
                        "The connection ended in the middle of the upload.");
        status = upload_feed(upload, block, (size_t)n, err);
    }
    if (status == STATUS_OK)
        status = upload_end(upload, err);
    return status;
}

static enum status count(struct audience *a, PGresult **total,
                         struct error *err)
{
    char accepted[CAMPAIGNS_NUMBER_MAX], duplicates[CAMPAIGNS_NUMBER_MAX];
    const char *more[] = {accepted, duplicates};

    snprintf(accepted, sizeof accepted, "%lld",
             (long long)intake_accepted(a->intake));
    snprintf(duplicates, sizeof duplicates, "%lld",
             (long long)intake_duplicates(a->intake));
    enum status status = campaigns_run(a->request, SQL_RECIPIENTS_COUNT,
                                       &a->ref, more, 2, total, err);
    if (status == STATUS_OK)
        status = session_commit(a->request->session, err);
    a->held = a->held && status != STATUS_OK;
    return status;
}

static void answer(const struct audience *a, const char *total)
{
    struct buf *out = &a->reply->body;

    a->reply->status = 200;
    buf_addf(out,
             "{\"object\":\"upload\",\"campaign_id\":\"%s\",\"recipients\":%s,"
             "\"accepted\":%lld,\"duplicates\":%lld,\"rejected\":%llu,"
             "\"rejected_lines\":[",
             a->ref.id, total, (long long)intake_accepted(a->intake),
             (long long)intake_duplicates(a->intake),
             (unsigned long long)a->rejected);
    buf_add(out, a->rejected_lines.data, a->rejected_lines.len);
    buf_add_text(out, "]}");
}

static void receive(struct audience *a, struct upload_form form)
{
    const struct upload_sink sink = {take, reject, a};
    struct upload *upload = upload_new(
        form, (uint64_t)a->request->config->api_upload_max_bytes, &sink);
    DB_RESULT *total = NULL;
    struct error err;
    enum status status = read_body(a, upload, &err);

    upload_free(upload);
    if (status == STATUS_OK)
        status = write_slice(a, &err);
    if (status == STATUS_OK)
        status = count(a, &total, &err);
    if (a->held)
        session_rollback(a->request->session);
    if (status == STATUS_OK)
        answer(a, PQgetvalue(total, 0, 0));
    else
        reply_status(a->reply, status, &err);
}

void recipients_upload_handle(struct request *request, struct reply *reply)
{
    struct audience a = {.request = request, .reply = reply};
    struct upload_form form;
    struct error err;

    if (!campaigns_ref(request, reply, &a.ref))
        return;
    enum status status = check_state(request, &a.ref, &err);
    if (status == STATUS_OK)
        status = upload_form_of(request->headers[HEADER_CONTENT_TYPE],
                                request->headers[HEADER_CONTENT_ENCODING],
                                &form, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    a.intake =
        intake_new(request->config, request->api->secret,
                   (struct intake_campaign){a.ref.id, request->caller.project});
    receive(&a, form);
    intake_free(a.intake);
    buf_fini(&a.rejected_lines);
}
