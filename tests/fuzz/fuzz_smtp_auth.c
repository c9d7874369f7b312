/* The first byte chooses the mechanisms and what is said of TLS; each line
 * after it is a reply, "334 text". What is said is one line, the secret is in
 * no reason, and nobody who does not know the password logs us in by SCRAM. */
#include "base/bug.h"
#include "smtp/auth.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4096 };

static void check_line(const struct smtp_auth *a)
{
    size_t len;
    const char *line = smtp_auth_line(a, &len);

    if (len < 2 || len > SMTP_AUTH_LINE_MAX ||
        memcmp(line + len - 2, "\r\n", 2) != 0 ||
        memchr(line, '\n', len) != line + len - 1)
        BUG("not one line");
}

static void hear(struct smtp_auth *a, const char *in, size_t size,
                 enum smtp_auth_fate *fate)
{
    char text[TEXT_MAX];

    while (*fate == SMTP_AUTH_SAY && size > 0) {
        const char *end = memchr(in, '\n', size);
        size_t len = end ? (size_t)(end - in) : size;
        size_t keep = len < TEXT_MAX ? len : TEXT_MAX - 1;

        check_line(a);
        memcpy(text, in, keep);
        text[keep] = 0;
        *fate = smtp_auth_hear(a, (unsigned)strtoul(text, NULL, 10),
                               keep > 4 ? text + 4 : "");
        in += len + (end != NULL);
        size -= len + (end != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    const struct smtp_login login = {.mechs = data[0] & 15,
                                     .user = "us,er=",
                                     .secret = "pencil",
                                     .in_clear = data[0] & 16};
    struct smtp_auth *a = smtp_auth_new(&login);

    smtp_auth_nonce(a, "rOprNGfwEbeRWgbNEkqO");
    enum smtp_auth_fate fate = smtp_auth_begin(a, 15, data[0] & 32);

    hear(a, (const char *)data + 1, size - 1, &fate);
    if (fate == SMTP_AUTH_DONE && login.mechs & SMTP_MECH_SCRAM_SHA_256)
        BUG("logged in by somebody who does not know the password");
    if (strstr(smtp_auth_why(a), "pencil"))
        BUG("a secret told");
    smtp_auth_free(a);
    return 0;
}
