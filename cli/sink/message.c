#include "cli/sink/message.h"
#include "cli/sink/command.h"
#include <string.h>

/* The recipient behind this one. */
static const char *behind(const char *recipient)
{
    const char *parameters = recipient + strlen(recipient) + 1;

    return parameters + strlen(parameters) + 1;
}

/* The first rule for this step that any recipient meets decides for all. */
static const struct sink_rule *match_any(struct sink_talk *talk,
                                         enum sink_step step, int64_t now_ms)
{
    const char *at = talk->recipients.data;
    for (size_t i = 0; i < talk->recipients_n; i++, at = behind(at)) {
        const struct sink_rule *rule = sink_rules_match(
            talk->manners->rules, step, talk->sender, at, now_ms);
        if (rule)
            return rule;
    }
    return NULL;
}

static void settle_all(struct sink_talk *talk, enum sink_deed deed)
{
    const char *at = talk->recipients.data;
    for (size_t i = 0; i < talk->recipients_n; i++, at = behind(at))
        talk->manners->ears.settled(talk->owner, talk->sender, at,
                                    talk->size_bytes, deed);
}

/* reply "": none, the connection closes. */
static void end(struct sink_talk *talk, enum sink_deed deed, const char *reply)
{
    settle_all(talk, deed);
    if (reply[0])
        sink_say(talk, reply);
    else
        talk->state = SINK_OVER;
    sink_talk_reset(talk);
}

void sink_message_start(struct sink_talk *talk, int64_t now_ms)
{
    const struct sink_rule *rule = match_any(talk, SINK_AT_DATA, now_ms);
    if (rule) {
        end(talk, rule->deed, rule->reply);
        return;
    }
    talk->state = SINK_BODY;
    talk->line_start = true;
    talk->after_cr = false;
    sink_say(talk, "354 go ahead");
}

/* False: some copy could not be kept. Copies kept before it stay: they may
 * arrive twice, as RFC 5321, 4.2.5 allows. */
static bool keep_all(struct sink_talk *talk)
{
    const struct sink_ears *ears = &talk->manners->ears;
    const char *at = talk->recipients.data;
    for (size_t i = 0; ears->keep && i < talk->recipients_n; i++) {
        const struct sink_envelope envelope = {
            .sender = talk->sender,
            .recipient = at,
            .mail_parameters =
                talk->mail_parameters.data ? talk->mail_parameters.data : "",
            .rcpt_parameters = at + strlen(at) + 1,
        };

        if (!ears->keep(talk->owner, &envelope))
            return false;
        at = behind(at);
    }
    return true;
}

static void end_message(struct sink_talk *talk, int64_t now_ms)
{
    const struct sink_rule *rule = match_any(talk, SINK_AT_DOT, now_ms);
    bool take = !rule || rule->deed == SINK_DROPPED_ACCEPTED;

    talk->state = SINK_COMMAND;
    if (talk->too_big) {
        end(talk, SINK_REFUSED, "552 5.3.4 message too big");
    } else if (take && !keep_all(talk)) {
        end(talk, SINK_DEFERRED, "451 4.3.0 the message can't be kept");
    } else if (rule) {
        end(talk, rule->deed, rule->reply);
    } else {
        talk->mails++;
        end(talk, SINK_ACCEPTED, "250 2.0.0 ok");
    }
}

static void take_bytes(struct sink_talk *talk, const char *bytes, size_t n)
{
    const struct sink_manners *manners = talk->manners;
    size_t room = manners->size_max - talk->size_bytes;
    if (n > room) {
        talk->too_big = true;
        n = room;
    }
    talk->size_bytes += n;
    if (manners->ears.body && n)
        manners->ears.body(talk->owner, bytes, n);
}

/* From the start of a line or inside one to behind its LF, or to the end. */
static size_t skip_line(struct sink_talk *talk, const char *bytes, size_t n)
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

size_t sink_message_feed(struct sink_talk *talk, const char *bytes, size_t n,
                         int64_t now_ms)
{
    size_t from = 0; /* bytes from here to at are to be taken as they are */
    size_t at = 0;
    while (at < n) {
        if (!talk->line_start || bytes[at] != '.') {
            at += skip_line(talk, bytes + at, n - at);
            continue;
        }
        size_t left = n - at;
        if (left < 3 && memcmp(bytes + at, ".\r\n", left) == 0)
            break;
        take_bytes(talk, bytes + from, at - from);
        from = ++at;
        talk->line_start = false;
        if (left >= 3 && bytes[at] == '\r' && bytes[at + 1] == '\n') {
            end_message(talk, now_ms);
            return at + 2;
        }
    }
    take_bytes(talk, bytes + from, at - from);
    return at;
}

static void end_chunk(struct sink_talk *talk, int64_t now_ms)
{
    talk->state = SINK_COMMAND;
    if (talk->chunk_lost)
        sink_say(talk, talk->in_mail ? "554 5.5.1 no valid recipients"
                                     : "503 5.5.1 MAIL first");
    else if (talk->chunk_rule)
        end(talk, talk->chunk_rule->deed, talk->chunk_rule->reply);
    else if (talk->chunk_last)
        end_message(talk, now_ms);
    else
        sink_say(talk, "250 2.0.0 ok");
}

void sink_message_chunk(struct sink_talk *talk, size_t size, bool last,
                        int64_t now_ms)
{
    talk->chunk_lost = !talk->in_mail || talk->recipients_n == 0;
    if (!talk->chunk_lost && talk->size_bytes == 0)
        talk->chunk_rule = match_any(talk, SINK_AT_DATA, now_ms);
    talk->state = SINK_CHUNK;
    talk->chunk_left = size;
    talk->chunk_last = last;
    if (size == 0)
        end_chunk(talk, now_ms);
}

size_t sink_message_feed_chunk(struct sink_talk *talk, const char *bytes,
                               size_t n, int64_t now_ms)
{
    if (n > talk->chunk_left)
        n = talk->chunk_left;
    if (!talk->chunk_lost)
        take_bytes(talk, bytes, n);
    talk->chunk_left -= n;
    if (talk->chunk_left == 0)
        end_chunk(talk, now_ms);
    return n;
}
