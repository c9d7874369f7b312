#include "smtp/fit.h"
#include "base/utf8.h"
#include "mail/address.h"
#include "smtp/look.h"
#include "smtp/say.h"
#include "smtp/tls.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Behind the quoted string that it begins with (RFC 5321, 4.1.2), if any. */
static const char *behind_quoted(const char *address)
{
    const char *c = address;

    if (*c != '"')
        return address;
    for (c++; *c && *c != '"'; c++)
        if (*c == '\\' && c[1])
            c++;
    return *c ? c + 1 : address;
}

/* What would break the command line stays here, whoever let it through. */
static bool fit_for_command(const char *address)
{
    for (const char *c = address; *c; c++)
        if (*c == 127 || (*c > 0 && *c < ' '))
            return false;
    return !strpbrk(behind_quoted(address), " <>") &&
           strlen(address) < ADDRESS_MAX;
}

static bool wide(const char *address)
{
    return !utf8_is_ascii(address, strlen(address));
}

void smtp_session_want(struct smtp_session *s, enum smtp_starttls starttls,
                       bool secure, struct smtp_auth *auth)
{
    s->starttls = starttls;
    s->secure = secure;
    s->auth = auth;
}

void smtp_session_proves(struct smtp_session *s,
                         const struct smtp_tls_facts *facts, bool broken_tls)
{
    s->facts = facts;
    s->broken_tls = broken_tls;
}

bool smtp_session_result(struct smtp_session *s, struct smtp_result *result)
{
    if (s->n_results == 0)
        return false;
    *result = s->results[0];
    s->results[0] = s->results[1];
    s->n_results--;
    return true;
}

/* RFC 8689, 4.2.1. What comes right by itself is waited for. */
bool smtp_fit_lacks_tls(struct smtp_session *s, bool sure_host,
                        struct smtp_result *r)
{
    const char *why = s->facts && s->facts->why ? s->facts->why : "";

    r->verdict = VERDICT_BOUNCED;
    r->enhanced = "5.7.10";
    if (!s->secure && s->broken_tls) {
        r->verdict = VERDICT_DEFERRED;
        r->enhanced = "4.7.10";
        r->text = "the mail requires TLS, which failed with this server not "
                  "long ago";
    } else if (!s->secure) {
        r->text = "the mail requires TLS, and there is none with this server";
    } else if (!sure_host) {
        r->text = "the mail requires TLS, and neither DNSSEC nor MTA-STS says "
                  "that this is the domain's server";
    } else if (!s->facts || !s->facts->verified) {
        snprintf(s->note, sizeof s->note,
                 "the mail requires TLS, and the server's certificate proves "
                 "nothing%s%s",
                 *why ? ": " : "", why);
        r->text = s->note;
    } else if (!smtp_look_offers(s, SMTP_CAP_REQUIRETLS)) {
        r->enhanced = "5.7.30";
        r->text = "the server does not promise to keep to TLS (REQUIRETLS)";
    } else {
        return false;
    }
    return true;
}

bool smtp_fit_refuses(struct smtp_session *s, const struct smtp_message *m,
                      struct smtp_result *r)
{
    bool utf8 = smtp_look_offers(s, SMTP_CAP_SMTPUTF8);

    *r = (struct smtp_result){.tag = m->tag,
                              .verdict = VERDICT_BOUNCED,
                              .reach = REACH_MESSAGE,
                              .step = STEP_MAIL};
    if (!fit_for_command(m->from)) {
        r->enhanced = "5.1.7";
        r->text = "the sender's address is not fit for SMTP";
    } else if (m->to[0] == 0 || !fit_for_command(m->to)) {
        r->reach = REACH_RECIPIENT;
        r->step = STEP_RCPT;
        r->enhanced = "5.1.3";
        r->text = "the recipient's address is not fit for SMTP";
    } else if (!utf8 && (wide(m->from) || wide(m->to))) {
        r->reach = wide(m->to) ? REACH_RECIPIENT : REACH_MESSAGE;
        r->enhanced = "5.6.7";
        r->text = "the server takes no address beyond ASCII (SMTPUTF8)";
    } else if (!utf8 && m->utf8_header) {
        r->enhanced = "5.6.7";
        r->text = "the header has an address beyond ASCII, which the server "
                  "does not take (SMTPUTF8)";
    } else if (s->offer.size_max > 0 && m->data_len > s->offer.size_max) {
        snprintf(s->note, sizeof s->note,
                 "%zu bytes are more than the server takes (%" PRIu64 ")",
                 m->data_len, s->offer.size_max);
        r->enhanced = "5.3.4";
        r->text = s->note;
    } else {
        return m->require_tls && smtp_fit_lacks_tls(s, m->sure_host, r);
    }
    return true;
}
