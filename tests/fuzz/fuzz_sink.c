/* Any bytes as the client's side of a talk with the sink, whole and in pieces:
 * the sink says and hears the same, and nothing grows past its limit. */
#include "base/bug.h"
#include "cli/sink/talk.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { BODY_MAX = 4096 };

struct heard {
    size_t body, settled;
    unsigned char last;
};

static void hear_body(void *owner, const char *bytes, size_t n)
{
    struct heard *heard = owner;
    heard->body += n;
    heard->last = (unsigned char)bytes[n - 1];
}

static void hear_settled(void *owner, const char *sender, const char *recipient,
                         size_t size_bytes, enum sink_deed deed)
{
    struct heard *heard = owner;
    (void)deed;
    if (strlen(sender) >= SINK_ADDRESS_MAX || size_bytes > BODY_MAX ||
        strpbrk(recipient, "\r\n\t"))
        BUG("an address or size that was to be refused");
    heard->settled++;
}

static struct heard talk_through(const char *bytes, size_t n, size_t piece)
{
    static struct sink_rules rules;
    struct sink_manners manners = {
        .hostname = "sink",
        .rules = &rules,
        .size_max = BODY_MAX,
        .chunking = true,
        .dsn = true,
        .auth = bytes[0] == 'A' ? "jo:pw" : NULL,
        .ears = {.body = hear_body, .settled = hear_settled}};
    struct heard heard = {0};
    struct sink_talk talk;
    sink_talk_init(&talk, &manners, &heard);
    for (size_t at = 0, end = 0; end < n;) {
        end = end + piece < n ? end + piece : n;
        for (size_t used = 1; used; at += used) {
            buf_reset(&talk.out);
            used = sink_talk_feed(&talk, bytes + at, end - at, 1);
        }
        if (end - at >= SINK_LINE_MAX)
            BUG("an unfinished line longer than promised");
    }
    sink_talk_fini(&talk);
    return heard;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    if (n == 0)
        return 0;
    const char *text = (const char *)bytes;
    struct heard whole = talk_through(text, n, n);
    struct heard pieces = talk_through(text, n, 1 + bytes[0] % 7);
    if (whole.body != pieces.body || whole.settled != pieces.settled ||
        whole.last != pieces.last)
        BUG("the same bytes in pieces mean something else");
    return 0;
}
