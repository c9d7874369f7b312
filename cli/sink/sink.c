#include "cli/cli.h"
#include "cli/sink.h"
#include "cli/sink/http.h"
#include "cli/sink/server.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_TEXT_MAX = 80 };

/* All that one run of the sink holds. */
struct sink {
    uv_loop_t loop;
    uv_signal_t stop_int, stop_term, print;
    uv_prepare_t turn;
    struct sink_options options;
    struct sink_ledger ledger;
    struct sink_maildir maildir;
    struct sink_server server;
    struct sink_http http;
    bool serving_stats, stopping;
};

static void stop(struct sink *sink)
{
    if (sink->stopping)
        return;
    sink->stopping = true;
    sink_server_stop(&sink->server);
    if (sink->serving_stats)
        sink_http_stop(&sink->http);
    uv_close((uv_handle_t *)&sink->stop_int, NULL);
    uv_close((uv_handle_t *)&sink->stop_term, NULL);
    uv_close((uv_handle_t *)&sink->print, NULL);
    uv_close((uv_handle_t *)&sink->turn, NULL);
}

/* A log with holes would make whoever counts by it believe a lie. */
static void on_turn(uv_prepare_t *turn)
{
    struct sink *sink = turn->data;
    if (sink->ledger.log_error.text[0])
        stop(sink);
}

static void on_stop(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data);
}

static void on_print(uv_signal_t *handle, int number)
{
    (void)number;
    struct sink *sink = handle->data;
    struct buf text = {0};
    sink_ledger_totals(&sink->ledger, &text);
    puts(text.data);
    fflush(stdout);
    buf_fini(&text);
}

static enum status listen_all(struct sink *sink, struct error *err)
{
    struct sink_options *options = &sink->options;
    struct sink_maildir *maildir = options->maildir ? &sink->maildir : NULL;
    enum status status = sink_server_start(&sink->server, &sink->loop, options,
                                           &sink->ledger, maildir, err);
    if (status != STATUS_OK || options->stats.ss_family == AF_UNSPEC)
        return status;
    sink->serving_stats = true;
    return sink_http_start(&sink->http, &sink->loop, &options->stats,
                           &sink->ledger, err);
}

static void say_ready(struct sink *sink)
{
    char address[ADDRESS_TEXT_MAX];
    if (sink->serving_stats) {
        sink_address_text(&sink->http.listener, address, sizeof address);
        printf("stats on %s\n", address);
    }
    sink_address_text(&sink->server.listener, address, sizeof address);
    printf("listening on %s\n", address);
    fflush(stdout);
}

static void watch(struct sink *sink)
{
    uv_signal_init(&sink->loop, &sink->stop_int);
    uv_signal_init(&sink->loop, &sink->stop_term);
    uv_signal_init(&sink->loop, &sink->print);
    uv_prepare_init(&sink->loop, &sink->turn);
    sink->stop_int.data = sink->stop_term.data = sink;
    sink->print.data = sink->turn.data = sink;
    uv_signal_start(&sink->stop_int, on_stop, SIGINT);
    uv_signal_start(&sink->stop_term, on_stop, SIGTERM);
    uv_signal_start(&sink->print, on_print, SIGUSR1);
    uv_prepare_start(&sink->turn, on_turn);
}

static enum status open_files(struct sink *sink, struct error *err)
{
    struct sink_options *options = &sink->options;
    enum status status =
        sink_ledger_init(&sink->ledger, options->track, options->log, err);
    if (status != STATUS_OK || !options->maildir)
        return status;
    return sink_maildir_open(&sink->maildir, options->maildir, err);
}

/* The listeners' buffers and handles live in sink until the loop is empty. */
static enum status serve(struct sink *sink, struct error *err)
{
    uv_loop_init(&sink->loop);
    watch(sink);
    enum status status = listen_all(sink, err);
    if (status == STATUS_OK)
        say_ready(sink);
    else
        stop(sink);
    uv_run(&sink->loop, UV_RUN_DEFAULT);
    uv_loop_close(&sink->loop);
    sink_tls_context_free(sink->server.tls);
    if (status == STATUS_OK && sink->ledger.log_error.text[0])
        status = fail(err, STATUS_FAILED, "%s", sink->ledger.log_error.text);
    return status;
}

int sink_main(int argc, char **argv)
{
    static struct sink sink;
    struct error err = {0};
    sink.ledger.log_fd = sink.maildir.tmp_fd = sink.maildir.new_fd = -1;
    enum status status = sink_options_parse(&sink.options, argc, argv, &err);
    if (status == STATUS_OK && sink.options.help) {
        sink_options_help(stdout);
        return EXIT_SUCCESS;
    }
    if (status != STATUS_OK)
        return cli_usage("%s", err.text);
    signal(SIGPIPE, SIG_IGN);
    status = open_files(&sink, &err);
    if (status == STATUS_OK)
        status = serve(&sink, &err);
    if (status != STATUS_OK)
        fprintf(stderr, "presort sink: %s\n", err.text);
    sink_maildir_close(&sink.maildir);
    sink_ledger_fini(&sink.ledger);
    sink_options_fini(&sink.options);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
