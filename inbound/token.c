#include "inbound/token.h"
#include "base/clock.h"
#include "base/memory.h"
#include "oauth/ask.h"
#include <stdlib.h>
#include <string.h>

struct mailbox_token {
    const struct oauth_settings *settings;
    const char *ca_file;
    const atomic_bool *stop;
    struct oauth_token token;
    struct oauth_grant grant;
};

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c,
                       curl_off_t d)
{
    const struct mailbox_token *t = arg;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(t->stop);
}

static enum status ask(struct mailbox_token *t, struct oauth_answer *answer,
                       struct error *err)
{
    struct oauth_ask *question =
        oauth_ask_new(t->settings, t->grant.client_secret,
                      oauth_grant_refresh(&t->grant), t->ca_file);
    CURL *curl = oauth_ask_curl(question);

    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    enum status status =
        oauth_ask_end(question, curl_easy_perform(curl), answer, err);

    oauth_ask_free(question);
    return status;
}

static enum status renew(struct mailbox_token *t, struct error *err)
{
    struct oauth_answer answer;
    char why[OAUTH_WHY_MAX];
    enum status status = oauth_grant_read(&t->grant, t->settings, err);

    if (status != STATUS_OK)
        return status;
    oauth_token_ask(&t->token, clock_mono_ms());
    status = ask(t, &answer, err);
    if (status == STATUS_OK) {
        (void)oauth_grant_take(&t->grant, &answer);
        oauth_token_take(&t->token, &answer, clock_mono_ms());
    } else {
        oauth_grant_fail(&t->grant, err->text, why);
        oauth_token_fail(&t->token, why, clock_mono_ms(), arc4random());
        status = fail(err, status, "%s", why);
    }
    explicit_bzero(&answer, sizeof answer);
    return status;
}

enum status mailbox_token_get(struct mailbox_token *t, const char **text,
                              struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    enum status status = STATUS_OK;

    oauth_token_age(&t->token, now_ms);
    *text = t->token.text;
    /* Who calls waits between failures. */
    if (!t->token.text[0] || oauth_token_is_due(&t->token, now_ms))
        status = renew(t, err);
    return t->token.text[0] ? STATUS_OK : status;
}

void mailbox_token_refused(struct mailbox_token *t)
{
    int64_t now_ms = clock_mono_ms();

    oauth_token_refuse(&t->token, now_ms, now_ms, 0);
}

struct mailbox_token *mailbox_token_new(const struct oauth_settings *settings,
                                        const char *ca_file,
                                        const atomic_bool *stop)
{
    struct mailbox_token *t = memory_new(1, sizeof *t);

    t->settings = settings;
    t->ca_file = ca_file;
    t->stop = stop;
    oauth_token_init(&t->token, clock_mono_ms());
    return t;
}

void mailbox_token_free(struct mailbox_token *t)
{
    if (!t)
        return;
    oauth_token_fini(&t->token);
    oauth_grant_fini(&t->grant);
    free(t);
}
