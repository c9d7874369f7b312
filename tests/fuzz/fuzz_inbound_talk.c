/* Any bytes as what a client of inbound_listen sends: replies and messages are
 * bounded, and no message is for nobody. The first byte says how big the pieces
 * are that they come in. */
#include "base/bug.h"
#include "bounce/mail.h"
#include "inbound/talk.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static bool may_bring(void *owner)
{
    (void)owner;
    return true;
}

static struct inbound_addresses addresses = {
    .domains = {"b.example"}, .n_domains = 1, .names = {"fbl"}, .n_names = 1};
static const struct talk_manners manners = {.hostname = "mx.example",
                                            .addresses = &addresses,
                                            .size_max = 4096,
                                            .starttls = true,
                                            .may_bring = may_bring};

static void look(struct talk *talk, struct buf *heard)
{
    if (talk->out.len > TALK_OUT_MAX + 1024)
        BUG("replies pile up");
    if (talk->message.len > BOUNCE_MAIL_BYTES_MAX)
        BUG("a message beyond its limit");
    buf_add(heard, talk->out.data ? talk->out.data : "", talk->out.len);
    buf_reset(&talk->out);
    if (talk->state == TALK_MESSAGE) {
        if (!talk->recipient[0] || talk->too_big)
            BUG("a message for nobody");
        buf_add(heard, talk->message.data, talk->message.len);
        talk_taken(talk, talk->message.len % 2);
    } else if (talk->state == TALK_TLS) {
        talk_secured(talk);
    }
}

static void run(const char *bytes, size_t n, size_t piece, struct buf *heard)
{
    struct talk talk;
    size_t used = 0, there = 0;

    talk_init(&talk, &manners, NULL);
    for (;;) {
        size_t took = talk_feed(&talk, bytes + used, there - used);
        used += took;
        bool more = talk.out.len || talk.state == TALK_MESSAGE;
        look(&talk, heard);
        if (took || more)
            continue;
        if (there == n)
            break;
        there = there + piece < n ? there + piece : n;
    }
    talk_fini(&talk);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static struct buf heard;

    if (!n)
        return 0;
    buf_reset(&heard);
    run((const char *)bytes + 1, n - 1, bytes[0] % 64 + 1U, &heard);
    return 0;
}
