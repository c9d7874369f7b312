#include "smtp/conn.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "smtp/servers.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A connection is held against the servers of smtp/servers.h; what its owner
 * hears is kept as text. */

enum { RUN_MAX_MS = 20000 };

static struct owner {
    uv_loop_t loop;
    uv_check_t check;
    uv_timer_t alarm;
    struct smtp_net *net;
    struct smtp_conn *conn;
    struct smtp_conn_limits limits;
    struct smtp_conn_setup setup;
    enum smtp_fault fault;
    struct smtp_tls_facts facts;
    struct buf log;
    char peer[64], source[64];
    const char *recipient, *data;
    unsigned to_send, turns;
    bool quit_when_sent, no_flush, closed, sending;
} owner;

static void send_one(struct smtp_conn *conn)
{
    struct smtp_message m = {.from = "a@x",
                             .to = owner.recipient,
                             .data = owner.data,
                             .data_len = strlen(owner.data),
                             .tag = &owner};

    if (owner.to_send > 0 && smtp_conn_takes(conn)) {
        owner.to_send--;
        owner.sending = true;
        smtp_conn_send(conn, &m);
        owner.sending = false;
    } else if (owner.to_send == 0 && owner.quit_when_sent) {
        smtp_conn_quit(conn);
    }
}

static void on_ready(struct smtp_conn *conn, void *of)
{
    assert_ptr_equal(of, &owner);
    snprintf(owner.peer, sizeof owner.peer, "%s", smtp_conn_peer(conn));
    snprintf(owner.source, sizeof owner.source, "%s", smtp_conn_source(conn));
    send_one(conn);
}

static void on_settled(struct smtp_conn *conn, const struct smtp_result *r,
                       void *of)
{
    assert_ptr_equal(of, &owner);
    assert_ptr_equal(r->tag, &owner);
    assert_false(owner.sending);
    buf_addf(&owner.log, "%s%s %u %s: %s\n", verdict_text(r->verdict),
             r->untried ? " untried" : "", r->code, smtp_step_text(r->step),
             r->text);
    send_one(conn);
}

static void on_closed(struct smtp_conn *conn, const struct smtp_end *end,
                      void *of)
{
    assert_ptr_equal(of, &owner);
    assert_ptr_equal(conn, owner.conn);
    buf_addf(&owner.log, "closed %u %u: %s\n", end->mails, end->code, end->why);
    owner.fault = end->fault;
    owner.facts = *smtp_conn_tls(conn);
    owner.closed = true;
}

static void on_check(uv_check_t *check)
{
    owner.turns++;
    if (!owner.no_flush)
        smtp_net_flush(owner.net);
    if (owner.closed)
        uv_stop(check->loop);
}

static void on_alarm(uv_timer_t *alarm)
{
    uv_stop(alarm->loop);
}

static int set_up(void **state)
{
    (void)state;
    owner = (struct owner){.recipient = "b@y",
                           .data = "Hi\r\n",
                           .limits = {.connect_ms = RUN_MAX_MS,
                                      .reply_ms = RUN_MAX_MS,
                                      .final_dot_ms = RUN_MAX_MS,
                                      .idle_ms = RUN_MAX_MS}};
    uv_loop_init(&owner.loop);
    uv_check_init(&owner.loop, &owner.check);
    uv_check_start(&owner.check, on_check);
    uv_timer_init(&owner.loop, &owner.alarm);
    owner.net = smtp_net_new(&owner.loop);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    smtp_net_free(owner.net);
    uv_close((uv_handle_t *)&owner.check, NULL);
    uv_close((uv_handle_t *)&owner.alarm, NULL);
    uv_run(&owner.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&owner.loop), 0);
    buf_fini(&owner.log);
    return 0;
}

static void open_conn(void)
{
    static const struct smtp_conn_events events = {on_ready, on_settled,
                                                   on_closed};

    buf_add_text(&owner.log, "");
    owner.setup.address = (struct sockaddr *)&server.at;
    owner.setup.address_len = sizeof server.at;
    owner.setup.ehlo_name = "me.example";
    owner.setup.limits = owner.limits;
    owner.conn = smtp_conn_open(owner.net, &owner.setup, &events, &owner);
    assert_string_equal(owner.log.data, ""); /* nothing happens at once */
}

/* Runs until the connection is closed, or so long; returns how long. */
static int64_t run(int64_t max_ms)
{
    int64_t start = clock_mono_ms();

    uv_timer_start(&owner.alarm, on_alarm, (uint64_t)max_ms, 0);
    uv_run(&owner.loop, UV_RUN_DEFAULT);
    return clock_mono_ms() - start;
}

static int64_t serve_and_run(void (*serve)(int fd), const char *wanted)
{
    start_server(serve);
    open_conn();
    int64_t ms = run(RUN_MAX_MS);
    assert_string_equal(owner.log.data, wanted);
    stop_server();
    return ms;
}

#define KEPT "delivered 250 end of data: kept\n"

static void delivered(void **state)
{
    char want[64];

    (void)state;
    owner.to_send = 3;
    owner.quit_when_sent = true;
    serve_and_run(take_all, KEPT KEPT KEPT "closed 3 0: \n");
    snprintf(want, sizeof want, "127.0.0.1:%u", ntohs(server.at.sin_port));
    assert_string_equal(owner.peer, want);
    assert_memory_equal(owner.source, "127.0.0.1:", strlen("127.0.0.1:"));
}

static void mails_max(void **state)
{
    (void)state;
    owner.to_send = 5;
    owner.limits.mails_max = 2;
    serve_and_run(take_all, KEPT KEPT "closed 2 0: \n");
    assert_int_equal(owner.to_send, 3);
}

static void idle(void **state)
{
    (void)state;
    owner.to_send = 1;
    owner.limits.idle_ms = 200;
    int64_t ms = serve_and_run(take_all, KEPT "closed 1 0: \n");
    assert_in_range(ms, 180, 3000);
}

/* Told by the flush, not by the send. */
static void refused_here(void **state)
{
    (void)state;
    owner.to_send = 1;
    owner.quit_when_sent = true;
    owner.recipient = "b y@y";
    serve_and_run(take_all, "bounced 0 RCPT TO: the recipient's address is not "
                            "fit for SMTP\nclosed 0 0: \n");
}

static void connect_refused(void **state)
{
    (void)state;
    start_server(mute);
    stop_server();
    open_conn();
    run(RUN_MAX_MS);
    assert_string_equal(owner.log.data,
                        "closed 0 0: connect: connection refused\n");
}

static void connect_impossible(void **state)
{
    (void)state;
    server.at = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_addr.s_addr = INADDR_BROADCAST};
    open_conn();
    run(RUN_MAX_MS);
    assert_memory_equal(owner.log.data, "closed 0 0: connect: ", 21);
}

/* A listener with a full queue lets nobody in, and nobody know. */
static void connect_timeout(void **state)
{
    int fill[4];

    (void)state;
    start_server(mute);
    stop_server();
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(
        bind(server.listener, (struct sockaddr *)&server.at, sizeof server.at),
        0);
    listen(server.listener, 0);
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fill[i], (struct sockaddr *)&server.at,
                       sizeof server.at);
    }
    owner.limits.connect_ms = 200;
    open_conn();
    int64_t ms = run(RUN_MAX_MS);
    assert_string_equal(owner.log.data,
                        "closed 0 0: connect: connection timed out\n");
    assert_in_range(ms, 180, 3000);
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    close(server.listener);
}

static void timeout_at_greeting(void **state)
{
    (void)state;
    owner.limits.reply_ms = 200;
    int64_t ms = serve_and_run(mute, "closed 0 0: timeout at greeting\n");
    assert_in_range(ms, 180, 3000);
}

/* Bytes alone are no progress. */
static void timeout_of_a_trickle(void **state)
{
    (void)state;
    owner.limits.reply_ms = 300;
    int64_t ms = serve_and_run(trickle, "closed 0 0: timeout at greeting\n");
    assert_in_range(ms, 280, 3000);
}

static void timeout_at_the_dot(void **state)
{
    (void)state;
    owner.to_send = 1;
    owner.limits.final_dot_ms = 200;
    int64_t ms = serve_and_run(mute_at_the_dot,
                               "in_doubt 0 end of data: timeout at end of "
                               "data\nclosed 1 0: timeout at end of data\n");
    assert_in_range(ms, 180, 3000);
    assert_in_range(owner.turns, 1, 50); /* the loop slept */
}

static void quit_unanswered(void **state)
{
    (void)state;
    owner.quit_when_sent = true;
    int64_t ms = serve_and_run(mute_at_quit, "closed 0 0: \n");
    assert_in_range(ms, 4900, 7000);
}

static void quit_before_connected(void **state)
{
    (void)state;
    start_server(mute);
    open_conn();
    smtp_conn_quit(owner.conn);
    assert_string_equal(owner.log.data, "");
    assert_in_range(run(RUN_MAX_MS), 0, 1000);
    assert_string_equal(owner.log.data, "closed 0 0: \n");
    stop_server();
}

static void lost_at_mail(void **state)
{
    (void)state;
    owner.to_send = 1;
    start_server(gone_at_mail);
    open_conn();
    run(RUN_MAX_MS);
    /* RCPT and DATA were not read: it may come as a reset. */
    assert_memory_equal(owner.log.data, "deferred 0 MAIL FROM: ", 22);
    assert_non_null(strstr(owner.log.data, "\nclosed 1 0: con"));
    stop_server();
}

static void lost_after_the_dot(void **state)
{
    (void)state;
    owner.to_send = 2;
    start_server(gone_after_the_dot);
    open_conn();
    run(RUN_MAX_MS);
    assert_memory_equal(owner.log.data, "in_doubt 0 end of data: con", 27);
    assert_non_null(strstr(owner.log.data, "\ndeferred untried 0 MAIL FROM: "));
    assert_non_null(strstr(owner.log.data, "\nclosed 1 0: con"));
    stop_server();
}

static char *big_body(void)
{
    char *data = memory_new(BIG_BYTES + 1, 1);

    for (size_t i = 0; i < BIG_BYTES; i++)
        data[i] = (char)('a' + (i * 7 + i / 1000) % 26);
    for (size_t i = 80; i <= BIG_BYTES; i += 80)
        memcpy(data + i - 2, "\r\n", 2);
    memcpy(data + BIG_BYTES - 2, "\r\n", 2);
    owner.data = data;
    return data;
}

static void big_body_in_parts(void **state)
{
    char *data = big_body(), want[128];
    unsigned long sum = 0;

    (void)state;
    for (size_t i = 0; i < BIG_BYTES; i++)
        sum = sum * 31 + (unsigned char)data[i];
    for (const char *c = ".\r\n"; *c; c++)
        sum = sum * 31 + (unsigned char)*c;
    snprintf(want, sizeof want,
             "delivered 250 end of data: %d %lu\nclosed 1 0: \n", BIG_BYTES + 3,
             sum);
    owner.to_send = 1;
    owner.limits.mails_max = 1;
    /* As long as the body moves, the deadline does. */
    owner.limits.final_dot_ms = 1000;
    serve_and_run(slow_reader, want);
    free(data);
}

/* The dot was never handed over, so nothing is in doubt. */
static void timeout_within_the_body(void **state)
{
    char *data = big_body();

    (void)state;
    owner.to_send = 1;
    owner.limits.final_dot_ms = 200;
    serve_and_run(deaf_at_the_body,
                  "deferred 0 end of data: timeout at end of data\n"
                  "closed 1 0: timeout at end of data\n");
    assert_in_range(owner.turns, 1, 50);
    free(data);
}

static void lost_within_the_body(void **state)
{
    char *data = big_body();

    (void)state;
    owner.to_send = 1;
    start_server(gone_within_the_body);
    open_conn();
    run(RUN_MAX_MS);
    assert_memory_equal(owner.log.data, "deferred 0 end of data: ", 24);
    stop_server();
    free(data);
}

static void closing_is_heard_within_the_body(void **state)
{
    char *data = big_body();

    (void)state;
    owner.to_send = 1;
    serve_and_run(closing_within_the_body,
                  "deferred 421 end of data: shutting down\n"
                  "closed 1 421: end of data: 421 4.3.2 shutting down\n");
    free(data);
}

/* The journal is written before the flush: nothing may leave without one. */
static void nothing_is_said_before_the_flush(void **state)
{
    (void)state;
    owner.no_flush = true;
    start_server(patient);
    open_conn();
    run(600);
    assert_string_equal(owner.log.data, "");
    owner.no_flush = false;
    run(200);
    assert_string_equal(owner.log.data, "");
    smtp_net_free(owner.net);
    assert_string_equal(owner.log.data, "closed 0 0: closed by us at EHLO\n");
    stop_server();
    owner.net = NULL;
}

static void free_settles_what_is_under_way(void **state)
{
    (void)state;
    owner.to_send = 1;
    start_server(mute_at_the_dot);
    open_conn();
    run(300);
    assert_string_equal(owner.log.data, "");
    smtp_net_free(owner.net);
    assert_string_equal(owner.log.data,
                        "in_doubt 0 end of data: closed by us at end of data\n"
                        "closed 1 0: closed by us at end of data\n");
    owner.net = NULL;
    stop_server();
}

#define TEST_(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_(delivered),
        TEST_(mails_max),
        TEST_(idle),
        TEST_(refused_here),
        TEST_(connect_refused),
        TEST_(connect_impossible),
        TEST_(connect_timeout),
        TEST_(timeout_at_greeting),
        TEST_(timeout_of_a_trickle),
        TEST_(timeout_at_the_dot),
        TEST_(quit_unanswered),
        TEST_(quit_before_connected),
        TEST_(lost_at_mail),
        TEST_(lost_after_the_dot),
        TEST_(big_body_in_parts),
        TEST_(timeout_within_the_body),
        TEST_(lost_within_the_body),
        TEST_(closing_is_heard_within_the_body),
        TEST_(nothing_is_said_before_the_flush),
        TEST_(free_settles_what_is_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
