/*
 * sts-text-record     = "v=STSv1" 1*(delim field) [delim]
 * delim               = *WSP ";" *WSP
 * field               = "id=" 1*32(ALPHA / DIGIT) / extension
 *
 * sts-policy-record   = field *WSP *(term field *WSP) [term]
 * term                = LF / CRLF
 * field               = name ":" *WSP value
 * mx                  = ["*."] Domain
 */
#include "policy/sts.h"
#include "dns/txt.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define STS_VERSION "STSv1"
#define STS_BLANKS " \t"

enum { STS_TXT_MAX = 1024, STS_DIGITS_MAX = 10 };

ENUM_DEFINE(sts_mode, STS_MODE_TABLE);

bool sts_mode_parse(const char *text, enum sts_mode *mode)
{
    static const enum sts_mode modes[] = {STS_NONE, STS_TESTING, STS_ENFORCE};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(text, sts_mode_text(modes[i])) == 0) {
            *mode = modes[i];
            return true;
        }
    return false;
}

/* ---- The record ---- */

static bool id_of(const char *record, char id[STS_ID_MAX])
{
    const char *p = record + strlen("v=" STS_VERSION);
    size_t n = 0;

    for (; (p = strchr(p, ';')) &&
           strncmp(p += 1 + strspn(p + 1, STS_BLANKS), "id=", 3) != 0;)
        ;
    if (!p)
        return false;
    for (p += 3; isalnum((unsigned char)*p) && n + 1 < STS_ID_MAX; p++)
        id[n++] = *p;
    id[n] = 0;
    p += strspn(p, STS_BLANKS);
    return n > 0 && (*p == 0 || *p == ';');
}

static bool is_sts(const char *text)
{
    const char version[] = "v=" STS_VERSION;
    size_t n = sizeof version - 1;

    return strncmp(text, version, n) == 0 &&
           text[n + strspn(text + n, STS_BLANKS)] == ';';
}

bool sts_id(const struct dns_answer *answer, char id[STS_ID_MAX])
{
    char text[STS_TXT_MAX], record[STS_TXT_MAX];
    size_t n = 0;

    for (size_t i = 0; i < answer->n; i++)
        if (dns_txt(&answer->records[i], text, sizeof text) > 0 &&
            is_sts(text)) {
            memcpy(record, text, sizeof record);
            n++;
        }
    /* Two of them are none: 3.1. */
    return n == 1 && id_of(record, id);
}

/* ---- The policy ---- */

struct reading {
    struct sts *out;
    bool version, mode, age;
    size_t n_mx, mx_len, line;
    struct error *err;
};

/* A host's name, maybe with "*." in front, as A-labels. */
static bool is_pattern(const char *s)
{
    size_t label = 0;

    if (strncmp(s, "*.", 2) == 0)
        s += 2;
    for (; *s; s++) {
        if (*s == '.' && label == 0)
            return false;
        if (*s != '.' && !isalnum((unsigned char)*s) && *s != '-' && *s != '_')
            return false;
        label = *s == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static enum status take_mx(struct reading *r, char *value)
{
    size_t len = strlen(value);

    if (len > 0 && value[len - 1] == '.')
        value[--len] = 0;
    if (len >= DNS_NAME_MAX || !is_pattern(value))
        return fail(r->err, STATUS_INVALID, "line %zu: mx is no host name",
                    r->line);
    if (++r->n_mx > STS_MX_MAX || r->mx_len + len + 2 > STS_MX_TEXT_MAX)
        return fail(r->err, STATUS_TOO_BIG, "line %zu: too many mx", r->line);
    for (char *c = value; *c; c++)
        r->out->mx[r->mx_len++] = (char)tolower((unsigned char)*c);
    r->out->mx[r->mx_len++] = '\n';
    r->out->mx[r->mx_len] = 0;
    return STATUS_OK;
}

static enum status take_age(struct reading *r, const char *value)
{
    size_t n = strspn(value, "0123456789");
    int64_t age = 0;

    if (n == 0 || n > STS_DIGITS_MAX || value[n])
        return fail(r->err, STATUS_INVALID, "line %zu: max_age is no number",
                    r->line);
    for (size_t i = 0; i < n; i++)
        age = age * 10 + (value[i] - '0');
    r->out->max_age_seconds = age < STS_AGE_MOST ? age : STS_AGE_MOST;
    return STATUS_OK;
}

/* Of fields that are given again only the first counts; unknown ones are
 * passed over: 3.2. */
static enum status take_field(struct reading *r, const char *name, char *value)
{
    if (strcmp(name, "mx") == 0)
        return take_mx(r, value);
    if (strcmp(name, "version") == 0 && !r->version) {
        r->version = true;
        if (strcmp(value, STS_VERSION) != 0)
            return fail(r->err, STATUS_INVALID, "line %zu: version is not %s",
                        r->line, STS_VERSION);
    } else if (strcmp(name, "mode") == 0 && !r->mode) {
        r->mode = true;
        if (!sts_mode_parse(value, &r->out->mode))
            return fail(r->err, STATUS_INVALID,
                        "line %zu: mode is none of enforce, testing, none",
                        r->line);
    } else if (strcmp(name, "max_age") == 0 && !r->age) {
        r->age = true;
        return take_age(r, value);
    }
    return STATUS_OK;
}

static enum status take_line(struct reading *r, const char *line, size_t len)
{
    char text[STS_TXT_MAX];
    char *value;

    r->line++;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    while (len > 0 && strchr(STS_BLANKS, line[len - 1]))
        len--;
    if (len == 0)
        return STATUS_OK;
    if (len >= sizeof text || memchr(line, 0, len))
        return fail(r->err, STATUS_INVALID, "line %zu: too long, or not text",
                    r->line);
    memcpy(text, line, len);
    text[len] = 0;
    value = strchr(text, ':');
    if (!value)
        return fail(r->err, STATUS_INVALID, "line %zu: no field", r->line);
    *value++ = 0;
    return take_field(r, text, value + strspn(value, STS_BLANKS));
}

enum status sts_parse(const char *text, size_t len, struct sts *out,
                      struct error *err)
{
    struct reading r = {.out = out, .err = err};
    const char *end = text + len;

    *out = (struct sts){.mode = STS_NONE};
    if (len > STS_BODY_MAX)
        return fail(err, STATUS_TOO_BIG, "more than %d bytes", STS_BODY_MAX);
    for (const char *line = text; line < end;) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        const char *stop = lf ? lf : end;
        enum status status = take_line(&r, line, (size_t)(stop - line));

        if (status != STATUS_OK)
            return status;
        line = stop + 1;
    }
    if (!r.version || !r.mode || !r.age)
        return fail(err, STATUS_INVALID, "no %s",
                    !r.version ? "version"
                    : !r.mode  ? "mode"
                               : "max_age");
    if (r.n_mx == 0 && out->mode != STS_NONE)
        return fail(err, STATUS_INVALID, "no mx");
    return STATUS_OK;
}

/* ---- Matching ---- */

static bool matches(const char *pattern, size_t len, const char *host)
{
    const char *rest = host;

    if (len > 2 && pattern[0] == '*') {
        rest = strchr(host, '.');
        if (!rest || rest == host)
            return false;
        pattern++;
        len--;
    }
    return strlen(rest) == len && memcmp(rest, pattern, len) == 0;
}

bool sts_allows(const char *mx, const char *host)
{
    for (const char *line = mx; *line; line += strspn(line, "\n")) {
        size_t len = strcspn(line, "\n");

        if (matches(line, len, host))
            return true;
        line += len;
    }
    return false;
}
