#include "settle/journal.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    JOURNAL_TEXTS = 7,
    JOURNAL_TEXTS_BEFORE = 6, /* of records without a category */
    JOURNAL_PATH_MAX = 4096,
    UTF8_MAX = 4,
};

/* Native byte order: a journal is read on the machine that wrote it. */
struct record {
    uint32_t len, crc; /* len: all of the record; crc: what follows it */
    int64_t batch, at_us;
    int32_t seq, claimed_ms, waited_ms, took_ms;
    int16_t attempt, code;
    uint8_t verdict, reach, final, flags;
    unsigned char campaign[OUTCOME_CAMPAIGN_BYTES];
    uint16_t text_len[JOURNAL_TEXTS]; /* each followed by a NUL */
};
_Static_assert(sizeof(struct record) == 78 + 2, "no padding but at the end");

/* Records from before there were categories, and those of what succeeded, end
 * after six texts: of what the flag doesn't announce, nothing is read. */
enum { RECORD_HAS_REACH = 1, RECORD_HAS_CATEGORY = 2, RECORD_FLAGS = 3 };

enum { RECORD_CRC_FROM = 8 };

static uint32_t crc_of(const char *record, size_t len)
{
    return (uint32_t)crc32(0, (const Bytef *)record + RECORD_CRC_FROM,
                           (uInt)(len - RECORD_CRC_FROM));
}

/* The store refuses a whole commit for one text that is no UTF-8, so none gets
 * that far: a character that the limit cuts is left out, a byte that belongs
 * to none is replaced. */
static size_t add_text(struct buf *b, const char *text, size_t most)
{
    size_t start = b->len;

    for (size_t left = strnlen(text, most); left > 0;) {
        size_t good = utf8_check(text, left);

        buf_add(b, text, good);
        text += good;
        left -= good;
        if (left == 0 || utf8_char(text, strnlen(text, UTF8_MAX)) > left)
            break;
        buf_add_char(b, '?');
        text++;
        left--;
    }
    size_t len = b->len - start;

    buf_add_char(b, 0);
    return len;
}

static const char **text_slot(struct settled *s, int i)
{
    const char **slots[JOURNAL_TEXTS] = {&s->site,    &s->enhanced, &s->step,
                                         &s->reply,   &s->mx,       &s->source,
                                         &s->category};

    return slots[i];
}

static int texts_of(const struct record *r)
{
    return r->flags & RECORD_HAS_CATEGORY ? JOURNAL_TEXTS
                                          : JOURNAL_TEXTS_BEFORE;
}

void journal_add(struct journal *j, const struct settled *s)
{
    struct buf *b = &j->bytes[j->current];
    struct settled copy = *s;
    size_t start = b->len;
    struct record r = {
        .batch = s->mail.batch,
        .at_us = s->at_us,
        .seq = s->mail.seq,
        .claimed_ms = s->claimed_ms,
        .waited_ms = s->waited_ms,
        .took_ms = s->took_ms,
        .attempt = (int16_t)s->attempt,
        .code = (int16_t)s->code,
        .verdict = (uint8_t)s->verdict,
        .reach = (uint8_t)s->reach,
        .final = s->final,
        .flags = (uint8_t)((s->has_reach ? RECORD_HAS_REACH : 0) |
                           (s->category ? RECORD_HAS_CATEGORY : 0)),
    };

    memcpy(r.campaign, s->campaign, sizeof r.campaign);
    buf_add(b, &r, sizeof r);
    for (int i = 0; i < texts_of(&r); i++) {
        const char **text = text_slot(&copy, i);
        size_t most =
            text == &copy.reply ? JOURNAL_REPLY_MAX : JOURNAL_TEXT_MAX;

        r.text_len[i] = (uint16_t)add_text(b, *text ? *text : "", most);
    }
    r.len = (uint32_t)(b->len - start);
    memcpy(b->data + start, &r, sizeof r);
    r.crc = crc_of(b->data + start, r.len);
    memcpy(b->data + start, &r, sizeof r);
}

/* Texts that fill the rest of the record, and values that we know. */
static bool is_sound(const struct record *r, const char *texts)
{
    size_t at = 0, len = r->len - sizeof *r;

    for (int i = 0; i < texts_of(r); i++) {
        if (r->text_len[i] >= len - at || texts[at + r->text_len[i]] != 0)
            return false;
        at += r->text_len[i] + 1U;
    }
    return at == len && r->verdict < VERDICTS && r->reach <= REACH_SITE &&
           r->final <= 1 && r->flags <= RECORD_FLAGS;
}

bool journal_next(const struct buf *bytes, size_t *at, struct settled *s)
{
    struct record r;

    if (bytes->len - *at < sizeof r)
        return false;
    memcpy(&r, bytes->data + *at, sizeof r);
    if (r.len < sizeof r || r.len > bytes->len - *at ||
        r.crc != crc_of(bytes->data + *at, r.len) ||
        !is_sound(&r, bytes->data + *at + sizeof r))
        return false;
    *s = (struct settled){
        .mail = {r.batch, r.seq},
        .attempt = r.attempt,
        .at_us = r.at_us,
        .verdict = (enum verdict)r.verdict,
        .final = r.final,
        .has_reach = r.flags & RECORD_HAS_REACH,
        .reach = (enum reach)r.reach,
        .code = (unsigned)r.code,
        .claimed_ms = r.claimed_ms,
        .waited_ms = r.waited_ms,
        .took_ms = r.took_ms,
    };
    memcpy(s->campaign, r.campaign, sizeof s->campaign);
    const char *text = bytes->data + *at + sizeof r;

    for (int i = 0; i < texts_of(&r); i++) {
        *text_slot(s, i) = text;
        text += r.text_len[i] + 1;
    }
    *at += r.len;
    return true;
}

static enum status write_all(int fd, const char *bytes, size_t len,
                             struct error *err)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, STATUS_FAILED, "journal: %s", strerror(errno));
        bytes += n;
        len -= (size_t)n;
    }
    return STATUS_OK;
}

enum status journal_write(struct journal *j, struct error *err)
{
    struct buf *b = &j->bytes[j->current];
    size_t *written = &j->written[j->current];

    if (*written == b->len)
        return STATUS_OK;
    enum status status = write_all(j->fd[j->current], b->data + *written,
                                   b->len - *written, err);

    if (status == STATUS_OK)
        *written = b->len;
    return status;
}

static enum status forget(struct journal *j, int file, struct error *err)
{
    buf_reset(&j->bytes[file]);
    j->written[file] = 0;
    if (ftruncate(j->fd[file], 0) != 0)
        return fail(err, STATUS_FAILED, "journal: %s", strerror(errno));
    return STATUS_OK;
}

const struct buf *journal_swap(struct journal *j)
{
    int old = j->current;

    if (j->written[old] != j->bytes[old].len || j->bytes[1 - old].len != 0)
        BUG("journal swapped too early");
    j->current = 1 - old;
    return &j->bytes[old];
}

enum status journal_forget(struct journal *j, struct error *err)
{
    return forget(j, 1 - j->current, err);
}

enum status journal_forget_all(struct journal *j, struct error *err)
{
    enum status status = forget(j, 0, err);

    return status == STATUS_OK ? forget(j, 1, err) : status;
}

static enum status read_file(int fd, struct buf *to, struct error *err)
{
    char chunk[65536];
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(to, chunk, (size_t)n);
    if (n < 0)
        return fail(err, STATUS_FAILED, "journal: %s", strerror(errno));
    return STATUS_OK;
}

static enum status set_aside(const char *dir, const char *bytes, size_t len,
                             struct error *err)
{
    char path[JOURNAL_PATH_MAX];

    log_event(LOG_WARN, "journal_damaged", "bytes=%zu", len);
    snprintf(path, sizeof path, "%s/journal.damaged", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return fail(err, STATUS_FAILED, "%s: %s", path, strerror(errno));
    enum status status = write_all(fd, bytes, len, err);

    close(fd);
    return status;
}

static enum status read_left(struct journal *j, int file, const char *dir,
                             struct buf *left, struct error *err)
{
    struct buf found = {0};
    struct settled s;
    size_t whole = 0;
    enum status status = read_file(j->fd[file], &found, err);

    while (status == STATUS_OK && journal_next(&found, &whole, &s))
        continue;
    buf_add(left, found.data ? found.data : "", whole);
    /* What is set aside leaves the file: records behind it would be lost. */
    if (status == STATUS_OK && whole < found.len)
        status = set_aside(dir, found.data + whole, found.len - whole, err);
    if (status == STATUS_OK && ftruncate(j->fd[file], (off_t)whole) != 0)
        status = fail(err, STATUS_FAILED, "journal: %s", strerror(errno));
    buf_fini(&found);
    return status;
}

enum status journal_open(struct journal *j, const char *dir, struct buf *left,
                         struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    enum status status = STATUS_OK;

    *j = (struct journal){.fd = {-1, -1}};
    for (int i = 0; i < JOURNAL_FILES && status == STATUS_OK; i++) {
        snprintf(path, sizeof path, "%s/journal.%d", dir, i);
        j->fd[i] = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (j->fd[i] < 0)
            status = fail(err, STATUS_FAILED, "%s: %s", path, strerror(errno));
        else
            status = read_left(j, i, dir, left, err);
    }
    if (status != STATUS_OK)
        journal_close(j);
    return status;
}

void journal_close(struct journal *j)
{
    for (int i = 0; i < JOURNAL_FILES; i++) {
        if (j->fd[i] >= 0)
            close(j->fd[i]);
        buf_fini(&j->bytes[i]);
    }
}
