/* Any bytes as the MX records of a domain, in wire format: one record after
 * the other, each behind its length. Hosts are names, best first; the name of
 * their site fits. And any bytes as a domain. */
#include "base/bug.h"
#include "base/memory.h"
#include "dns/mx.h"
#include "mail/domain.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { RECORDS_MAX = 64 };

static uint32_t first_of(uint32_t n)
{
    (void)n;
    return 0;
}

static void check(const struct mx *hosts, size_t n)
{
    char site[DNS_NAME_MAX];

    if (n < 1 || n > RECORDS_MAX)
        BUG("too few or too many hosts");
    for (size_t i = 0; i < n; i++) {
        size_t len = strnlen(hosts[i].name, DNS_NAME_MAX);

        if (len == 0 || len == DNS_NAME_MAX)
            BUG("a host without a name, or with one that does not end");
        if (i > 0 && hosts[i].preference < hosts[i - 1].preference)
            BUG("a worse host comes first");
    }
    mx_site(hosts, n, site);
    if (strnlen(site, sizeof site) == sizeof site)
        BUG("a site's name that does not end");
}

static void try_records(const unsigned char *bytes, size_t n)
{
    struct dns_data records[RECORDS_MAX];
    struct mx hosts[DNS_RECORDS_MAX];
    size_t n_records = 0, n_hosts = 0;

    for (size_t at = 0; at < n && n_records < RECORDS_MAX;) {
        size_t len = bytes[at++];

        len = len < n - at ? len : n - at;
        records[n_records++] = (struct dns_data){bytes + at, len};
        at += len;
    }
    if (mx_sort(records, n_records, "mx.own.example", hosts, &n_hosts) !=
        MX_HOSTS)
        return;
    check(hosts, n_hosts);
    mx_shuffle(hosts, n_hosts, first_of);
    check(hosts, n_hosts);
}

static void try_domain(const char *text)
{
    char ascii[DOMAIN_MAX], again[DOMAIN_MAX];
    struct error err;

    if (domain_ascii(text, ascii, &err) != STATUS_OK)
        return;
    if (domain_ascii(ascii, again, &err) != STATUS_OK ||
        strcmp(ascii, again) != 0)
        BUG("a domain has two forms");
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    char *text = text_copy_n((const char *)bytes, n);

    try_records(bytes, n);
    try_domain(text);
    free(text);
    return 0;
}
