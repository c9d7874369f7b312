#include "pace/say.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void say_time(int64_t seconds, char *out)
{
    long long s = seconds;

    if (s < 120)
        snprintf(out, SAY_TIME_MAX, "%lld s", s);
    else if (s < 7200)
        snprintf(out, SAY_TIME_MAX, "%lld min", s / 60);
    else if (s < 2 * 86400)
        snprintf(out, SAY_TIME_MAX, "%lld h %lld min", s / 3600, s % 3600 / 60);
    else
        snprintf(out, SAY_TIME_MAX, "%lld d %lld h", s / 86400,
                 s % 86400 / 3600);
}

void say_number(int64_t n, char *out)
{
    char digits[SAY_NUMBER_MAX];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
}

/* Append to out; what does not fit is cut. */
static void __attribute__((format(printf, 2, 3)))
add(char *out, const char *fmt, ...)
{
    size_t len = strlen(out);
    va_list args;

    va_start(args, fmt);
    vsnprintf(out + len, SAY_MAX - len, fmt, args);
    va_end(args);
}

static void say_rate(const struct say *say, char *out)
{
    char left[SAY_TIME_MAX];

    if (say->mails_per_second <= 0)
        return;
    say_time((int64_t)((double)say->mails / say->mails_per_second), left);
    add(out, "; %.1f/s are going out, about %s at this rate",
        say->mails_per_second, left);
}

void say_site(const struct say *say, char *out)
{
    char n[SAY_NUMBER_MAX], in[SAY_TIME_MAX];

    out[0] = '\0';
    say_number(say->mails, n);
    if (say->mails == 0)
        add(out, "no mail waits");
    else
        add(out, "%s %s", n, say->mails == 1 ? "mail waits" : "mails wait");
    if (say->paused) {
        add(out, "%s", ": paused by the operator; `resume` ends it");
    } else if (say->why[0]) {
        add(out, ": %s", say->why);
        say_rate(say, out);
    } else if (say->mails > 0 && say->tried_in_s > 0) {
        say_time(say->tried_in_s, in);
        add(out, ": deferred before, tried again in %s", in);
    } else if (say->mails > 0 && say->mails_per_second > 0) {
        say_rate(say, out);
    } else if (say->mails > 0 && !say->heard) {
        add(out, "%s", ": no worker has begun with it");
    }
}
