#include "smtp/ehlo.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* RFC 5321, 4.1.1.1:  ehlo-line = ehlo-keyword *( SP ehlo-param )
 * RFC 9422, 4:        limits-param = name "=" value */

struct keyword {
    unsigned bit;
    const char *word;
};

#define ROW_(name, bit, word) {name, word},
static const struct keyword caps[] = {SMTP_CAP_TABLE(ROW_)};
static const struct keyword mechs[] = {SMTP_MECH_TABLE(ROW_)};
#undef ROW_
enum {
    CAPS = sizeof caps / sizeof *caps,
    MECHS = sizeof mechs / sizeof *mechs
};

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(word, text, len) == 0;
}

static unsigned bit_of(const struct keyword *of, size_t n, const char *text,
                       size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (is_word(text, len, of[i].word))
            return of[i].bit;
    return 0;
}

/* A number too large to hold is a limit that no message reaches; what is no
 * number is no limit. */
static uint64_t number_of(const char *digits)
{
    uint64_t n = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++) {
        unsigned digit = (unsigned)(*digits - '0');

        if (n > (UINT64_MAX - digit) / 10)
            return UINT64_MAX;
        n = n * 10 + digit;
    }
    return n;
}

static void take_limit(struct smtp_offer *offer, const char *word, size_t len)
{
    const struct {
        const char *name;
        uint64_t *to;
    } limits[] = {{"MAILMAX", &offer->mails_max},
                  {"RCPTMAX", &offer->rcpts_max},
                  {"RCPTDOMAINMAX", &offer->rcpt_domains_max}};
    const char *equals = memchr(word, '=', len);

    for (size_t i = 0; equals && i < sizeof limits / sizeof *limits; i++)
        if (is_word(word, (size_t)(equals - word), limits[i].name))
            *limits[i].to = number_of(equals + 1);
}

/* The words behind a keyword. */
static void take_parameters(struct smtp_offer *offer, unsigned cap,
                            const char *at)
{
    while (*at == ' ') {
        size_t len = strcspn(++at, " \n");

        if (cap == SMTP_CAP_AUTH)
            offer->mechs |= bit_of(mechs, MECHS, at, len);
        else if (cap == SMTP_CAP_LIMITS)
            take_limit(offer, at, len);
        else if (cap == SMTP_CAP_SIZE && offer->size_max == 0)
            offer->size_max = number_of(at);
        at += len;
    }
}

struct smtp_offer smtp_ehlo_parse(const char *text)
{
    struct smtp_offer offer = {0};

    for (text = strchr(text, '\n'); text; text = strchr(text, '\n')) {
        size_t len = strcspn(++text, " \n");
        unsigned cap = bit_of(caps, CAPS, text, len);

        offer.caps |= cap;
        take_parameters(&offer, cap, text + len);
    }
    return offer;
}
