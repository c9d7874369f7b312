/*
 * What is accepted (RFC 5321 4.1.2, RFC 5322 3.4, RFC 6531 3.3; CFWS is white
 * space and comments, both dropped):
 *
 *   mailbox      = [CFWS] addr-spec [CFWS]
 *                / [phrase] "<" [CFWS] addr-spec [CFWS] ">" [CFWS]
 *   phrase       = 1*(atom / quoted-string / CFWS)   ; "." counts as atext here
 *   addr-spec    = (dot-atom / quoted-string) "@" (domain / literal)
 *   domain       = label *("." label)    ; letters, digits, "-" inside, UTF-8
 *   literal      = "[" IPv4 "]" / "[IPv6:" IPv6 "]"
 *
 * Not accepted: the obsolete forms of RFC 5322 4.4 (comments inside an
 * addr-spec, quoted strings between dots, source routes), groups, lists.
 */
#include "mail/address.h"
#include "base/utf8.h"
#include "mail/words.h"
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    DOMAIN_MAX = 255, /* RFC 5321 4.5.3.1.2 */
    LABEL_MAX = 63,   /* RFC 1035 2.3.4 */
};

struct scan {
    const char *text;
    size_t len, at;
    struct error *err;
};

PRINTF(3, 4)
static enum status refuse(const struct scan *s, size_t at, const char *fmt, ...)
{
    char what[160];
    size_t number = 1;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    /* People count characters, not bytes. */
    for (size_t i = 0; i < at; i++)
        number += ((unsigned char)s->text[i] & 0xc0) != 0x80;
    return fail(s->err, STATUS_INVALID, "character %zu: %s", number, what);
}

static int peek(const struct scan *s)
{
    return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

/* "x is not allowed here", whatever byte x is. */
static enum status refuse_here(const struct scan *s, const char *where)
{
    if (s->at == s->len)
        return refuse(s, s->at, "%s ends too early", where);
    size_t n = utf8_char(s->text + s->at, s->len - s->at);

    return refuse(s, s->at, "'%.*s' is not allowed in %s", (int)n,
                  s->text + s->at, where);
}

static bool is_alnum(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

/* RFC 5322 3.2.3, and UTF-8 by RFC 6532 3.2. */
static bool is_atext(int c)
{
    return is_alnum(c) || c >= 0x80 ||
           (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Once for all of text, so that nothing behind it need ask again. */
static enum status check_bytes(const struct scan *s)
{
    for (size_t at = 0; at < s->len;) {
        unsigned char c = (unsigned char)s->text[at];
        size_t n = utf8_char(s->text + at, s->len - at);

        if (n == 0)
            return refuse(s, at, "not valid UTF-8");
        if (c == '\r' || c == '\n')
            return refuse(s, at, "line breaks are not allowed");
        if ((c < ' ' && c != '\t') || c == 0x7f ||
            (c == 0xc2 && (unsigned char)s->text[at + 1] < 0xa0))
            return refuse(s, at, "control characters are not allowed");
        at += n;
    }
    return STATUS_OK;
}

/* Comments nest, and may quote a bracket (RFC 5322 3.2.2). */
static enum status skip_cfws(struct scan *s)
{
    size_t depth = 0, opened = 0;

    for (; s->at < s->len; s->at++) {
        char c = s->text[s->at];

        if (c == '(') {
            if (depth++ == 0)
                opened = s->at;
        } else if (depth == 0) {
            if (c != ' ' && c != '\t')
                break;
        } else if (c == ')') {
            depth--;
        } else if (c == '\\' && s->at + 1 < s->len) {
            s->at++;
        }
    }
    if (depth > 0)
        return refuse(s, opened, "a comment is not closed");
    return STATUS_OK;
}

/* Behind the closing quote. RFC 5321 4.1.2: a backslash quotes printable
 * ASCII only. */
static enum status skip_quoted(struct scan *s)
{
    size_t opened = s->at++;

    for (int c; (c = peek(s)) != '"'; s->at++) {
        if (c == '\\') {
            s->at++;
            c = peek(s);
            if (c >= 0x80 || c == '\t')
                return refuse_here(s, "a quoted pair");
        }
        if (c < 0)
            return refuse(s, opened, "a quotation mark is not closed");
        if (c == '\t')
            return refuse_here(s, "a quoted local part");
    }
    s->at++;
    return STATUS_OK;
}

static enum status skip_dot_atom(struct scan *s)
{
    for (;;) {
        size_t start = s->at;

        while (is_atext(peek(s)))
            s->at++;
        if (s->at == start && peek(s) == '.')
            return refuse(s, start, "a dot needs text on both sides");
        if (s->at == start && peek(s) == '@')
            return refuse(s, start,
                          start > 0 && s->text[start - 1] == '.'
                              ? "a dot needs text on both sides"
                              : "nothing before the @");
        if (s->at == start)
            return refuse_here(s, "the local part");
        if (peek(s) != '.')
            return STATUS_OK;
        s->at++;
    }
}

static enum status skip_local(struct scan *s)
{
    enum status st = peek(s) == '"' ? skip_quoted(s) : skip_dot_atom(s);

    if (st != STATUS_OK)
        return st;
    if (s->at == s->len || peek(s) == '>')
        return refuse(s, s->at, "an @ is missing");
    if (peek(s) != '@')
        return refuse_here(s, "the local part");
    return STATUS_OK;
}

static enum status skip_label(struct scan *s)
{
    size_t start = s->at;
    bool ascii = true;

    for (int c; is_alnum(c = peek(s)) || c == '-' || c >= 0x80; s->at++)
        ascii = ascii && c < 0x80;
    if (s->at == start && (s->at == s->len || peek(s) == '>'))
        return refuse(s, start, "the domain ends too early");
    if (s->at == start && peek(s) == '.')
        return refuse(s, start, "a dot needs text on both sides");
    if (s->at == start)
        return refuse_here(s, "the domain");
    if (s->text[start] == '-' || s->text[s->at - 1] == '-')
        return refuse(s, start, "a part of the domain begins or ends with -");
    /* For UTF-8 the limit holds for the A-label, which IDNA tells. */
    if (ascii && s->at - start > LABEL_MAX)
        return refuse(s, start, "a part of the domain has more than %d bytes",
                      LABEL_MAX);
    return STATUS_OK;
}

/* RFC 5321 4.1.3: "::" stands for two groups at least. */
static bool is_short(const char *host)
{
    size_t groups = strchr(host, '.') ? 1 : 0; /* IPv4 takes two */

    if (!strstr(host, "::"))
        return false;
    for (const char *p = host; *p; p += strspn(p, ":")) {
        groups += *p != ':';
        p += strcspn(p, ":");
    }
    return groups > 6;
}

static enum status skip_literal(struct scan *s)
{
    char host[INET6_ADDRSTRLEN];
    struct in6_addr room;
    size_t start = s->at + 1;
    const char *end = memchr(s->text + start, ']', s->len - start);

    if (!end)
        return refuse(s, s->at, "a square bracket is not closed");
    const char *from = s->text + start;
    bool v6 = end - from > 5 && strncasecmp(from, "IPv6:", 5) == 0;
    size_t n = (size_t)(end - from) - (v6 ? 5 : 0);

    if (n < sizeof host) {
        memcpy(host, from + (v6 ? 5 : 0), n);
        host[n] = 0;
        if (inet_pton(v6 ? AF_INET6 : AF_INET, host, &room) == 1 &&
            !(v6 && is_short(host))) {
            s->at = (size_t)(end - s->text) + 1;
            return STATUS_OK;
        }
    }
    return refuse(s, start,
                  "[...] takes an IPv4 address, or IPv6: and an IPv6 address");
}

static enum status skip_domain(struct scan *s)
{
    size_t start = s->at;
    enum status st;

    if (peek(s) == '[')
        return skip_literal(s);
    for (;; s->at++) {
        st = skip_label(s);
        if (st != STATUS_OK)
            return st;
        if (peek(s) != '.')
            break;
    }
    if (s->at - start > DOMAIN_MAX)
        return refuse(s, start, "the domain has more than %d bytes",
                      DOMAIN_MAX);
    return STATUS_OK;
}

static enum status take_spec(struct scan *s, struct address *out)
{
    size_t start = s->at;
    enum status st = skip_local(s);

    if (st != STATUS_OK)
        return st;
    size_t domain = ++s->at - start;
    st = skip_domain(s);
    if (st != STATUS_OK)
        return st;
    size_t n = s->at - start;
    if (n >= sizeof out->spec)
        return refuse(s, start, "the address has more than %d bytes",
                      ADDRESS_MAX - 1);
    memcpy(out->spec, s->text + start, n);
    out->spec[n] = 0;
    out->spec_len = n;
    out->domain = out->spec + domain;
    return STATUS_OK;
}

static bool name_add(struct address *out, size_t *n, int c)
{
    if (*n + 1 >= sizeof out->name)
        return false;
    out->name[(*n)++] = c == '\t' ? ' ' : (char)c;
    return true;
}

/* One atom or quoted string into the name, its quotes removed. */
static enum status take_word(struct scan *s, struct address *out, size_t *n)
{
    size_t start = s->at;
    bool quoted = peek(s) == '"', room = true;

    s->at += quoted;
    for (int c; room; s->at++) {
        c = peek(s);
        if (quoted ? c == '"' : !is_atext(c) && c != '.')
            break;
        if (quoted && c == '\\')
            s->at++, c = peek(s);
        if (c < 0)
            return refuse(s, start, "a quotation mark is not closed");
        room = name_add(out, n, c);
    }
    if (!room)
        return refuse(s, start, "the name has more than %d bytes",
                      ADDRESS_NAME_MAX - 1);
    if (!quoted && s->at == start)
        return refuse_here(s, "a name without quotation marks");
    s->at += quoted;
    return STATUS_OK;
}

/* Up to the "<". What stands between words becomes one space. */
static enum status take_phrase(struct scan *s, struct address *out)
{
    size_t n = 0;

    for (;;) {
        size_t before = s->at;
        enum status st = skip_cfws(s);

        if (st != STATUS_OK)
            return st;
        if (peek(s) == '<')
            break;
        if (n > 0 && s->at > before && !name_add(out, &n, ' '))
            return refuse(s, s->at, "the name has more than %d bytes",
                          ADDRESS_NAME_MAX - 1);
        st = take_word(s, out, &n);
        if (st != STATUS_OK)
            return st;
    }
    out->name[n] = 0;
    /* In quotes they are text (RFC 2047 5). */
    if (!memchr(s->text, '"', s->at))
        words_decode(out->name);
    return STATUS_OK;
}

/* Is there a "<" that stands neither in quotes nor in a comment? */
static bool has_angle(const struct scan *s)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < s->len; i++) {
        char c = s->text[i];

        if (c == '\\' && (quoted || depth > 0))
            i++;
        else if (c == '"' && depth == 0)
            quoted = !quoted;
        else if (c == '(' && !quoted)
            depth++;
        else if (c == ')' && !quoted && depth > 0)
            depth--;
        else if (c == '<' && !quoted && depth == 0)
            return true;
    }
    return false;
}

/* An addr-spec with what may stand around it, then end or the end of text. */
static enum status take_spec_until(struct scan *s, int end, struct address *out)
{
    enum status st = skip_cfws(s);

    if (st == STATUS_OK)
        st = take_spec(s, out);
    if (st == STATUS_OK)
        st = skip_cfws(s);
    if (st != STATUS_OK)
        return st;
    if (peek(s) == end)
        return STATUS_OK;
    if (s->at == s->len)
        return refuse(s, s->at, "a > is missing");
    return refuse_here(s, "the domain");
}

static enum status take_name_addr(struct scan *s, struct address *out)
{
    enum status st = take_phrase(s, out);

    if (st != STATUS_OK)
        return st;
    s->at++;
    st = take_spec_until(s, '>', out);
    if (st != STATUS_OK)
        return st;
    s->at++;
    st = skip_cfws(s);
    if (st == STATUS_OK && s->at < s->len)
        return refuse(s, s->at, "text behind the >; one address only");
    return st;
}

enum status address_parse(const char *text, size_t len, struct address *out,
                          struct error *err)
{
    struct scan s = {.text = text, .len = len, .err = err};
    enum status st = check_bytes(&s);

    out->name[0] = 0;
    if (st != STATUS_OK)
        return st;
    if (len == 0)
        return fail(err, STATUS_INVALID, "the address is empty");
    if (has_angle(&s))
        return take_name_addr(&s, out);
    return take_spec_until(&s, -1, out);
}

enum status address_parse_spec(const char *text, size_t len,
                               struct address *out, struct error *err)
{
    struct scan s = {.text = text, .len = len, .err = err};
    enum status st = check_bytes(&s);

    out->name[0] = 0;
    if (st != STATUS_OK)
        return st;
    if (len == 0)
        return fail(err, STATUS_INVALID, "the address is empty");
    st = take_spec(&s, out);
    if (st == STATUS_OK && s.at < s.len)
        return refuse_here(&s, "the domain");
    return st;
}

size_t address_fold(const char *text, size_t len, char *out)
{
    if (len >= ADDRESS_MAX)
        len = ADDRESS_MAX - 1;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    out[len] = 0;
    return len;
}
