#include "smtp/echo.h"
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

enum { CODED_MIN = 4 }; /* what is shorter stands in any text */

static bool is_base64(unsigned char c)
{
    return isalnum(c) || c == '+' || c == '/' || c == '=';
}

/* Words of letters alone are people's: "SmtpClientAuthentication". */
static size_t before_run(const char *text, size_t len)
{
    bool coded = false;

    for (size_t at = 0, from = 0; at < len; at++) {
        unsigned char c = (unsigned char)text[at];

        if (!is_base64(c)) {
            from = at + 1;
            coded = false;
            continue;
        }
        coded |= !isalpha(c);
        if (coded && at + 1 - from >= SMTP_ECHO_RUN)
            return from;
    }
    return len;
}

static size_t before(const char *text, size_t len, const char *word,
                     size_t word_len)
{
    for (size_t at = 0; word_len > 0 && at + word_len <= len; at++) {
        if (strncasecmp(text + at, word, word_len) != 0)
            continue;
        while (at > 0 && (unsigned char)text[at - 1] > ' ')
            at--;
        return at;
    }
    return len;
}

/* Of base64 that has the secret `ahead` bytes behind the start of a group, only
 * what the secret alone decides. */
static size_t before_coded(const char *text, size_t len, const char *secret,
                           size_t secret_len, size_t ahead)
{
    unsigned char clear[2 + SMTP_ECHO_MOST] = {0};
    unsigned char coded[(sizeof clear + 2) / 3 * 4 + 1];
    size_t from = (ahead * 8 + 5) / 6, to = (ahead + secret_len) * 8 / 6;

    memcpy(clear + ahead, secret, secret_len);
    EVP_EncodeBlock(coded, clear, (int)(ahead + secret_len));
    if (to >= from + CODED_MIN)
        len = before(text, len, (const char *)coded + from, to - from);
    OPENSSL_cleanse(clear, sizeof clear);
    OPENSSL_cleanse(coded, sizeof coded);
    return len;
}

size_t smtp_echo_secret(const char *text, size_t len, const char *secret,
                        size_t secret_len)
{
    size_t n = secret_len < SMTP_ECHO_MOST ? secret_len : SMTP_ECHO_MOST;

    len = before(text, len, secret, n);
    for (size_t ahead = 0; ahead < 3; ahead++)
        len = before_coded(text, len, secret, n, ahead);
    return len;
}

size_t smtp_echo_login(const char *text, size_t len, const char *secret,
                       size_t secret_len)
{
    size_t n = secret_len < SMTP_ECHO_FIRST ? secret_len : SMTP_ECHO_FIRST;

    return smtp_echo_secret(text, before_run(text, len), secret, n);
}
