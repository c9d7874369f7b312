#include "pool/pool.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "pool/hosts.h"
#include <string.h>

enum {
    POOL_PAUSE_FIRST_MS = 250,
    POOL_PAUSE_MOST_MS = 60 * 1000,
    POOL_SPACING_MS = 1000,
    POOL_ROUND_MOST_MS = 15 * 60 * 1000,
    POOL_EHLO_MAX = 256,
    CODE_TLS_FIRST = 530, /* "Must issue a STARTTLS command first" */
};

/* One connection, in the pool's list until it is closed. */
struct line {
    struct pool *pool;
    struct smtp_conn *conn;
    struct line *next, **at;
    struct pool_host host;   /* that it goes to */
    enum smtp_tls tls;       /* how much is asked of it */
    const char *tls_by;      /* by whom; or NULL */
    unsigned n_out, carried; /* mails under way; and in all */
    unsigned ticket;         /* the owner's */
    int64_t opened_ms;
    bool ready;    /* it was, at least once: the server speaks SMTP with us */
    bool clear;    /* it goes without TLS, which was broken */
    bool campaign; /* a campaign's mail is under way on it */
    bool leaving;  /* it takes no more */
};

struct pool {
    struct smtp_net *net;
    const struct config *config;
    struct broken_tls *broken_tls; /* shared */
    char own_name[POOL_EHLO_MAX], ehlo_name[POOL_EHLO_MAX];
    struct sockaddr_storage source; /* source_len 0: as the system has it */
    socklen_t source_len;
    struct pool_events events;
    void *owner;
    struct line *lines;
    unsigned n_lines, n_campaign;
    struct hosts hosts;
    bool draining;
    enum smtp_tls tls;
    bool keeps_tls;
    struct smtp_login login; /* user NULL: none */
    char *login_user, *login_secret;
};

static unsigned most_connections(const struct pool *p)
{
    return p->events.connections(p->owner);
}

static unsigned most_campaign(const struct pool *p)
{
    unsigned most = most_connections(p);
    unsigned kept = (unsigned)p->config->transactional_connections;

    return most > kept ? most - kept : 1;
}

static unsigned mails_max(const struct pool *p)
{
    unsigned ours = (unsigned)p->config->connection_mails_max;
    unsigned theirs = p->events.mails(p->owner);

    return theirs > 0 && theirs < ours ? theirs : ours;
}

/* May a campaign's mail go to this connection? */
static bool takes_campaign(const struct line *l)
{
    return l->campaign || l->pool->n_campaign < most_campaign(l->pool);
}

static void mark(struct line *l, bool campaign)
{
    if (l->campaign == campaign)
        return;
    l->campaign = campaign;
    if (campaign)
        l->pool->n_campaign++;
    else
        l->pool->n_campaign--;
}

static enum pool_next feed_one(struct line *l, enum batch_class class)
{
    struct pool *p = l->pool;
    struct smtp_message m = {.eight_bit = smtp_conn_offer(l->conn)->caps &
                                          SMTP_CAP_8BITMIME};
    enum pool_next next = p->events.next(p->owner, class, l->carried, &m);

    if (next != POOL_MAIL)
        return next;
    l->n_out++;
    l->carried++;
    if (class == BATCH_CAMPAIGN)
        mark(l, true);
    smtp_conn_send(l->conn, &m);
    return POOL_MAIL;
}

static void leave(struct line *l)
{
    l->leaving = true;
    smtp_conn_quit(l->conn);
}

/* One that could take mail only if it were newer makes way for a newer one. */
static void feed(struct line *l)
{
    bool worn = false;

    while (!l->pool->draining && !l->leaving && smtp_conn_takes(l->conn)) {
        enum pool_next next = feed_one(l, BATCH_TRANSACTIONAL);

        worn = next == POOL_WORN;
        if (next != POOL_MAIL && takes_campaign(l)) {
            next = feed_one(l, BATCH_CAMPAIGN);
            worn |= next == POOL_WORN;
        }
        if (next != POOL_MAIL)
            break;
    }
    if (worn && l->n_out == 0 && !l->leaving)
        leave(l);
}

/* ---- Hosts ---- */

void pool_hosts(struct pool *p, const struct pool_host *hosts, size_t n)
{
    hosts_set(&p->hosts, hosts, n);
}

static const struct sockaddr *address_of(const struct pool_host *at)
{
    return (const struct sockaddr *)&at->address;
}

static bool has_ready(const struct pool *p)
{
    for (const struct line *l = p->lines; l; l = l->next)
        if (l->ready && !l->leaving)
            return true;
    return false;
}

/* RFC 8689, 4.2.1: another host may come up that has what this one has not. */
static void tell_unreachable(struct pool *p, const char *why,
                             const struct smtp_end *end)
{
    char enhanced[SMTP_ENHANCED_MAX];
    const struct pool_refusal refusal = {
        .why = why,
        .code = end->code,
        .unfit = end->fault == SMTP_FAULT_UNFIT,
        .for_good = end->enhanced[0] == '5' && hosts_are_unfit(&p->hosts),
        .enhanced = enhanced,
    };

    snprintf(enhanced, sizeof enhanced, "%s", end->enhanced);
    if (enhanced[0])
        enhanced[0] = refusal.for_good ? '5' : '4';
    p->events.unreachable(p->owner, &refusal);
}

/* Connections that were opened together fail together: that is one failure,
 * or a second's absence would be paid for with the longest pause. */
static void failed(struct pool *p, const struct line *l, const char *why,
                   const struct smtp_end *end)
{
    int64_t now_ms = clock_mono_ms();
    bool unfit = end->fault == SMTP_FAULT_UNFIT;
    /* What it is fit for does not change within seconds. */
    int64_t pause = unfit ? POOL_PAUSE_MOST_MS : POOL_PAUSE_FIRST_MS;
    struct host *h = hosts_find(&p->hosts, &l->host);
    char text[LOG_QUOTE_MAX];

    if (!h || now_ms < h->down_until_ms)
        return;
    for (unsigned i = 0; i < h->failures && pause < POOL_PAUSE_MOST_MS; i++)
        pause *= 2;
    if (pause > POOL_PAUSE_MOST_MS)
        pause = POOL_PAUSE_MOST_MS;
    /* All other hosts have their turn before this one comes again, though each
     * attempt waits for an answer, and may have to wait for leave to connect;
     * who is alone waits no longer for that. */
    int64_t round = (now_ms - l->opened_ms + POOL_SPACING_MS) *
                    (hosts_reachable(&p->hosts) + 1);

    if (hosts_reachable(&p->hosts) > 1 && pause < round)
        pause = round < POOL_ROUND_MOST_MS ? round : POOL_ROUND_MOST_MS;
    h->failures++;
    h->unfit = end->enhanced[0] == '5';
    h->down_until_ms = now_ms + pause;
    log_event(LOG_WARN, "connect_failed",
              "peer=%s code=%u pause_ms=%lld why=%s", smtp_conn_peer(l->conn),
              end->code, (long long)pause, log_quote(why, text));
    /* A server that takes no more connections takes mail over those it has. */
    if (!hosts_choose(&p->hosts, now_ms) && !has_ready(p))
        tell_unreachable(p, why, end);
}

/* ---- Events of a connection ---- */

static void tell_tls(const struct line *l)
{
    l->pool->events.tls(l->pool->owner, l->host.name, smtp_conn_source(l->conn),
                        smtp_conn_peer(l->conn), smtp_conn_tls(l->conn));
}

static void on_ready(struct smtp_conn *conn, void *owner)
{
    struct line *l = owner;
    struct host *h = l->ready ? NULL : hosts_find(&l->pool->hosts, &l->host);

    (void)conn;
    if (h)
        h->failures = 0;
    if (!l->ready) {
        l->pool->events.connected(l->pool->owner);
        tell_tls(l);
    }
    l->ready = true;
    feed(l);
}

/* It takes nothing in clear, after all: its TLS has to come right (RFC 3207,
 * 4).
 */
static void want_tls(const struct line *l, struct smtp_result *said)
{
    broken_tls_forget(l->pool->broken_tls, address_of(&l->host));
    said->verdict = VERDICT_DEFERRED;
    said->reach = REACH_HOST;
}

static void on_settled(struct smtp_conn *conn, const struct smtp_result *result,
                       void *owner)
{
    struct line *l = owner;
    struct smtp_result said = *result;

    if (l->clear && said.code == CODE_TLS_FIRST)
        want_tls(l, &said);
    l->pool->events.settled(l->pool->owner, &said, smtp_conn_peer(conn),
                            smtp_conn_source(conn));
    if (--l->n_out == 0)
        mark(l, false);
    l->pool->events.stirred(l->pool->owner);
}

/* TLS is offered and does not work: better in clear than not at all, where the
 * policy is no more than that. False if there is no such way; nor is there for
 * a login, which would not be said then. */
static bool goes_in_clear(struct line *l, const struct smtp_end *end)
{
    struct pool *p = l->pool;
    char text[LOG_QUOTE_MAX];

    if (end->fault != SMTP_FAULT_TLS || l->tls != SMTP_TLS_OPPORTUNISTIC ||
        l->clear || l->host.implicit_tls || p->login.user)
        return false;
    broken_tls_note(p->broken_tls, address_of(&l->host), clock_mono_ms());
    log_event(LOG_WARN, "tls_broken", "peer=%s result=%s why=%s",
              smtp_conn_peer(l->conn),
              smtp_tls_result_text(smtp_conn_tls(l->conn)->result),
              log_quote(end->why, text));
    return true;
}

/* Whose mail waits is told who wants it to. */
static const char *reason(const struct line *l, const struct smtp_end *end,
                          char out[SMTP_WHY_MAX])
{
    bool by_policy = end->fault == SMTP_FAULT_TLS && l->tls_by;

    snprintf(out, SMTP_WHY_MAX, "%s%s%s", by_policy ? l->tls_by : "",
             by_policy ? ": " : "", end->why);
    return out;
}

static enum pool_life life_of(const struct line *l, const struct smtp_end *end)
{
    if (l->ready)
        return POOL_LIVED;
    return l->leaving || end->fault == SMTP_FAULT_TLS ||
                   end->fault == SMTP_FAULT_UNFIT
               ? POOL_UNUSED
               : POOL_FAILED;
}

static void on_closed(struct smtp_conn *conn, const struct smtp_end *end,
                      void *owner)
{
    struct line *l = owner;
    struct pool *p = l->pool;
    char why[SMTP_WHY_MAX];

    (void)conn;
    if (l->n_out != 0)
        BUG("a connection closed with mail unsettled");
    *l->at = l->next;
    if (l->next)
        l->next->at = l->at;
    p->n_lines--;
    if (!l->ready && end->fault == SMTP_FAULT_TLS)
        tell_tls(l);
    p->events.closed(p->owner, l->ticket, smtp_conn_source(conn),
                     life_of(l, end), end->code, end->why);
    if (!l->ready && !l->leaving && !p->draining && !goes_in_clear(l, end))
        failed(p, l, reason(l, end, why), end);
    if (end->fault == SMTP_FAULT_LOGIN)
        p->events.login_refused(p->owner, l->opened_ms, end);
    p->events.stirred(p->owner);
    free(l);
}

static struct smtp_conn_setup setup_of(const struct line *l)
{
    const struct pool *p = l->pool;
    const struct smtp_tls_policy of_all = {.level = p->tls,
                                           .host = l->host.name};

    return (struct smtp_conn_setup){
        .address = address_of(&l->host),
        .address_len = l->host.address_len,
        .ehlo_name = p->ehlo_name,
        .source = p->source_len ? (const struct sockaddr *)&p->source : NULL,
        .source_len = p->source_len,
        .tls = l->host.tls ? *l->host.tls : of_all,
        .implicit_tls = l->host.implicit_tls,
        .keeps_tls = p->keeps_tls,
        .broken_tls = l->clear,
        .login = p->login.user ? &p->login : NULL,
        .limits =
            {
                .connect_ms = p->config->connect_timeout_seconds * 1000,
                .reply_ms = p->config->smtp_timeout_seconds * 1000,
                .final_dot_ms = p->config->final_dot_timeout_seconds * 1000,
                .idle_ms = p->config->connection_idle_seconds * 1000,
                .mails_max = mails_max(p),
            },
    };
}

static void open_line(struct pool *p, const struct host *host, int64_t now_ms)
{
    const struct smtp_conn_events events = {on_ready, on_settled, on_closed};
    struct line *l = memory_new(1, sizeof *l);

    *l = (struct line){
        .pool = p,
        .next = p->lines,
        .at = &p->lines,
        .host = host->at,
        .opened_ms = clock_mono_ms(),
        .tls = host->at.tls ? host->at.tls->level : p->tls,
        .tls_by = host->at.tls ? host->at.tls->by : NULL,
        .clear = broken_tls_is(p->broken_tls, address_of(&host->at), now_ms)};
    if (p->lines)
        p->lines->at = &l->next;
    p->lines = l;
    p->n_lines++;

    l->ticket = p->events.opened(p->owner);

    const struct smtp_conn_setup setup = setup_of(l);

    l->conn = smtp_conn_open(p->net, &setup, &events, l);
}

/* Connections that could take mail of the class, now or once connected. */
static unsigned free_lines(const struct pool *p)
{
    unsigned n = 0;

    for (const struct line *l = p->lines; l; l = l->next)
        n += l->n_out == 0 && !l->leaving;
    return n;
}

/* Returns when to try again. */
static int64_t open_lines(struct pool *p, int64_t now_ms)
{
    size_t transactional = p->events.waiting(p->owner, BATCH_TRANSACTIONAL);
    size_t campaign = p->events.waiting(p->owner, BATCH_CAMPAIGN);
    size_t room =
        most_campaign(p) -
        (p->n_campaign < most_campaign(p) ? p->n_campaign : most_campaign(p));
    size_t wanted = transactional + (campaign < room ? campaign : room);
    unsigned most = hosts_are_failing(&p->hosts) ? 1 : most_connections(p);
    int64_t when_ms = INT64_MAX;

    for (unsigned n = free_lines(p); n < wanted && p->n_lines < most; n++) {
        const struct host *host = hosts_choose(&p->hosts, now_ms);

        if (!host)
            return hosts_up_again_ms(&p->hosts);
        if (!p->events.may_connect(p->owner, &when_ms))
            return when_ms;
        open_line(p, host, now_ms);
    }
    return INT64_MAX;
}

int64_t pool_turn(struct pool *p, int64_t now_ms)
{
    struct line *next;

    if (p->draining)
        return INT64_MAX;
    /* Idle connections first: there a mail waits for nothing. */
    for (struct line *l = p->lines; l; l = next) {
        next = l->next;
        if (l->n_out == 0)
            feed(l);
    }
    for (struct line *l = p->lines; l; l = next) {
        next = l->next;
        feed(l);
    }
    return open_lines(p, now_ms);
}

void pool_renew(struct pool *p)
{
    struct line *next;

    for (struct line *l = p->lines; l; l = next) {
        next = l->next;
        leave(l);
    }
}

/* One that is idle, or else that was opened before then; or NULL. */
static struct line *choose_leaving(const struct pool *p, int64_t opened_ms)
{
    struct line *chosen = NULL;

    for (struct line *l = p->lines; l; l = l->next) {
        if (l->leaving)
            continue;
        if (l->ready && l->n_out == 0)
            return l;
        if (l->opened_ms <= opened_ms)
            chosen = l;
    }
    return chosen;
}

static unsigned n_leaving(const struct pool *p)
{
    unsigned n = 0;

    for (const struct line *l = p->lines; l; l = l->next)
        n += l->leaving;
    return n;
}

void pool_shed(struct pool *p)
{
    unsigned most = most_connections(p);

    if (p->n_lines <= most)
        return;
    for (unsigned n = p->n_lines - n_leaving(p); n > most; n--)
        leave(choose_leaving(p, INT64_MAX));
}

void pool_yield(struct pool *p, int64_t age_ms, int64_t now_ms)
{
    struct line *l = choose_leaving(p, now_ms - age_ms);

    if (l && (age_ms == 0 || n_leaving(p) == 0))
        leave(l);
}

void pool_source(struct pool *p, const struct sockaddr *address, socklen_t len,
                 const char *ehlo_name)
{
    if (p->source_len == (address ? len : 0) &&
        (!address || (memcmp(&p->source, address, len) == 0 &&
                      strcmp(p->ehlo_name, ehlo_name) == 0)))
        return;
    p->source_len = address ? len : 0;
    p->hosts.family = address ? address->sa_family : AF_UNSPEC;
    if (address)
        memcpy(&p->source, address, len);
    snprintf(p->ehlo_name, sizeof p->ehlo_name, "%s",
             address ? ehlo_name : p->own_name);
    pool_renew(p);
}

bool pool_reaches(const struct pool *p, sa_family_t family)
{
    return hosts_reach(&p->hosts, family);
}

void pool_drain(struct pool *p)
{
    struct line *next;

    p->draining = true;
    for (struct line *l = p->lines; l; l = next) {
        next = l->next;
        smtp_conn_quit(l->conn);
    }
}

bool pool_is_down(const struct pool *p, int64_t now_ms)
{
    return hosts_are_down(&p->hosts, now_ms) && !has_ready(p);
}

struct pool_state pool_state(const struct pool *p)
{
    struct pool_state state = {.connections = p->n_lines};
    bool failing = hosts_are_failing(&p->hosts);

    if (failing)
        state.failures = hosts_failures(&p->hosts);
    state.down_until_ms = failing ? hosts_up_again_ms(&p->hosts) : 0;
    for (const struct line *l = p->lines; l; l = l->next)
        state.busy += l->n_out > 0;
    return state;
}

static void text_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void forget_login(struct pool *p)
{
    text_wipe(p->login_user);
    text_wipe(p->login_secret);
    p->login_user = p->login_secret = NULL;
    p->login = (struct smtp_login){0};
}

void pool_access(struct pool *p, const struct pool_access *access)
{
    p->tls = access->tls;
    p->keeps_tls = access->keeps_tls;
    forget_login(p);
    if (!access->login)
        return;
    p->login = *access->login;
    p->login.user = p->login_user = text_copy(access->login->user);
    p->login.secret = p->login_secret = text_copy(access->login->secret);
}

struct pool *pool_new(struct smtp_net *net, const struct config *config,
                      const char *ehlo_name, struct broken_tls *broken_tls,
                      const struct pool_events *events, void *owner)
{
    struct pool *p = memory_new(1, sizeof *p);

    p->net = net;
    p->config = config;
    p->broken_tls = broken_tls;
    snprintf(p->own_name, sizeof p->own_name, "%s", ehlo_name);
    snprintf(p->ehlo_name, sizeof p->ehlo_name, "%s", ehlo_name);
    p->events = *events;
    p->owner = owner;
    p->tls = SMTP_TLS_OPPORTUNISTIC;
    return p;
}

void pool_free(struct pool *p)
{
    if (p && p->lines)
        BUG("pool freed with open connections");
    if (p)
        forget_login(p);
    free(p);
}
