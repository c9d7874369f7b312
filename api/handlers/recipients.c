/* POST /campaigns/{id}/recipients: an audience comes in, line by line, and is
 * presorted on the way. One transaction from the first slice to the last:
 * half an upload is none. */
#include "api/api.h"
#include "api/handlers/campaigns.h"
#include "api/handlers/recipients.sql.h"
#include "api/handlers/uploading.h"
#include "queue/intake.h"
#include <stdio.h>
#include <string.h>

struct audience {
    struct uploading in; /* first: the sink's context is both */
    struct request *request;
    struct reply *reply;
    struct campaign_ref ref;
    struct intake *intake;
    bool held; /* the transaction is open, the campaign's row locked */
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
             "\"accepted\":%lld,\"duplicates\":%lld,\"suppressed\":%lld,",
             a->ref.id, total, (long long)intake_accepted(a->intake),
             (long long)intake_duplicates(a->intake),
             (long long)intake_suppressed(a->intake));
    uploading_add_rejected(&a->in, out);
    buf_add_char(out, '}');
}

static void receive(struct audience *a)
{
    const struct upload_sink sink = {
        .take = take, .reject = uploading_reject, .context = a};
    DB_RESULT *total = NULL;
    struct error err;
    enum status status = uploading_run(&a->in, &sink, &err);

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
    struct audience a = {
        .in.request = request, .request = request, .reply = reply};
    struct error err;

    if (!campaigns_ref(request, reply, &a.ref))
        return;
    enum status status = check_state(request, &a.ref, &err);
    if (status != STATUS_OK) {
        reply_status(reply, status, &err);
        return;
    }
    a.intake =
        intake_new(request->config, request->api->secret,
                   (struct intake_campaign){a.ref.id, request->caller.project});
    receive(&a);
    intake_free(a.intake);
    uploading_fini(&a.in);
}
