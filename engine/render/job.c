#include "render/job.h"
#include "base/clock.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>

/* A mail with large attachments is rare; its room is not kept for the next. */
enum { JOB_KEPT_BYTES_MAX = 1024 * 1024 };

struct job *jobs_take(struct jobs *j, struct batch *b, struct mail *mail)
{
    struct job *job = j->spare;

    if (job)
        j->spare = job->next;
    else
        job = memory_new(1, sizeof *job);
    job->batch = b;
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
    *j = (struct jobs){0};
}

/* A return path that names the mail: so a bounce is understood even when
 * nothing of the original is left in it (VERP). */
static void envelope(struct job *job, const struct content *content,
                     const char *id, const char *return_path_domain)
{
    if (return_path_domain[0])
        snprintf(job->from, sizeof job->from, "b+%s@%s", id,
                 return_path_domain);
    else
        snprintf(job->from, sizeof job->from, "%s",
                 message_sender(content->message));
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

static enum status render(struct jobs *j, struct job *job,
                          const struct content *content,
                          const unsigned char secret[MAILID_SECRET_BYTES],
                          const char *return_path_domain, struct error *err)
{
    const struct mail *mail = job->mail;
    char id[MAILID_TEXT_MAX];
    json_error_t why;
    json_t *variables = NULL;

    mailid_text(secret, mail->id, id);
    if (mail->variables)
        variables = json_loadb(mail->variables, mail->variables_len,
                               JSON_ALLOW_NUL, &why);
    if (mail->variables && !variables)
        return fail(err, STATUS_INVALID, "variables: %s", why.text);
    const struct message_recipient to = {
        .address = mail->recipient,
        .variables = variables,
        .id = id,
        .id_domain = content->id_domain,
        .date_us = job->started_us,
    };

    buf_reset(&job->bytes);
    arena_reset(&j->scratch);
    enum status status =
        message_render(content->message, &to, &j->scratch, &job->bytes, err);

    json_decref(variables);
    envelope(job, content, id, return_path_domain);
    return status;
}

enum status job_render(struct jobs *j, struct job *job,
                       const unsigned char secret[MAILID_SECRET_BYTES],
                       const char *return_path_domain, struct error *err)
{
    const struct content *content = content_of(job->batch, job->mail);

    if (!content)
        return fail(err, STATUS_NOT_FOUND, "content not found");
    if (!content->message)
        return fail(err, STATUS_INVALID, "%s", content->why.text);
    job->sender_domain = content->id_domain;
    return render(j, job, content, secret, return_path_domain, err);
}

const char *job_sender_domain(struct batch *b, const struct mail *mail)
{
    const struct content *content = content_of(b, mail);

    return content && content->message ? content->id_domain : NULL;
}

struct smtp_message job_message(struct job *job)
{
    return (struct smtp_message){
        .from = job->from,
        .to = job->mail->recipient,
        .data = job->bytes.data,
        .data_len = job->bytes.len,
        .tag = job,
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
