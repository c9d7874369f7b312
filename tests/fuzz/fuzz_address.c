/* Any bytes as a mailbox and as an addr-spec: what is accepted is fit for an
 * SMTP command and a header field, and reads the same again. */
#include "base/bug.h"
#include "mail/address.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void check(const struct address *a)
{
    struct address again;

    if (strlen(a->spec) != a->spec_len || strlen(a->name) >= ADDRESS_NAME_MAX)
        BUG("lengths disagree");
    if (a->domain <= a->spec + 1 || a->domain[-1] != '@' || !*a->domain)
        BUG("the domain is not behind an @");
    for (const char *p = a->spec; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            BUG("a control character in the address");
    for (const char *p = a->name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            BUG("a control character in the name");
    if (address_parse_spec(a->spec, a->spec_len, &again, NULL) != STATUS_OK ||
        strcmp(again.spec, a->spec) != 0)
        BUG("an accepted address is refused as an addr-spec");
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    const char *text = (const char *)bytes;
    struct address whole, spec;
    struct error err;

    if (address_parse(text, n, &whole, &err) == STATUS_OK)
        check(&whole);
    if (address_parse_spec(text, n, &spec, &err) == STATUS_OK) {
        check(&spec);
        if (address_parse(text, n, &whole, NULL) != STATUS_OK)
            BUG("an addr-spec is no mailbox");
    }
    return 0;
}
