#include "api/fetch.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/net.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct kept {
    struct fetched file;
    int64_t until_ms;
};

struct fetch {
    const struct config *config;
    pthread_mutex_t lock;
    struct map kept; /* by URL */
    size_t kept_bytes;
};

/* One fetch under way. */
struct download {
    const struct config *config;
    struct buf *bytes;
    bool too_big, forbidden;
};

/* ---- What is kept ---- */

/* Under the lock. */
static void drop(struct fetch *f, const char *url)
{
    struct kept *k = map_remove(&f->kept, url);

    if (!k)
        return;
    f->kept_bytes -= k->file.bytes.len;
    buf_fini(&k->file.bytes);
    free(k);
}

static bool find(struct fetch *f, const char *url, struct fetched *out)
{
    struct kept *k;
    bool found;

    pthread_mutex_lock(&f->lock);
    k = map_get(&f->kept, url);
    found = k && clock_mono_ms() < k->until_ms;
    if (found) {
        *out = (struct fetched){0};
        buf_add(&out->bytes, k->file.bytes.data, k->file.bytes.len);
        memcpy(out->type, k->file.type, sizeof out->type);
    } else {
        drop(f, url);
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

/* All of it, when there is no room: it is a cache for bursts. */
static void drop_all(struct fetch *f)
{
    size_t at = 0;

    for (struct kept *k; (k = map_next(&f->kept, &at));) {
        buf_fini(&k->file.bytes);
        free(k);
    }
    map_fini(&f->kept);
    f->kept_bytes = 0;
}

static void keep(struct fetch *f, const char *url, const struct fetched *file)
{
    struct kept *k;

    if (file->bytes.len == 0 || file->bytes.len > FETCH_KEPT_BYTES_MAX / 4)
        return;
    pthread_mutex_lock(&f->lock);
    drop(f, url);
    if (f->kept_bytes + file->bytes.len > FETCH_KEPT_BYTES_MAX)
        drop_all(f);
    k = memory_new(1, sizeof *k);
    buf_add(&k->file.bytes, file->bytes.data, file->bytes.len);
    memcpy(k->file.type, file->type, sizeof k->file.type);
    k->until_ms = clock_mono_ms() + FETCH_KEPT_SECONDS * 1000;
    f->kept_bytes += file->bytes.len;
    map_put(&f->kept, url, k);
    pthread_mutex_unlock(&f->lock);
}

/* ---- Fetching ---- */

/* Asked for each connection, with the address that will really be used: a name
 * that resolves to another address the second time gains nothing. */
static curl_socket_t open_socket(void *context, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    struct download *d = context;

    (void)purpose;
    if (!d->config->fetch_private && !net_is_public(&address->addr)) {
        d->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

static size_t take(char *bytes, size_t one, size_t n, void *context)
{
    struct download *d = context;

    if (d->bytes->len + one * n > (size_t)d->config->fetch_max_bytes) {
        d->too_big = true;
        return 0;
    }
    buf_add(d->bytes, bytes, one * n);
    return one * n;
}

static CURL *set_up(struct download *d, const char *url, char why[])
{
    CURL *curl = curl_easy_init();
    long timeout_ms = (long)d->config->fetch_timeout_seconds * 1000;

    if (!curl)
        BUG("libcurl can't start");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whose addresses we know */
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms / 2);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "presort");
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, d);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, d);
    return curl;
}

static void take_type(CURL *curl, char type[FETCH_TYPE_MAX])
{
    const char *said = NULL;

    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &said);
    if (said)
        snprintf(type, FETCH_TYPE_MAX, "%.*s", (int)strcspn(said, "; \t"),
                 said);
}

static enum status judge(const struct download *d, CURLcode code,
                         const char *why, struct error *err)
{
    if (code == CURLE_OK)
        return STATUS_OK;
    if (d->forbidden)
        return fail(err, STATUS_INVALID,
                    "it is not on a public address, and the setting "
                    "fetch_private is off");
    if (d->too_big)
        return fail(err, STATUS_INVALID, "it has more than %lld bytes",
                    (long long)d->config->fetch_max_bytes);
    return fail(err, STATUS_INVALID, "%s",
                why[0] ? why : curl_easy_strerror(code));
}

static enum status download(struct fetch *f, const char *url,
                            struct fetched *out, struct error *err)
{
    struct download d = {.config = f->config, .bytes = &out->bytes};
    char why[CURL_ERROR_SIZE] = "";
    CURL *curl = set_up(&d, url, why);
    CURLcode code = curl_easy_perform(curl);
    enum status status = judge(&d, code, why, err);

    if (status == STATUS_OK)
        take_type(curl, out->type);
    else
        buf_fini(&out->bytes);
    curl_easy_cleanup(curl);
    return status;
}

enum status fetch_url(struct fetch *f, const char *url, struct fetched *out,
                      struct error *err)
{
    if (strlen(url) > FETCH_URL_MAX)
        return fail(err, STATUS_INVALID, "it has more than %d bytes",
                    FETCH_URL_MAX);
    if (strncasecmp(url, "http://", 7) != 0 &&
        strncasecmp(url, "https://", 8) != 0)
        return fail(err, STATUS_INVALID, "it is no http or https URL");
    if (find(f, url, out))
        return STATUS_OK;
    *out = (struct fetched){0};
    enum status status = download(f, url, out, err);

    if (status == STATUS_OK)
        keep(f, url, out);
    return status;
}

struct fetch *fetch_new(const struct config *config)
{
    struct fetch *f = memory_new(1, sizeof *f);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    f->config = config;
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void fetch_free(struct fetch *f)
{
    drop_all(f);
    pthread_mutex_destroy(&f->lock);
    free(f);
}
