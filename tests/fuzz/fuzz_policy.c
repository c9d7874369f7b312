/* Any bytes as an MTA-STS policy, and as what DNS says of TLS: what is taken
 * is bounded, and a policy written anew from it reads the same. */
#include "base/bug.h"
#include "dns/txt.h"
#include "policy/rua.h"
#include "policy/sts.h"
#include "policy/tlsa.h"
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATTERN_LINES_MAX = STS_BODY_MAX };

static void check_policy(const char *text, size_t size)
{
    static struct sts first, again;
    static char anew[PATTERN_LINES_MAX];
    struct error err;
    int n;

    if (sts_parse(text, size, &first, &err) != STATUS_OK)
        return;
    n = snprintf(anew, sizeof anew,
                 "version: STSv1\nmode: %s\nmax_age: %" PRId64 "\n",
                 sts_mode_text(first.mode), first.max_age_seconds);
    for (const char *p = first.mx; *p; p += strcspn(p, "\n") + 1)
        n += snprintf(anew + n, sizeof anew - (size_t)n, "mx: %.*s\n",
                      (int)strcspn(p, "\n"), p);
    if (sts_parse(anew, (size_t)n, &again, &err) != STATUS_OK ||
        strcmp(again.mx, first.mx) != 0 || again.mode != first.mode)
        BUG("not the same policy");
    if (sts_allows(first.mx, ""))
        BUG("a host without a name is allowed");
}

static void check_records(const uint8_t *data, size_t size)
{
    struct dns_answer answer = {.outcome = DNS_FOUND, .n = 1};
    char id[STS_ID_MAX], uris[RUA_MAX], text[64];
    struct smtp_tlsa tlsa[TLSA_MAX];

    answer.records[0] = (struct dns_data){data, size};
    if (sts_id(&answer, id) && (!id[0] || strlen(id) >= STS_ID_MAX))
        BUG("no id");
    if (rua_of(&answer, uris) != (uris[0] != 0) || strlen(uris) >= RUA_MAX)
        BUG("no URI");
    if (tlsa_usable(&answer, tlsa) == 1 &&
        strlen(tlsa_text(&tlsa[0], text, sizeof text)) >= sizeof text)
        BUG("too long");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_policy((const char *)data, size);
    check_records(data, size);
    return 0;
}
