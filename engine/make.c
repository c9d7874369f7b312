#include "make.h"
#include "dests.h"

static bool render(const struct make *m, struct job *job,
                   struct make_fault *fault)
{
    /* What is signed must stay as it is all the way: mail/transfer. */
    if (job->eight_bit)
        job->eight_bit = !keys_have(m->keys, job->batch->project,
                                    job_sender_domain(job->batch, job->mail));
    fault->step = "render";
    fault->verdict = VERDICT_BOUNCED;
    return job_render(m->jobs, job, &m->settings, &fault->err) == STATUS_OK;
}

/* A key that can't be used is our trouble, not the mail's: it waits. */
static bool sign(const struct make *m, struct job *job,
                 struct make_fault *fault)
{
    const struct keys_mail mail = {job->batch->project, job->sender_domain,
                                   job->started_us / 1000000,
                                   dests_are_direct(job->mail)};
    enum status status = keys_sign(m->keys, &mail, &job->bytes, &fault->err);

    fault->step = "sign";
    fault->verdict =
        status == STATUS_NOT_FOUND ? VERDICT_BOUNCED : VERDICT_DEFERRED;
    return status == STATUS_OK;
}

bool make_mail(const struct make *m, struct job *job, struct make_fault *fault)
{
    return render(m, job, fault) && sign(m, job, fault);
}
