/*
 * tests/smtp/tls_talk - a connection by TLS to a server that has this or that
 * certificate, to its end, and what came of it.
 */
#ifndef TESTS_SMTP_TLS_TALK_H
#define TESTS_SMTP_TLS_TALK_H

#include "smtp/owner.h"
#include "smtp/tls_server.h"
#include <signal.h>

static const long DAY_S = 86400;

static struct cert ca, right, other, expired, own;
static char ca_file[] = "/tmp/test_tls.XXXXXX";

static int make_certs(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* of the server's SSL_write */
    ca = cert_new("ca", NULL, -DAY_S, DAY_S);
    right = cert_new("mx.example", &ca, -DAY_S, DAY_S);
    other = cert_new("other.example", &ca, -DAY_S, DAY_S);
    expired = cert_new("mx.example", &ca, -2 * DAY_S, -DAY_S);
    own = cert_new("mx.example", NULL, -DAY_S, DAY_S);
    cert_write(&ca, ca_file);
    return 0;
}

static int drop_certs(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&right);
    cert_free(&other);
    cert_free(&expired);
    cert_free(&own);
    unlink(ca_file);
    return 0;
}

static int set_up_trusting(void **state)
{
    struct error err;

    set_up(state);
    assert_int_equal(smtp_net_trust(owner.net, ca_file, &err), STATUS_OK);
    owner.to_send = 1;
    owner.quit_when_sent = true;
    owner.setup.tls.host = "mx.example";
    return 0;
}

static void talk(void)
{
    owner.closed = false;
    buf_reset(&owner.log);
    open_conn_to(&fake.at);
    run(RUN_MAX_MS);
    assert_true(owner.closed);
}

/* Runs to the end. */
static void converse(const struct cert *cert, enum smtp_tls level)
{
    fake_init(cert);
    fake_start();
    owner.setup.tls.level = level;
    talk();
    fake_stop();
}

static void assert_delivered(void)
{
    assert_non_null(strstr(owner.log.data, "delivered 250"));
    assert_non_null(strstr(fake.log, "T: MAIL FROM:<a@x>"));
    assert_null(strstr(fake.log, "C: MAIL"));
    assert_int_equal(owner.fault, SMTP_FAULT_NONE);
    assert_true(owner.facts.on);
    assert_int_equal(owner.facts.result, SMTP_TLS_OK);
    assert_int_equal(strncmp(owner.facts.version, "TLSv1.", 6), 0);
}

static void assert_refused(enum smtp_tls_result result)
{
    assert_null(strstr(owner.log.data, "delivered"));
    assert_null(strstr(fake.log, "MAIL"));
    assert_int_equal(owner.fault, SMTP_FAULT_TLS);
    assert_int_equal(owner.facts.result, result);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, set_up_trusting, tear_down)
#endif
