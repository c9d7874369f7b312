#include "dns/record.h"
#include "dns/txt.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

ENUM_DEFINE(record_kind, RECORD_KIND_TABLE);
ENUM_DEFINE(record_state, RECORD_STATE_TABLE);

enum { SPF_LOOKUPS_MAX = 10 /* RFC 7208, 4.6.4 */ };

PRINTF(2, 3)
static void failed(struct record_finding *f, const char *fmt, ...)
{
    va_list ap;

    f->state = RECORD_FAILED;
    va_start(ap, fmt);
    vsnprintf(f->why, sizeof f->why, fmt, ap);
    va_end(ap);
}

/* ---- What was answered, as text ---- */

static void add_found(struct record_finding *f, const char *text)
{
    size_t len = strlen(f->found);

    snprintf(f->found + len, sizeof f->found - len, "%s%s", len ? "\n" : "",
             text);
}

static bool starts(const char *text, const char *with)
{
    size_t n = strlen(with);

    return strncasecmp(text, with, n) == 0 &&
           (text[n] == 0 || text[n] == ' ' || text[n] == ';');
}

/* The records that begin with version ("": all), the last of them in text.
 * Returns how many. */
static size_t select_txt(const struct dns_answer *answer, const char *version,
                         struct record_finding *f, char text[RECORD_TEXT_MAX])
{
    char one[RECORD_TEXT_MAX];
    size_t n = 0;

    for (size_t i = 0; i < answer->n; i++) {
        dns_txt(&answer->records[i], one, sizeof one);
        if (version[0] && !starts(one, version))
            continue;
        add_found(f, one);
        memcpy(text, one, sizeof one);
        n++;
    }
    return n;
}

/* ---- Tags: "name=value; ..." (RFC 6376, 3.2) ---- */

bool record_tag(const char *text, const char *name, char *out, size_t max)
{
    size_t len = strlen(name), n = 0;

    for (const char *p = text; p; p = strchr(p, ';')) {
        p += strspn(p, "; \t");
        if (strncmp(p, name, len) != 0 ||
            p[len + strspn(p + len, " \t")] != '=')
            continue;
        p = strchr(p, '=') + 1;
        for (; *p && *p != ';' && n + 1 < max; p++)
            if (*p != ' ' && *p != '\t')
                out[n++] = *p;
        out[n] = 0;
        return true;
    }
    return false;
}

static bool tag_lists(const char *text, const char *name, const char *one)
{
    char value[RECORD_TEXT_MAX];
    size_t len = strlen(one);

    if (!record_tag(text, name, value, sizeof value))
        return true; /* the default allows all */
    for (const char *p = value, *colon; p; p = colon ? colon + 1 : NULL) {
        colon = strchr(p, ':');
        if (*p == '*' ||
            (strncasecmp(p, one, len) == 0 && (p[len] == 0 || p[len] == ':')))
            return true;
    }
    return false;
}

static void check_dkim(const char *value, const struct dns_answer *answer,
                       struct record_finding *f)
{
    char text[RECORD_TEXT_MAX] = "", p[RECORD_TEXT_MAX], ours[RECORD_TEXT_MAX];
    char k[32] = "rsa", our_k[32] = "rsa", v[32];
    size_t n = select_txt(answer, "", f, text);

    (void)record_tag(text, "k", k, sizeof k);
    (void)record_tag(value, "k", our_k, sizeof our_k);
    if (n > 1)
        failed(f, "there are %zu TXT records; one is allowed", n);
    else if (record_tag(text, "v", v, sizeof v) && strcmp(v, "DKIM1") != 0)
        failed(f, "it is to begin with v=DKIM1");
    else if (!record_tag(text, "p", p, sizeof p))
        failed(f, "it has no key (p=)");
    else if (p[0] == 0)
        failed(f, "the key is revoked: p= is empty");
    else if (strcmp(k, our_k) != 0)
        failed(f, "it is a key of another kind: k=%s, not %s", k, our_k);
    else if (!record_tag(value, "p", ours, sizeof ours) || strcmp(p, ours) != 0)
        failed(f, "it is another key: p= differs%s",
               strncmp(p, ours, strlen(p)) == 0 ? "; it was cut off" : "");
    else if (!tag_lists(text, "h", "sha256"))
        failed(f, "h= does not allow sha256");
    else if (!tag_lists(text, "s", "email"))
        failed(f, "s= does not allow email");
    else
        f->state = RECORD_VERIFIED;
}

/* ---- SPF ---- */

/* The next word of text into word (RECORD_TEXT_MAX); NULL at the end. */
static const char *next_word(const char *text, char *word)
{
    size_t n;

    text += strspn(text, " ");
    n = strcspn(text, " ");
    memcpy(word, text, n);
    word[n] = 0;
    return n > 0 ? text + n : NULL;
}

static const char *unqualified(const char *word)
{
    return word + (*word == '+');
}

static bool is_all(const char *word)
{
    return strcasecmp(word + (strchr("+-~?", *word) && *word), "all") == 0;
}

static bool has_word(const char *text, const char *wanted)
{
    char word[RECORD_TEXT_MAX];

    for (const char *p = text; (p = next_word(p, word));) {
        if (is_all(word))
            return false; /* what follows is never looked at */
        if (strcasecmp(unqualified(word), unqualified(wanted)) == 0)
            return true;
    }
    return false;
}

/* Mechanisms of value that text lacks, each with a space in front. */
static void missing_words(const char *text, const char *value,
                          char out[RECORD_TEXT_MAX])
{
    char word[RECORD_TEXT_MAX];
    const char *p = next_word(value, word); /* past v=spf1 */
    size_t n = 0;

    out[0] = 0;
    while (p && (p = next_word(p, word)))
        if (!is_all(word) && !has_word(text, word))
            n += (size_t)snprintf(out + n, RECORD_TEXT_MAX - n, " %s", word);
}

static int lookups_of(const char *text)
{
    static const char *const asking[] = {"include:", "a",       "mx",
                                         "ptr",      "exists:", "redirect="};
    char word[RECORD_TEXT_MAX];
    int n = 0;

    for (const char *p = text; (p = next_word(p, word));) {
        const char *w = word + (strchr("+-~?", *word) != NULL);

        for (size_t i = 0; i < sizeof asking / sizeof *asking; i++) {
            size_t len = strlen(asking[i]);
            bool whole = strchr(":=", asking[i][len - 1]) == NULL;

            if (strncasecmp(w, asking[i], len) == 0 &&
                (!whole || strchr(":/", w[len]))) {
                n++;
                break;
            }
        }
    }
    return n;
}

static bool allows_everyone(const char *text)
{
    char word[RECORD_TEXT_MAX];

    for (const char *p = text; (p = next_word(p, word));)
        if (strcasecmp(unqualified(word), "all") == 0)
            return true;
    return false;
}

static void check_spf(const char *value, const struct dns_answer *answer,
                      struct record_finding *f)
{
    char text[RECORD_TEXT_MAX] = "", missing[RECORD_TEXT_MAX];
    size_t n = select_txt(answer, "v=spf1", f, text);

    missing_words(text, value, missing);
    if (n == 0)
        failed(f, "no TXT record begins with v=spf1");
    else if (n > 1)
        failed(f,
               "there are %zu SPF records; receivers take that for an "
               "error: make one of them",
               n);
    else if (allows_everyone(text))
        failed(f, "it allows everyone to send: +all");
    else if (missing[0])
        failed(f, "it lacks%s, which is to stand before \"all\"", missing);
    else if (lookups_of(text) > SPF_LOOKUPS_MAX)
        failed(f, "it takes %d look-ups; %d are allowed", lookups_of(text),
               SPF_LOOKUPS_MAX);
    else
        f->state = RECORD_VERIFIED;
}

/* ---- DMARC, MX ---- */

static void check_dmarc(const struct dns_answer *answer,
                        struct record_finding *f)
{
    char text[RECORD_TEXT_MAX] = "", p[32] = "";
    size_t n = select_txt(answer, "v=DMARC1", f, text);

    if (n == 0)
        failed(f, "no TXT record begins with v=DMARC1");
    else if (n > 1)
        failed(f, "there are %zu DMARC records; one is allowed", n);
    else if (!record_tag(text, "p", p, sizeof p))
        failed(f, "it has no policy (p=)");
    else if (strcasecmp(p, "none") != 0 && strcasecmp(p, "quarantine") != 0 &&
             strcasecmp(p, "reject") != 0)
        failed(f, "p=%s is no policy: none, quarantine or reject", p);
    else
        f->state = RECORD_VERIFIED;
}

static void check_mx(const char *value, const struct dns_answer *answer,
                     struct record_finding *f)
{
    char name[DNS_NAME_MAX], text[DNS_NAME_MAX + 16];

    f->state = RECORD_FAILED;
    for (size_t i = 0; i < answer->n; i++) {
        const struct dns_data *d = &answer->records[i];

        if (d->len < 3 || dns_name_text(d->bytes + 2, d->len - 2, name) == 0)
            continue;
        snprintf(text, sizeof text, "%d %s", d->bytes[0] << 8 | d->bytes[1],
                 name);
        add_found(f, text);
        if (strcasecmp(name, value) == 0)
            f->state = RECORD_VERIFIED;
    }
    if (f->state == RECORD_FAILED)
        failed(f, "%s is not among the hosts", value);
}

void record_check(enum record_kind kind, const char *value,
                  const struct dns_answer *answer, struct record_finding *out)
{
    *out = (struct record_finding){.state = RECORD_UNKNOWN};
    switch (answer->outcome) {
    case DNS_FAILED:
    case DNS_BOGUS:
        snprintf(out->why, sizeof out->why, "%s", answer->why);
        return;
    case DNS_NO_NAME:
    case DNS_NO_DATA: failed(out, "missing: there is no such record"); return;
    case DNS_FOUND: break;
    }
    switch (kind) {
    case RECORD_DKIM: check_dkim(value, answer, out); break;
    case RECORD_SPF: check_spf(value, answer, out); break;
    case RECORD_DMARC: check_dmarc(answer, out); break;
    case RECORD_MX: check_mx(value, answer, out); break;
    }
}
