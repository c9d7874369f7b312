#include "render/contents.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/pg.h"
#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct contents *contents;
    unsigned char campaign[UUID_BYTES];
    struct content *content; /* NULL while it is read */
    unsigned users;          /* batches that have it */
    struct batch *waiting;   /* for it, by next */
    struct entry *next;
};

struct contents {
    struct queue *queue;
    void (*ready)(void *owner, struct batch *b);
    void *owner;
    struct entry *entries; /* latest first */
    size_t n;
};

enum { REPLY_TO_MAX = MESSAGE_ADDRESSES_MAX, ARRAY_HEADER_BYTES = 20 };

/* A binary text[] without nulls. The elements' texts are cut out of bytes by
 * writing NULs over the lengths that follow them. */
static size_t texts_of(char *bytes, size_t len, const char **texts)
{
    size_t n = 0, at = ARRAY_HEADER_BYTES;
    uint32_t size;

    while (len >= at + sizeof size && n < REPLY_TO_MAX) {
        memcpy(&size, bytes + at, sizeof size);
        bytes[at] = 0; /* ends the text before */
        size = be32toh(size);
        at += sizeof size;
        if (size > len - at)
            break;
        texts[n++] = bytes + at;
        at += size;
    }
    return n;
}

static const char *text_at(const PGresult *row, int column)
{
    return PQgetisnull(row, 0, column) ? NULL : PQgetvalue(row, 0, column);
}

static struct content *compile(const PGresult *row)
{
    size_t len = (size_t)PQgetlength(row, 0, 1);
    char *reply_to = text_copy_n(PQgetvalue(row, 0, 1), len);
    const char **list = memory_new(REPLY_TO_MAX, sizeof *list);
    const struct content_campaign campaign = {
        .sender = text_at(row, 0),
        .subject = text_at(row, 2),
        .html = text_at(row, 3),
        .text = text_at(row, 4),
        .headers = text_at(row, 5),
        .partials = text_at(row, 6),
        .defaults = text_at(row, 7),
        .strict_variables = PQgetvalue(row, 0, 8)[0] != 0,
        .inline_css = PQgetvalue(row, 0, 9)[0] != 0,
        .tracking = text_at(row, 10),
        .attachments = text_at(row, 11),
        .preheader = text_at(row, 12),
        .dsn = text_at(row, 13),
        .require_tls = PQgetvalue(row, 0, 14)[0] != 0,
        .reply_to = list,
        .n_reply_to = texts_of(reply_to, len, list),
    };
    struct content *content = content_of_campaign(&campaign);

    free(list);
    free(reply_to);
    return content;
}

static void on_row(void *arg, const PGresult *row)
{
    struct entry *e = arg;
    struct contents *c = e->contents;
    struct batch *next;

    if (row && PQresultStatus(row) == PGRES_TUPLES_OK && PQntuples(row) == 1)
        e->content = compile(row);
    if (e->content && !e->content->message)
        log_event(LOG_ERROR, "content_broken", "why=\"%s\"",
                  e->content->why.text);
    struct batch *waiting = e->waiting;

    e->waiting = NULL;
    for (struct batch *b = waiting; b; b = next) {
        next = b->next;
        b->next = NULL;
        b->unread = false;
        if (e->content)
            b->content = e->content;
        else
            e->users--;
        c->ready(c->owner, b);
    }
}

static struct entry *find(struct contents *c, const unsigned char *campaign)
{
    for (struct entry *e = c->entries; e; e = e->next)
        if (memcmp(e->campaign, campaign, UUID_BYTES) == 0)
            return e;
    return NULL;
}

/* Drops the unused ones behind the latest CONTENTS_KEPT_MAX, and what could
 * not be read. */
static void trim(struct contents *c)
{
    size_t kept = 0;
    struct entry **at = &c->entries;

    while (*at) {
        struct entry *e = *at;

        if (e->users > 0 || ++kept <= CONTENTS_KEPT_MAX) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        content_free(e->content);
        free(e);
    }
}

void contents_want(struct contents *c, struct batch *b)
{
    struct entry *e = find(c, b->campaign);

    if (!e) {
        trim(c);
        e = memory_new(1, sizeof *e);
        e->contents = c;
        memcpy(e->campaign, b->campaign, UUID_BYTES);
        e->next = c->entries;
        c->entries = e;
    }
    e->users++;
    if (e->content) {
        b->content = e->content;
        c->ready(c->owner, b);
        return;
    }
    bool asked = e->waiting != NULL;

    b->unread = true;
    b->next = e->waiting;
    e->waiting = b;
    if (!asked)
        queue_read_campaign(c->queue, e->campaign, on_row, e);
}

void contents_release(struct contents *c, struct batch *b)
{
    struct entry *e = find(c, b->campaign);

    if (!e || e->users == 0)
        BUG("a content released that was not wanted");
    e->users--;
    b->content = NULL;
}

struct contents *contents_new(struct queue *queue,
                              void (*ready)(void *owner, struct batch *b),
                              void *owner)
{
    struct contents *c = memory_new(1, sizeof *c);

    c->queue = queue;
    c->ready = ready;
    c->owner = owner;
    return c;
}

void contents_free(struct contents *c)
{
    struct entry *next;

    if (!c)
        return;
    for (struct entry *e = c->entries; e; e = next) {
        next = e->next;
        content_free(e->content);
        free(e);
    }
    free(c);
}
