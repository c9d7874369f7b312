/* POST /emails and POST /emails/batch: transactional mail comes in. */
#include "api/api.h"
#include "api/attachment.h"
#include "api/committer.h"
#include "api/email.h"
#include "api/handlers/emails.h"
#include "api/handlers/templates.h"
#include "api/json.h"
#include "api/request.h"
#include "api/tracking.h"
#include "base/clock.h"
#include "base/memory.h"
#include <stdlib.h>
#include <strings.h>

enum { BATCH_ITEMS_MAX = 10 * 1000 };

/* What one request brings, from its reading to its commit. */
struct submission {
    struct commit_job job;
    struct request *request;
    struct arena arena; /* contents and recipients */
    struct accept_email *emails;
    size_t n;
    struct buf errors; /* of items left out, in JSON */
    bool batch, permissive;
};

static struct submission *submission_new(struct request *request, size_t n)
{
    struct submission *s = memory_new(1, sizeof *s);

    s->request = request;
    s->emails = memory_new(n, sizeof *s->emails);
    return s;
}

static void submission_free(struct submission *s)
{
    arena_fini(&s->arena);
    buf_fini(&s->errors);
    free(s->emails);
    free(s);
}

static void add_id(const struct submission *s, struct buf *out, size_t at)
{
    char id[MAILID_TEXT_MAX];

    request_mailid_text(s->request, s->emails[at].id, id);
    buf_addf(out, "{\"id\":\"%s\"}", id);
}

static void answer(struct commit_job *job)
{
    struct submission *s = (struct submission *)(void *)job;
    struct buf *out = &job->reply->body;

    reply_reset(job->reply);
    job->reply->status = 200;
    if (!s->batch) {
        add_id(s, out, 0);
        return;
    }
    buf_add_text(out, "{\"data\":[");
    for (size_t i = 0; i < s->n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        add_id(s, out, i);
    }
    buf_add_char(out, ']');
    if (s->permissive) {
        buf_add_text(out, ",\"errors\":[");
        buf_add(out, s->errors.data ? s->errors.data : "", s->errors.len);
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
}

static void done(struct commit_job *job)
{
    struct submission *s = (struct submission *)(void *)job;
    struct request *request = s->request;

    submission_free(s);
    request_finish(request);
}

/* From here on the committer answers. */
static void submit(struct submission *s, struct reply *reply)
{
    struct request *request = s->request;

    for (size_t i = 0; i < s->n; i++)
        s->emails[i].project = request->caller.project;
    s->job = (struct commit_job){
        .emails = s->emails,
        .n_emails = s->n,
        .claim = request_claim(request),
        .reply = reply,
        .answer = answer,
        .done = done,
    };
    request_drop_body(request);
    request->handed_over = true;
    if (committer_submit(request->api->committer, &s->job))
        return;
    request->handed_over = false;
    submission_free(s);
    reply_unavailable(reply, "Too many emails are waiting to be stored.");
}

/* A stored template is in the database, and a file at a URL takes time: both
 * are for a thread with a session. */
static bool out_of_reach(struct request *request, const json_t *body)
{
    if (request->session ||
        (!emails_names_template(body) && !attachment_has_path(body)))
        return false;
    request->needs_session = true;
    return true;
}

static bool fill(struct request *request, struct reply *reply, json_t *email)
{
    struct emails_kept *kept = NULL;
    struct template_problem problem;
    bool filled = emails_fill(request, email, &kept, &problem);

    if (!filled)
        templates_answer(reply, &problem);
    emails_kept_free(kept);
    return filled;
}

void emails_send_handle(struct request *request, struct reply *reply)
{
    JSON_DECREF json_t *body = request_json(request, reply);

    if (body)
        emails_send(request, reply, body);
}

/* Files that are named by URL. */
static bool fetch_files(struct request *request, json_t *email,
                        struct email_error *why)
{
    why->name = API_INVALID_ATTACHMENT;
    return attachment_fetch(email, request->api->fetch, &why->error) ==
           STATUS_OK;
}

void emails_send(struct request *request, struct reply *reply, json_t *email)
{
    struct email_error why;
    struct buf scratch = {0};

    if (out_of_reach(request, email) || !fill(request, reply, email))
        return;
    struct submission *s = submission_new(request, 1);

    s->n = 1;
    if (fetch_files(request, email, &why) &&
        tracking_possible(email, request->config, &why) &&
        email_read(email, &s->arena, &scratch, clock_wall_us(), &s->emails[0],
                   &why)) {
        submit(s, reply);
    } else {
        reply_error(reply, why.name, "%s", why.error.text);
        submission_free(s);
    }
    buf_fini(&scratch);
}

static void note_error(struct submission *s, size_t index,
                       const struct email_error *why)
{
    buf_addf(&s->errors, "%s{\"index\":%zu,\"name\":\"%s\",\"message\":",
             s->errors.len ? "," : "", index, api_error_text(why->name));
    json_add_text(&s->errors, why->error.text);
    buf_add_char(&s->errors, '}');
}

/* False: the reply is set. */
static bool read_items(struct submission *s, json_t *items, struct reply *reply)
{
    int64_t now_us = clock_wall_us();
    struct buf scratch = {0};
    struct emails_kept *kept = NULL;
    bool whole = true;

    for (size_t i = 0; whole && i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        struct template_problem p = {0};

        if (emails_fill(s->request, item, &kept, &p) &&
            fetch_files(s->request, item, &p.why) &&
            tracking_possible(item, s->request->config, &p.why) &&
            email_read(item, &s->arena, &scratch, now_us, &s->emails[s->n],
                       &p.why)) {
            s->n++;
        } else if (p.status != STATUS_OK) {
            reply_status(reply, p.status, &p.why.error);
            whole = false;
        } else if (s->permissive) {
            note_error(s, i, &p.why);
        } else {
            reply_error(reply, p.why.name, "At index %zu: %s", i,
                        p.why.error.text);
            whole = false;
        }
    }
    emails_kept_free(kept);
    buf_fini(&scratch);
    return whole;
}

static bool read_mode(const struct request *request, struct reply *reply,
                      bool *permissive)
{
    const char *mode = request->headers[HEADER_BATCH_VALIDATION];

    *permissive = mode && strcasecmp(mode, "permissive") == 0;
    if (!mode || *permissive || strcasecmp(mode, "strict") == 0)
        return true;
    reply_error(reply, API_VALIDATION_ERROR,
                "The header x-batch-validation is to be `strict` or "
                "`permissive`.");
    return false;
}

void emails_batch_handle(struct request *request, struct reply *reply)
{
    bool permissive;
    JSON_DECREF json_t *items = NULL;

    if (!read_mode(request, reply, &permissive))
        return;
    items = request_json(request, reply);
    if (!items)
        return;
    size_t n = json_array_size(items);
    if (n == 0 || n > BATCH_ITEMS_MAX) {
        reply_error(reply, API_VALIDATION_ERROR,
                    "The body is to be a list of 1 to %d emails.",
                    BATCH_ITEMS_MAX);
        return;
    }
    if (out_of_reach(request, items))
        return;
    struct submission *s = submission_new(request, n);

    s->batch = true;
    s->permissive = permissive;
    if (read_items(s, items, reply))
        submit(s, reply);
    else
        submission_free(s);
}
