#include "api/handlers/relay_wish.h"
#include "api/fields.h"
#include "api/handlers/outward.h"
#include "api/json.h"
#include "base/nearest.h"
#include "base/servers.h"
#include <stdio.h>
#include <string.h>

const char *const relay_wish_fields[] = {
    "name",   "servers",       "preset",        "tls",
    "login",  "user",          "password_file", "password_env",
    "limits", "password_from", "routes",        "why"};
const size_t relay_wish_n_fields =
    sizeof relay_wish_fields / sizeof *relay_wish_fields;

static const struct server_preset *preset_of(const char *name)
{
    size_t n;
    const struct server_preset *presets = servers_presets(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return NULL;
}

static bool wrong(struct reply *reply, const char *field, const char *why)
{
    reply_error(reply, API_VALIDATION_ERROR, "Invalid `%s` field: %s.", field,
                why);
    return false;
}

bool relay_wish_polite(const json_t *body, struct reply *reply)
{
    static const char password[] =
        "passwords are not taken; `password_file` or `password_env` says where "
        "the relay's is";
    static const struct {
        const char *field, *why;
    } others[] = {
        {"password", password},
        {"pass", password},
        {"passwd", password},
        {"secret", password},
        {"token", password},
        {"password_command", "the command line alone may set one"},
        {"auth", "it is called `login` here"},
        {"mechanism", "it is called `login` here"},
        {"username", "it is called `user` here"},
        {"host", "it is called `servers` here"},
        {"server", "it is called `servers` here"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (json_object_get(body, others[i].field))
            return wrong(reply, others[i].field, others[i].why);
    return true;
}

/* ---- Servers ---- */

/* A list of texts, or one text, with commas between. */
static bool join(const json_t *value, char *out, struct reply *reply)
{
    size_t n = json_is_array(value) ? json_array_size(value) : 1, len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        const json_t *one =
            json_is_array(value) ? json_array_get(value, i) : value;
        int added;

        if (!json_is_string(one))
            return wrong(reply, "servers",
                         "it is to be a text or a list of texts");
        added = snprintf(out + len, EGRESS_SERVERS_MAX + 2 - len, "%s%s",
                         i ? "," : "", json_string_value(one));
        if (added < 0 || len + (size_t)added > EGRESS_SERVERS_MAX)
            return wrong(reply, "servers", "it is too long");
        len += (size_t)added;
    }
    return n > 0 || wrong(reply, "servers", "it names no server");
}

static bool read_servers(const json_t *whole, struct relay_wish *out,
                         struct reply *reply)
{
    const json_t *servers = field_member(whole, "servers");
    const char *name;

    if (!outward_text(whole, "preset", &name, reply) ||
        (servers && !join(servers, out->servers, reply)))
        return false;
    out->relay.servers = servers ? out->servers : NULL;
    if (!name)
        return true;
    const struct server_preset *preset = preset_of(name);

    if (!preset)
        return wrong(reply, "preset",
                     "GET /relay-presets lists those there "
                     "are");
    if (servers && strcmp(out->servers, preset->servers) != 0)
        return wrong(reply, "preset", "it takes the place of `servers`");
    out->relay.servers = preset->name;
    return true;
}

/* ---- The secret's place ---- */

/* In the directory, and no way out of it by "..". */
static bool is_inside(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    while (len > 1 && directory[len - 1] == '/')
        len--;
    return len > 1 && strncmp(path, directory, len) == 0 && path[len] == '/' &&
           path[len + 1] && !strstr(path, "/../") && !strstr(path, "/./") &&
           strcmp(path + strlen(path) - 3, "/..") != 0;
}

static bool may_name(const char *secret, const char *directory)
{
    if (strncmp(secret, "file:", 5) == 0)
        return is_inside(secret + 5, directory);
    return strncmp(secret, "env:" RELAY_WISH_VARIABLE,
                   sizeof "env:" RELAY_WISH_VARIABLE - 1) == 0;
}

static bool refuse_place(const char *secret, const char *directory,
                         struct reply *reply)
{
    bool file = strncmp(secret, "file:", 5) == 0;

    if (file)
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `password_file` field: it is to be the path of a "
                    "file in %.200s (setting relay_secret_dir).",
                    *directory ? directory : "no directory");
    else
        reply_error(reply, API_VALIDATION_ERROR,
                    "Invalid `password_env` field: it is to be the name of a "
                    "variable that begins with " RELAY_WISH_VARIABLE ".");
    return false;
}

/* What the command line has named goes only to where the command line has
 * said. */
static bool leaves_alone(const json_t *body, struct reply *reply)
{
    static const char *const fields[] = {"servers", "preset", "tls", "login",
                                         "user"};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (json_object_get(body, fields[i]))
            return wrong(reply, fields[i],
                         "the command line has said where the relay's password "
                         "is, and it alone may change this");
    return true;
}

static bool read_secret(const json_t *whole, const json_t *body,
                        const char *directory, const char *kept,
                        struct relay_wish *out, struct reply *reply)
{
    const char *file, *variable, *user = out->relay.user;
    bool spoken = field_member(body, "password_file") ||
                  field_member(body, "password_env");

    if (!outward_text(whole, "password_file", &file, reply) ||
        !outward_text(whole, "password_env", &variable, reply))
        return false;
    if (file && variable)
        return wrong(reply, "password_env",
                     "it does not go with `password_file`");
    if (!spoken && kept && user && !may_name(kept, directory)) {
        out->relay.secret = kept;
        return leaves_alone(body, reply);
    }
    if ((!file && !variable) || (!user && !spoken))
        return true; /* the password of nobody goes with the user */
    snprintf(out->secret, sizeof out->secret, "%s%s",
             file ? "file:" : "env:", file ? file : variable);
    out->relay.secret = out->secret;
    return may_name(out->secret, directory) ||
           refuse_place(out->secret, directory, reply);
}

/* ---- The whole ---- */

static bool read_limits(const json_t *body, struct relay_wish *out,
                        struct reply *reply)
{
    struct limits limits;
    struct error err;
    const char *text;

    out->says_limits = json_object_get(body, "limits") != NULL;
    if (!outward_text(body, "limits", &text, reply))
        return false;
    if (!text || !*text)
        return true;
    if (limits_parse(text, &limits, &err) != STATUS_OK)
        return wrong(reply, "limits", err.text);
    limits_text(&limits, out->limits);
    return true;
}

/* As a body calls them. */
static bool check(struct egress_relay *relay, struct reply *reply)
{
    struct egress_fault fault;

    if (egress_relay_check(relay, &fault))
        return true;
    if (strcmp(fault.field, "secret") == 0)
        fault.field = relay->secret && strncmp(relay->secret, "env:", 4) == 0
                          ? "password_env"
                          : "password_file";
    return outward_wrong(reply, &fault);
}

bool relay_wish_read(const json_t *whole, const json_t *body,
                     const char *secret_dir, const char *kept,
                     struct relay_wish *out, struct reply *reply)
{
    struct egress_relay *relay = &out->relay;

    memset(out, 0, sizeof *out);
    if (!outward_text(whole, "name", &relay->name, reply) ||
        !read_servers(whole, out, reply) ||
        !outward_text(whole, "tls", &relay->tls, reply) ||
        !outward_text(whole, "login", &relay->login, reply) ||
        !outward_text(whole, "user", &relay->user, reply) ||
        !read_secret(whole, body, secret_dir, kept, out, reply) ||
        !read_limits(body, out, reply))
        return false;
    return check(relay, reply);
}

void relay_wish_merge(json_t *stored, json_t *body)
{
    static const char *const pairs[][2] = {{"servers", "preset"},
                                           {"preset", "servers"},
                                           {"password_file", "password_env"},
                                           {"password_env", "password_file"}};
    bool had_user = field_member(stored, "user") != NULL;

    if (field_member(stored, "preset"))
        json_object_del(stored, "servers");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (field_member(body, pairs[i][0]))
            json_object_del(stored, pairs[i][1]);
    json_object_update(stored, body);
    /* Who begins to log in, or ceases to, need not say `login`, too. */
    if (!json_object_get(body, "login") &&
        had_user != (field_member(stored, "user") != NULL))
        json_object_del(stored, "login");
}

/* ---- Shown ---- */

void relay_wish_add_servers(struct buf *out, const char *servers)
{
    const struct server_preset *preset = preset_of(servers);

    buf_add_char(out, '[');
    for (const char *at = preset ? preset->servers : servers; *at;) {
        size_t len;

        at += strspn(at, " \t,");
        len = strcspn(at, " \t,");
        json_add_text_n(out, at, len);
        at += len + strspn(at + len, " \t,");
        if (*at)
            buf_add_char(out, ',');
    }
    buf_add_char(out, ']');
}

void relay_wish_show(struct buf *out, const char *members, const char *servers)
{
    const struct server_preset *preset = preset_of(servers);

    buf_add_text(out, "{\"object\":\"relay\",\"preset\":");
    json_add_text(out, preset ? preset->name : NULL);
    buf_add_text(out, ",\"servers\":");
    relay_wish_add_servers(out, servers);
    buf_add_char(out, ',');
    buf_add_text(out, members + 1); /* less its brace */
}
