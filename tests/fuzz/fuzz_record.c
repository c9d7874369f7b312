/* DNS answers to a domain's check: pieces of the input, each behind its length,
 * as records. What comes out is printable and bounded, and nothing is found
 * right that is not there. */
#include "base/bug.h"
#include "dns/record.h"
#include "dns/spf.h"
#include "dns/txt.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

/* All of a record's text is one term or another, and each comes to an end. */
static void check_spf_terms(const struct dns_data *record)
{
    char text[RECORD_TEXT_MAX];
    struct spf_term t;
    const char *at, *next;

    dns_txt(record, text, sizeof text);
    for (at = spf_terms(text); at && (next = spf_next(at, &t)); at = next) {
        if (next <= at || next > text + strlen(text))
            BUG("outside of the text");
        if (strlen(t.text) >= SPF_TERM_MAX || strlen(t.domain) >= DNS_NAME_MAX)
            BUG("a text without an end");
        if (t.bits4 > 32 || t.bits6 > 128 || !strchr("+-~?", t.qualifier))
            if (t.kind != SPF_WRONG)
                BUG("bits or a qualifier that there is none of");
    }
}

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
    for (size_t i = 0; i < answer.n; i++)
        check_spf_terms(&answer.records[i]);
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
