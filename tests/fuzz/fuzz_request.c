/* Any bytes as what stands in a request beside its body: path and query, times
 * ("in 5 minutes"), names of mails, quantities. What is taken apart is UTF-8
 * text; names and times come back as they were. */
#include "api/route.h"
#include "api/time_parse.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/mailid.h"
#include "base/memory.h"
#include "base/quantity.h"
#include "base/utf8.h"
#include "queue/uuid.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static const int64_t now_us = 1795412460000000;

static void try_path(const char *path)
{
    static const char *const methods[] = {"GET", "POST", "DELETE", "HEAD", ""};
    char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX], allow[ROUTE_ALLOW_MAX];
    const struct route *route;

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        memset(args, 0, sizeof args);
        if (route_find(methods[i], path, &route, args, allow) != ROUTE_FOUND)
            continue;
        for (size_t a = 0; a < ROUTE_ARGS_MAX; a++)
            if (utf8_check(args[a], strlen(args[a])) != strlen(args[a]))
                BUG("an argument is no text");
    }
}

static void try_query(const char *text, size_t len)
{
    char *out = memory_new(len + 1, 1);

    for (int plus = 0; plus < 2; plus++)
        if (route_decode(text, len, plus, out) &&
            utf8_check(out, strlen(out)) != strlen(out))
            BUG("a parameter is no text");
    free(out);
}

static void try_time(const char *text)
{
    char written[CLOCK_RFC3339_MAX];
    int64_t at_us, again_us;
    struct error err;

    if (time_parse(text, now_us, &at_us, &err) != STATUS_OK)
        return;
    clock_rfc3339(at_us, written);
    if (time_parse(written, now_us, &again_us, &err) != STATUS_OK ||
        llabs(at_us - again_us) >= 1000)
        BUG("a time has two values");
}

static void try_names(const char *text)
{
    static const unsigned char secret[MAILID_SECRET_BYTES] = {1};
    unsigned char uuid[UUID_BYTES], back[UUID_BYTES];
    char again[UUID_TEXT_MAX];
    struct mailid id;

    if (mailid_parse(secret, text, &id))
        BUG("a mail's name that nobody made");
    if (!uuid_parse(text, uuid))
        return;
    uuid_text(uuid, again);
    if (!uuid_parse(again, back) || memcmp(uuid, back, sizeof uuid) != 0)
        BUG("an id has two values");
}

static void try_quantities(const char *text)
{
    int64_t amount;

    for (int kind = 0; kind <= QUANTITY_MILLISECONDS; kind++)
        if (quantity_parse((enum quantity_kind)kind, text, &amount, NULL) ==
                STATUS_OK &&
            amount < 0)
            BUG("a quantity with a sign");
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    char *text = text_copy_n((const char *)bytes, n);

    try_path(text);
    try_query((const char *)bytes, n);
    try_time(text);
    try_names(text);
    try_quantities(text);
    free(text);
    return 0;
}
