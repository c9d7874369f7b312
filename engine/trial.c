/*
 * The path of the test mail: know (the store's routes, keys and policies),
 * find (route, hosts), write (render, sign), then host by host: connect, send.
 */
#include "trial.h"
#include "access.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "domains.h"
#include "mail/domain.h"
#include "queue/db.h"
#include "render/message.h"
#include "route/route.h"
#include "sign/keys.h"
#include "smtp/conn.h"
#include "transcript.h"
#include "trial_mail.h"
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 20,
    KNOW_MS = 10 * 1000, /* for the store, DNS and tokens to answer */
    DNS_MS = 60 * 1000,
    /* Somebody waits: not all of the time that a mail would be given. */
    REPLY_MS = 60 * 1000,
    FINAL_DOT_MS = 120 * 1000,
    HOSTS_MAX = DOMAIN_HOSTS_MAX,
};

enum trial_state { TRIAL_KNOWING, TRIAL_ASKING, TRIAL_SENDING, TRIAL_OVER };

/* One address to be tried. */
struct trial_host {
    char name[DNS_NAME_MAX];
    struct sockaddr_storage address;
    socklen_t len;
    bool implicit_tls;
    const struct smtp_tls_policy *tls; /* NULL: as the relay's access says */
};

struct trial {
    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t tick;
    struct config config;
    const struct trial_request *request;
    char hostname[SMTP_EHLO_NAME_MAX];

    struct route *route;
    struct domains *domains;
    struct keys *keys;
    struct smtp_net *net;

    enum trial_state state;
    int64_t state_ms; /* since when */
    bool taken;
    struct route_way way;
    struct parcel parcel;        /* what domains_find wants to tell of */
    struct policy *policy;       /* kept: hosts point into it */
    const struct source *source; /* NULL: as the system chooses */
    struct access access;
    struct trial_host hosts[HOSTS_MAX];
    size_t n_hosts, at;
    char site[DNS_NAME_MAX];

    struct buf mail;
    struct smtp_conn *conn;
    bool ready, settled, clear; /* clear: TLS was tried here, and is broken */
    struct transcript transcript;
};

/* ---- Its end ---- */

static void enter(struct trial *t, enum trial_state state)
{
    t->state = state;
    t->state_ms = clock_mono_ms();
}

static void end(struct trial *t, bool taken)
{
    t->taken = taken;
    enter(t, TRIAL_OVER);
}

#define FAIL(t, ...)                                                           \
    do {                                                                       \
        transcript_note(&(t)->transcript, __VA_ARGS__);                        \
        end(t, false);                                                         \
    } while (0)

/* ---- send: host by host ---- */

static void try_next(struct trial *t);

static void say_tls(struct trial *t)
{
    const struct smtp_tls_facts *facts = smtp_conn_tls(t->conn);

    if (facts->on)
        transcript_note(
            &t->transcript, "%s, %s, certificate %s%s%s%s", facts->version,
            facts->cipher, facts->verified ? "verified" : "not verified",
            *facts->why ? " (" : "", facts->why, *facts->why ? ")" : "");
    else
        transcript_note(&t->transcript, "in clear, without TLS");
}

static void on_ready(struct smtp_conn *conn, void *owner)
{
    struct trial *t = owner;
    struct smtp_message m = {.from = t->request->from,
                             .to = t->request->to,
                             .data = t->mail.data,
                             .data_len = t->mail.len};
    static char from[ADDRESS_MAX], to[ADDRESS_MAX];

    if (t->ready)
        return;
    t->ready = true;
    say_tls(t);
    m.from = domain_ascii_spec(m.from, from);
    m.to = domain_ascii_spec(m.to, to);
    smtp_conn_send(conn, &m);
}

static void on_settled(struct smtp_conn *conn, const struct smtp_result *result,
                       void *owner)
{
    struct trial *t = owner;
    struct transcript *out = &t->transcript;

    t->settled = true;
    t->taken = result->verdict == VERDICT_DELIVERED;
    if (t->taken)
        transcript_note(out, "%s took the mail", smtp_conn_peer(conn));
    else if (result->verdict == VERDICT_BOUNCED)
        transcript_note(out, "refused for good at %s: the mail would bounce",
                        smtp_step_text(result->step));
    else if (result->verdict == VERDICT_IN_DOUBT)
        transcript_note(out, "nobody knows whether it was taken");
    else
        transcript_note(out,
                        "not taken now, at %s: the mail would be tried again "
                        "later",
                        smtp_step_text(result->step));
    if (result->code == 0) /* it stands nowhere else */
        transcript_note(out, "%s", result->text);
    smtp_conn_quit(conn);
}

/* TLS that is offered and broken is done without where nothing more was asked,
 * as the pool does it. */
static bool goes_in_clear(struct trial *t, const struct smtp_end *over)
{
    const struct trial_host *h = &t->hosts[t->at];
    enum smtp_tls level = h->tls ? h->tls->level : t->access.tls;

    return over->fault == SMTP_FAULT_TLS && level == SMTP_TLS_OPPORTUNISTIC &&
           !t->clear && !h->implicit_tls && !t->access.login;
}

static void on_closed(struct smtp_conn *conn, const struct smtp_end *over,
                      void *owner)
{
    struct trial *t = owner;

    (void)conn;
    t->conn = NULL;
    if (t->settled) {
        end(t, t->taken);
        return;
    }
    if (over->fault == SMTP_FAULT_LOGIN && over->code > 0)
        transcript_note(&t->transcript, "the login is refused");
    else
        transcript_note(&t->transcript, "%s", over->why);
    t->clear = goes_in_clear(t, over);
    if (t->clear)
        transcript_note(&t->transcript,
                        "TLS is broken there, and not demanded: once more, "
                        "in clear");
    else
        t->at++;
    try_next(t);
}

static bool fits(const struct trial *t, const struct trial_host *h)
{
    return !t->source || h->address.ss_family == t->source->at.ss_family;
}

static void connect_to(struct trial *t, const struct trial_host *h)
{
    static const struct smtp_conn_events events = {on_ready, on_settled,
                                                   on_closed};
    char peer[SMTP_WIRE_NAME_MAX] = "";
    const struct smtp_tls_policy of_all = {.level = t->access.tls,
                                           .host = h->name};
    const struct smtp_conn_setup setup = {
        .address = (const struct sockaddr *)&h->address,
        .address_len = h->len,
        .ehlo_name = t->source ? t->source->ehlo : t->hostname,
        .source = t->source ? (const struct sockaddr *)&t->source->at : NULL,
        .source_len = t->source ? t->source->at_len : 0,
        .tls = h->tls ? *h->tls : of_all,
        .implicit_tls = h->implicit_tls,
        .broken_tls = t->clear,
        .login = t->access.login ? &t->access.with : NULL,
        .limits = {.connect_ms = t->config.connect_timeout_seconds * 1000,
                   .reply_ms = REPLY_MS,
                   .final_dot_ms = FINAL_DOT_MS,
                   .idle_ms = REPLY_MS,
                   .mails_max = 1},
        .tap = {transcript_tap, &t->transcript}};

    t->ready = false;
    smtp_wire_name(&h->address, peer);
    transcript_note(&t->transcript, "connecting to %s (%s)", h->name, peer);
    t->conn = smtp_conn_open(t->net, &setup, &events, t);
}

static void try_next(struct trial *t)
{
    while (t->at < t->n_hosts && !fits(t, &t->hosts[t->at]))
        t->at++;
    if (t->at < t->n_hosts)
        connect_to(t, &t->hosts[t->at]);
    else if (t->way.kind == ROUTE_DIRECT && t->way.fallback)
        FAIL(t,
             "no server could be used: the mail would go to the fall-back "
             "relay %s",
             relay_name(t->way.fallback));
    else
        FAIL(t, "no server could be used: the mail would be tried again "
                "later");
}

/* ---- write ---- */

static bool write_mail(struct trial *t)
{
    const struct trial_mail mail = {t->request->from, t->request->to,
                                    t->request->project,
                                    t->way.kind == ROUTE_DIRECT, t->hostname};
    struct error err;

    if (trial_mail_write(&mail, t->keys, &t->mail, &err) == STATUS_OK) {
        transcript_note(&t->transcript, "DKIM signatures: %zu",
                        trial_mail_signatures(&t->mail));
        return true;
    }
    FAIL(t, "the mail can't be made: %s", err.text);
    return false;
}

static void choose_source(struct trial *t)
{
    const struct source *order[SOURCES_MAX];
    size_t n;

    if (!t->way.pool)
        return;
    n = source_order(t->way.pool, t->site, order);
    for (size_t i = 0; i < n && !t->source; i++)
        for (size_t h = 0; h < t->n_hosts; h++)
            if (t->hosts[h].address.ss_family == order[i]->at.ss_family)
                t->source = order[i];
    if (t->source)
        transcript_note(&t->transcript, "from %s (pool %s), as %s",
                        t->source->address, t->way.pool->name, t->source->ehlo);
    else
        FAIL(t,
             "pool %s has no usable address that reaches these servers: "
             "mail would wait",
             t->way.pool->name);
}

/* The hosts are known. */
static void go(struct trial *t)
{
    choose_source(t);
    if (t->state == TRIAL_OVER || !write_mail(t))
        return;
    if (t->request->dry) {
        end(t, true);
        return;
    }
    enter(t, TRIAL_SENDING);
    try_next(t);
}

/* ---- find ---- */

static void say_host(struct trial *t, const struct trial_host *h)
{
    char peer[SMTP_WIRE_NAME_MAX] = "";
    enum smtp_tls level = h->tls ? h->tls->level : t->access.tls;

    smtp_wire_name(&h->address, peer);
    transcript_note(&t->transcript, "  %s (%s), TLS %s%s", h->name, peer,
                    smtp_tls_text(level), h->implicit_tls ? ", implicit" : "");
}

static void take_domain(struct trial *t, const struct domain *domain)
{
    if (domain->verdict != VERDICT_DELIVERED) {
        FAIL(t, "%u %s %s: the mail would %s", domain->code, domain->enhanced,
             domain->why,
             domain->verdict == VERDICT_BOUNCED ? "bounce"
                                                : "be tried again later");
        return;
    }
    t->policy = policy_keep(domain->policy);
    snprintf(t->site, sizeof t->site, "%s", domain->site);
    transcript_note(&t->transcript,
                    "mail servers of %s (site %s):", domain->name,
                    domain->site);
    for (size_t i = 0; i < domain->n_hosts; i++) {
        struct trial_host *h = &t->hosts[t->n_hosts++];

        *h = (struct trial_host){.address = domain->hosts[i].address,
                                 .len = domain->hosts[i].len,
                                 .tls = domain->hosts[i].tls};
        snprintf(h->name, sizeof h->name, "%s", domain->hosts[i].name);
        say_host(t, h);
    }
    go(t);
}

static void on_domain(void *owner, struct parcel *p,
                      const struct domain *domain)
{
    (void)p;
    take_domain(owner, domain);
}

static void on_learned(void *owner, const char *domain, const char *site)
{
    (void)owner, (void)domain, (void)site;
}

/* True when there is something to connect to. */
static bool take_relay(struct trial *t)
{
    struct relay_address found[HOSTS_MAX];
    size_t n = relay_addresses(t->way.relay, found, HOSTS_MAX);

    access_wipe(&t->access);
    access_of(t->way.relay, &t->access);
    transcript_hide(&t->transcript, t->access.secret);
    if (n == 0 || t->access.waiting)
        return false;
    snprintf(t->site, sizeof t->site, "%s", relay_name(t->way.relay));
    if (t->access.login)
        transcript_note(&t->transcript, "logging in as %s",
                        t->access.with.user);
    for (size_t i = 0; i < n; i++) {
        struct trial_host *h = &t->hosts[t->n_hosts++];

        *h = (struct trial_host){.address = found[i].address,
                                 .len = found[i].len,
                                 .implicit_tls = found[i].host->implicit_tls};
        snprintf(h->name, sizeof h->name, "%s", found[i].host->at.host);
        say_host(t, h);
    }
    return true;
}

static const char *domain_of(const char *spec)
{
    return strrchr(spec, '@') + 1;
}

static void say_way(struct trial *t)
{
    struct transcript *out = &t->transcript;
    char which[64] = "no route matches: the setting `relay`";
    bool sandbox =
        t->way.relay && strcmp(relay_name(t->way.relay), "sandbox") == 0;

    if (t->request->via)
        snprintf(which, sizeof which, "as if a route said so");
    else if (t->way.rule)
        snprintf(which, sizeof which, "route %lld", (long long)t->way.rule);
    if (t->way.kind == ROUTE_DIRECT)
        transcript_note(out, "%s: directly to the recipient's servers", which);
    else if (sandbox)
        transcript_note(out,
                        "%s: the sandbox, which keeps mail and sends it to "
                        "nobody; to go live: presort route default direct",
                        which);
    else
        transcript_note(out, "%s: relay %s", which, relay_name(t->way.relay));
}

static void find(struct trial *t)
{
    const struct rule_question question = {
        .project = t->request->project,
        .class = t->request->class,
        .sender = domain_of(t->request->from),
        .recipient = domain_of(t->request->to),
    };
    const struct domain *known;

    t->way = route_of(t->route, &question);
    if (t->request->via && !route_named(t->route, t->request->via, &t->way)) {
        FAIL(t, "there is no relay %s", t->request->via);
        return;
    }
    say_way(t);
    enter(t, TRIAL_ASKING);
    if (t->way.kind == ROUTE_RELAY)
        return; /* on_tick asks for its addresses */
    known = domains_find(t->domains, question.recipient, false, &t->parcel);
    if (known)
        take_domain(t, known);
}

/* ---- Time ---- */

static bool is_known(const struct trial *t)
{
    return route_is_known(t->route) && keys_are_known(t->keys) &&
           policies_are_known(domains_policies(t->domains));
}

static void ask_relay(struct trial *t, int64_t since_ms)
{
    int64_t again_ms;
    const char *fault = relay_fault(t->way.relay, &again_ms);

    if (*fault)
        FAIL(t, "%s: mail would wait", fault);
    else if (take_relay(t))
        go(t);
    else if (t->access.login && !t->access.waiting && !t->access.secret[0])
        FAIL(t, "the relay's secret can't be read: mail would wait");
    else if (since_ms > KNOW_MS)
        FAIL(t, t->access.waiting
                    ? "there is no token yet: mail would wait"
                    : "the relay's servers have no address: mail would wait");
}

static void on_tick(uv_timer_t *timer)
{
    struct trial *t = timer->data;
    int64_t since_ms = clock_mono_ms() - t->state_ms;

    switch (t->state) {
    case TRIAL_KNOWING:
        if (is_known(t))
            find(t);
        else if (since_ms > KNOW_MS)
            FAIL(t, "the database does not answer");
        break;
    case TRIAL_ASKING:
        if (t->way.kind == ROUTE_RELAY)
            ask_relay(t, since_ms);
        else if (since_ms > DNS_MS)
            FAIL(t, "DNS does not answer: the mail would be tried again "
                    "later");
        break;
    case TRIAL_SENDING: break;
    case TRIAL_OVER: uv_stop(&t->loop); break;
    }
}

static void on_turn(uv_prepare_t *handle)
{
    struct trial *t = handle->data;

    smtp_net_flush(t->net);
}

/* ---- Coming and going ---- */

static void on_routes(void *owner)
{
    (void)owner;
}

static void on_keys(void *owner, int64_t round)
{
    (void)owner, (void)round;
}

static enum status start(struct trial *t, struct error *err)
{
    char *conninfo = NULL;
    enum status status =
        db_conninfo(&t->config, "presort route test", &conninfo, err);

    config_hostname(&t->config, t->hostname, sizeof t->hostname);
    t->net = smtp_net_new(&t->loop);
    if (status == STATUS_OK && *t->config.tls_ca_file)
        status = smtp_net_trust(t->net, t->config.tls_ca_file, err);
    if (status == STATUS_OK)
        status = route_new(&t->loop, &t->config, conninfo, on_routes, t,
                           &t->route, err);
    if (status == STATUS_OK)
        status = domains_new(&t->loop, &t->config, conninfo, t->hostname,
                             on_domain, on_learned, t, &t->domains, err);
    if (status == STATUS_OK) {
        t->keys = keys_new(&t->loop, &t->config, conninfo, on_keys, t);
        uv_prepare_init(&t->loop, &t->turn);
        uv_timer_init(&t->loop, &t->tick);
        t->turn.data = t->tick.data = t;
        uv_prepare_start(&t->turn, on_turn);
        uv_timer_start(&t->tick, on_tick, 0, TICK_MS);
        enter(t, TRIAL_KNOWING);
    }
    free(conninfo);
    return status;
}

/* The process ends next: what libuv still holds goes with it. */
static void stop(struct trial *t)
{
    access_wipe(&t->access);
    smtp_net_free(t->net);
    policy_drop(t->policy);
    domains_free(t->domains);
    route_free(t->route);
    keys_free(t->keys);
    buf_fini(&t->mail);
    transcript_fini(&t->transcript);
    uv_run(&t->loop, UV_RUN_NOWAIT);
    config_fini(&t->config);
}

static int run(const struct trial_request *request)
{
    static struct trial t;
    struct error err;

    t.request = request;
    t.transcript.to = stdout;
    if (config_load(&t.config, NULL, &err) != STATUS_OK) {
        fprintf(stderr, "presort: %s\n", err.text);
        return 2;
    }
    log_open("route-test", LOG_ERROR);
    if (uv_loop_init(&t.loop) != 0 || start(&t, &err) != STATUS_OK) {
        fprintf(stderr, "presort: %s\n", err.text);
        return 1;
    }
    uv_run(&t.loop, UV_RUN_DEFAULT);
    stop(&t);
    return t.taken ? 0 : 1;
}

/* Written by `presort route test`, which has checked what people say. */
int trial_main(int argc, char **argv)
{
    static const struct option known[] = {
        {"trial", no_argument, NULL, 'x'},
        {"to", required_argument, NULL, 't'},
        {"from", required_argument, NULL, 'f'},
        {"project", required_argument, NULL, 'p'},
        {"class", required_argument, NULL, 'c'},
        {"via", required_argument, NULL, 'v'},
        {"dry", no_argument, NULL, 'd'},
        {0}};
    struct trial_request request = {0};
    int c;

    signal(SIGPIPE, SIG_IGN);
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (c) {
        case 'x': break;
        case 't': request.to = optarg; break;
        case 'f': request.from = optarg; break;
        case 'p': request.project = strtoll(optarg, NULL, 10); break;
        case 'c': request.class = (int)strtol(optarg, NULL, 10); break;
        case 'v': request.via = optarg; break;
        case 'd': request.dry = true; break;
        default: return 2;
        }
    if (!request.to || !request.from || !strchr(request.to, '@') ||
        !strchr(request.from, '@')) {
        fputs("presort-engine --trial: --to and --from are wanted\n", stderr);
        return 2;
    }
    return run(&request);
}
