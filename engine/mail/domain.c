#include "mail/domain.h"
#include "base/utf8.h"
#include <ctype.h>
#include <idn2.h>
#include <stdbool.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static bool is_label(const char *at, size_t len)
{
    if (len == 0 || len > LABEL_MAX || at[0] == '-' || at[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)at[i]) && at[i] != '-')
            return false;
    return true;
}

/* Nothing but labels; the last is no number, or it might be an address. */
static enum status check(const char *name, struct error *err)
{
    size_t labels = 0, len = 0;
    const char *at = name;

    for (;; at += len + 1) {
        len = strcspn(at, ".");
        if (!is_label(at, len))
            return fail(err, STATUS_INVALID, "label %zu is no host name's",
                        labels + 1);
        labels++;
        if (at[len] == 0)
            break;
    }
    if (labels < 2)
        return fail(err, STATUS_INVALID, "it has one label only");
    if (strspn(at, "0123456789") == len)
        return fail(err, STATUS_INVALID, "the last label is a number");
    return STATUS_OK;
}

enum status domain_ascii(const char *text, char out[DOMAIN_MAX],
                         struct error *err)
{
    uint8_t *ascii = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)text, &ascii,
                            IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    size_t len = rc == IDN2_OK ? strlen((char *)ascii) : 0;

    memset(out, 0, DOMAIN_MAX);
    if (len > 0 && ascii[len - 1] == '.')
        len--;
    bool fits = len > 0 && len < DOMAIN_MAX;

    for (size_t i = 0; fits && i < len; i++)
        out[i] = (char)tolower(ascii[i]);
    idn2_free(ascii);
    if (!fits)
        return fail(err, STATUS_INVALID, "%s",
                    rc == IDN2_OK ? "its length" : idn2_strerror(rc));
    return check(out, err);
}

/* A-labels for the U-labels behind the last @ of spec, which is in ADDRESS_MAX
 * bytes, if the domain is one and it fits. Returns its length. */
static size_t spell_domain(char *spec, size_t len)
{
    char *at = memrchr(spec, '@', len), domain[DOMAIN_MAX];
    struct error err;

    if (!at || utf8_is_ascii(at, strlen(at)) ||
        domain_ascii(at + 1, domain, &err) != STATUS_OK)
        return len;
    size_t local = (size_t)(at + 1 - spec), n = strlen(domain);

    if (local + n >= ADDRESS_MAX)
        return len;
    memcpy(at + 1, domain, n + 1);
    return local + n;
}

const char *domain_ascii_spec(const char *spec, char out[ADDRESS_MAX])
{
    size_t len = strlen(spec);

    if (len >= ADDRESS_MAX || utf8_is_ascii(spec, len))
        return spec;
    memcpy(out, spec, len + 1);
    len = spell_domain(out, len);
    return utf8_is_ascii(out, len) ? out : spec;
}

size_t domain_fold_spec(const char *spec, size_t len, char out[ADDRESS_MAX])
{
    return spell_domain(out, address_fold(spec, len, out));
}
