#include "egress/relay.h"
#include "base/servers.h"
#include "base/utf8.h"
#include "oauth/request.h"
#include <stdio.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* Routes say `direct` and `sandbox` for something else, and `relay` is what
 * workers call the server of the setting. */
static bool check_name(const char *name, struct egress_fault *fault)
{
    static const char *const taken[] = {"direct", "sandbox", "relay", NULL};

    if (!name)
        return egress_missing(fault, "name");
    if (!egress_is_name(name))
        return egress_wrong(fault, "name",
                            "it is to be of 1 to %d lower-case letters, "
                            "digits, dots, dashes and underscores, and begin "
                            "with a letter or digit",
                            EGRESS_NAME_MAX);
    return !is_one_of(name, taken) ||
           egress_wrong(fault, "name", "%s means something else", name);
}

/* Which of several servers is wrong. A name and password, which some write
 * before a host, are not repeated. */
static bool blame_server(const char *text, const struct error *why,
                         struct egress_fault *fault)
{
    if (strchr(text, '@'))
        return egress_wrong(fault, "servers",
                            "a server is HOST:PORT, without a user or "
                            "password");
    while (*text) {
        struct server_address one[SERVERS_MAX];
        char item[256];
        size_t len = strcspn(text, ","), n;
        struct error own;

        snprintf(item, sizeof item, "%.*s", (int)len, text);
        if (servers_parse(item, one, &n, &own) != STATUS_OK && *item)
            return egress_wrong(fault, "servers", "%s: %s", item, own.text);
        text += len + (text[len] == ',');
    }
    return egress_wrong(fault, "servers", "%s", why->text);
}

static bool check_servers(const char *text, struct egress_fault *fault)
{
    struct server_address servers[SERVERS_MAX];
    struct error err;
    size_t n;

    if (!text)
        return egress_missing(fault, "servers");
    if (strlen(text) > EGRESS_SERVERS_MAX)
        return egress_wrong(fault, "servers", "it has more than %d bytes",
                            EGRESS_SERVERS_MAX);
    if (servers_parse(text, servers, &n, &err) != STATUS_OK)
        return blame_server(text, &err, fault);
    for (size_t i = 0; i < n; i++)
        if (servers[i].at.port == 0)
            return egress_wrong(fault, "servers", "%s: a port is 1 to 65535",
                                servers[i].at.host);
    return true;
}

static bool check_policies(const struct egress_relay *r,
                           struct egress_fault *fault)
{
    static const char *const tls[] = {"none", "opportunistic", "required",
                                      "verified", NULL};
    static const char *const logins[] = {
        "none", "auto", "plain", "login", "scram-sha-256", "xoauth2", NULL};

    if (!is_one_of(r->tls, tls))
        return egress_wrong(fault, "tls",
                            "none, opportunistic, required or verified is "
                            "expected");
    if (!is_one_of(r->login, logins))
        return egress_wrong(fault, "login",
                            "none, auto, plain, login, scram-sha-256 or "
                            "xoauth2 is expected");
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

bool egress_is_variable(const char *text)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz_0123456789";

    return *text && (*text < '0' || *text > '9') &&
           strspn(text, set) == strlen(text);
}

/* What was given may be the password itself, by mistake: it is not repeated.
 */
static bool check_secret(const char *secret, struct egress_fault *fault)
{
    const char *rest = strchr(secret, ':');

    rest = rest ? rest + 1 : "";
    if (strncmp(secret, "env:", 4) == 0) {
        if (!egress_is_variable(rest))
            return egress_wrong(fault, "secret",
                                "env: is to be followed by the name of a "
                                "variable");
    } else if ((strncmp(secret, "file:", 5) != 0 &&
                strncmp(secret, "command:", 8) != 0) ||
               !*rest) {
        return egress_wrong(fault, "secret",
                            "it says where the secret is: file:PATH, env:NAME "
                            "or command:LINE");
    }
    if (strlen(secret) > EGRESS_SECRET_MAX)
        return egress_wrong(fault, "secret", "it has more than %d bytes",
                            EGRESS_SECRET_MAX);
    return utf8_check(secret, strlen(secret)) == strlen(secret) &&
                   utf8_one_line(secret)
               ? true
               : egress_wrong(fault, "secret",
                              "it is to be one line without control "
                              "characters");
}

/* Where a token is had, in place of a secret. */
static bool check_tokens(const struct egress_relay *r,
                         struct egress_fault *fault)
{
    const struct oauth_settings tokens = {
        r->token_url, r->client_id, r->client_secret ? r->client_secret : "",
        r->refresh_token, r->scope ? r->scope : ""};
    const char *field;
    struct error err;

    if (r->secret)
        return egress_wrong(fault, "secret", "there is none with a token_url");
    if (strcmp(r->login, "xoauth2") != 0)
        return egress_wrong(fault, "login",
                            "xoauth2 is expected with a token_url");
    if (!r->client_id)
        return egress_missing(fault, "client_id");
    if (!r->refresh_token)
        return egress_missing(fault, "refresh_token");
    return oauth_settings_check(&tokens, &field, &err) == STATUS_OK ||
           egress_wrong(fault, field, "%s", err.text);
}

/* What says more of a token_url that is not there. */
static const char *left_over(const struct egress_relay *r)
{
    if (r->token_url)
        return NULL;
    return r->client_id       ? "client_id"
           : r->client_secret ? "client_secret"
           : r->refresh_token ? "refresh_token"
           : r->scope         ? "scope"
                              : NULL;
}

static bool check_login(const struct egress_relay *r,
                        struct egress_fault *fault)
{
    if (strcmp(r->login, "none") == 0) {
        const char *field = r->user     ? "user"
                            : r->secret ? "secret"
                                        : "token_url";

        return (!r->user && !r->secret && !r->token_url) ||
               egress_wrong(fault, field, "there is none with the login none");
    }
    if (!r->user)
        return egress_missing(fault, "user");
    if (!r->secret && !r->token_url)
        return egress_missing(fault, "secret");
    if (!*r->user || strlen(r->user) > EGRESS_USER_MAX ||
        !is_printable(r->user))
        return egress_wrong(fault, "user",
                            "it is to be of 1 to %d printable ASCII characters",
                            EGRESS_USER_MAX);
    return r->token_url ? check_tokens(r, fault)
                        : check_secret(r->secret, fault);
}

bool egress_relay_check(struct egress_relay *r, struct egress_fault *fault)
{
    bool logs_in = r->user || r->secret || r->token_url;
    const char *left = left_over(r);

    if (left)
        return egress_wrong(fault, left, "it goes with a token_url");
    if (!r->login)
        r->login = r->token_url ? "xoauth2" : logs_in ? "auto" : "none";
    if (!r->tls)
        r->tls = logs_in ? "required" : "opportunistic";
    return check_name(r->name, fault) && check_servers(r->servers, fault) &&
           check_policies(r, fault) && check_login(r, fault);
}

const char *egress_relay_limits(const char *servers)
{
    size_t n;
    const struct server_preset *presets = servers_presets(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(presets[i].name, servers) == 0)
            return *presets[i].limits ? presets[i].limits : NULL;
    return NULL;
}
