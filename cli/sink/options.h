/* sink/options - the command line of `presort sink`, from one table. */
#ifndef SINK_OPTIONS_H
#define SINK_OPTIONS_H

#include "base/status.h"
#include "cli/sink/rules.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

struct sink_options {
    struct sockaddr_storage listen, stats; /* ss_family 0: none */
    const char *hostname, *maildir, *log;  /* NULL: none; point into argv */
    const char *tls_cert, *tls_key, *auth;
    bool starttls, tls, tls_required, chunking, dsn;
    bool track, no_pipelining, no_8bitmime, no_smtputf8, no_ehlo, help;
    bool false_8bitmime, no_requiretls;
    int64_t size_max, mails_max, mailmax, slow_ms, connections_max,
        timeout_seconds;
    struct sink_rules rules;
};

/* On an error the text names the option. */
MUST_USE enum status sink_options_parse(struct sink_options *options, int argc,
                                        char **argv, struct error *err);
void sink_options_fini(struct sink_options *options);

void sink_options_help(FILE *out);
#endif
