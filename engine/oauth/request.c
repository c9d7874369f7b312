#include "oauth/request.h"
#include "base/memory.h"
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- The URL ---- */

static enum status no_url(struct error *err)
{
    return fail(err, STATUS_INVALID,
                "https://HOST[:PORT]/PATH is expected, or http:// for this "
                "machine itself");
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* Nothing that two readers could take for two hosts. */
static bool is_plain(const char *url)
{
    if (strlen(url) >= OAUTH_URL_MAX)
        return false;
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c > '~' || strchr("@#\\\"<>^`{|}", *c))
            return false;
    return true;
}

/* Up to its end; NULL if it is none. */
static const char *take_host(const char *at, struct oauth_url *out)
{
    bool bracket = *at == '[';
    size_t n = bracket ? strcspn(++at, "]") : strcspn(at, ":/?");
    unsigned char address[sizeof(struct in6_addr)];

    if (n == 0 || n >= sizeof out->host || (bracket && at[n] != ']'))
        return NULL;
    memcpy(out->host, at, n);
    out->host[n] = 0;
    if (bracket)
        return inet_pton(AF_INET6, out->host, address) == 1 ? at + n + 1 : NULL;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)at[i]) && at[i] != '.' && at[i] != '-')
            return NULL;
    return at + n;
}

static const char *take_port(const char *at, struct oauth_url *out)
{
    char *end;

    snprintf(out->port, sizeof out->port, out->is_https ? "443" : "80");
    if (*at != ':')
        return at;
    long port = strtol(++at, &end, 10);

    if (!isdigit((unsigned char)*at) || end - at > 5 || port < 1 ||
        port > 65535)
        return NULL;
    snprintf(out->port, sizeof out->port, "%ld", port);
    return end;
}

static bool is_loopback(const char *host)
{
    struct in6_addr six;
    struct in_addr four;

    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six);
    return strcasecmp(host, "localhost") == 0;
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

enum status oauth_url_parse(const char *url, struct oauth_url *out,
                            struct error *err)
{
    const char *at = url;

    if (!is_plain(url))
        return no_url(err);
    out->is_https = starts_with(url, "https://");
    if (!out->is_https && !starts_with(url, "http://"))
        return no_url(err);
    at = take_host(strchr(url, '/') + 2, out);
    at = at ? take_port(at, out) : NULL;
    if (!at || (*at && *at != '/' && *at != '?'))
        return no_url(err);
    if (!out->is_https && !is_loopback(out->host))
        return fail(err, STATUS_INVALID,
                    "http:// is for this machine itself; https:// is "
                    "expected");
    out->is_address =
        is_address(out->host) || strcasecmp(out->host, "localhost") == 0;
    return STATUS_OK;
}

/* ---- The settings ---- */

/* Printable ASCII: RFC 6749, A.1 and A.4. */
static enum status check_text(const char *text, size_t max, struct error *err)
{
    if (strlen(text) >= max)
        return fail(err, STATUS_TOO_BIG, "more than %zu characters", max - 1);
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            return fail(err, STATUS_INVALID, "printable ASCII is expected");
    return STATUS_OK;
}

static bool is_variable(const char *text)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz_0123456789";

    return *text && strspn(text, set) == strlen(text);
}

/* What stands there may be the secret itself, by mistake. */
static enum status check_place(const char *place, struct error *err)
{
    bool is_file = strncmp(place, "file:/", 6) == 0;
    bool is_env = strncmp(place, "env:", 4) == 0 && is_variable(place + 4);

    if (!is_file && !is_env)
        return fail(err, STATUS_INVALID,
                    "it says where the secret is: file:/PATH or env:NAME");
    return check_text(place, OAUTH_PLACE_MAX, err);
}

enum status oauth_settings_check(const struct oauth_settings *s,
                                 const char **field, struct error *err)
{
    struct oauth_url url;
    enum status status = oauth_url_parse(s->token_url, &url, err);

    *field = "token_url";
    if (status != STATUS_OK)
        return status;
    *field = "client_id";
    if (!*s->client_id)
        return fail(err, STATUS_INVALID, "it is missing");
    status = check_text(s->client_id, OAUTH_CLIENT_MAX, err);
    if (status != STATUS_OK)
        return status;
    *field = "client_secret";
    if (*s->client_secret)
        status = check_place(s->client_secret, err);
    if (status != STATUS_OK)
        return status;
    *field = "refresh_token";
    status = check_place(s->refresh_token, err);
    if (status != STATUS_OK)
        return status;
    *field = "scope";
    return check_text(s->scope, OAUTH_SCOPE_MAX, err);
}

static const char *keep(char **to, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = memcpy(*to, text, n);

    *to += n;
    return copy;
}

void oauth_keep(struct oauth_kept *k, const struct oauth_settings *s)
{
    size_t n = strlen(s->token_url) + strlen(s->client_id) +
               strlen(s->client_secret) + strlen(s->refresh_token) +
               strlen(s->scope) + 5;
    char *memory = memory_new(n, 1), *to = memory;

    const struct oauth_settings copy = {
        .token_url = keep(&to, s->token_url),
        .client_id = keep(&to, s->client_id),
        .client_secret = keep(&to, s->client_secret),
        .refresh_token = keep(&to, s->refresh_token),
        .scope = keep(&to, s->scope),
    };

    free(k->memory);
    *k = (struct oauth_kept){copy, memory};
}

void oauth_kept_fini(struct oauth_kept *k)
{
    free(k->memory);
    *k = (struct oauth_kept){0};
}

bool oauth_settings_same(const struct oauth_settings *a,
                         const struct oauth_settings *b)
{
    return strcmp(a->token_url, b->token_url) == 0 &&
           strcmp(a->client_id, b->client_id) == 0 &&
           strcmp(a->client_secret, b->client_secret) == 0 &&
           strcmp(a->refresh_token, b->refresh_token) == 0 &&
           strcmp(a->scope, b->scope) == 0;
}

/* ---- The form ---- */

/* RFC 6749, B. "%20" for a space is as good as "+". */
static void add(struct buf *form, const char *name, const char *value)
{
    static const char hex[] = "0123456789ABCDEF";

    if (!*value)
        return;
    if (form->len > 0)
        buf_add_char(form, '&');
    buf_add_text(form, name);
    buf_add_char(form, '=');
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        const char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (isalnum(c) || strchr("-._~", c))
            buf_add_char(form, *value);
        else
            buf_add(form, escaped, sizeof escaped);
    }
}

void oauth_form(const struct oauth_settings *s, const char *client_secret,
                const char *refresh_token, struct buf *form)
{
    size_t n = strlen(s->client_id) + strlen(client_secret) +
               strlen(refresh_token) + strlen(s->scope);

    /* All at once: what grows leaves copies behind. */
    buf_reserve(form, 3 * n + 128);
    add(form, "grant_type", "refresh_token");
    add(form, "refresh_token", refresh_token);
    add(form, "client_id", s->client_id);
    add(form, "client_secret", client_secret);
    add(form, "scope", s->scope);
}
