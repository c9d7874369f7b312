#include "bounce/report.h"
#include "base/utf8.h"
#include <string.h>
#include <strings.h>

ENUM_DEFINE(bounce_kind, BOUNCE_KIND_TABLE);
ENUM_DEFINE(bounce_action, BOUNCE_ACTION_TABLE);

void bounce_report_reset(struct bounce_report *r)
{
    r->kind = BOUNCE_KIND_OTHER;
    r->token[0] = '\0';
    r->feedback[0] = '\0';
    r->message_id[0] = '\0';
    r->n = 0;
}

void bounce_clean(char *out, size_t size, const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        size_t took = c < 128 ? 1 : utf8_char(text + i, len - i);
        if (n + (took ? took : 1) >= size)
            break;
        if (c <= ' ' || c == 127) {
            if (n && out[n - 1] != ' ')
                out[n++] = ' ';
            i++;
        } else if (took) {
            memcpy(out + n, text + i, took);
            n += took;
            i += took;
        } else {
            out[n++] = '?';
            i++;
        }
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

struct bounce_recipient *bounce_report_add(struct bounce_report *r,
                                           const char *address, size_t len)
{
    char clean[ADDRESS_MAX];

    if (len >= ADDRESS_MAX)
        return NULL;
    bounce_clean(clean, sizeof clean, address, len);
    for (size_t i = 0; i < r->n; i++)
        if (strcasecmp(r->recipients[i].address, clean) == 0)
            return &r->recipients[i];
    if (r->n == BOUNCE_RECIPIENTS_MAX)
        return NULL;
    struct bounce_recipient *to = &r->recipients[r->n++];
    memcpy(to->address, clean, strlen(clean) + 1);
    to->action = BOUNCE_ACTION_FAILED;
    to->has_action = false;
    to->category = CATEGORY_OTHER;
    to->hard = false;
    to->ground = BOUNCE_BY_NOTHING;
    to->status[0] = '\0';
    to->code = 0;
    to->diagnostic[0] = '\0';
    return to;
}

void bounce_report_say(struct bounce_recipient *to, const char *text,
                       size_t len)
{
    size_t n = strlen(to->diagnostic);

    if (n && n + 1 < sizeof to->diagnostic)
        to->diagnostic[n++] = ' ';
    bounce_clean(to->diagnostic + n, sizeof to->diagnostic - n, text, len);
    if (n && !to->diagnostic[n])
        to->diagnostic[n - 1] = '\0';
}
