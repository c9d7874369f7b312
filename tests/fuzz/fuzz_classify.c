/* Any bytes as a server's reply: whoever it blames, what is temporary is never
 * hard, and only what reaches the recipient may suppress one. */
#include "base/bug.h"
#include "bounce/classify.h"
#include "bounce/reply.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    const char *text = (const char *)bytes;
    struct bounce_reply reply;

    bounce_reply_find(text, n, &reply);
    for (int step = 0; step <= BOUNCE_STEP_DATA; step++) {
        struct bounce_evidence e = {
            .step = (enum bounce_step)step,
            .code = reply.code,
            .status = reply.status,
            .text = text,
            .text_len = n,
            .source = "192.0.2.1",
        };
        struct bounce_verdict v = bounce_classify(&e);
        if (v.hard && reply.status[0] == '4')
            BUG("temporary, but hard");
        if (v.follow == BOUNCE_SUPPRESS && v.reach != BOUNCE_REACH_RECIPIENT)
            BUG("suppressed for what is not the recipient's");
        if (category_row(v.category)->name[0] == '\0')
            BUG("no such category");
    }
    return 0;
}
