/* DNS answers to a domain's check: pieces of the input, each behind its length,
 * as records. What comes out is printable and bounded, and nothing is found
 * right that is not there. */
#include "base/bug.h"
#include "dns/record.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static const char *const values[] = {
        "v=DKIM1; k=rsa; p=AAAABBBBCCCC",
        "v=spf1 a:mail.example.net include:spf.example ~all",
        "v=DMARC1; p=none", "mail.example.net"};
    struct dns_answer answer = {.outcome = DNS_FOUND, .why = ""};

    while (n > 1 && answer.n < DNS_RECORDS_MAX) {
        size_t len = bytes[0] < n - 1 ? bytes[0] : n - 1;

        answer.records[answer.n++] = (struct dns_data){bytes + 1, len};
        bytes += len + 1;
        n -= len + 1;
    }
    for (enum record_kind kind = RECORD_DKIM; kind <= RECORD_MX; kind++) {
        struct record_finding f;

        record_check(kind, values[kind], &answer, &f);
        if (strlen(f.found) >= RECORD_TEXT_MAX ||
            strlen(f.why) >= RECORD_WHY_MAX)
            BUG("a text without an end");
        for (const char *p = f.found; *p; p++)
            if ((*p < ' ' || *p == 0x7f) && *p != '\n')
                BUG("not printable");
        if (f.state == RECORD_VERIFIED && !f.found[0])
            BUG("right, and nothing there");
        if ((f.state == RECORD_FAILED) != (f.why[0] != 0))
            BUG("wrong without a reason, or right with one");
    }
    return 0;
}
