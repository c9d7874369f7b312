#include "oauth/ask.h"
#include "base/bug.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CONNECT_SECONDS = 15, ADDRESSES_MAX = 8 };

struct oauth_ask {
    CURL *curl;
    struct curl_slist *headers, *resolve;
    struct buf form, body;
    bool too_big;
};

static void wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_fini(b);
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
    struct oauth_ask *a = arg;

    (void)one; /* is 1 */
    a->too_big = a->body.len + n > OAUTH_BODY_MAX;
    if (a->too_big)
        return 0;
    buf_add(&a->body, bytes, n);
    return n;
}

static void set_limits(CURL *c)
{
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)OAUTH_SECONDS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static void set_question(struct oauth_ask *a, const char *url)
{
    CURL *c = a->curl;

    a->headers = curl_slist_append(NULL, "Accept: application/json");
    a->headers = curl_slist_append(a->headers, "Expect:"); /* no 100-continue */
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
                     strncasecmp(url, "https:", 6) == 0 ? "https" : "http");
    curl_easy_setopt(c, CURLOPT_USERAGENT, "presort");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, a->headers);
    /* Not copied by libcurl, which would not wipe it. */
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->form.data);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)a->form.len);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, a);
}

struct oauth_ask *oauth_ask_new(const struct oauth_settings *s,
                                const char *client_secret,
                                const char *refresh_token, const char *ca_file)
{
    struct oauth_ask *a = memory_new(1, sizeof *a);

    a->curl = curl_easy_init();
    if (!a->curl)
        BUG("libcurl can't start");
    buf_reserve(&a->body, OAUTH_BODY_MAX); /* what grows leaves copies */
    oauth_form(s, client_secret, refresh_token, &a->form);
    set_question(a, s->token_url);
    set_limits(a->curl);
    if (*ca_file) {
        curl_easy_setopt(a->curl, CURLOPT_CAINFO, ca_file);
        curl_easy_setopt(a->curl, CURLOPT_CAPATH, NULL);
    }
    return a;
}

void oauth_ask_free(struct oauth_ask *a)
{
    if (!a)
        return;
    curl_easy_cleanup(a->curl);
    curl_slist_free_all(a->headers);
    curl_slist_free_all(a->resolve);
    wipe(&a->form);
    wipe(&a->body);
    free(a);
}

/* "host:443:192.0.2.1,[2001:db8::1]" */
void oauth_ask_at(struct oauth_ask *a, const struct oauth_url *url,
                  const struct addrinfo *addresses)
{
    struct buf line = {0};
    int n = 0;

    buf_addf(&line, "%s:%s:", url->host, url->port);
    for (const struct addrinfo *i = addresses; i && n < ADDRESSES_MAX;
         i = i->ai_next) {
        char text[NI_MAXHOST];

        if (getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        buf_addf(&line, i->ai_family == AF_INET6 ? "%s[%s]" : "%s%s",
                 n++ > 0 ? "," : "", text);
    }
    a->resolve = curl_slist_append(NULL, line.data);
    curl_easy_setopt(a->curl, CURLOPT_RESOLVE, a->resolve);
    buf_fini(&line);
}

CURL *oauth_ask_curl(const struct oauth_ask *a)
{
    return a->curl;
}

enum status oauth_ask_end(const struct oauth_ask *a, CURLcode code,
                          struct oauth_answer *out, struct error *err)
{
    const char *type = NULL;
    long status = 0;

    if (a->too_big)
        return fail(err, STATUS_TOO_BIG, "the answer has more than %d bytes",
                    OAUTH_BODY_MAX);
    if (code != CURLE_OK)
        return fail(err, STATUS_FAILED, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(a->curl, CURLINFO_CONTENT_TYPE, &type);
    return oauth_answer_read(status, type, a->body.data, a->body.len, out, err);
}
