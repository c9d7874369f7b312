/*
 * cli/commands - the table of commands. `presort help` is printed from it.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* name, function, arguments, help line */
#define COMMAND_TABLE(X)                                                       \
    X("up", command_up, "[--quiet]",                                           \
      "run everything: database, API, engines, sandbox")                       \
    X("campaign", command_campaign, "send|list|show|...",                      \
      "send a campaign, look at it, pause, resume, cancel it")                 \
    X("top", command_top, "[--once]", "live rates of every campaign and site") \
    X("bounce", command_bounce, "[--ndjson] FILE...",                          \
      "say what bounces, complaints and replies in files mean")                \
    X("render", command_render, "--template FILE|--ndjson",                    \
      "render a template with data")                                           \
    X("templates", command_templates, "list|push|starter|...",                 \
      "store templates, start from ready-made ones, send tests")               \
    X("sink", sink_main, "[OPTIONS]",                                          \
      "run an SMTP server that accepts everything, or misbehaves")             \
    X("migrate", command_migrate, "[--status]",                                \
      "bring the database's tables up to date")                                \
    X("config", command_config, "[--markdown]",                                \
      "print every setting, its value, and where that came from")              \
    X("keys", command_keys, "create|list|revoke",                              \
      "make, list and revoke API keys")                                        \
    X("projects", command_projects, "create|list",                             \
      "make and list projects, which are isolated from each other")            \
    X("sites", command_sites, "[NAME]|set|pause|resume|retry",                 \
      "say why mail waits, site by site; pause one, let it go on")             \
    X("limits", command_limits, "list|set|remove",                             \
      "limit what goes to sites, and of campaigns, projects, senders")         \
    X("route", command_route, "default|add|list|remove|test",                  \
      "say how mail leaves: directly, by a relay, to the sandbox")             \
    X("relay", command_relay, "add|list|remove|presets",                       \
      "name the servers that routes may hand mail to")                         \
    X("sources", command_sources, "add|list|pause|resume|warm|remove",         \
      "say from which of its addresses this machine sends; warm them up")      \
    X("domains", command_domains, "add|list|show|verify|remove",               \
      "say which domains mail is sent from; check their DNS records")          \
    X("suppressions", command_suppressions, "list|add|remove|...",             \
      "whom not to write to: look, add, take off, import, export")             \
    X("rates", command_rates, "[--hours N]",                                   \
      "say how much bounces and is complained of, by sending domain")          \
    X("mailboxes", command_mailboxes, "add|list|test|remove",                  \
      "name mailboxes that bounces are fetched from, by POP3 or IMAP")         \
    X("inbound", command_inbound, "list|show|remove|totals",                   \
      "look at incoming mail that was not understood")                         \
    X("doctor", command_doctor, "[DOMAIN...]",                                 \
      "check what receivers look up: names, addresses, DNS records")           \
    X("tls", command_tls, "set|remove|list|policies",                          \
      "say what recipients' servers must at least speak of TLS")               \
    X("tlsrpt", command_tlsrpt, "[--date D] [--out DIR]",                      \
      "write reports of TLS for domains that want them (RFC 8460)")            \
    X("dkim", command_dkim, "create|list|import|rotate",                       \
      "make, list, take in and change the keys that mail is signed with")

#define X_(name, function, arguments, help) int function(int argc, char **argv);
COMMAND_TABLE(X_)
#undef X_
#endif
