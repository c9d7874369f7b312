/* Any bytes as a journal, as they are and with their checksums mended, so that
 * what is behind these is read too. What is read can be written again, and
 * then reads the same; all its texts are fit for the store. */
#include "base/bug.h"
#include "base/utf8.h"
#include "settle/journal.h"
#include "settle/rows.h"
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CRC_AT = 4, CRC_FROM = 8 };

/* Each record begins with its length and the CRC-32 of what follows both. */
static void mend(struct buf *bytes)
{
    uint32_t len, crc;

    for (size_t at = 0; bytes->len - at >= CRC_FROM; at += len) {
        char *record = bytes->data + at;

        memcpy(&len, record, sizeof len);
        if (len < CRC_FROM || len > bytes->len - at)
            return;
        crc = (uint32_t)crc32(0, (const Bytef *)record + CRC_FROM,
                              (uInt)(len - CRC_FROM));
        memcpy(record + CRC_AT, &crc, sizeof crc);
    }
}

static void check_text(const char *text, size_t most)
{
    size_t len = strlen(text);

    if (len > most || utf8_check(text, len) != len)
        BUG("a text that the store refuses");
}

static void check(const struct settled *s)
{
    struct journal j = {.fd = {-1, -1}};
    struct settled again;
    size_t at = 0;

    journal_add(&j, s);
    if (!journal_next(&j.bytes[0], &at, &again) || at != j.bytes[0].len ||
        again.mail.batch != s->mail.batch || again.mail.seq != s->mail.seq ||
        again.verdict != s->verdict || again.final != s->final)
        BUG("a record that reads otherwise");
    check_text(again.site, JOURNAL_TEXT_MAX);
    check_text(again.enhanced, JOURNAL_TEXT_MAX);
    check_text(again.step, JOURNAL_TEXT_MAX);
    check_text(again.reply, JOURNAL_REPLY_MAX);
    check_text(again.mx, JOURNAL_TEXT_MAX);
    check_text(again.source, JOURNAL_TEXT_MAX);
    journal_close(&j);
}

static void read_all(const struct buf *bytes)
{
    static struct buf copy;
    static struct tally tally;
    static struct args args;
    struct settled s;

    for (size_t at = 0; journal_next(bytes, &at, &s);)
        check(&s);
    tally_reset(&tally);
    args_reset(&args);
    rows_copy(bytes, 1, &copy, &tally);
    rows_args(bytes, 1, &args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bytes = {0};

    buf_add(&bytes, data, size);
    read_all(&bytes);
    mend(&bytes);
    read_all(&bytes);
    buf_fini(&bytes);
    return 0;
}
