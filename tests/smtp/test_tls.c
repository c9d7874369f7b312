#include "smtp/tls.h"
#include "smtp/tls_talk.h"

/* Connections by TLS, held against a server that has it right, wrong, broken
 * or not at all. */

static void opportunistic(void **state)
{
    (void)state;
    converse(&own, SMTP_TLS_OPPORTUNISTIC);
    assert_delivered();
    assert_false(owner.facts.verified);
    assert_string_not_equal(owner.facts.why, "");
}

static void opportunistic_verified(void **state)
{
    (void)state;
    converse(&right, SMTP_TLS_OPPORTUNISTIC);
    assert_delivered();
    assert_true(owner.facts.verified);
}

static void opportunistic_wrong_name(void **state)
{
    (void)state;
    converse(&other, SMTP_TLS_OPPORTUNISTIC);
    assert_delivered();
    assert_false(owner.facts.verified);
}

static void required(void **state)
{
    (void)state;
    converse(&own, SMTP_TLS_REQUIRED);
    assert_delivered();
}

static void verified(void **state)
{
    (void)state;
    converse(&right, SMTP_TLS_VERIFIED);
    assert_delivered();
    assert_true(owner.facts.verified);
}

static void verified_by_a_list_of_names(void **state)
{
    static const char *const names[] = {"some.example", "other.example"};

    (void)state;
    owner.setup.tls.names = names;
    owner.setup.tls.n_names = 2;
    converse(&other, SMTP_TLS_VERIFIED);
    assert_delivered();
    assert_true(owner.facts.verified);
}

static void verified_wrong_name(void **state)
{
    (void)state;
    converse(&other, SMTP_TLS_VERIFIED);
    assert_refused(SMTP_TLS_HOST_MISMATCH);
}

static void verified_expired(void **state)
{
    (void)state;
    converse(&expired, SMTP_TLS_VERIFIED);
    assert_refused(SMTP_TLS_EXPIRED);
}

static void verified_untrusted(void **state)
{
    (void)state;
    converse(&own, SMTP_TLS_VERIFIED);
    assert_refused(SMTP_TLS_NOT_TRUSTED);
}

static void verified_without_a_name(void **state)
{
    (void)state;
    owner.setup.tls.host = "127.0.0.1";
    converse(&right, SMTP_TLS_VERIFIED);
    assert_refused(SMTP_TLS_HOST_MISMATCH);
}

static void resumed(void **state)
{
    (void)state;
    fake_init(&right);
    fake_start();
    owner.setup.tls.level = SMTP_TLS_VERIFIED;
    talk();
    assert_false(owner.facts.resumed);
    owner.to_send = 1;
    talk();
    fake_stop();
    assert_delivered();
    assert_true(owner.facts.resumed);
    assert_true(owner.facts.verified);
    assert_int_equal(fake.resumed, 1);
}

/* What was proved to a lesser policy is no proof for this one. */
static void not_resumed_by_another_policy(void **state)
{
    (void)state;
    fake_init(&own);
    fake_start();
    owner.setup.tls.level = SMTP_TLS_OPPORTUNISTIC;
    talk();
    owner.to_send = 1;
    fake.len = 0;
    memset(fake.log, 0, sizeof fake.log);
    owner.setup.tls.level = SMTP_TLS_VERIFIED;
    talk();
    fake_stop();
    assert_refused(SMTP_TLS_NOT_TRUSTED);
    assert_int_equal(fake.resumed, 0);
}

/* Nor what was proved of another name. */
static void not_resumed_for_another_name(void **state)
{
    static const char *const first[] = {"other.example"};
    static const char *const then[] = {"some.example"};

    (void)state;
    fake_init(&other);
    fake_start();
    owner.setup.tls.level = SMTP_TLS_VERIFIED;
    owner.setup.tls.names = first;
    owner.setup.tls.n_names = 1;
    talk();
    assert_true(owner.facts.verified);
    owner.to_send = 1;
    fake.len = 0;
    memset(fake.log, 0, sizeof fake.log);
    owner.setup.tls.names = then;
    talk();
    fake_stop();
    assert_refused(SMTP_TLS_HOST_MISMATCH);
    assert_int_equal(fake.resumed, 0);
}

static void not_offered(enum smtp_tls level)
{
    fake_init(&right);
    fake.ehlo = "250 fake\r\n";
    fake_start();
    owner.setup.tls.level = level;
    talk();
    fake_stop();
}

static void required_not_offered(void **state)
{
    (void)state;
    for (int l = SMTP_TLS_REQUIRED; l <= SMTP_TLS_DANE; l++) {
        not_offered((enum smtp_tls)l);
        assert_refused(SMTP_TLS_NO_STARTTLS);
    }
}

/* One that knows nothing later than that version. Its security level is what
 * lets it speak a version below 1.2 at all. */
static void converse_at_most(int version, enum smtp_tls level)
{
    fake_init(&right);
    SSL_CTX_set_security_level(fake.ctx, 0);
    if (SSL_CTX_set_min_proto_version(fake.ctx, TLS1_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(fake.ctx, version) != 1)
        abort();
    fake_start();
    owner.setup.tls.level = level;
    talk();
    fake_stop();
}

/* Nor where the weakest cipher would: there the security level is 0 on our side
 * too, and only the least version stands against it. */
static void tls_1_1_will_not_do(void **state)
{
    (void)state;
    for (int l = SMTP_TLS_OPPORTUNISTIC; l <= SMTP_TLS_VERIFIED; l++) {
        converse_at_most(TLS1_1_VERSION, (enum smtp_tls)l);
        assert_non_null(strstr(fake.log, "C: STARTTLS"));
        assert_refused(SMTP_TLS_VALIDATION);
        assert_false(owner.facts.on);
    }
}

static void tls_1_2_will_do(void **state)
{
    (void)state;
    converse_at_most(TLS1_2_VERSION, SMTP_TLS_REQUIRED);
    assert_delivered();
    assert_string_equal(owner.facts.version, "TLSv1.2");
}

static void opportunistic_not_offered(void **state)
{
    (void)state;
    not_offered(SMTP_TLS_OPPORTUNISTIC);
    assert_non_null(strstr(owner.log.data, "delivered 250"));
    assert_int_equal(owner.facts.result, SMTP_TLS_NO_STARTTLS);
}

static void none_offered_all_the_same(void **state)
{
    (void)state;
    converse(&right, SMTP_TLS_NONE);
    assert_non_null(strstr(owner.log.data, "delivered 250"));
    assert_null(strstr(fake.log, "STARTTLS"));
}

static void broken_tls_is_remembered_by_the_owner(void **state)
{
    (void)state;
    fake_init(&right);
    fake.junk = true;
    fake_start();
    owner.setup.tls.level = SMTP_TLS_OPPORTUNISTIC;
    talk();
    assert_int_equal(owner.fault, SMTP_FAULT_TLS);
    assert_int_equal(owner.facts.result, SMTP_TLS_VALIDATION);
    assert_null(strstr(fake.log, "MAIL"));
    owner.setup.broken_tls = true;
    talk();
    fake_stop();
    assert_non_null(strstr(owner.log.data, "delivered 250"));
    assert_non_null(strstr(fake.log, "C: MAIL"));
}

/* Broken or not: what must be, must be. */
static void broken_tls_means_nothing_to_required(void **state)
{
    (void)state;
    fake_init(&right);
    fake.junk = true;
    fake_start();
    owner.setup.tls.level = SMTP_TLS_REQUIRED;
    owner.setup.broken_tls = true;
    talk();
    fake_stop();
    assert_refused(SMTP_TLS_VALIDATION);
}

static void injected_behind_220(void **state)
{
    (void)state;
    fake_init(&right);
    fake.behind_220 = "250-fake\r\n250 AUTH PLAIN\r\n";
    fake_start();
    owner.setup.tls.level = SMTP_TLS_REQUIRED;
    talk();
    fake_stop();
    assert_null(strstr(owner.log.data, "delivered"));
    assert_null(strstr(fake.log, "T: "));
    assert_int_equal(owner.fault, SMTP_FAULT_TLS);
    assert_non_null(strstr(owner.log.data, "bytes in clear behind"));
}

static void implicit(void **state)
{
    (void)state;
    fake_init(&right);
    fake.implicit = true;
    fake_start();
    owner.setup.tls.level = SMTP_TLS_VERIFIED;
    owner.setup.implicit_tls = true;
    talk();
    fake_stop();
    assert_delivered();
    assert_null(strstr(fake.log, "STARTTLS"));
}

static void implicit_wrong_name(void **state)
{
    (void)state;
    fake_init(&other);
    fake.implicit = true;
    fake_start();
    owner.setup.tls.level = SMTP_TLS_VERIFIED;
    owner.setup.implicit_tls = true;
    talk();
    fake_stop();
    assert_refused(SMTP_TLS_HOST_MISMATCH);
}

static void timeout_within_the_handshake(void **state)
{
    (void)state;
    fake_init(&right);
    fake.mute = true;
    fake_start();
    owner.limits.reply_ms = 300;
    owner.setup.tls.level = SMTP_TLS_REQUIRED;
    owner.setup.implicit_tls = true;
    talk();
    fake_stop();
    assert_int_equal(owner.fault, SMTP_FAULT_TLS);
    assert_non_null(strstr(owner.log.data, "timeout at TLS handshake"));
}

static const struct smtp_login login = {
    .mechs = SMTP_MECH_PLAIN, .user = "user", .secret = "pencil"};

static void login_by_tls(void **state)
{
    (void)state;
    fake_init(&right);
    fake.ehlo = "250-fake\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
    fake.ehlo_tls = "250-fake\r\n250-CHUNKING\r\n250-PIPELINING\r\n"
                    "250 AUTH PLAIN\r\n";
    fake_start();
    owner.setup.tls.level = SMTP_TLS_REQUIRED;
    owner.setup.login = &login;
    talk();
    fake_stop();
    assert_delivered();
    assert_non_null(strstr(fake.log, "T: AUTH PLAIN AHVzZXIAcGVuY2ls\n"));
    assert_null(strstr(fake.log, "C: AUTH"));
    assert_non_null(strstr(fake.log, "T: BDAT 4 LAST\n"));
}

static void no_login_in_clear(void **state)
{
    (void)state;
    fake_init(&right);
    fake.ehlo = "250-fake\r\n250 AUTH PLAIN LOGIN\r\n";
    fake_start();
    owner.setup.tls.level = SMTP_TLS_OPPORTUNISTIC;
    owner.setup.login = &login;
    talk();
    fake_stop();
    assert_int_equal(owner.fault, SMTP_FAULT_LOGIN);
    assert_null(strstr(fake.log, "AUTH"));
    assert_null(strstr(fake.log, "MAIL"));
}

static void login_refused(void **state)
{
    (void)state;
    fake_init(&right);
    fake.ehlo_tls = "250-fake\r\n250 AUTH PLAIN\r\n";
    fake.answers[0].verb = "AUTH";
    fake.answers[0].reply = "535 5.7.8 no\r\n";
    fake_start();
    owner.setup.tls.level = SMTP_TLS_REQUIRED;
    owner.setup.login = &login;
    talk();
    fake_stop();
    assert_int_equal(owner.fault, SMTP_FAULT_LOGIN);
    assert_string_equal(owner.log.data, "closed 0 535: AUTH: 535 5.7.8 no\n");
}

/* Many records, and more than the sockets hold. */
static void big_body(void **state)
{
    enum { BYTES = 3 * 1000 * 1000 };
    char *big = test_malloc(BYTES + 1);

    (void)state;
    for (size_t i = 0; i < BYTES; i++)
        big[i] = i % 100 == 98 ? '\r' : i % 100 == 99 ? '\n' : 'x';
    big[BYTES] = 0;
    for (int chunking = 0; chunking <= 1; chunking++) {
        fake_init(&right);
        fake.ehlo_tls = chunking ? "250-fake\r\n250 CHUNKING\r\n" : "250 a\r\n";
        fake_start();
        owner.data = big;
        owner.to_send = 1;
        owner.setup.tls.level = SMTP_TLS_REQUIRED;
        talk();
        fake_stop();
        assert_delivered();
        assert_int_equal(fake.body, BYTES);
    }
    test_free(big);
}

static void converse_for_strict_mail(const struct cert *cert, const char *ehlo)
{
    fake_init(cert);
    fake.ehlo_tls = ehlo;
    fake_start();
    owner.setup.tls.level = SMTP_TLS_OPPORTUNISTIC;
    owner.setup.keeps_tls = true;
    owner.to_send = 1;
    talk();
    fake_stop();
}

/* RFC 8689, 4.2.1: what all mail will require is had before the first, and the
 * login. */
static void kept_to_tls(void **state)
{
    static const char *const offer = "250-fake\r\n250 REQUIRETLS\r\n";

    (void)state;
    converse_for_strict_mail(&right, offer);
    assert_delivered();
    assert_string_equal(owner.enhanced, "");
    converse_for_strict_mail(&right, "250 fake\r\n");
    assert_int_equal(owner.fault, SMTP_FAULT_UNFIT);
    assert_string_equal(owner.enhanced, "5.7.30");
    assert_null(strstr(fake.log, "MAIL"));
    assert_non_null(strstr(fake.log, "QUIT"));
    converse_for_strict_mail(&own, offer);
    assert_int_equal(owner.fault, SMTP_FAULT_UNFIT);
    assert_string_equal(owner.enhanced, "5.7.10");
    assert_null(strstr(fake.log, "MAIL"));
    owner.setup.broken_tls = true;
    converse_for_strict_mail(&right, offer);
    assert_int_equal(owner.fault, SMTP_FAULT_UNFIT);
    assert_string_equal(owner.enhanced, "4.7.10");
    assert_null(strstr(fake.log, "MAIL"));
}

/* RFC 9422: one mail, then another connection. */
static void mailmax(void **state)
{
    (void)state;
    fake_init(&right);
    fake.ehlo_tls = "250-fake\r\n250 LIMITS MAILMAX=1\r\n";
    fake_start();
    owner.to_send = 2;
    owner.setup.tls.level = SMTP_TLS_REQUIRED;
    talk();
    fake_stop();
    assert_int_equal(owner.to_send, 1);
    assert_non_null(strstr(owner.log.data, "closed 1 0: \n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opportunistic),
        TEST(opportunistic_verified),
        TEST(opportunistic_wrong_name),
        TEST(required),
        TEST(tls_1_1_will_not_do),
        TEST(tls_1_2_will_do),
        TEST(verified),
        TEST(verified_by_a_list_of_names),
        TEST(verified_wrong_name),
        TEST(verified_expired),
        TEST(verified_untrusted),
        TEST(verified_without_a_name),
        TEST(resumed),
        TEST(not_resumed_by_another_policy),
        TEST(not_resumed_for_another_name),
        TEST(required_not_offered),
        TEST(opportunistic_not_offered),
        TEST(none_offered_all_the_same),
        TEST(broken_tls_is_remembered_by_the_owner),
        TEST(broken_tls_means_nothing_to_required),
        TEST(injected_behind_220),
        TEST(implicit),
        TEST(implicit_wrong_name),
        TEST(timeout_within_the_handshake),
        TEST(login_by_tls),
        TEST(no_login_in_clear),
        TEST(login_refused),
        TEST(big_body),
        TEST(mailmax),
        TEST(kept_to_tls),
    };

    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
