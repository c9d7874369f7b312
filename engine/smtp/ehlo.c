#include "smtp/ehlo.h"
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* RFC 5321, 4.1.1.1:  ehlo-line = ehlo-keyword *( SP ehlo-param ) */

static const struct {
    unsigned cap;
    const char *keyword;
} keywords[] = {
#define ROW_(cap, bit, keyword) {cap, keyword},
    SMTP_CAP_TABLE(ROW_)
#undef ROW_
};

static unsigned cap_of(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strlen(keywords[i].keyword) == len &&
            strncasecmp(keywords[i].keyword, word, len) == 0)
            return keywords[i].cap;
    return 0;
}

/* A number too large to hold is a limit that no message reaches; what is no
 * number is no limit. */
static uint64_t size_of(const char *digits)
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

struct smtp_offer smtp_ehlo_parse(const char *text)
{
    struct smtp_offer offer = {0};

    for (text = strchr(text, '\n'); text; text = strchr(text, '\n')) {
        size_t len = strcspn(++text, " \n");
        unsigned cap = cap_of(text, len);

        offer.caps |= cap;
        if (cap == SMTP_CAP_SIZE && text[len] == ' ')
            offer.size_max = size_of(text + len + 1);
    }
    return offer;
}
