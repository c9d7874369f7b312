#include "render/job.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "mail/domain.h"
#include "mail/token.h"
#include "render/list.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A mail with large attachments is rare; its room is not kept for the next. */
enum { JOB_KEPT_BYTES_MAX = 1024 * 1024, JOB_URL_MAX = 512 };

struct job *jobs_take(struct jobs *j, struct mail *mail, bool eight_bit)
{
    struct job *job = j->spare;

    if (job)
        j->spare = job->next;
    else
        job = memory_new(1, sizeof *job);
    job->batch = mail->parcel->batch;
    job->eight_bit = eight_bit && !mail->seven_bit;
    job->mail = mail;
    job->started_us = clock_wall_us();
    return job;
}

void jobs_put(struct jobs *j, struct job *job)
{
    if (job->bytes.cap > JOB_KEPT_BYTES_MAX)
        buf_fini(&job->bytes);
    job->next = j->spare;
    j->spare = job;
}

void jobs_fini(struct jobs *j)
{
    struct job *next;

    for (struct job *job = j->spare; job; job = next) {
        next = job->next;
        buf_fini(&job->bytes);
        free(job);
    }
    arena_fini(&j->scratch);
    buf_fini(&j->fields);
    *j = (struct jobs){0};
}

/* A return path that names the mail: so a bounce is understood even when
 * nothing of the original is left in it (VERP). */
static void envelope(struct job *job, const struct content *content,
                     const char *id, const char *return_path_domain)
{
    char ascii[ADDRESS_MAX];

    if (return_path_domain[0])
        snprintf(job->from, sizeof job->from, "b+%s@%s", id,
                 return_path_domain);
    else
        snprintf(job->from, sizeof job->from, "%s",
                 domain_ascii_spec(message_sender(content->message), ascii));
}

/* NULL: the store lacks it. */
static struct content *content_of(struct batch *b, const struct mail *mail)
{
    struct batch_email *email;

    if (mail->email < 0)
        return b->content;
    email = batch_email(b, mail);
    if (email && !email->message)
        email->message = content_of_email(email->json, email->len);
    return email ? email->message : NULL;
}

/* Campaigns are tracked as the settings say, where they say nothing
 * themselves; transactional mail only if it asks for it. */
static bool wanted(enum content_switch own, bool campaign, int64_t setting)
{
    switch (own) {
    case CONTENT_ON: return true;
    case CONTENT_OFF: return false;
    case CONTENT_AS_SET: break;
    }
    return campaign && setting != 0;
}

/* All of a mail that depends on the public address. */
struct public_side {
    struct links_track track;
    char unsubscribe_url[JOB_URL_MAX];
};

static void know_public_side(struct public_side *side, const struct job *job,
                             const struct content *content,
                             const struct job_settings *settings)
{
    const struct config *config = settings->config;
    bool campaign = job->batch->class == BATCH_CAMPAIGN;
    const struct token token = {job->mail->id, TOKEN_UNSUBSCRIBE, 0};
    char text[TOKEN_TEXT_MAX];

    side->track = (struct links_track){
        .secret = settings->secret,
        .public_url = config->public_url,
        .mail = job->mail->id,
        .clicks =
            wanted(content->tracking.clicks, campaign, config->track_clicks),
        .opens = wanted(content->tracking.opens, campaign, config->track_opens),
    };
    side->unsubscribe_url[0] = 0;
    if (!campaign || !config->public_url[0])
        return;
    token_text(settings->secret, &token, NULL, 0, text);
    snprintf(side->unsubscribe_url, sizeof side->unsubscribe_url, "%s/u/%s",
             config->public_url, text);
}

/* RFC 3834, 5: transactional mail is a program's, and wants no vacation notice
 * back; unless its author says otherwise, or it answers somebody. */
static const char auto_generated[] = "Auto-Submitted: auto-generated\r\n";

static bool says_itself(const struct message *m)
{
    return message_has_field(m, "Auto-Submitted") ||
           message_has_field(m, "In-Reply-To") ||
           message_has_field(m, "References");
}

static const char *fields_of(struct jobs *j, const struct job *job,
                             const struct content *content,
                             const char *unsubscribe_url)
{
    const struct list_of list = {
        .message = content->message,
        .sender_domain = content->id_domain,
        .campaign = job->batch->campaign,
        .project = job->batch->project,
        .unsubscribe_url = unsubscribe_url,
    };

    if (job->batch->class != BATCH_CAMPAIGN)
        return says_itself(content->message) ? NULL : auto_generated;
    buf_reset(&j->fields);
    list_fields(&j->fields, &list);
    return j->fields.data;
}

static enum status render(struct jobs *j, struct job *job,
                          const struct content *content, json_t *variables,
                          const struct job_settings *settings,
                          struct error *err)
{
    const struct mail *mail = job->mail;
    char id[MAILID_TEXT_MAX];
    struct public_side side;

    know_public_side(&side, job, content, settings);
    mailid_text(settings->secret, mail->id, id);
    const struct message_recipient to = {
        .address = mail->recipient,
        .variables = variables,
        .id = id,
        .id_domain = content->id_domain,
        .date_us = job->started_us,
        .track = &side.track,
        .eight_bit = job->eight_bit,
        .unsubscribe_url =
            side.unsubscribe_url[0] ? side.unsubscribe_url : NULL,
        .headers = fields_of(j, job, content, side.unsubscribe_url),
    };

    buf_reset(&job->bytes);
    arena_reset(&j->scratch);
    envelope(job, content, id, settings->config->return_path_domain);
    return message_render(content->message, &to, &j->scratch, &job->bytes, err);
}

enum status job_render(struct jobs *j, struct job *job,
                       const struct job_settings *settings, struct error *err)
{
    const struct mail *mail = job->mail;
    const struct content *content = content_of(job->batch, mail);
    json_t *variables = NULL;
    json_error_t why;

    if (!content)
        return fail(err, STATUS_NOT_FOUND, "content not found");
    if (!content->message)
        return fail(err, STATUS_INVALID, "%s", content->why.text);
    job->sender_domain = content->id_domain;
    job->transfer = &content->transfer;
    if (mail->variables) {
        variables = json_loadb(mail->variables, mail->variables_len,
                               JSON_ALLOW_NUL, &why);
        if (!variables)
            return fail(err, STATUS_INVALID, "variables: %s", why.text);
    }
    enum status status = render(j, job, content, variables, settings, err);

    json_decref(variables);
    return status;
}

/* Most contents ask for nothing, and need not be read before their turn: they
 * have not what the API writes where they do (api/email). */
static bool may_ask_of_tls(struct batch *b, const struct mail *mail)
{
    static const char mark[] = "_tls\":true";
    const struct batch_email *email;

    if (mail->email < 0)
        return true;
    email = batch_email(b, mail);
    return email && memmem(email->json, email->len, mark, strlen(mark));
}

enum mail_tls job_tls(struct batch *b, const struct mail *mail)
{
    const struct content *content =
        may_ask_of_tls(b, mail) ? content_of(b, mail) : NULL;

    if (content && content->transfer.require_tls)
        return MAIL_TLS_REQUIRED;
    return content && content->transfer.spare_tls ? MAIL_TLS_SPARED
                                                  : MAIL_TLS_AS_EVER;
}

const char *job_sender_domain(struct batch *b, const struct mail *mail)
{
    const struct content *content = content_of(b, mail);

    return content && content->message ? content->id_domain : NULL;
}

/* All that may be so in it are addresses; other words are encoded. */
static bool has_utf8_header(const struct buf *mail)
{
    static const char end[] = "\r\n\r\n";
    const char *at = memmem(mail->data, mail->len, end, strlen(end));
    size_t n = at ? (size_t)(at - mail->data) : mail->len;

    return !utf8_is_ascii(mail->data, n);
}

struct smtp_message job_message(struct job *job)
{
    const struct content_transfer *t = job->transfer;

    return (struct smtp_message){
        .from = job->from,
        .to = domain_ascii_spec(job->mail->recipient, job->to),
        .data = job->bytes.data,
        .data_len = job->bytes.len,
        .tag = job,
        .eight_bit = job->eight_bit,
        .utf8_header = has_utf8_header(&job->bytes),
        .require_tls = t->require_tls,
        .notify = t->notify[0] ? t->notify : NULL,
        .ret = t->ret,
        .envid = t->envid,
    };
}

struct settled job_outcome(const struct job *job,
                           const struct smtp_result *result, const char *peer,
                           const char *source)
{
    int64_t claimed_us = job->batch->claimed_us;

    return (struct settled){
        .verdict = result->verdict,
        .has_reach = result->verdict != VERDICT_DELIVERED,
        .reach = result->reach,
        .code = result->code,
        .enhanced = result->enhanced,
        .step = smtp_step_text(result->step),
        .reply = result->text,
        .mx = peer,
        .source = source,
        .waited_ms = clock_between_ms(claimed_us, job->started_us),
        .took_ms = clock_between_ms(job->started_us, clock_wall_us()),
    };
}
