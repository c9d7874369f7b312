#include "policy/fetch.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/memory.h"
#include "dns/dns.h"
#include "loop/web.h"
#include "policy/sts.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

ENUM_DEFINE(fetch, FETCH_TABLE);

enum {
    URL_MAX = DNS_NAME_MAX + 64,
    HTTP_OK = 200,
    CONNECT_SECONDS = 10,
    NET6_BYTES = 8, /* a /64: whoever has one address of it has all */
};

/* An address that servers are at: there while a transfer to it is. */
struct place {
    TAILQ_ENTRY(place) link; /* while one that waits could start */
    TAILQ_HEAD(, transfer) waiting;
    unsigned n_running;
    bool ready;
    char key[INET6_ADDRSTRLEN];
};

struct transfer {
    TAILQ_ENTRY(transfer) link; /* while it waits */
    struct place *place;
    bool running;
    struct fetcher *fetcher;
    struct web_transfer web;
    struct curl_slist *resolve;
    struct buf body;
    bool too_big;
    fetched *done;
    void *arg;
    struct transfer *next, **at;
};

struct fetcher {
    const struct config *config;
    struct web *web;
    struct transfer *transfers;
    struct map places;
    TAILQ_HEAD(, place) ready;
    unsigned n_running;
};

/* ---- Whose turn it is ---- */

static void address_text(const struct sockaddr_storage *address,
                         char out[INET6_ADDRSTRLEN])
{
    const void *any = address;
    const struct sockaddr_in *in = any;
    const struct sockaddr_in6 *in6 = any;

    if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, &in6->sin6_addr, out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET, &in->sin_addr, out, INET6_ADDRSTRLEN);
}

static void place_key(const struct sockaddr_storage *address,
                      char out[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage net = *address;
    void *any = &net;
    struct in6_addr *in6 = &((struct sockaddr_in6 *)any)->sin6_addr;

    if (net.ss_family == AF_INET6)
        memset(in6->s6_addr + NET6_BYTES, 0, sizeof in6->s6_addr - NET6_BYTES);
    address_text(&net, out);
}

static struct place *place_of(struct fetcher *f,
                              const struct sockaddr_storage *address)
{
    char key[INET6_ADDRSTRLEN];
    struct place *p;

    place_key(address, key);
    p = map_get(&f->places, key);
    if (p)
        return p;
    p = memory_new(1, sizeof *p);
    TAILQ_INIT(&p->waiting);
    memcpy(p->key, key, sizeof key);
    map_put(&f->places, key, p);
    return p;
}

/* One after the other, as far as each may. */
static void look_at(struct fetcher *f, struct place *p)
{
    bool waits = !TAILQ_EMPTY(&p->waiting);

    if (p->ready)
        TAILQ_REMOVE(&f->ready, p, link);
    p->ready = waits && p->n_running < FETCH_PER_ADDRESS_MAX;
    if (p->ready)
        TAILQ_INSERT_TAIL(&f->ready, p, link);
    if (!waits && p->n_running == 0) {
        map_remove(&f->places, p->key);
        free(p);
    }
}

static void start_some(struct fetcher *f)
{
    struct place *p;

    while (f->n_running < FETCH_AT_ONCE_MAX && (p = TAILQ_FIRST(&f->ready))) {
        struct transfer *t = TAILQ_FIRST(&p->waiting);

        TAILQ_REMOVE(&p->waiting, t, link);
        t->running = true;
        p->n_running++;
        f->n_running++;
        look_at(f, p);
        web_start(f->web, &t->web);
    }
}

/* ---- The end of a transfer ---- */

static void transfer_free(struct transfer *t)
{
    struct fetcher *f = t->fetcher;

    if (t->running) {
        t->place->n_running--;
        f->n_running--;
    } else {
        TAILQ_REMOVE(&t->place->waiting, t, link);
    }
    look_at(f, t->place);
    *t->at = t->next;
    if (t->next)
        t->next->at = t->at;
    curl_easy_cleanup(t->web.curl);
    curl_slist_free_all(t->resolve);
    buf_fini(&t->body);
    free(t);
}

/* text/plain, whatever its parameters: 3.3. */
static bool is_text(const char *type)
{
    static const char text[] = "text/plain";
    size_t n = sizeof text - 1;

    return type && strncasecmp(type, text, n) == 0 &&
           (type[n] == 0 || type[n] == ';' || type[n] == ' ');
}

static enum fetch judge(const struct transfer *t, CURLcode code, char *why,
                        size_t max)
{
    long status = 0;
    const char *type = NULL;

    curl_easy_getinfo(t->web.curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->web.curl, CURLINFO_CONTENT_TYPE, &type);
    if (t->too_big)
        snprintf(why, max, "more than %d bytes", STS_BODY_MAX);
    else if (code != CURLE_OK)
        snprintf(why, max, "%s", curl_easy_strerror(code));
    else if (status != HTTP_OK)
        snprintf(why, max, "HTTP status %ld", status);
    else if (!is_text(type))
        snprintf(why, max, "its type is not text/plain");
    else
        return FETCH_DONE;
    return code == CURLE_PEER_FAILED_VERIFICATION ? FETCH_WEBPKI : FETCH_FAILED;
}

static void finish(struct web_transfer *web, CURLcode code)
{
    struct transfer *t = web->owner;
    char why[CURL_ERROR_SIZE] = "";
    enum fetch outcome = judge(t, code, why, sizeof why);
    bool good = outcome == FETCH_DONE;
    struct fetcher *f = t->fetcher;

    t->done(t->arg, outcome, good && t->body.data ? t->body.data : "",
            good ? t->body.len : 0, why);
    transfer_free(t);
    start_some(f);
}

/* ---- A transfer ---- */

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
    struct transfer *t = arg;

    (void)one; /* is 1 */
    t->too_big = t->body.len + n > STS_BODY_MAX;
    if (t->too_big)
        return 0;
    buf_add(&t->body, bytes, n);
    return n;
}

/* "+host:443:192.0.2.1,[2001:db8::1]": libcurl asks nobody else, and forgets it
 * after a minute (+). */
static void set_addresses(struct transfer *t, const char *domain, int port,
                          const struct sockaddr_storage *addresses, size_t n)
{
    struct buf line = {0};

    buf_addf(&line, "+mta-sts.%s:%d:", domain, port);
    for (size_t i = 0; i < n && i < FETCH_ADDRESSES_MAX; i++) {
        char text[INET6_ADDRSTRLEN];
        bool six = addresses[i].ss_family == AF_INET6;

        address_text(&addresses[i], text);
        buf_addf(&line, six ? "%s[%s]" : "%s%s", i > 0 ? "," : "", text);
    }
    t->resolve = curl_slist_append(NULL, line.data);
    buf_fini(&line);
    curl_easy_setopt(t->web.curl, CURLOPT_RESOLVE, t->resolve);
}

static void set_options(struct transfer *t, const char *url)
{
    const char *ca = t->fetcher->config->tls_ca_file;
    CURL *c = t->web.curl;

    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)FETCH_SECONDS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "presort");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (ca[0]) {
        curl_easy_setopt(c, CURLOPT_CAINFO, ca);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
}

void fetch_policy(struct fetcher *f, const char *domain,
                  const struct sockaddr_storage *addresses, size_t n,
                  fetched *done, void *arg)
{
    struct transfer *t = memory_new(1, sizeof *t);
    int port = (int)f->config->mta_sts_port;
    char url[URL_MAX];

    *t = (struct transfer){.fetcher = f,
                           .web = {curl_easy_init(), finish, t},
                           .done = done,
                           .arg = arg,
                           .next = f->transfers,
                           .at = &f->transfers};
    if (!t->web.curl)
        BUG("libcurl can't start");
    if (f->transfers)
        f->transfers->at = &t->next;
    f->transfers = t;
    t->place = place_of(f, &addresses[0]);
    TAILQ_INSERT_TAIL(&t->place->waiting, t, link);
    snprintf(url, sizeof url, "https://mta-sts.%s:%d/.well-known/mta-sts.txt",
             domain, port);
    set_options(t, url);
    set_addresses(t, domain, port, addresses, n);
    look_at(f, t->place);
    start_some(f);
}

/* ---- Coming and going ---- */

struct fetcher *fetcher_new(uv_loop_t *loop, const struct config *config)
{
    struct fetcher *f = memory_new(1, sizeof *f);

    f->config = config;
    TAILQ_INIT(&f->ready);
    f->web = web_new(loop, FETCH_AT_ONCE_MAX);
    return f;
}

void fetcher_free(struct fetcher *f)
{
    if (!f)
        return;
    for (struct transfer *t = f->transfers, *next; t; t = next) {
        next = t->next;
        if (t->running)
            web_stop(f->web, &t->web);
        transfer_free(t);
    }
    web_free(f->web);
    map_fini(&f->places);
    free(f);
}
