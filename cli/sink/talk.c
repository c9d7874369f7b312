#include "cli/sink/talk.h"
#include "cli/sink/command.h"
#include "cli/sink/login.h"
#include "cli/sink/message.h"
#include <string.h>

void sink_talk_init(struct sink_talk *talk, const struct sink_manners *manners,
                    void *owner)
{
    *talk = (struct sink_talk){.manners = manners, .owner = owner};
    buf_addf(&talk->out, "220 %s ESMTP presort sink\r\n", manners->hostname);
    talk->replies = 1;
}

void sink_talk_fini(struct sink_talk *talk)
{
    sink_talk_reset(talk);
    buf_fini(&talk->out);
    buf_fini(&talk->recipients);
    buf_fini(&talk->mail_parameters);
}

static size_t skip_long_line(struct sink_talk *talk, const char *bytes,
                             size_t n)
{
    const char *lf = memchr(bytes, '\n', n);
    if (!lf)
        return n;
    talk->state = SINK_COMMAND;
    return (size_t)(lf - bytes) + 1;
}

static void end_long_line(struct sink_talk *talk)
{
    talk->state = SINK_SKIP_LINE;
    sink_say(talk, "500 5.5.6 line too long");
    if (++talk->bad >= SINK_BAD_MAX)
        sink_say(talk, "421 4.7.0 too many errors");
}

/* A line ends at LF here: liberal in commands costs nothing, unlike in the
 * message, where it would let one mail smuggle in another. */
static size_t take_line(struct sink_talk *talk, const char *bytes, size_t n,
                        int64_t now_ms)
{
    size_t most = n < SINK_LINE_MAX ? n : SINK_LINE_MAX;
    const char *lf = memchr(bytes, '\n', most);
    if (!lf) {
        if (n < SINK_LINE_MAX)
            return 0;
        end_long_line(talk);
        return most;
    }
    char line[SINK_LINE_MAX];
    size_t used = (size_t)(lf - bytes) + 1;
    size_t len = used - 1;
    if (len && bytes[len - 1] == '\r')
        len--;
    memcpy(line, bytes, len);
    line[len] = '\0';
    if (talk->state == SINK_LOGIN_LINE)
        sink_login_line(talk, line);
    else
        sink_command(talk, line, now_ms);
    return used;
}

static size_t feed_once(struct sink_talk *talk, const char *bytes, size_t n,
                        int64_t now_ms)
{
    switch (talk->state) {
    case SINK_LOGIN_LINE:
    case SINK_COMMAND: return take_line(talk, bytes, n, now_ms);
    case SINK_CHUNK: return sink_message_feed_chunk(talk, bytes, n, now_ms);
    case SINK_TLS: return 0;
    case SINK_SKIP_LINE: return skip_long_line(talk, bytes, n);
    case SINK_BODY: return sink_message_feed(talk, bytes, n, now_ms);
    case SINK_OVER: return n;
    }
    return n;
}

size_t sink_talk_feed(struct sink_talk *talk, const char *bytes, size_t n,
                      int64_t now_ms)
{
    size_t used = 0;
    while (used < n && talk->out.len < SINK_OUT_MAX) {
        unsigned replies = talk->replies;
        size_t step = feed_once(talk, bytes + used, n - used, now_ms);
        if (step == 0)
            break;
        used += step;
        if (talk->manners->no_pipelining && talk->replies > replies && used < n)
            sink_talk_end(talk, "421 4.5.0 pipelining was not offered");
    }
    return used;
}

void sink_talk_secured(struct sink_talk *talk)
{
    sink_talk_reset(talk);
    talk->secure = true;
    talk->greeted = talk->logged_in = false;
    if (talk->state == SINK_TLS)
        talk->state = SINK_COMMAND;
}

void sink_talk_end(struct sink_talk *talk, const char *reply)
{
    if (talk->state != SINK_OVER)
        sink_say(talk, reply);
}
