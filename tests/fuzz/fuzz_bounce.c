/* Any bytes as a mail that came back: what is said of it is bounded, valid
 * UTF-8, one line each. */
#include "base/bug.h"
#include "base/utf8.h"
#include "bounce/read.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void check(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    if (len == size)
        BUG("a text without an end");
    if (utf8_check(text, len) != len)
        BUG("a text that is not UTF-8");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            BUG("a control character");
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static struct bounce_reader reader;
    static struct bounce_report report;

    bounce_read(&reader, (const char *)bytes, n, &report);
    check(report.token, sizeof report.token);
    check(report.feedback, sizeof report.feedback);
    check(report.message_id, sizeof report.message_id);
    if (report.n > BOUNCE_RECIPIENTS_MAX)
        BUG("too many recipients");
    for (size_t i = 0; i < report.n; i++) {
        const struct bounce_recipient *to = &report.recipients[i];
        check(to->address, sizeof to->address);
        check(to->status, sizeof to->status);
        check(to->diagnostic, sizeof to->diagnostic);
        if (to->hard && to->action != BOUNCE_ACTION_FAILED)
            BUG("hard, but not failed");
    }
    return 0;
}
