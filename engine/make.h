/*
 * make - from a mail to the bytes that are sent: its content is rendered, then
 * signed by the DKIM keys of its sender.
 *
 * Part of the pipeline.
 */
#ifndef MAKE_H
#define MAKE_H

#include "render/job.h"
#include "sign/keys.h"

/* All borrowed. */
struct make {
    struct jobs *jobs;
    struct keys *keys;
    struct job_settings settings;
};

/* Why a mail can't be made, and what that means for it. */
struct make_fault {
    enum verdict verdict;
    const char *step;
    struct error err;
};

/* Into job's bytes; or false: the fault. */
bool make_mail(const struct make *m, struct job *job, struct make_fault *fault);
#endif
