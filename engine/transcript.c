#include "transcript.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { C1_LEAD = 0xC2, C1_END = 0xA0, CODE_LEN = 3 };

/* Characters that show; anything else by its bytes. */
static void print_safe(FILE *to, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        const unsigned char byte = (unsigned char)text[at];
        size_t n = utf8_char(text + at, len - at);
        bool shows =
            n > 1 || (n == 1 && byte >= ' ' && byte != 0x7F) || byte == '\t';

        if (n == 2 && byte == C1_LEAD && (unsigned char)text[at + 1] < C1_END)
            shows = false; /* C1: terminals obey these, too */
        if (shows)
            fwrite(text + at, 1, n, to);
        for (size_t i = 0; !shows && i < (n ? n : 1); i++)
            fprintf(to, "\\x%02x", (unsigned)(unsigned char)text[at + i]);
        at += n ? n : 1;
    }
}

/* "235 2.7.0 welcome", "235-more": neither what was challenged nor what proves
 * the server's knowledge of the password is for other eyes. */
static size_t shown_of_login(const struct transcript *t)
{
    const char first = t->line.len ? t->line.data[0] : 0;

    if (t->who == '<' && t->login && (first == '2' || first == '3') &&
        t->line.len > CODE_LEN)
        return CODE_LEN;
    return t->line.len;
}

static void flush_line(struct transcript *t)
{
    size_t len;

    while (t->line.len > 0 && (t->line.data[t->line.len - 1] == '\n' ||
                               t->line.data[t->line.len - 1] == '\r'))
        t->line.len--;
    len = shown_of_login(t);
    fprintf(t->to, "%c ", t->who);
    print_safe(t->to, t->line.data,
               len < TRANSCRIPT_LINE_MAX ? len : TRANSCRIPT_LINE_MAX);
    fputs(len > TRANSCRIPT_LINE_MAX ? " ...\n" : "\n", t->to);
    t->line.len = 0;
    fflush(t->to);
}

static void add(struct transcript *t, char who, const char *bytes, size_t len)
{
    if (t->who != who && t->line.len > 0)
        flush_line(t);
    t->who = who;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(bytes + at, '\n', len - at);
        size_t n = end ? (size_t)(end - bytes) + 1 - at : len - at;

        /* What does not show any more need not be kept. */
        if (t->line.len <= TRANSCRIPT_LINE_MAX)
            buf_add(&t->line, bytes + at, n);
        if (end)
            flush_line(t);
        at += n;
    }
}

static void say(struct transcript *t, const char *bytes, size_t len)
{
    if (!bytes && !t->login)
        transcript_note(t, "the login: what is said in it is not shown");
    t->login = !bytes;
    if (bytes)
        add(t, '>', bytes, len);
}

static void hear(struct transcript *t, const char *bytes, size_t len)
{
    bool silent = t->heard > TRANSCRIPT_HEARD_MAX;

    t->heard += (int64_t)len;
    if (!silent)
        add(t, '<', bytes, len);
    if (!silent && t->heard > TRANSCRIPT_HEARD_MAX)
        transcript_note(t, "the server goes on; no more of it is shown");
}

void transcript_tap(void *owner, enum smtp_tap_event event, const char *bytes,
                    size_t len)
{
    struct transcript *t = owner;

    switch (event) {
    case SMTP_TAP_CONNECTED:
        t->heard = 0;
        transcript_note(t, "connected, from %.*s", (int)len, bytes);
        break;
    case SMTP_TAP_SECURED: transcript_note(t, "TLS from here on"); break;
    case SMTP_TAP_SAID: say(t, bytes, len); break;
    case SMTP_TAP_HEARD: hear(t, bytes, len); break;
    }
}

void transcript_note(struct transcript *t, const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    int len;

    if (t->line.len > 0)
        flush_line(t);
    va_start(args, fmt);
    len = vasprintf(&text, fmt, args);
    va_end(args);
    fputs("* ", t->to);
    if (len > 0)
        print_safe(t->to, text, (size_t)len);
    fputc('\n', t->to);
    fflush(t->to);
    free(text);
}

void transcript_fini(struct transcript *t)
{
    if (t->line.len > 0)
        flush_line(t);
    buf_fini(&t->line);
}
