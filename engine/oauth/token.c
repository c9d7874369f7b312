#include "oauth/token.h"
#include <stdio.h>
#include <string.h>

static bool drop(struct oauth_token *t)
{
    bool had = t->text[0] != 0;

    explicit_bzero(t->text, sizeof t->text);
    return had;
}

/* Between three quarters of the pause and all of it. */
static int64_t pause_ms(unsigned failures, uint32_t random)
{
    int64_t pause = OAUTH_PAUSE_FIRST_MS;

    for (unsigned i = 1; i < failures && pause < OAUTH_PAUSE_MOST_MS; i++)
        pause *= 2;
    if (pause > OAUTH_PAUSE_MOST_MS)
        pause = OAUTH_PAUSE_MOST_MS;
    return pause - pause / 4 * (int64_t)(random % 1001) / 1000;
}

bool oauth_token_init(struct oauth_token *t, int64_t now_ms)
{
    bool had = drop(t);

    *t = (struct oauth_token){.ask_ms = now_ms};
    return had;
}

bool oauth_token_age(struct oauth_token *t, int64_t now_ms)
{
    return now_ms >= t->end_ms && drop(t);
}

bool oauth_token_take(struct oauth_token *t, const struct oauth_answer *answer,
                      int64_t now_ms)
{
    int64_t life_ms = answer->expires_seconds * 1000;
    int64_t ahead_ms = life_ms / 5;
    bool fresh = strcmp(t->text, answer->token) != 0;

    if (ahead_ms > OAUTH_AHEAD_MOST_MS)
        ahead_ms = OAUTH_AHEAD_MOST_MS;
    memcpy(t->text, answer->token, sizeof t->text);
    /* It may have been on its way for long. */
    t->end_ms = t->asked_ms + life_ms;
    t->ask_ms = t->end_ms - ahead_ms;
    t->taken_ms = now_ms;
    t->asking = false;
    t->why[0] = 0;
    if (!t->doubted)
        t->failures = 0;
    return fresh;
}

bool oauth_token_fail(struct oauth_token *t, const char *why, int64_t now_ms,
                      uint32_t random)
{
    t->asking = false;
    t->failures++;
    t->ask_ms = now_ms + pause_ms(t->failures, random);
    snprintf(t->why, sizeof t->why, "%s", why);
    return oauth_token_age(t, now_ms);
}

bool oauth_token_refuse(struct oauth_token *t, int64_t since_ms, int64_t now_ms,
                        uint32_t random)
{
    if (since_ms < t->taken_ms || !drop(t))
        return false;
    if (t->doubted && !t->asking)
        oauth_token_fail(t, "the server refuses the token", now_ms, random);
    else
        t->ask_ms = now_ms;
    t->doubted = true;
    return true;
}

void oauth_token_accept(struct oauth_token *t)
{
    if (t->text[0])
        t->doubted = false;
}

bool oauth_token_is_due(const struct oauth_token *t, int64_t now_ms)
{
    return !t->asking && now_ms >= t->ask_ms;
}

void oauth_token_ask(struct oauth_token *t, int64_t now_ms)
{
    t->asking = true;
    t->asked_ms = now_ms;
}

int64_t oauth_token_wake_ms(const struct oauth_token *t)
{
    int64_t end_ms = t->text[0] ? t->end_ms : INT64_MAX;

    return !t->asking && t->ask_ms < end_ms ? t->ask_ms : end_ms;
}

const char *oauth_token_fault(const struct oauth_token *t)
{
    return t->text[0] ? "" : t->why;
}

void oauth_token_fini(struct oauth_token *t)
{
    explicit_bzero(t, sizeof *t);
}
