#include "inbound/talk.h"
#include "bounce/mail.h"
#include "inbound/command.h"
#include <string.h>

void talk_init(struct talk *talk, const struct talk_manners *manners,
               void *owner)
{
    *talk = (struct talk){.manners = manners, .owner = owner};
    buf_addf(&talk->out, "220 %s ESMTP\r\n", manners->hostname);
}

void talk_fini(struct talk *talk)
{
    buf_fini(&talk->out);
    buf_fini(&talk->message);
}

/* ---- Lines ---- */

static size_t skip_long_line(struct talk *talk, const char *bytes, size_t n)
{
    const char *lf = memchr(bytes, '\n', n);

    if (!lf)
        return n;
    talk->state = TALK_COMMAND;
    return (size_t)(lf - bytes) + 1;
}

/* A NUL would hide what stands behind it. */
static void take_text(struct talk *talk, const char *bytes, size_t len)
{
    char line[TALK_LINE_MAX];

    if (len && bytes[len - 1] == '\r')
        len--;
    if (memchr(bytes, '\0', len)) {
        talk_say_bad(talk, "500 5.5.2 NUL in a command");
        return;
    }
    memcpy(line, bytes, len);
    line[len] = '\0';
    talk_command(talk, line);
}

/* A line ends at LF here: liberal in commands costs nothing, unlike in the
 * message, where it would let one mail smuggle in another. */
static size_t take_line(struct talk *talk, const char *bytes, size_t n)
{
    size_t most = n < TALK_LINE_MAX ? n : TALK_LINE_MAX;
    const char *lf = memchr(bytes, '\n', most);

    if (!lf) {
        if (n < TALK_LINE_MAX)
            return 0;
        talk->state = TALK_SKIP_LINE;
        talk_say_bad(talk, "500 5.5.6 line too long");
        return most;
    }
    size_t used = (size_t)(lf - bytes) + 1;

    take_text(talk, bytes, used - 1);
    /* RFC 2920, 3.1: DATA is the last of a group. Who goes on before 354 may
     * be a program that was made to send commands as a message. */
    if (talk->state == TALK_BODY && used < n) {
        talk_end(talk, "421 4.5.0 wait for 354");
    }
    return used;
}

/* ---- The message ---- */

static void take_bytes(struct talk *talk, const char *bytes, size_t n)
{
    size_t room = BOUNCE_MAIL_BYTES_MAX - talk->message.len;

    talk->size_bytes += n;
    if (talk->size_bytes > talk->manners->size_max)
        talk->too_big = true;
    buf_add(&talk->message, bytes, n < room ? n : room);
}

/* From the start of a line or inside one to behind its LF, or to the end. */
static size_t pass_line(struct talk *talk, const char *bytes, size_t n)
{
    const char *lf = memchr(bytes, '\n', n);

    if (!lf) {
        talk->line_start = false;
        talk->after_cr = bytes[n - 1] == '\r';
        return n;
    }
    talk->line_start = lf > bytes ? lf[-1] == '\r' : talk->after_cr;
    talk->after_cr = false;
    return (size_t)(lf - bytes) + 1;
}

static void end_message(struct talk *talk)
{
    talk->state = TALK_COMMAND;
    if (talk->too_big) {
        talk_reset(talk);
        talk_say(talk, "552 5.3.4 message too big");
    } else {
        talk->state = TALK_MESSAGE;
    }
}

static size_t take_body(struct talk *talk, const char *bytes, size_t n)
{
    size_t from = 0; /* bytes from here to at are to be taken as they are */
    size_t at = 0;

    while (at < n) {
        if (!talk->line_start || bytes[at] != '.') {
            at += pass_line(talk, bytes + at, n - at);
            continue;
        }
        size_t left = n - at;
        if (left < 3 && memcmp(bytes + at, ".\r\n", left) == 0)
            break;
        take_bytes(talk, bytes + from, at - from);
        from = ++at;
        talk->line_start = false;
        if (left >= 3 && bytes[at] == '\r' && bytes[at + 1] == '\n') {
            end_message(talk);
            return at + 2;
        }
    }
    take_bytes(talk, bytes + from, at - from);
    return at;
}

/* ---- Both ---- */

static size_t feed_once(struct talk *talk, const char *bytes, size_t n)
{
    switch (talk->state) {
    case TALK_COMMAND: return take_line(talk, bytes, n);
    case TALK_SKIP_LINE: return skip_long_line(talk, bytes, n);
    case TALK_BODY: return take_body(talk, bytes, n);
    case TALK_MESSAGE:
    case TALK_TLS: return 0;
    case TALK_OVER: return n;
    }
    return n;
}

size_t talk_feed(struct talk *talk, const char *bytes, size_t n)
{
    size_t used = 0;

    while (used < n && talk->out.len < TALK_OUT_MAX) {
        size_t step = feed_once(talk, bytes + used, n - used);
        if (step == 0)
            break;
        used += step;
    }
    return used;
}

void talk_taken(struct talk *talk, bool committed)
{
    if (talk->state != TALK_MESSAGE)
        return;
    talk->state = TALK_COMMAND;
    talk_reset(talk);
    if (committed)
        talk->messages++;
    talk_say(talk, committed ? "250 2.0.0 committed"
                             : "451 4.3.0 not now: try later");
}

void talk_secured(struct talk *talk)
{
    talk_reset(talk);
    talk->greeted = false;
    talk->secure = true;
    talk->state = TALK_COMMAND;
}

void talk_end(struct talk *talk, const char *reply)
{
    if (talk->state != TALK_OVER)
        talk_say(talk, reply);
}
