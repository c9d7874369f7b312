/*
 * cli/commands - the table of commands. `presort help` is printed from it, and
 * the examples under the help of each.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* heading (of the first of a group; else ""), name, function, help line,
 * examples: lines less their "presort ", or "" */
#define COMMAND_TABLE(X)                                                       \
    X("Running", "up", command_up,                                             \
      "run everything: database, API, engines, sandbox",                       \
      "up\n"                                                                   \
      "--config my.conf up")                                                   \
    X("", "config", command_config,                                            \
      "print every setting, its value, and where that came from",              \
      "config\n"                                                               \
      "config relay workers")                                                  \
    X("", "keys", command_keys, "make, list and revoke API keys",              \
      "keys create --name shop --scope sending\n"                              \
      "keys revoke re_Fa9h2vOG")                                               \
    X("", "projects", command_projects,                                        \
      "make and list projects, which are isolated from each other",            \
      "projects create shop")                                                  \
    X("", "migrate", command_migrate,                                          \
      "bring the database's tables up to date", "migrate --status")            \
    X("", "sink", sink_main,                                                   \
      "run an SMTP server that accepts everything, or misbehaves",             \
      "sink --listen 127.0.0.1:2525 --maildir /tmp/mail\n"                     \
      "sink --refuse '*=10%:550 5.1.1 no such user'")                          \
    X("Sending", "campaign", command_campaign,                                 \
      "send a campaign, look at it, pause, resume, cancel it",                 \
      "campaign send --from news@market.example --subject Hello \\\n"          \
      "    --html hello.html --recipients people.csv --watch")                 \
    X("", "top", command_top, "live rates of every campaign and site",         \
      "top --once")                                                            \
    X("", "templates", command_templates,                                      \
      "store templates, start from ready-made ones, send tests",               \
      "templates push welcome --starter welcome --from news@market.example\n"  \
      "templates test welcome --to you@market.example")                        \
    X("", "render", command_render, "render a template with data",             \
      "render --template hello.html --data person.json --strict")              \
    X("The way out", "route", command_route,                                   \
      "say how mail leaves: directly, by a relay, to the sandbox",             \
      "route test you@example.net --from news@market.example --via direct\n"   \
      "route default direct")                                                  \
    X("", "relay", command_relay,                                              \
      "name the servers that routes may hand mail to",                         \
      "relay add gmail gmail --tls verified --login auto \\\n"                 \
      "    --user you@gmail.com --secret file:/etc/presort/gmail.pass\n"       \
      "relay add corp mx1.corp.example:25*2,mx2.corp.example:25")              \
    X("", "sources", command_sources,                                          \
      "say from which of its addresses this machine sends; warm them up",      \
      "sources add 192.0.2.11 --ehlo out2.example.com --pool main \\\n"        \
      "    --warm-up now")                                                     \
    X("", "sites", command_sites,                                              \
      "say why mail waits, site by site; pause one, let it go on",             \
      "sites example.com\n"                                                    \
      "sites set google connections=5 mails_per_hour=20000")                   \
    X("", "limits", command_limits,                                            \
      "limit what goes to sites, and of campaigns, projects, senders",         \
      "limits set sender shop.example mails_per_day=50000")                    \
    X("", "tls", command_tls,                                                  \
      "say what recipients' servers must at least speak of TLS",               \
      "tls set example.com verified")                                          \
    X("", "tlsrpt", command_tlsrpt,                                            \
      "write reports of TLS for domains that want them (RFC 8460)",            \
      "tlsrpt --out /tmp")                                                     \
    X("Senders", "domains", command_domains,                                   \
      "say which domains mail is sent from; check their DNS records",          \
      "domains add example.com\n"                                              \
      "domains verify example.com")                                            \
    X("", "dkim", command_dkim,                                                \
      "make, list, take in and change the keys that mail is signed with",      \
      "dkim create example.com --algorithm both")                              \
    X("", "doctor", command_doctor,                                            \
      "check what receivers look up: names, addresses, DNS records",           \
      "doctor example.com\n"                                                   \
      "doctor --address 203.0.113.5")                                          \
    X("Recipients", "suppressions", command_suppressions,                      \
      "whom not to write to: look, add, take off, import, export",             \
      "suppressions add ann@example.com --reason unsubscribe")                 \
    X("", "rates", command_rates,                                              \
      "say how much bounces and is complained of, by sending domain",          \
      "rates --hours 24")                                                      \
    X("", "bounce", command_bounce,                                            \
      "say what bounces, complaints and replies in files mean",                \
      "bounce mail.eml")                                                       \
    X("", "mailboxes", command_mailboxes,                                      \
      "name mailboxes that bounces are fetched from, by POP3 or IMAP",         \
      "mailboxes add bounces --url imaps://mail.example.com \\\n"              \
      "    --user bounces@example.com \\\n"                                    \
      "    --password-file /etc/presort/bounces.password")                     \
    X("", "inbound", command_inbound,                                          \
      "look at incoming mail that was not understood", "inbound list")

#define X_(heading, name, function, help, examples)                            \
    int function(int argc, char **argv);
COMMAND_TABLE(X_)
#undef X_
#endif
