/* Any bytes as replies of a server, whole and byte by byte: both read the same,
 * and what is read is text that can be stored. */
#include "base/bug.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum smtp_fed by_bytes(struct smtp_reply_parser *p, const char *in,
                              size_t len, size_t *used)
{
    enum smtp_fed fed = SMTP_FED_MORE;
    size_t one;

    for (*used = 0; *used < len && fed == SMTP_FED_MORE; *used += one)
        fed = smtp_reply_feed(p, in + *used, 1, &one);
    return fed;
}

static void check(struct smtp_reply *r)
{
    char enhanced[SMTP_ENHANCED_MAX];

    if (r->code < 200 || r->code > 599 || strlen(r->text) != r->len ||
        r->len >= SMTP_REPLY_TEXT_MAX)
        BUG("not a reply");
    for (size_t i = 0; i < r->len; i++)
        if ((r->text[i] >= 0 && r->text[i] < ' ' && r->text[i] != '\n') ||
            r->text[i] == 127)
            BUG("a control character");
    (void)smtp_ehlo_parse(r->text);

    size_t before = r->len;
    smtp_reply_take_enhanced(r, enhanced);
    if (strlen(enhanced) >= SMTP_ENHANCED_MAX || strlen(r->text) != r->len ||
        r->len > before || (enhanced[0] && r->len == before))
        BUG("not an enhanced status");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct smtp_reply_parser whole, split;
    const char *in = (const char *)data;
    enum smtp_fed fed = SMTP_FED_READY;

    while (size > 0 && fed == SMTP_FED_READY) {
        size_t used, used_split;

        smtp_reply_start(&whole);
        smtp_reply_start(&split);
        fed = smtp_reply_feed(&whole, in, size, &used);
        if (by_bytes(&split, in, size, &used_split) != fed ||
            strcmp(whole.reply.text, split.reply.text) != 0)
            BUG("the pieces read differently");
        if (fed == SMTP_FED_READY)
            check(&whole.reply);
        in += used;
        size -= used;
    }
    return 0;
}
