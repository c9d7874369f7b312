#include "transcript.h"
#include "base/utf8.h"
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    CODE_LEN = 3,
    /* What begins before a line is cut is still to be recognised, in base64,
     * too. */
    KEPT_MAX = TRANSCRIPT_LINE_MAX + 2 * SMTP_ECHO_MOST,
};

/* ---- What shows ---- */

/* Shown, these would put text elsewhere than it stands: C1, which terminals
 * obey, too; what separates lines; and what turns the direction of text. */
static bool steers(const unsigned char *c, size_t n)
{
    if (n == 2)
        return (c[0] == 0xC2 && c[1] < 0xA0) || (c[0] == 0xD8 && c[1] == 0x9C);
    if (n == 3 && c[0] == 0xE2 && c[1] == 0x80)
        return (c[2] >= 0x8B && c[2] <= 0x8F) || (c[2] >= 0xA8 && c[2] <= 0xAE);
    if (n == 3 && c[0] == 0xE2 && c[1] == 0x81)
        return c[2] >= 0xA0 && c[2] <= 0xAF;
    return n == 3 && c[0] == 0xEF && c[1] == 0xBB && c[2] == 0xBF;
}

/* Characters that show; anything else by its bytes. One that max cuts is left
 * away. */
static void print_safe(FILE *to, const char *text, size_t len, size_t max)
{
    for (size_t at = 0; at < len && at < max;) {
        const unsigned char *c = (const unsigned char *)text + at;
        size_t n = utf8_char(text + at, len - at);
        bool shows = n > 1
                         ? !steers(c, n)
                         : n == 1 && ((*c >= ' ' && *c != 0x7F) || *c == '\t');

        n = n ? n : 1;
        if (at + n > max)
            break;
        if (shows)
            fwrite(c, 1, n, to);
        for (size_t i = 0; !shows && i < n; i++)
            fprintf(to, "\\x%02x", (unsigned)c[i]);
        at += n;
    }
}

/* ---- What does not ---- */

void transcript_hide(struct transcript *t, const char *secret)
{
    OPENSSL_cleanse(t->secret, sizeof t->secret);
    t->secret_len = strnlen(secret, sizeof t->secret);
    memcpy(t->secret, secret, t->secret_len);
}

static size_t before_secret(const struct transcript *t, const char *text,
                            size_t len)
{
    return smtp_echo_secret(text, len, t->secret, t->secret_len);
}

/* Of a login a refusal shows ("535-5.7.8 ..."); of other replies the code
 * alone: neither what was challenged nor what proves the server's knowledge of
 * the password is for other eyes. What is no reply does not show; and what
 * follows a part of the password may be its rest. */
static size_t shown_of_login(struct transcript *t)
{
    const char *text = t->line.data;
    size_t len = t->line.len;

    for (size_t i = 0; i < CODE_LEN; i++)
        if (i >= len || !isdigit((unsigned char)text[i]))
            return 0;
    if ((*text != '4' && *text != '5') || t->betrayed)
        return CODE_LEN;
    size_t shown = smtp_echo_login(text, len, t->secret, t->secret_len);

    t->betrayed = shown < len;
    return shown;
}

static void flush_line(struct transcript *t)
{
    const bool cut = t->line.len > TRANSCRIPT_LINE_MAX;
    size_t shown = t->line.len, secret;

    if (shown > 0 && t->line.data[shown - 1] == '\n')
        shown--;
    if (shown > 0 && t->line.data[shown - 1] == '\r')
        shown--;
    t->line.len = shown;
    secret = before_secret(t, t->line.data, shown);
    if (t->who == '<' && t->login)
        shown = shown_of_login(t);
    shown = shown < secret ? shown : secret;
    fprintf(t->to, "%c ", t->who);
    print_safe(t->to, t->line.data, shown, TRANSCRIPT_LINE_MAX);
    if (cut && shown > TRANSCRIPT_LINE_MAX)
        fputs(" ...", t->to);
    else if (shown < t->line.len && shown != CODE_LEN)
        fputs("[not shown]", t->to);
    fputc('\n', t->to);
    t->line.len = 0;
    fflush(t->to);
}

/* ---- Who speaks ---- */

static void add(struct transcript *t, char who, const char *bytes, size_t len)
{
    if (t->who != who && t->line.len > 0)
        flush_line(t);
    t->who = who;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(bytes + at, '\n', len - at);
        size_t n = end ? (size_t)(end - bytes) + 1 - at : len - at;

        /* What does not show any more need not be kept. */
        if (t->line.len < KEPT_MAX)
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
    else if (bytes && t->login && t->line.len > 0)
        flush_line(t); /* what was left behind in the login belongs to it */
    t->login = !bytes;
    t->betrayed = false;
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
        transcript_note(t, "connected, from %.*s", (int)len, bytes);
        t->heard = 0;
        t->login = t->betrayed = false;
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
    if (len > 0) {
        size_t shown = before_secret(t, text, (size_t)len);

        print_safe(t->to, text, shown, shown);
        if (shown < (size_t)len)
            fputs("[not shown]", t->to);
    }
    fputc('\n', t->to);
    fflush(t->to);
    free(text);
}

void transcript_fini(struct transcript *t)
{
    if (t->line.len > 0)
        flush_line(t);
    buf_fini(&t->line);
    OPENSSL_cleanse(t->secret, sizeof t->secret);
}
