/* Any bytes as a token endpoint's answer, and as its URL: what is taken is
 * bounded and printable, and no error tells what stood in a token's place. The
 * first byte chooses the HTTP status. */
#include "base/bug.h"
#include "oauth/answer.h"
#include "oauth/request.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_secret(const char *text, bool may_be_empty)
{
    if (strlen(text) >= OAUTH_SECRET_MAX || (!*text && !may_be_empty))
        BUG("not of that length");
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            BUG("it would break out of the login");
}

static void check_answer(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 400, 302, 0};
    static struct oauth_answer answer;
    struct error err = {""};
    const char *body = (const char *)data + 1;

    if (oauth_answer_read(statuses[data[0] % 4], "application/json", body,
                          size - 1, &answer, &err) == STATUS_OK) {
        if (data[0] % 4 != 0)
            BUG("a token of a refusal");
        check_secret(answer.token, false);
        check_secret(answer.refresh, true);
        if (answer.expires_seconds < 1 ||
            answer.expires_seconds > OAUTH_EXPIRES_MOST)
            BUG("no such life");
        return;
    }
    if (!err.text[0] || answer.token[0] || answer.refresh[0])
        BUG("no reason, or a token for all that");
    for (const char *c = err.text; *c; c++)
        if (*c < ' ' || *c > '~')
            BUG("foreign bytes in an error");
}

static void check_url(const uint8_t *data, size_t size)
{
    char url[OAUTH_URL_MAX + 8], again[OAUTH_URL_MAX];
    struct oauth_url out, same;
    struct error err;

    if (size >= sizeof url)
        return;
    memcpy(url, data, size);
    url[size] = 0;
    if (oauth_url_parse(url, &out, &err) != STATUS_OK)
        return;
    snprintf(again, sizeof again,
             strchr(out.host, ':') ? "%s://[%s]:%s" : "%s://%s:%s",
             out.is_https ? "https" : "http", out.host, out.port);
    if (oauth_url_parse(again, &same, &err) != STATUS_OK ||
        strcmp(same.host, out.host) != 0 || strcmp(same.port, out.port) != 0)
        BUG("not the same host");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        check_answer(data, size);
    check_url(data, size);
    return 0;
}
