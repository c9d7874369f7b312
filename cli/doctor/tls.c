/* What TLS the servers of a domain speak: what its mail comes in by. */
#include "base/net.h"
#include "cli/doctor/say.h"
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

enum {
    CONNECT_SECONDS = 10,
    TALK_SECONDS = 20,
    WHAT_MAX = DNS_NAME_MAX + 16,
    PINNED_MAX = DNS_NAME_MAX + NET_HOST_MAX + 16,
};

struct probe {
    CURLcode code;
    char why[CURL_ERROR_SIZE];
    char version[16]; /* "TLSv1.3"; "" without TLS */
    char until[64];   /* that the certificate is valid */
};

static size_t on_reply(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * n;
}

static void read_facts(CURL *c, struct probe *p)
{
    static const char field[] = "Expire date:";
    struct curl_tlssessioninfo *session = NULL;
    struct curl_certinfo *certs = NULL;

    if (curl_easy_getinfo(c, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK &&
        session && session->internals)
        snprintf(p->version, sizeof p->version, "%s",
                 SSL_get_version(session->internals));
    if (curl_easy_getinfo(c, CURLINFO_CERTINFO, &certs) != CURLE_OK || !certs ||
        certs->num_of_certs < 1)
        return;
    for (const struct curl_slist *s = certs->certinfo[0]; s; s = s->next)
        if (strncmp(s->data, field, sizeof field - 1) == 0)
            snprintf(p->until, sizeof p->until, "%s",
                     s->data + sizeof field - 1 +
                         strspn(s->data + sizeof field - 1, " "));
}

/* The reply to the command, when TLS is up and its facts can be asked. */
static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct {
        CURL *curl;
        struct probe *probe;
    } const *look = arg;

    (void)bytes;
    read_facts(look->curl, look->probe);
    return size * n;
}

static void set_up(CURL *c, const struct doctor *d, bool verified)
{
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TALK_SECONDS);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, verified ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L);
    curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_reply);
    if (*d->config->tls_ca_file) {
        curl_easy_setopt(c, CURLOPT_CAINFO, d->config->tls_ca_file);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
}

/* Speaks with that address and nobody else, under the host's name. */
static void probe(const struct doctor *d, const struct dns_mail_host *host,
                  bool verified, struct probe *p)
{
    const int port = (int)d->config->direct_port;
    char url[PINNED_MAX], pinned[PINNED_MAX], address[NET_HOST_MAX];
    struct curl_slist *resolve;
    CURL *c = curl_easy_init();
    struct {
        CURL *curl;
        struct probe *probe;
    } look = {c, p};
    const struct sockaddr_storage *first = &host->addresses[0];
    const void *any = first;

    *p = (struct probe){.code = CURLE_OUT_OF_MEMORY};
    if (getnameinfo(any,
                    first->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                 : sizeof(struct sockaddr_in),
                    address, sizeof address, NULL, 0, NI_NUMERICHOST) != 0)
        return;
    snprintf(url, sizeof url, "smtp://%s:%d/%s", host->name, port, d->hostname);
    snprintf(pinned, sizeof pinned, "%s:%d:%s", host->name, port, address);
    resolve = curl_slist_append(NULL, pinned);
    if (c && resolve) {
        set_up(c, d, verified);
        curl_easy_setopt(c, CURLOPT_URL, url);
        curl_easy_setopt(c, CURLOPT_RESOLVE, resolve);
        curl_easy_setopt(c, CURLOPT_ERRORBUFFER, p->why);
        curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(c, CURLOPT_HEADERDATA, &look);
        p->code = curl_easy_perform(c);
    }
    curl_easy_cleanup(c);
    curl_slist_free_all(resolve);
    if (!p->why[0])
        snprintf(p->why, sizeof p->why, "%s", curl_easy_strerror(p->code));
}

/* demanded: by a policy of the domain's. */
static void say_unverified(struct doctor *d, const char *what,
                           const struct dns_mail_host *host,
                           const struct probe *verified, bool demanded)
{
    struct probe p;

    probe(d, host, false, &p);
    if (p.code != CURLE_OK)
        say(d, GRADE_WARN, what, "STARTTLS is offered and fails: %s", p.why);
    else if (demanded)
        say(d, GRADE_FAIL, what,
            "its certificate does not prove its name, as MTA-STS demands: %s",
            verified->why);
    else
        say(d, GRADE_INFO, what, "%s, but its certificate proves no name: %s",
            p.version, verified->why);
}

void check_tls(struct doctor *d, const struct dns_mail_host *host,
               bool demanded)
{
    char what[WHAT_MAX];
    struct probe p;

    snprintf(what, sizeof what, "TLS %s", host->name);
    probe(d, host, true, &p);
    if (p.code == CURLE_OK)
        say(d, GRADE_OK, what, "%s, certificate valid until %s", p.version,
            p.until);
    else if (p.code == CURLE_USE_SSL_FAILED)
        say(d, demanded ? GRADE_FAIL : GRADE_WARN, what,
            "no STARTTLS is offered%s",
            demanded ? ", which MTA-STS demands"
                     : ": what is sent to the domain travels in clear");
    else if (p.code == CURLE_PEER_FAILED_VERIFICATION)
        say_unverified(d, what, host, &p, demanded);
    else if (p.code == CURLE_COULDNT_CONNECT ||
             p.code == CURLE_OPERATION_TIMEDOUT)
        say(d, GRADE_INFO, what, "not looked at, as port %d is not reached: %s",
            (int)d->config->direct_port, p.why);
    else
        say(d, GRADE_WARN, what, "%s", p.why);
}
