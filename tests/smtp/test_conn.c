#include "smtp/conn.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "smtp/owner.h"
#include "smtp/servers.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void open_conn(void)
{
    open_conn_to(&server.at);
}

/* A connection is held against the servers of smtp/servers.h; what its owner
 * hears is kept as text. */

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

static void from_a_source_address(void **state)
{
    struct sockaddr_in from = {.sin_family = AF_INET};

    (void)state;
    inet_pton(AF_INET, "127.0.0.5", &from.sin_addr);
    owner.setup.source = (const struct sockaddr *)&from;
    owner.setup.source_len = sizeof from;
    owner.to_send = 1;
    owner.quit_when_sent = true;
    serve_and_run(take_all, KEPT "closed 1 0: \n");
    assert_int_equal(strncmp(owner.source, "127.0.0.5:", 10), 0);
}

static void from_an_address_that_is_not_ours(void **state)
{
    struct sockaddr_in from = {.sin_family = AF_INET};

    (void)state;
    inet_pton(AF_INET, "192.0.2.1", &from.sin_addr);
    owner.setup.source = (const struct sockaddr *)&from;
    owner.setup.source_len = sizeof from;
    serve_and_run(mute, "closed 0 0: connect: address not available\n");
    assert_int_equal(owner.fault, SMTP_FAULT_CONNECT);
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
        TEST_(from_a_source_address),
        TEST_(from_an_address_that_is_not_ours),
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
