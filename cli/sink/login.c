#include "cli/sink/login.h"
#include "cli/sink/command.h"
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

/* Into out with a NUL; the length, or -1. */
static int decode(const char *text, unsigned char out[SINK_LINE_MAX])
{
    size_t len = strlen(text);
    int n = len % 4 == 0
                ? EVP_DecodeBlock(out, (const unsigned char *)text, (int)len)
                : -1;

    for (size_t i = len; n > 0 && i > 0 && text[i - 1] == '='; i--)
        n--;
    if (n >= 0)
        out[n] = 0;
    return n;
}

/* --auth is USER:PASSWORD. */
static bool is_user(const struct sink_talk *talk, const char *user)
{
    const char *auth = talk->manners->auth;
    size_t len = strcspn(auth, ":");

    return strlen(user) == len && strncmp(auth, user, len) == 0;
}

static bool is_password(const struct sink_talk *talk, const char *password)
{
    const char *colon = strchr(talk->manners->auth, ':');

    return colon && strcmp(colon + 1, password) == 0;
}

static void end(struct sink_talk *talk, bool in)
{
    talk->state = SINK_COMMAND;
    talk->login = SINK_LOGIN_NONE;
    talk->logged_in |= in;
    sink_say(talk, in ? "235 2.7.0 welcome" : "535 5.7.8 wrong credentials");
}

/* authzid NUL authcid NUL password */
static bool plain_is_right(struct sink_talk *talk, const char *text)
{
    unsigned char clear[SINK_LINE_MAX];
    int n = decode(text, clear);
    const char *user = memchr(clear, 0, n > 0 ? (size_t)n : 0);
    const char *end = (const char *)clear + n;

    if (!user)
        return false;
    const char *password = memchr(user + 1, 0, (size_t)(end - user - 1));

    return password && is_user(talk, user + 1) &&
           is_password(talk, password + 1);
}

static bool xoauth2_is_right(struct sink_talk *talk, const char *text)
{
    unsigned char clear[SINK_LINE_MAX];
    char *at = (char *)clear;

    if (decode(text, clear) < 0 || strncmp(at, "user=", 5) != 0)
        return false;
    char *user = strsep(&at, "\1") + 5;
    char *token = at ? strsep(&at, "\1") : NULL;

    return token && strncmp(token, "auth=Bearer ", 12) == 0 &&
           is_user(talk, user) && is_password(talk, token + 12);
}

static void ask(struct sink_talk *talk, enum sink_login login,
                const char *reply)
{
    talk->state = SINK_LOGIN_LINE;
    talk->login = login;
    sink_say(talk, reply);
}

static void take_token(struct sink_talk *talk, const char *text)
{
    if (xoauth2_is_right(talk, text))
        end(talk, true);
    else /* {"status":"401"} */
        ask(talk, SINK_LOGIN_REFUSED, "334 eyJzdGF0dXMiOiI0MDEifQ==");
}

void sink_login_line(struct sink_talk *talk, const char *line)
{
    unsigned char clear[SINK_LINE_MAX];
    bool known = decode(line, clear) >= 0;

    switch (talk->login) {
    case SINK_LOGIN_PLAIN: end(talk, plain_is_right(talk, line)); break;
    case SINK_LOGIN_XOAUTH2: take_token(talk, line); break;
    case SINK_LOGIN_USER:
        talk->right_user = known && is_user(talk, (const char *)clear);
        ask(talk, SINK_LOGIN_PASSWORD, "334 UGFzc3dvcmQ6");
        break;
    case SINK_LOGIN_PASSWORD:
        end(talk, talk->right_user && known &&
                      is_password(talk, (const char *)clear));
        break;
    case SINK_LOGIN_NONE:
    case SINK_LOGIN_REFUSED: end(talk, false); break;
    }
}

void sink_login_start(struct sink_talk *talk, char *rest)
{
    char *mech = strsep(&rest, " ");

    if (strcasecmp(mech, "PLAIN") == 0)
        talk->login = SINK_LOGIN_PLAIN;
    else if (strcasecmp(mech, "XOAUTH2") == 0)
        talk->login = SINK_LOGIN_XOAUTH2;
    else if (strcasecmp(mech, "LOGIN") == 0)
        talk->login = SINK_LOGIN_USER;
    else {
        sink_say(talk, "504 5.5.4 PLAIN, LOGIN or XOAUTH2");
        return;
    }
    if (rest)
        sink_login_line(talk, rest);
    else
        ask(talk, talk->login,
            talk->login == SINK_LOGIN_USER ? "334 VXNlcm5hbWU6" : "334 ");
}
