/*
 * base/config - every setting of the product, in one table.
 *
 * A setting comes from its default, then the file (`name = value` lines, `#`
 * comments, no sections), then the environment (PRESORT_ and the name in
 * capitals; DATABASE_URL as it is). The later wins. `presort config` and
 * docs/reference/settings.md are printed from this table.
 *
 * Units are part of the name. Durations accept 500ms, 30s, 5m, 4h, 3d;
 * sizes 64k, 10m, 1g; a bare number is in the setting's own unit.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* kind, name, default, least, most, unit, meaning.
 * TEXT, SECRET: least and most are lengths. NUMBER, BYTES; SECONDS and
 * MILLISECONDS are durations. */
#define CONFIG_TABLE(X)                                                        \
    X(TEXT, state_dir, "/var/lib/presort", 1, 4096, "path",                    \
      "where the private database, journals and keys are kept")                \
    X(SECRET, database_url, "", 0, 4096, "libpq URL",                          \
      "PostgreSQL 14 or later; empty: presort runs a private one")             \
    X(TEXT, postgres_bin_dir, "", 0, 4096, "path",                             \
      "where initdb and postgres are; empty: the newest installed")            \
    X(TEXT, log_level, "info", 1, 8, "level", "debug, info, warn or error")    \
    X(NUMBER, workers, "0", 0, 256, "processes",                               \
      "engine processes; 0: one per core")                                     \
    X(TEXT, api_listen, "127.0.0.1:8025", 3, 255, "host:port",                 \
      "address of the HTTP API")                                               \
    X(NUMBER, api_threads, "8", 1, 256, "threads",                             \
      "threads that talk to the database for API requests")                    \
    X(BYTES, api_body_max_bytes, "42m", 1024, 1073741824, "bytes",             \
      "largest JSON body of a request")                                        \
    X(BYTES, api_upload_max_bytes, "4g", 1024, INT64_MAX, "bytes",             \
      "largest recipients upload, unpacked")                                   \
    X(SECONDS, api_idle_timeout_seconds, "60s", 1, 3600, "seconds",            \
      "an HTTP connection silent for so long is closed")                       \
    X(NUMBER, api_rate_limit_per_second, "10000", 1, 10000000, "requests",     \
      "requests per second and API key, unless the key has its own limit")     \
    X(TEXT, engine_metrics_listen, "127.0.0.1:8026", 3, 255, "host:port",      \
      "/metrics of the first worker; each further worker adds 1 to the port")  \
    X(TEXT, relay, "sandbox", 1, 2048, "servers",                              \
      "where mail is handed over: host:port, or several of them, separated "   \
      "by commas; sandbox: the built-in sink; direct: the recipients' own "    \
      "servers, by MX")                                                        \
    X(TEXT, relay_tls, "opportunistic", 1, 64, "policy",                       \
      "of that relay: none, opportunistic, required or verified")              \
    X(TEXT, relay_login, "none", 1, 64, "login",                               \
      "to that relay: none, auto, plain, login, scram-sha-256 or xoauth2")     \
    X(TEXT, relay_user, "", 0, 319, "name", "who logs in to that relay")       \
    X(TEXT, relay_secret, "", 0, 1024, "place",                                \
      "where its password or token is: file:PATH, env:NAME or command:LINE")   \
    X(TEXT, relay_secret_dir, "/etc/presort/relays", 0, 1024, "path",          \
      "where files are that the HTTP API may name as a relay's "               \
      "password_file; empty: none")                                            \
    X(TEXT, sandbox_listen, "127.0.0.1:2525", 3, 255, "host:port",             \
      "address of the built-in sink")                                          \
    X(NUMBER, direct_port, "25", 1, 65535, "port",                             \
      "port of the recipients' mail servers, where mail goes to them "         \
      "directly")                                                              \
    X(TEXT, warmup_schedule,                                                   \
      "50,100,500,1000,5000,10000,20000,40000,70000,100000,150000,250000,"     \
      "400000,600000",                                                         \
      1, 1024, "numbers",                                                      \
      "mails that a provider gets from a source address on the first day of "  \
      "its warm-up, the second, and so on; then as many as there are")         \
    X(TEXT, ip_preference, "any", 1, 16, "family",                             \
      "which of a server's addresses are tried first: ipv6, ipv4 or any; "     \
      "ipv6-only, ipv4-only: no others")                                       \
    X(TEXT, dns_servers, "", 0, 1024, "addresses",                             \
      "name servers to ask, ADDRESS or ADDRESS@PORT, separated by commas; "    \
      "empty: the system's")                                                   \
    X(TEXT, dns_trust_anchor_file, "", 0, 4096, "path",                        \
      "keys that signed DNS answers are checked against; empty: the root's, "  \
      "if the system has it (/usr/share/dns/root.key)")                        \
    X(TEXT, tls_policy, "opportunistic", 1, 16, "level",                       \
      "TLS that recipients' servers must at least speak: none, "               \
      "opportunistic, required, verified; DANE and MTA-STS may ask for more")  \
    X(NUMBER, dane, "1", 0, 1, "0 or 1",                                       \
      "follow signed TLSA records of recipients' servers")                     \
    X(NUMBER, mta_sts, "1", 0, 1, "0 or 1",                                    \
      "follow the MTA-STS policies of recipients' domains")                    \
    X(NUMBER, mta_sts_port, "443", 1, 65535, "port",                           \
      "where MTA-STS policies are fetched")                                    \
    X(NUMBER, tls_reports, "1", 0, 1, "0 or 1",                                \
      "count how TLS goes for domains that want reports (presort tlsrpt)")     \
    X(TEXT, hostname, "", 0, 255, "domain",                                    \
      "name said in EHLO and Message-ID; empty: the machine's")                \
    X(TEXT, return_path_domain, "", 0, 255, "domain",                          \
      "domain of the return path; empty: the sender's own address is used")    \
    X(NUMBER, fetch_private, "0", 0, 1, "0 or 1",                              \
      "1: attachments may be fetched from private and local addresses, too")   \
    X(BYTES, fetch_max_bytes, "25m", 1024, 41943040, "bytes",                  \
      "largest attachment fetched from a URL")                                 \
    X(SECONDS, fetch_timeout_seconds, "10s", 1, 120, "seconds",                \
      "limit for fetching an attachment from a URL")                           \
    X(TEXT, inbound_listen, "", 0, 255, "host:port",                           \
      "where bounces are taken by SMTP (the MX of return_path_domain leads "   \
      "there), 0.0.0.0:25; empty: they are not")                               \
    X(TEXT, inbound_domains, "", 0, 1024, "domains",                           \
      "what inbound_listen takes mail for, separated by commas; empty: "       \
      "return_path_domain")                                                    \
    X(TEXT, inbound_names, "fbl,abuse,postmaster", 0, 1024, "local parts",     \
      "addresses of these domains that are taken beside return paths: for "    \
      "complaints")                                                            \
    X(TEXT, inbound_tls_certificate, "", 0, 4096, "path",                      \
      "certificates (PEM) that inbound_listen offers STARTTLS with; empty: "   \
      "it does not")                                                           \
    X(TEXT, inbound_tls_key, "", 0, 4096, "path",                              \
      "the certificate's key (PEM); empty: in the same file")                  \
    X(BYTES, inbound_message_max_bytes, "20m", 65536, 1073741824, "bytes",     \
      "largest message that inbound_listen takes")                             \
    X(NUMBER, inbound_connections_max, "200", 1, 10000, "connections",         \
      "connections to inbound_listen at a time")                               \
    X(NUMBER, inbound_client_connections_max, "20", 1, 10000, "connections",   \
      "of these, from one address (IPv6: from one /64)")                       \
    X(NUMBER, inbound_client_mails_a_minute, "3000", 1, 10000000, "mails",     \
      "messages that one address may bring in a minute")                       \
    X(SECONDS, inbound_timeout_seconds, "5m", 1, 3600, "seconds",              \
      "a client of inbound_listen silent for so long is sent away "            \
      "(RFC 5321, 4.5.3.2.7)")                                                 \
    X(SECONDS, inbound_poll_seconds, "60s", 1, 86400, "seconds",               \
      "an empty mailbox (presort mailboxes) is looked into this often")        \
    X(SECONDS, inbound_unknown_retention_seconds, "30d", 3600, 315360000,      \
      "seconds", "incoming messages that are not understood are kept so long") \
    X(TEXT, public_url, "", 0, 255, "URL",                                     \
      "where recipients reach the API, https://t.example.com: for tracked "    \
      "links, the open pixel and unsubscribing; empty: none of these")         \
    X(NUMBER, track_clicks, "1", 0, 1, "0 or 1",                               \
      "links of campaigns are tracked, unless the campaign says otherwise")    \
    X(NUMBER, track_opens, "1", 0, 1, "0 or 1",                                \
      "openings of campaigns' mails are, unless the campaign says otherwise")  \
    X(TEXT, seal_key_file, "", 0, 4096, "path",                                \
      "what DKIM keys are encrypted with, 32 bytes, the same on all "          \
      "machines; "                                                             \
      "empty: seal.key in state_dir, made at first use")                       \
    X(NUMBER, dkim_required, "2", 0, 2, "0, 1 or 2",                           \
      "mail from a domain without a DKIM key: 0: goes unsigned; 1: bounces; "  \
      "2: bounces where it goes directly")                                     \
    X(TEXT, spf_mechanisms, "", 0, 1024, "mechanisms",                         \
      "what SPF records are asked to hold, as ip4:192.0.2.1 "                  \
      "include:relay.example; empty: a: and the hostname")                     \
    X(NUMBER, unsubscribed_means_all, "0", 0, 1, "0 or 1",                     \
      "1: transactional mail too stops at an unsubscription; 0: only "         \
      "campaigns do")                                                          \
    X(NUMBER, site_connections_max, "10", 1, 10000, "connections",             \
      "connections to one site, of all workers together; to a relay, of "      \
      "each worker")                                                           \
    X(NUMBER, site_connections_per_minute, "100", 0, 1000000, "connections",   \
      "new connections to one site in a minute; 0: no limit; not for relays")  \
    X(NUMBER, site_connection_mails_max, "100", 0, 1000000, "mails",           \
      "mails over one connection to a site; 0: as connection_mails_max; not "  \
      "for relays")                                                            \
    X(NUMBER, site_mails_per_second, "100", 0, 1000000, "mails",               \
      "mails to one site in a second; 0: no limit; not for relays")            \
    X(NUMBER, transactional_connections, "2", 1, 1000, "connections",          \
      "of these, kept free of campaigns for transactional mail")               \
    X(NUMBER, connection_mails_max, "1000", 1, 1000000, "mails",               \
      "mails over one connection before it is closed")                         \
    X(SECONDS, connection_idle_seconds, "20s", 1, 3600, "seconds",             \
      "an unused connection is closed after so long")                          \
    X(SECONDS, connect_timeout_seconds, "30s", 1, 600, "seconds",              \
      "limit for the TCP connection")                                          \
    X(SECONDS, smtp_timeout_seconds, "5m", 1, 3600, "seconds",                 \
      "limit for each SMTP reply (RFC 5321, 4.5.3.2)")                         \
    X(SECONDS, final_dot_timeout_seconds, "10m", 1, 7200, "seconds",           \
      "limit for the reply to the final dot (RFC 5321, 4.5.3.2.6)")            \
    X(TEXT, tls_ca_file, "", 0, 1024, "path",                                  \
      "certificates (PEM) that servers are verified by; empty: the system's")  \
    X(SECONDS, retry_first_seconds, "5m", 1, 86400, "seconds",                 \
      "wait after the first deferral; doubles each time")                      \
    X(SECONDS, retry_most_seconds, "4h", 1, 604800, "seconds",                 \
      "longest wait between two attempts")                                     \
    X(SECONDS, transactional_retry_first_seconds, "1m", 1, 86400, "seconds",   \
      "the first wait of transactional mail, if less")                         \
    X(SECONDS, transactional_retry_most_seconds, "30m", 1, 604800, "seconds",  \
      "the longest wait of transactional mail, if less")                       \
    X(NUMBER, retry_jitter_percent, "20", 0, 100, "percent",                   \
      "so much of a wait is added by chance, at most")                         \
    X(NUMBER, refused_retries, "3", 0, 100, "times",                           \
      "how often a mail is tried again that was refused for good, but for "    \
      "our "                                                                   \
      "address's or their trouble's sake")                                     \
    X(NUMBER, soft_bounces_max, "5", 0, 1000, "bounces",                       \
      "so many mails to an address that bounce softly within "                 \
      "soft_bounce_window_seconds suppress it; 0: they never do")              \
    X(SECONDS, soft_bounce_window_seconds, "14d", 1, 31536000, "seconds",      \
      "soft bounces count for so long")                                        \
    X(SECONDS, soft_bounce_pause_seconds, "30d", 1, 315360000, "seconds",      \
      "an address that bounced softly too often is suppressed for so long")    \
    X(NUMBER, bounce_limit_permille, "100", 0, 1000, "mails in 1,000",         \
      "a campaign of whose mails more bounce for good pauses; 0: none does")   \
    X(NUMBER, complaint_limit_permille, "3", 0, 1000, "mails in 1,000",        \
      "a campaign of whose delivered mails more are complained of pauses; "    \
      "0: none does")                                                          \
    X(NUMBER, rate_mails_min, "1000", 1, 1000000000, "mails",                  \
      "no campaign pauses for its rates before so many mails")                 \
    X(SECONDS, rate_window_seconds, "24h", 60, 604800, "seconds",              \
      "rates are those of so long")                                            \
    X(SECONDS, expire_seconds, "72h", 1, 2592000, "seconds",                   \
      "a mail not delivered so long after it was due is given up")             \
    X(SECONDS, transactional_expire_seconds, "24h", 1, 2592000, "seconds",     \
      "the same for transactional mail, if less")                              \
    X(NUMBER, in_doubt_resends, "1", 0, 10, "times",                           \
      "how often a mail lost after the final dot is sent again")               \
    X(SECONDS, lease_seconds, "30s", 2, 600, "seconds",                        \
      "a silent worker's batches go to others after so long")                  \
    X(MILLISECONDS, settle_interval_ms, "100ms", 1, 10000, "milliseconds",     \
      "outcomes are committed at least so often")                              \
    X(MILLISECONDS, poll_interval_ms, "1s", 10, 60000, "milliseconds",         \
      "queue is looked at this often even when nothing wakes the worker")      \
    X(SECONDS, drain_seconds, "30s", 1, 3600, "seconds",                       \
      "limit for finishing open work on SIGTERM")                              \
    X(SECONDS, retention_seconds, "90d", 3600, 315360000, "seconds",           \
      "mail and outcomes are kept so long after they are final")               \
    X(NUMBER, batch_mails_max, "1000", 1, 10000, "mails",                      \
      "mails in one batch")                                                    \
    X(NUMBER, slice_mails, "50000", 1000, 1000000, "mails",                    \
      "recipients presorted at a time")

struct config {
#define CONFIG_TEXT char *
#define CONFIG_SECRET char *
#define CONFIG_NUMBER int64_t
#define CONFIG_BYTES int64_t
#define CONFIG_SECONDS int64_t
#define CONFIG_MILLISECONDS int64_t
#define X_(kind, name, standard, least, most, unit, meaning) CONFIG_##kind name;
    CONFIG_TABLE(X_)
#undef X_
};

enum setting_kind {
    SETTING_TEXT,
    SETTING_SECRET,
    SETTING_NUMBER,
    SETTING_BYTES,
    SETTING_SECONDS,
    SETTING_MILLISECONDS,
};

enum { SETTING_ORIGIN_MAX = 512 };

/* One row of the table, as it stands after loading. value is never that of a
 * SECRET: it says "(set)" or is empty. */
struct setting {
    const char *name, *standard, *unit, *meaning;
    enum setting_kind kind;
    char *value;
    char origin[SETTING_ORIGIN_MAX]; /* "default", "FILE:LINE", "environment" */
};

/* Whether the i-th setting of config_settings() has another value in a than in
 * b. */
bool config_differs(const struct config *a, const struct config *b, size_t i);

/* Defaults, then file, then environment. path NULL: $PRESORT_CONFIG if set,
 * else /etc/presort/presort.conf if it is there. A path given but not
 * readable, an unknown name (with the nearest known one suggested), and a bad
 * value are errors that name file and line or the variable. On an error
 * nothing is to be freed. */
MUST_USE enum status config_load(struct config *config, const char *path,
                                 struct error *err);
void config_fini(struct config *config);

/* The file that config_load(.., NULL, ..) would read, or NULL for none. */
const char *config_path(void);

/* The setting hostname, or the machine's name, or "localhost" into out. */
void config_hostname(const struct config *config, char *out, size_t max);

/* The rows, in the table's order; count in *n. Points into static memory that
 * config_load filled last. */
const struct setting *config_settings(size_t *n);
#endif
