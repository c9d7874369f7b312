/*
 * oauth/token - one access token over time: when to ask for the next, how long
 * this one is good, and what a refusal means. No I/O; the clock is an argument
 * (mono, ms).
 *
 * It is asked for anew in the last fifth of its life, at most five minutes
 * before its end. What fails is tried again after 5 s, and twice as long each
 * time, up to 5 minutes; meanwhile the last token is used to its end. One that
 * a server refuses is thrown away and another one asked for at once; if that
 * one is refused too, it is a failure like others.
 */
#ifndef OAUTH_TOKEN_H
#define OAUTH_TOKEN_H

#include "oauth/answer.h"
#include <stdbool.h>

enum {
    OAUTH_PAUSE_FIRST_MS = 5 * 1000,
    OAUTH_PAUSE_MOST_MS = 5 * 60 * 1000,
    OAUTH_AHEAD_MOST_MS = 5 * 60 * 1000,
};

struct oauth_token {
    char text[OAUTH_SECRET_MAX]; /* "" while there is none */
    int64_t asked_ms;            /* the last time */
    int64_t ask_ms;              /* the next time */
    int64_t taken_ms;            /* it came */
    int64_t end_ms;              /* of its life */
    unsigned failures;           /* in a row */
    bool asking;
    bool doubted; /* the last one was refused, and none taken since */
    char why[OAUTH_WHY_MAX]; /* it failed the last time; "" */
};

/* All of these return whether the text is another one than before. */

/* To be asked for at once. */
bool oauth_token_init(struct oauth_token *t, int64_t now_ms);

/* Wipes it at the end of its life. */
bool oauth_token_age(struct oauth_token *t, int64_t now_ms);

bool oauth_token_take(struct oauth_token *t, const struct oauth_answer *answer,
                      int64_t now_ms);

/* random: spreads the pauses of several workers. why is cut. */
bool oauth_token_fail(struct oauth_token *t, const char *why, int64_t now_ms,
                      uint32_t random);

/* A server refused what was the token at since_ms. */
bool oauth_token_refuse(struct oauth_token *t, int64_t since_ms, int64_t now_ms,
                        uint32_t random);

/* ... or took it. */
void oauth_token_accept(struct oauth_token *t);

/* Is it time to ask? Then the caller does, and says so. */
bool oauth_token_is_due(const struct oauth_token *t, int64_t now_ms);
void oauth_token_ask(struct oauth_token *t, int64_t now_ms);

/* When to look at it again. */
int64_t oauth_token_wake_ms(const struct oauth_token *t);

/* Why there is none; "" while there is one, or it is asked for the first
 * time. */
const char *oauth_token_fault(const struct oauth_token *t);

void oauth_token_fini(struct oauth_token *t); /* wipes it */
#endif
