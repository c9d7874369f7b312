/* presort-inbound - takes what comes back: bounces, complaints, notices. By
 * SMTP, from mailboxes, and from the API's hands. Started by `presort up`.
 * Strangers talk to it: it holds no key and no password of a relay, and may do
 * nothing but listen below port 1024, until it has. */
#include "base/log.h"
#include "base/memory.h"
#include "inbound/inbox.h"
#include "inbound/listener.h"
#include "inbound/mailbox.h"
#include "inbound/postman.h"
#include "queue/db.h"
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LEAVE_MS = 10000 };

struct inbound {
    uv_loop_t loop;
    struct config config;
    const char *config_path; /* NULL: the usual one */
    struct inbox *inbox;
    struct listener *listener; /* NULL: SMTP is not taken */
    struct postman *postman;
    char *conninfo;
    const char *test; /* the mailbox to try, then leave */
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t limit; /* of leaving */
    bool leaving;
};

static const char usage[] =
    "usage: presort-inbound [--config FILE] [--test MAILBOX]\n"
    "Takes bounces and complaints. `presort up` starts it.\n";

static void die(const char *what, const char *why)
{
    log_event(LOG_ERROR, "start_failed", "what=%s why=\"%s\"", what, why);
    exit(EXIT_FAILURE);
}

/* Whatever was left to us for the sake of port 25. */
static void drop_privileges(void)
{
    struct __user_cap_header_struct header = {.version =
                                                  _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (geteuid() != 0 && syscall(SYS_capset, &header, none) != 0)
        die("privileges", "can't be dropped");
}

/* The database has answered: who is sent away at RCPT can be told now. */
static void on_ready(void *owner)
{
    struct inbound *in = owner;
    struct error err;

    if (*in->config.inbound_listen && !in->leaving) {
        in->listener = listener_new(&in->loop, &in->config, in->inbox, &err);
        if (!in->listener)
            die("listener", err.text);
        log_event(LOG_INFO, "listening", "at=%s", in->config.inbound_listen);
    }
    drop_privileges();
    if (!in->leaving)
        in->postman =
            postman_new(in->conninfo, in->config.inbound_poll_seconds);
}

static void on_listener_gone(void *owner)
{
    struct inbound *in = owner;

    uv_stop(&in->loop);
}

static void on_limit(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void on_leave(uv_signal_t *handle, int signum)
{
    struct inbound *in = handle->data;

    if (in->leaving)
        return;
    in->leaving = true;
    log_event(LOG_INFO, "leaving", "signal=%d", signum);
    uv_timer_start(&in->limit, on_limit, LEAVE_MS, 0);
    if (in->listener)
        listener_stop(in->listener, on_listener_gone, in);
    else
        uv_stop(&in->loop);
}

/* A bad file leaves all as it is. */
static void on_reload(uv_signal_t *handle, int signum)
{
    struct inbound *in = handle->data;
    struct config fresh;
    struct error err;

    (void)signum;
    if (config_load(&fresh, in->config_path, &err) != STATUS_OK) {
        log_event(LOG_ERROR, "reload_refused", "why=\"%s\"", err.text);
        return;
    }
    struct config old = in->config;

    in->config = fresh;
    config_fini(&old);
    if (in->listener && listener_reload(in->listener, &err) != STATUS_OK)
        log_event(LOG_ERROR, "certificate_refused", "why=\"%s\"", err.text);
    log_event(LOG_INFO, "reloaded", "program=inbound");
}

static void on_signal(struct inbound *in, uv_signal_t *handle, uv_signal_cb run,
                      int signum)
{
    uv_signal_init(&in->loop, handle);
    handle->data = in;
    uv_signal_start(handle, run, signum);
}

static void parse_args(struct inbound *in, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"test", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'c') {
            in->config_path = optarg;
        } else if (c == 't') {
            in->test = optarg;
        } else {
            fputs(usage, c == 'h' ? stdout : stderr);
            exit(c == 'h' ? EXIT_SUCCESS : 2);
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        exit(2);
    }
}

static void load(struct inbound *in)
{
    struct error err;
    enum log_level level = LOG_INFO;

    if (config_load(&in->config, in->config_path, &err) != STATUS_OK) {
        fprintf(stderr, "presort-inbound: %s\n", err.text);
        exit(2);
    }
    log_level_parse(in->config.log_level, &level);
    log_open("inbound", level);
    if (db_conninfo(&in->config, "presort-inbound", &in->conninfo, &err) !=
        STATUS_OK)
        die("database", err.text);
}

static int test_mailbox(const struct inbound *in)
{
    struct error err;
    size_t n;

    if (postman_test(in->conninfo, in->test, &n, &err) != STATUS_OK) {
        fprintf(stderr, "presort: mailbox %s: %s\n", in->test, err.text);
        return EXIT_FAILURE;
    }
    printf("%s: logged in; %zu message%s to fetch%s\n", in->test, n,
           n == 1 ? "" : "s",
           n == MAILBOX_ROUND_MAX ? " in the first round" : "");
    return EXIT_SUCCESS;
}

static void start(struct inbound *in)
{
    in->inbox = inbox_new(&in->loop, &in->config, in->conninfo, on_ready, in);
    uv_timer_init(&in->loop, &in->limit);
    on_signal(in, &in->on_term, on_leave, SIGTERM);
    on_signal(in, &in->on_int, on_leave, SIGINT);
    on_signal(in, &in->on_hup, on_reload, SIGHUP);
    log_event(LOG_INFO, "started", "pid=%d", (int)getpid());
}

int main(int argc, char **argv)
{
    static struct inbound in;

    signal(SIGPIPE, SIG_IGN);
    parse_args(&in, argc, argv);
    load(&in);
    if (in.test)
        return test_mailbox(&in);
    if (uv_loop_init(&in.loop) != 0)
        die("loop", "can't start");
    start(&in);
    uv_run(&in.loop, UV_RUN_DEFAULT);
    postman_free(in.postman);
    inbox_free(in.inbox);
    uv_run(&in.loop, UV_RUN_NOWAIT);
    free(in.conninfo);
    config_fini(&in.config);
    return EXIT_SUCCESS;
}
