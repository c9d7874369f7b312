/* Any bytes as a conversation that is shown: pieces of it, each behind a byte
 * that says who speaks and how long. What is printed is lines of UTF-8 without
 * control characters, each by a known speaker, and does not hold the secret. */
#include "base/bug.h"
#include "base/utf8.h"
#include "transcript.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { WHO_BITS = 3, WHOS = 1 << WHO_BITS };

static const char secret[] = "hunter2-correct";

static void tell(struct transcript *t, unsigned who, const char *piece,
                 size_t len)
{
    switch (who % WHOS) {
    case 0: transcript_tap(t, SMTP_TAP_CONNECTED, piece, len); break;
    case 1: transcript_tap(t, SMTP_TAP_SECURED, "", 0); break;
    case 2: transcript_tap(t, SMTP_TAP_SAID, NULL, len); break;
    case 3: transcript_note(t, "%.*s", (int)len, piece); break;
    case 4:
    case 5: transcript_tap(t, SMTP_TAP_SAID, piece, len); break;
    default: transcript_tap(t, SMTP_TAP_HEARD, piece, len); break;
    }
}

static void check_line(const char *line, size_t len)
{
    if (len < 2 || !strchr("<>*", line[0]) || line[1] != ' ')
        BUG("a line that nobody says");
    if (utf8_check(line, len) != len)
        BUG("a line that is no text");
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') ||
            line[i] == 0x7F)
            BUG("a control character");
}

static void check(const char *text, size_t len)
{
    if (memmem(text, len, secret, sizeof secret - 1))
        BUG("the secret is shown");
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);

        if (!end)
            BUG("a line without an end");
        check_line(text + at, (size_t)(end - text) - at);
        at = (size_t)(end - text) + 1;
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    char *text = NULL;
    size_t len = 0;
    struct transcript t = {.to = open_memstream(&text, &len)};

    if (!t.to)
        return 0;
    transcript_hide(&t, secret);
    for (size_t at = 0; at < n;) {
        unsigned head = bytes[at++];
        size_t most = head >> WHO_BITS;
        size_t piece = most < n - at ? most : n - at;

        tell(&t, head, (const char *)bytes + at, piece);
        at += piece;
    }
    transcript_fini(&t);
    fclose(t.to);
    check(text, len);
    free(text);
    return 0;
}
