#include "access.h"
#include "base/log.h"
#include <stdio.h>
#include <string.h>

static unsigned mechs_of(const char *login)
{
    if (strcmp(login, "plain") == 0)
        return SMTP_MECH_PLAIN;
    if (strcmp(login, "login") == 0)
        return SMTP_MECH_LOGIN;
    if (strcmp(login, "scram-sha-256") == 0)
        return SMTP_MECH_SCRAM_SHA_256;
    if (strcmp(login, "xoauth2") == 0)
        return SMTP_MECH_XOAUTH2;
    return SMTP_MECH_SCRAM_SHA_256 | SMTP_MECH_PLAIN | SMTP_MECH_LOGIN;
}

static enum smtp_tls tls_of(const char *text)
{
    for (int level = SMTP_TLS_NONE; level <= SMTP_TLS_DANE; level++)
        if (strcmp(smtp_tls_text((enum smtp_tls)level), text) == 0)
            return (enum smtp_tls)level;
    return SMTP_TLS_VERIFIED; /* what we do not know must not be less */
}

void access_of(struct relay *relay, struct access *out)
{
    struct relay_access how = relay_how(relay);
    char why[LOG_QUOTE_MAX];
    struct error err;

    *out = (struct access){.tls = tls_of(how.tls),
                           .login = strcmp(how.login, "none") != 0};
    out->with = (struct smtp_login){mechs_of(how.login), how.username,
                                    out->secret, false};
    if (out->login && relay_has_token(relay))
        snprintf(out->secret, sizeof out->secret, "%s", relay_token(relay));
    else if (out->login &&
             secret_read(how.secret, out->secret, &err) != STATUS_OK)
        log_event(LOG_ERROR, "relay_secret", "relay=%s why=%s",
                  relay_name(relay), log_quote(err.text, why));
    out->waiting = relay_has_token(relay) && !out->secret[0];
}

void access_wipe(struct access *a)
{
    explicit_bzero(a->secret, sizeof a->secret);
}
