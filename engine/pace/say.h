/*
 * pace/say - "why is it waiting?" in a sentence, for a person at 3 a.m.
 * No I/O, no clock.
 */
#ifndef PACE_SAY_H
#define PACE_SAY_H

#include <stdbool.h>
#include <stdint.h>

enum { SAY_MAX = 1024, SAY_NEVER = -1 };

struct say {
    int64_t mails;           /* that wait, in the queue and in hand */
    double mails_per_second; /* going out */
    const char *why;         /* of a worker; "": nothing holds them up */
    bool paused;
    int64_t tried_in_s; /* the next attempt; SAY_NEVER: not known */
    bool heard;         /* a live worker has told of it */
};

/* Into out, SAY_MAX bytes. */
void say_site(const struct say *say, char *out);

/* "40 s", "12 min", "2 h 33 min", "3 d 4 h". SAY_TIME_MAX bytes. */
enum { SAY_TIME_MAX = 32 };
void say_time(int64_t seconds, char *out);

/* 184000 as "184,000"; SAY_NUMBER_MAX bytes. */
enum { SAY_NUMBER_MAX = 32 };
void say_number(int64_t n, char *out);
#endif
