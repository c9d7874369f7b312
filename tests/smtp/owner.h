/*
 * tests/smtp/owner - an owner of one smtp_conn on a loop of its own. What it
 * hears is kept as text.
 */
#ifndef TESTS_SMTP_OWNER_H
#define TESTS_SMTP_OWNER_H

#include "base/buf.h"
#include "base/clock.h"
#include "smtp/conn.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

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
    char enhanced[SMTP_ENHANCED_MAX];
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
    snprintf(owner.enhanced, sizeof owner.enhanced, "%s", end->enhanced);
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

static void open_conn_to(const struct sockaddr_in *at)
{
    static const struct smtp_conn_events events = {on_ready, on_settled,
                                                   on_closed};

    buf_add_text(&owner.log, "");
    owner.setup.address = (const struct sockaddr *)at;
    owner.setup.address_len = sizeof *at;
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
#endif
