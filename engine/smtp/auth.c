#include "smtp/auth.h"
#include "base/bug.h"
#include "base/memory.h"
#include "mail/base64.h"
#include "smtp/echo.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

ENUM_DEFINE(smtp_auth_fate, SMTP_AUTH_TABLE);

enum {
    NONCE_BYTES = 24,
    NONCE_MAX = 64,
    BARE_MAX = SMTP_AUTH_USER_MAX * 3 + NONCE_MAX + 8, /* "n=user,r=nonce" */
    SALT_MAX = 1024,
    CLEAR_MAX = SMTP_AUTH_USER_MAX + SMTP_AUTH_SECRET_MAX + 64,
    CHALLENGE_MAX = 4096,
};

enum at { AT_START, AT_FIRST, AT_FINAL, AT_PROVED, AT_USER, AT_SECRET, AT_END };

struct smtp_auth {
    unsigned wanted;
    enum smtp_mech mech;
    bool in_clear;
    enum at at;
    char user[SMTP_AUTH_USER_MAX], secret[SMTP_AUTH_SECRET_MAX];
    bool too_long;
    char nonce[NONCE_MAX];
    char bare[BARE_MAX]; /* client-first-message-bare */
    unsigned char signature[SHA256_DIGEST_LENGTH]; /* the server's, to come */
    const char *why;
    char line[SMTP_AUTH_LINE_MAX];
    size_t len;
};

static enum smtp_auth_fate failed(struct smtp_auth *a, const char *why)
{
    a->why = why;
    a->at = AT_END;
    return SMTP_AUTH_FAILED;
}

/* ---- Lines ---- */

static void line_start(struct smtp_auth *a)
{
    a->len = 0;
}

static void line_add(struct smtp_auth *a, const char *text)
{
    size_t n = strlen(text);

    if (n > sizeof a->line - a->len)
        BUG("a line of AUTH longer than its parts may be");
    memcpy(a->line + a->len, text, n);
    a->len += n;
}

static void line_add_base64(struct smtp_auth *a, const char *bytes, size_t len)
{
    unsigned char *to = (unsigned char *)a->line + a->len;

    if ((len + 2) / 3 * 4 + sizeof "\r\n" > sizeof a->line - a->len)
        BUG("a line of AUTH longer than its parts may be");
    a->len +=
        (size_t)EVP_EncodeBlock(to, (const unsigned char *)bytes, (int)len);
}

static enum smtp_auth_fate say(struct smtp_auth *a, enum at then)
{
    line_add(a, "\r\n");
    a->at = then;
    return SMTP_AUTH_SAY;
}

static enum smtp_auth_fate say_base64(struct smtp_auth *a, const char *text,
                                      enum at then)
{
    line_start(a);
    line_add_base64(a, text, strlen(text));
    return say(a, then);
}

/* Into out and a NUL behind it; false if it is no base64, or too much. */
static bool decode(const char *text, size_t len, char *out, size_t max,
                   size_t *n)
{
    size_t pad =
        len >= 2 ? (size_t)(text[len - 1] == '=') + (text[len - 2] == '=') : 0;

    if (len / 4 * 3 + 1 > max || !base64_is_canonical(text, len))
        return false;
    int got = EVP_DecodeBlock((unsigned char *)out, (const unsigned char *)text,
                              (int)len);
    if (got < 0)
        return false;
    *n = (size_t)got - pad;
    out[*n] = 0;
    return true;
}

/* ---- SCRAM-SHA-256 ---- */

/* RFC 5802, 5.1: in a user's name "," is "=2C" and "=" is "=3D". */
static void add_saslname(char *out, size_t max, const char *user)
{
    size_t n = strlen(out);

    for (const char *c = user; *c; c++) {
        char one[2] = {*c, 0};
        const char *text = *c == ',' ? "=2C" : *c == '=' ? "=3D" : one;

        n += (size_t)snprintf(out + n, max - n, "%s", text);
    }
}

static enum smtp_auth_fate scram_first(struct smtp_auth *a)
{
    unsigned char random[NONCE_BYTES];

    if (!a->nonce[0]) {
        if (RAND_bytes(random, sizeof random) != 1)
            BUG("no random numbers");
        EVP_EncodeBlock((unsigned char *)a->nonce, random, sizeof random);
    }
    snprintf(a->bare, sizeof a->bare, "n=");
    add_saslname(a->bare, sizeof a->bare, a->user);
    size_t n = strlen(a->bare);
    snprintf(a->bare + n, sizeof a->bare - n, ",r=%s", a->nonce);

    char first[BARE_MAX + 4];
    snprintf(first, sizeof first, "n,,%s", a->bare);
    line_start(a);
    line_add(a, "AUTH SCRAM-SHA-256 ");
    line_add_base64(a, first, strlen(first));
    return say(a, AT_FIRST);
}

/* The value of "x=..." at *at, up to the comma; moves on behind it. */
static bool take_value(char **at, char name, char **value)
{
    char *s = *at;

    if (!s || s[0] != name || s[1] != '=')
        return false;
    *value = s + 2;
    *at = strchr(s, ',');
    if (*at)
        *(*at)++ = 0;
    return true;
}

static void hmac(const unsigned char *key, const char *text, size_t len,
                 unsigned char *out)
{
    if (!HMAC(EVP_sha256(), key, SHA256_DIGEST_LENGTH,
              (const unsigned char *)text, len, out, NULL))
        BUG("no HMAC");
}

/* RFC 5802, 3. message is AuthMessage; proof is ClientProof. */
static void prove(struct smtp_auth *a, const char *salt, size_t salt_len,
                  int iterations, const char *message, unsigned char *proof)
{
    unsigned char salted[SHA256_DIGEST_LENGTH], key[SHA256_DIGEST_LENGTH];
    unsigned char stored[SHA256_DIGEST_LENGTH], mine[SHA256_DIGEST_LENGTH];

    if (!PKCS5_PBKDF2_HMAC(a->secret, (int)strlen(a->secret),
                           (const unsigned char *)salt, (int)salt_len,
                           iterations, EVP_sha256(), sizeof salted, salted))
        BUG("no PBKDF2");
    hmac(salted, "Client Key", strlen("Client Key"), key);
    SHA256(key, sizeof key, stored);
    hmac(stored, message, strlen(message), mine);
    for (size_t i = 0; i < sizeof key; i++)
        proof[i] = key[i] ^ mine[i];
    hmac(salted, "Server Key", strlen("Server Key"), key);
    hmac(key, message, strlen(message), a->signature);
    OPENSSL_cleanse(salted, sizeof salted);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(stored, sizeof stored);
}

/* "r=NONCE,s=SALT,i=ITERATIONS" and perhaps extensions */
static enum smtp_auth_fate scram_final(struct smtp_auth *a, char *challenge)
{
    char message[BARE_MAX + 2 * CHALLENGE_MAX + 32];
    char final[CHALLENGE_MAX + 128], salt[SALT_MAX];
    unsigned char proof[SHA256_DIGEST_LENGTH];
    unsigned char proof64[2 * SHA256_DIGEST_LENGTH];
    char *at = challenge, *nonce, *salt64, *count, *end;
    size_t salt_len, n;

    n = (size_t)snprintf(message, sizeof message, "%s,%s,", a->bare, challenge);
    if (!take_value(&at, 'r', &nonce) || !take_value(&at, 's', &salt64) ||
        !take_value(&at, 'i', &count))
        return failed(a, "SCRAM: not a challenge");
    if (strncmp(nonce, a->nonce, strlen(a->nonce)) != 0 ||
        strlen(nonce) == strlen(a->nonce))
        return failed(a, "SCRAM: the server's nonce does not continue ours");
    if (!decode(salt64, strlen(salt64), salt, sizeof salt, &salt_len) ||
        salt_len == 0)
        return failed(a, "SCRAM: no salt");
    long iterations = strtol(count, &end, 10);
    if (*end || *count < '0' || *count > '9' ||
        iterations < SMTP_AUTH_ITERATIONS_MIN ||
        iterations > SMTP_AUTH_ITERATIONS_MAX)
        return failed(a, "SCRAM: iterations beyond what is safe");

    int len = snprintf(final, sizeof final, "c=biws,r=%s", nonce);
    snprintf(message + n, sizeof message - n, "%s", final);
    prove(a, salt, salt_len, (int)iterations, message, proof);
    EVP_EncodeBlock(proof64, proof, sizeof proof);
    snprintf(final + len, sizeof final - (size_t)len, ",p=%s",
             (const char *)proof64);
    return say_base64(a, final, AT_FINAL);
}

/* "v=SIGNATURE" or "e=error" */
static enum smtp_auth_fate scram_check(struct smtp_auth *a, char *challenge)
{
    char signature[SHA256_DIGEST_LENGTH + 4];
    char *at = challenge, *value;
    size_t n;

    if (!take_value(&at, 'v', &value) ||
        !decode(value, strlen(value), signature, sizeof signature, &n) ||
        n != sizeof a->signature ||
        CRYPTO_memcmp(signature, a->signature, n) != 0)
        return failed(a, "SCRAM: the server does not know the password");
    line_start(a);
    return say(a, AT_PROVED);
}

/* ---- The others ---- */

static enum smtp_auth_fate plain(struct smtp_auth *a)
{
    char clear[CLEAR_MAX];
    int n = snprintf(clear, sizeof clear, "%c%s%c%s", 0, a->user, 0, a->secret);

    line_start(a);
    line_add(a, "AUTH PLAIN ");
    line_add_base64(a, clear, (size_t)n);
    OPENSSL_cleanse(clear, sizeof clear);
    return say(a, AT_END);
}

static enum smtp_auth_fate login_first(struct smtp_auth *a)
{
    line_start(a);
    line_add(a, "AUTH LOGIN");
    return say(a, AT_USER);
}

static enum smtp_auth_fate xoauth2(struct smtp_auth *a)
{
    char clear[CLEAR_MAX];
    int n = snprintf(clear, sizeof clear, "user=%s\1auth=Bearer %s\1\1",
                     a->user, a->secret);

    line_start(a);
    line_add(a, "AUTH XOAUTH2 ");
    line_add_base64(a, clear, (size_t)n);
    OPENSSL_cleanse(clear, sizeof clear);
    return say(a, AT_END);
}

/* ---- The exchange ---- */

/* SASLprep (RFC 4013) leaves ASCII as it is, and allows no control character
 * in it. */
static bool is_prepared(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            return false;
    return *text != 0;
}

static bool shows_secret(enum smtp_mech mech)
{
    return mech != SMTP_MECH_SCRAM_SHA_256;
}

enum smtp_auth_fate smtp_auth_begin(struct smtp_auth *a, unsigned offered,
                                    bool secure)
{
    unsigned fit = offered & a->wanted;
    bool held_back = false;

    if (!a->secret[0])
        return failed(a, "there is no secret to log in with");
    if (a->too_long || !is_prepared(a->user) || !is_prepared(a->secret))
        return failed(a, "user and secret must be printable ASCII, and not "
                         "longer than 319 and 5999 characters");
    for (unsigned bit = 1; bit <= fit; bit <<= 1) {
        if (!(fit & bit))
            continue;
        a->mech = (enum smtp_mech)bit;
        if (shows_secret(a->mech) && !secure && !a->in_clear) {
            held_back = true;
            continue;
        }
        switch (a->mech) {
        case SMTP_MECH_SCRAM_SHA_256: return scram_first(a);
        case SMTP_MECH_PLAIN: return plain(a);
        case SMTP_MECH_LOGIN: return login_first(a);
        case SMTP_MECH_XOAUTH2: return xoauth2(a);
        }
    }
    return failed(a, held_back ? "the secret is not told without TLS"
                               : "the server offers no login that we may use");
}

static enum smtp_auth_fate take_challenge(struct smtp_auth *a, char *challenge)
{
    switch (a->at) {
    case AT_FIRST: return scram_final(a, challenge);
    case AT_FINAL: return scram_check(a, challenge);
    case AT_USER: return say_base64(a, a->user, AT_SECRET);
    case AT_SECRET: return say_base64(a, a->secret, AT_END);
    case AT_START:
    case AT_PROVED:
    case AT_END: break;
    }
    if (a->mech != SMTP_MECH_XOAUTH2)
        return failed(a, "one question too many");
    /* An error in JSON; after an empty line comes the refusal itself. */
    a->mech = SMTP_MECH_PLAIN;
    line_start(a);
    return say(a, AT_END);
}

/* What LOGIN asks is for people to read, and not always base64. */
static bool is_read(const struct smtp_auth *a)
{
    return a->mech == SMTP_MECH_SCRAM_SHA_256;
}

enum smtp_auth_fate smtp_auth_hear(struct smtp_auth *a, unsigned code,
                                   const char *text)
{
    char challenge[CHALLENGE_MAX] = "";
    size_t n = 0;

    if (code == 235) {
        bool proved = a->mech != SMTP_MECH_SCRAM_SHA_256 || a->at == AT_PROVED;

        /* Before it has asked, it can't know. */
        if (!proved)
            return failed(a, "SCRAM: the server proved nothing");
        if (a->at == AT_USER || a->at == AT_SECRET)
            return failed(a, "logged in before the password was said");
        return SMTP_AUTH_DONE;
    }
    if (code != 334)
        return failed(a, "");
    if (is_read(a) &&
        (!decode(text, strlen(text), challenge, sizeof challenge, &n) ||
         strlen(challenge) != n))
        return failed(a, "a challenge that is no base64");
    return take_challenge(a, challenge);
}

const char *smtp_auth_line(const struct smtp_auth *a, size_t *len)
{
    *len = a->len;
    return a->line;
}

const char *smtp_auth_why(const struct smtp_auth *a)
{
    return a->why;
}

/* The last word of its line. LOGIN begins with none: its name may come back. */
static const char *said(const struct smtp_auth *a, size_t *len)
{
    size_t from, to = a->len;

    while (to > 0 && (a->line[to - 1] == '\r' || a->line[to - 1] == '\n'))
        to--;
    for (from = to; from > 0 && a->line[from - 1] != ' '; from--)
        ;
    *len = a->at == AT_USER ? 0 : to - from;
    return a->line + from;
}

size_t smtp_auth_hide(const struct smtp_auth *a, char *text)
{
    size_t len = strlen(text), word_len;
    const char *word = said(a, &word_len);

    len = smtp_echo_login(text, len, word, word_len);
    len = smtp_echo_login(text, len, a->secret, strlen(a->secret));
    text[len] = 0;
    return len;
}

void smtp_auth_nonce(struct smtp_auth *a, const char *nonce)
{
    snprintf(a->nonce, sizeof a->nonce, "%s", nonce);
}

struct smtp_auth *smtp_auth_new(const struct smtp_login *login)
{
    struct smtp_auth *a = memory_new(1, sizeof *a);

    a->wanted = login->mechs;
    a->in_clear = login->in_clear;
    a->why = "";
    a->too_long = strlen(login->user) >= sizeof a->user ||
                  strlen(login->secret) >= sizeof a->secret;
    snprintf(a->user, sizeof a->user, "%s", login->user);
    snprintf(a->secret, sizeof a->secret, "%s", login->secret);
    return a;
}

void smtp_auth_free(struct smtp_auth *a)
{
    if (!a)
        return;
    OPENSSL_cleanse(a, sizeof *a);
    free(a);
}
