/*
 * tlsrpt-record = "v=TLSRPTv1" 1*(delim field) [delim]
 * delim         = *WSP ";" *WSP
 * field         = "rua=" URI *(*WSP "," *WSP URI) / extension
 *
 * In a URI "," ";" and "!" are written as %2C, %3B and %21.
 */
#include "policy/rua.h"
#include "dns/txt.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RUA_VERSION "v=TLSRPTv1"
#define RUA_BLANKS " \t"

static bool is_tlsrpt(const char *text)
{
    size_t n = sizeof RUA_VERSION - 1;

    return strncmp(text, RUA_VERSION, n) == 0 &&
           text[n + strspn(text + n, RUA_BLANKS)] == ';';
}

static bool is_usable(const char *uri, size_t len)
{
    static const char mailto[] = "mailto:", https[] = "https://";

    if (memchr(uri, ' ', len) || memchr(uri, '!', len))
        return false;
    if (len > sizeof mailto && strncasecmp(uri, mailto, sizeof mailto - 1) == 0)
        return memchr(uri, '@', len) != NULL;
    return len > sizeof https && strncasecmp(uri, https, sizeof https - 1) == 0;
}

static bool take_list(const char *p, char *out)
{
    size_t n = 0;

    for (size_t len; *p && *p != ';'; p += len + (p[len] == ',')) {
        p += strspn(p, RUA_BLANKS);
        len = strcspn(p, ",;");

        size_t used = len;

        while (used > 0 && strchr(RUA_BLANKS, p[used - 1]))
            used--;
        if (is_usable(p, used) && n + used + 2 < RUA_MAX)
            n += (size_t)snprintf(out + n, RUA_MAX - n, "%s%.*s", n ? "," : "",
                                  (int)used, p);
    }
    return n > 0;
}

bool rua_of(const struct dns_answer *answer, char *out)
{
    char text[RUA_MAX], record[RUA_MAX];
    const char *p = record;
    size_t n = 0;

    for (size_t i = 0; i < answer->n; i++)
        if (dns_txt(&answer->records[i], text, sizeof text) > 0 &&
            is_tlsrpt(text)) {
            memcpy(record, text, sizeof record);
            n++;
        }
    out[0] = 0;
    if (n != 1)
        return false;
    while ((p = strchr(p, ';'))) {
        p += 1 + strspn(p + 1, RUA_BLANKS);
        if (strncmp(p, "rua=", 4) == 0)
            return take_list(p + 4, out);
    }
    return false;
}
