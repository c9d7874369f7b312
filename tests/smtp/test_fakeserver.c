#include "base/memory.h"
#include "smtp/owner.h"
#include "smtp/tls_server.h"
#include <jansson.h>
#include <signal.h>

/* The hostile servers of NO STARTTLS (USENIX Security 2021), each played to the
 * real connection under each policy. Whatever they do: under a policy that
 * demands TLS no login and no mail is said in clear, nothing that came before
 * the handshake is believed after it, and the connection ends. */

#define CORPUS "../shared/corpora/starttls-fakeserver/index.jsonl"

enum { CASES_MIN = 20, REPLY_MAX = 8192 };

static struct cert ca, right, expired;
static char ca_file[] = "/tmp/test_fakeserver.XXXXXX";
static char ehlo[REPLY_MAX], ehlo_tls[REPLY_MAX];

/* ["StartTLS", {"Auth": ["Plain", {"Other": "X"}]}] */
static void write_auth(const json_t *mechs, char *out)
{
    size_t i, n = strlen(out);
    json_t *mech;

    n += (size_t)snprintf(out + n, REPLY_MAX - n, "250-AUTH");
    json_array_foreach(mechs, i, mech)
    {
        const char *name =
            json_is_string(mech)
                ? json_string_value(mech)
                : json_string_value(json_object_get(mech, "Other"));

        if (name && n < REPLY_MAX - 300)
            n += (size_t)snprintf(out + n, REPLY_MAX - n, " %s", name);
    }
    snprintf(out + n, REPLY_MAX - n, "\r\n");
}

static void write_offer(const json_t *capabilities, char *out)
{
    size_t i;
    json_t *c;

    snprintf(out, REPLY_MAX, "250-example.org\r\n");
    json_array_foreach(capabilities, i, c)
    {
        const char *name = json_string_value(c);
        size_t n = strlen(out);

        if (name && strcmp(name, "StartTLS") == 0)
            snprintf(out + n, REPLY_MAX - n, "250-STARTTLS\r\n");
        else if (json_object_get(c, "Auth"))
            write_auth(json_object_get(c, "Auth"), out);
    }
    size_t n = strlen(out);
    snprintf(out + n, REPLY_MAX - n, "250 HELP\r\n");
}

static void answer(const char *verb, const char *reply)
{
    for (size_t i = 0; reply && i < TLS_SERVER_ANSWERS; i++)
        if (!fake.answers[i].verb) {
            fake.answers[i].verb = verb;
            fake.answers[i].reply = reply;
            return;
        }
}

static const char *text_of(const json_t *c, const char *name)
{
    return json_string_value(json_object_get(c, name));
}

/* A text of its own file's comment (B_1): what it sends with 220. */
static void play_as(const json_t *row)
{
    const json_t *c = json_object_get(row, "case");
    const char *crt = text_of(
        json_object_get(json_object_get(c, "cert"), "Cert"), "crt_path");
    const char *verb;
    json_t *value;
    size_t i;

    fake_init(crt && strstr(crt, "expired") ? &expired : &right);
    write_offer(json_object_get(c, "capabilities"), ehlo);
    write_offer(json_object_get(c, "capabilities_tls"), ehlo_tls);
    fake.ehlo = ehlo;
    fake.ehlo_tls = ehlo_tls;
    if (text_of(c, "greeting"))
        fake.greeting = text_of(c, "greeting");
    answer("STARTTLS", text_of(c, "stls_response"));
    fake.no_handshake =
        json_is_false(json_object_get(c, "stls_make_transition"));
    fake.behind_220 = text_of(c, "response_after_starttls");
    json_object_foreach(json_object_get(c, "override_response"), verb, value)
        answer(verb, json_string_value(value));
    json_array_foreach(json_object_get(c, "hide_commands"), i, value)
        answer(json_string_value(value), "500 what\r\n");
    if (strstr(text_of(row, "comment"), "stls_response"))
        answer("STARTTLS", "220 Ready to start TLS\r\n250-example.org\r\n"
                           "250 AUTH LOGIN\r\n");
}

static void check(const json_t *row, enum smtp_tls level)
{
    static const struct smtp_login login = {
        .mechs = SMTP_MECH_PLAIN | SMTP_MECH_LOGIN | SMTP_MECH_SCRAM_SHA_256,
        .user = "user",
        .secret = "pencil"};
    struct error err;

    set_up(NULL);
    if (smtp_net_trust(owner.net, ca_file, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    owner.to_send = 1;
    owner.quit_when_sent = true;
    owner.limits.reply_ms = 2000;
    owner.setup.tls.host = "example.org";
    owner.setup.tls.level = level;
    owner.setup.login = &login;
    play_as(row);
    fake_start();
    open_conn_to(&fake.at);
    run(RUN_MAX_MS);
    if (!owner.closed)
        fail_msg("%s: it hangs", text_of(row, "file"));
    smtp_net_free(owner.net);
    owner.net = smtp_net_new(&owner.loop);
    fake_stop();

    /* SCRAM does not tell the password, and is no more than refused. */
    const char *auth = strstr(fake.log, "C: AUTH");
    bool scram = auth && strncmp(auth, "C: AUTH SCRAM", 13) == 0 &&
                 level == SMTP_TLS_OPPORTUNISTIC;

    if ((auth && !scram) || strstr(fake.log, "C: MAIL"))
        fail_msg("%s, %s: said in clear:\n%s", text_of(row, "file"),
                 smtp_tls_text(level), fake.log);
    if (strstr(owner.log.data, "delivered") && !owner.facts.on)
        fail_msg("%s, %s: delivered without TLS", text_of(row, "file"),
                 smtp_tls_text(level));
    if (level == SMTP_TLS_VERIFIED && strstr(text_of(row, "file"), "T_4") &&
        owner.facts.result != SMTP_TLS_EXPIRED)
        fail_msg("%s: %s", text_of(row, "file"),
                 smtp_tls_result_text(owner.facts.result));
    tear_down(NULL);
}

/* Each case, and how many of them ended with the mail delivered by TLS: none
 * would mean that nothing was tried. */
static void hostile_servers(void **state)
{
    char line[65536];
    unsigned cases = 0, delivered = 0;
    FILE *f = fopen(CORPUS, "r");

    (void)state;
    if (!f) {
        print_message("no corpus here\n");
        skip();
    }
    while (fgets(line, sizeof line, f)) {
        json_t *row = json_loads(line, 0, NULL);

        if (row && strcmp(text_of(row, "protocol"), "smtp") == 0) {
            cases++;
            check(row, SMTP_TLS_REQUIRED);
            delivered += strstr(fake.log, "T: MAIL") != NULL;
            check(row, SMTP_TLS_VERIFIED);
            /* The login alone keeps it from going in clear. */
            check(row, SMTP_TLS_OPPORTUNISTIC);
        }
        json_decref(row);
    }
    fclose(f);
    assert_true(cases >= CASES_MIN);
    assert_true(delivered >= 2);
}

static int make_certs(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    ca = cert_new("ca", NULL, -86400, 86400);
    right = cert_new("example.org", &ca, -86400, 86400);
    expired = cert_new("example.org", &ca, -2 * 86400, -86400);
    cert_write(&ca, ca_file);
    return 0;
}

static int drop_certs(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&right);
    cert_free(&expired);
    unlink(ca_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hostile_servers)};

    return cmocka_run_group_tests(tests, make_certs, drop_certs);
}
