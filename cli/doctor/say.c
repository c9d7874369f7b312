#include "cli/doctor/say.h"
#include "base/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TXT_STRING_MAX = 255,
    ANSWER_MS = 8000,
    UNANSWERED_MAX = 2, /* in a row; then nothing more is asked */
};

ENUM_DEFINE(grade, GRADE_TABLE);

void say(struct doctor *d, enum grade grade, const char *what, const char *fmt,
         ...)
{
    va_list ap;

    d->failures += grade == GRADE_FAIL;
    d->warnings += grade == GRADE_WARN;
    printf("%-5s %s: ", grade_text(grade), what);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void say_found(const char *found)
{
    for (size_t n; *found; found += n + (found[n] == '\n')) {
        n = strcspn(found, "\n");
        printf("        found:   %.*s\n", (int)n, found);
    }
}

void say_publish(const char *name, const char *type, const char *value)
{
    printf("        publish: %s. IN %s", name, type);
    if (strcmp(type, "TXT") != 0)
        printf(" %s", value);
    else
        for (size_t n; *value; value += n) {
            n = strnlen(value, TXT_STRING_MAX);
            printf(" \"%.*s\"", (int)n, value);
        }
    putchar('\n');
}

/* ---- Asking, and waiting ---- */

/* One question. Who does not wait for it any longer leaves it behind: its
 * answer frees it, or the end of the process does. */
struct waiting {
    struct doctor *d;
    dns_answered *answered;
    dns_mail_answered *mail_answered;
    void *arg;
    bool done, late;
};

static void told(struct waiting *w)
{
    w->done = true;
    w->d->unanswered = 0;
    if (w->late)
        free(w);
}

static void on_answer(void *arg, const struct dns_answer *answer)
{
    struct waiting *w = arg;

    if (!w->late)
        w->answered(w->arg, answer);
    told(w);
}

static void on_mail(void *arg, const struct dns_mail *mail)
{
    struct waiting *w = arg;

    if (!w->late)
        w->mail_answered(w->arg, mail);
    told(w);
}

static void give_no_answer(const struct waiting *w)
{
    static const char why[] = "the name servers do not answer";
    static const struct dns_answer answer = {.outcome = DNS_FAILED, .why = why};
    static struct dns_mail mail = {.outcome = DNS_MAIL_LATER,
                                   .why = "no answer"};

    if (w->answered)
        w->answered(w->arg, &answer);
    else if (w->mail_answered)
        w->mail_answered(w->arg, &mail);
}

static void on_limit(uv_timer_t *timer)
{
    bool *over = timer->data;

    *over = true;
}

static void wait_for(struct doctor *d, struct waiting *w)
{
    bool over = false;

    d->limit.data = &over;
    uv_timer_start(&d->limit, on_limit, ANSWER_MS, 0);
    while (!w->done && !over)
        uv_run(&d->loop, UV_RUN_ONCE);
    uv_timer_stop(&d->limit);
    if (w->done) {
        free(w);
        return;
    }
    w->late = true;
    d->unanswered++;
    give_no_answer(w);
}

static struct waiting *waiting_new(struct doctor *d, dns_answered *answered,
                                   dns_mail_answered *mail_answered, void *arg)
{
    struct waiting *w = memory_new(1, sizeof *w);

    *w = (struct waiting){.d = d,
                          .answered = answered,
                          .mail_answered = mail_answered,
                          .arg = arg};
    if (d->unanswered < UNANSWERED_MAX)
        return w;
    give_no_answer(w);
    free(w);
    return NULL;
}

void ask(struct doctor *d, const char *name, enum dns_type type,
         dns_answered *answered, void *arg)
{
    struct waiting *w = waiting_new(d, answered, NULL, arg);

    if (!w)
        return;
    dns_ask(d->dns, name, type, on_answer, w);
    wait_for(d, w);
}

void ask_mail(struct doctor *d, const char *domain, dns_mail_answered *answered,
              void *arg)
{
    struct waiting *w = waiting_new(d, NULL, answered, arg);

    if (!w)
        return;
    dns_mail(d->dns, domain, NULL, on_mail, w);
    wait_for(d, w);
}
