#include "settle/rows.h"
#include "base/bug.h"
#include "base/memory.h"
#include "queue/copy.h"
#include "settle/journal.h"

enum { ROWS_COLUMNS = 18, TALLY_FIRST = 16 };

/* ---- Totals ---- */

void tally_reset(struct tally *t)
{
    t->n = t->last = t->failed = 0;
}

void tally_fini(struct tally *t)
{
    free(t->rows);
    *t = (struct tally){0};
}

static bool is_row_of(const struct tally_row *row, const struct settled *s)
{
    return memcmp(row->campaign, s->campaign, UUID_BYTES) == 0 &&
           strcmp(row->site, s->site) == 0;
}

/* A worker has few campaigns and sites under way at once, and mostly the same
 * one again. */
static struct tally_row *tally_row(struct tally *t, const struct settled *s)
{
    if (t->n > 0 && is_row_of(&t->rows[t->last], s))
        return &t->rows[t->last];
    for (t->last = 0; t->last < t->n; t->last++)
        if (is_row_of(&t->rows[t->last], s))
            return &t->rows[t->last];
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : TALLY_FIRST;
        t->rows = memory_resize(t->rows, t->cap, sizeof *t->rows);
    }
    struct tally_row *row = &t->rows[t->n++];

    *row = (struct tally_row){0};
    memcpy(row->campaign, s->campaign, UUID_BYTES);
    snprintf(row->site, sizeof row->site, "%s", s->site);
    return row;
}

static enum tally_count count_of(const struct settled *s)
{
    switch (s->verdict) {
    case VERDICT_DELIVERED: return TALLY_DELIVERED;
    case VERDICT_DEFERRED: return TALLY_DEFERRED;
    case VERDICT_BOUNCED: return TALLY_BOUNCED;
    case VERDICT_IN_DOUBT: return s->final ? TALLY_IN_DOUBT : TALLY_DOUBTED;
    case VERDICT_EXPIRED: return TALLY_EXPIRED;
    case VERDICT_SUPPRESSED: return TALLY_SUPPRESSED;
    case VERDICT_CANCELLED: return TALLY_CANCELLED;
    }
    BUG("no such verdict");
}

bool tally_args(const struct tally *t, int worker, struct args *a)
{
    if (t->n == 0)
        return false;
    args_array_start(a, ARGS_ELEMENT_UUID);
    for (size_t i = 0; i < t->n; i++)
        args_element_uuid(a, t->rows[i].campaign);
    args_array_end(a);
    args_array_start(a, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < t->n; i++)
        args_element_text(a, t->rows[i].site, strlen(t->rows[i].site));
    args_array_end(a);
    args_int(a, worker);
    for (int c = 0; c < TALLY_COUNTS; c++) {
        args_array_start(a, ARGS_ELEMENT_BIGINT);
        for (size_t i = 0; i < t->n; i++)
            args_element_bigint(a, t->rows[i].count[c]);
        args_array_end(a);
    }
    return true;
}

/* ---- COPY ---- */

static bool has_category(const struct settled *s)
{
    return s->category && s->category[0];
}

/* Something follows from it for its recipient, maybe. */
static bool has_failed(const struct settled *s)
{
    return has_category(s) || s->verdict == VERDICT_EXPIRED;
}

static const char *or_null(const char *text)
{
    return text && text[0] ? text : NULL;
}

static void copy_record(struct buf *out, const struct settled *s, int worker)
{
    copy_row(out, ROWS_COLUMNS);
    copy_int64(out, s->mail.batch);
    copy_int32(out, s->mail.seq);
    copy_int16(out, (int16_t)s->attempt);
    copy_timestamptz(out, s->at_us);
    copy_text(out, verdict_text(s->verdict));
    copy_bool(out, s->final);
    copy_text(out, s->has_reach ? reach_text(s->reach) : NULL);
    if (s->code)
        copy_int16(out, (int16_t)s->code);
    else
        copy_null(out);
    copy_text(out, or_null(s->enhanced));
    copy_text(out, or_null(s->step));
    copy_text(out, or_null(s->reply));
    copy_text(out, or_null(s->mx));
    copy_text(out, or_null(s->source));
    copy_int32(out, worker);
    copy_int32(out, s->claimed_ms);
    copy_int32(out, s->waited_ms);
    copy_int32(out, s->took_ms);
    copy_text(out, or_null(s->category));
}

void rows_copy(const struct buf *records, int worker, struct buf *out,
               struct tally *tally)
{
    struct settled s;

    buf_reset(out);
    copy_header(out);
    for (size_t at = 0; journal_next(records, &at, &s);) {
        copy_record(out, &s, worker);
        tally->failed += has_failed(&s);
        if (settled_has_campaign(&s))
            tally_row(tally, &s)->count[count_of(&s)]++;
    }
    copy_trailer(out);
}

/* ---- Arrays ---- */

typedef void add_element(struct args *a, const struct settled *s);

static void add_text(struct args *a, const char *text)
{
    if (text && text[0])
        args_element_text(a, text, strlen(text));
    else
        args_element_null(a);
}

static void add_batch(struct args *a, const struct settled *s)
{
    args_element_bigint(a, s->mail.batch);
}

static void add_seq(struct args *a, const struct settled *s)
{
    args_element_int(a, s->mail.seq);
}

static void add_attempt(struct args *a, const struct settled *s)
{
    args_element_smallint(a, (int16_t)s->attempt);
}

static void add_at(struct args *a, const struct settled *s)
{
    args_element_time(a, s->at_us);
}

static void add_verdict(struct args *a, const struct settled *s)
{
    add_text(a, verdict_text(s->verdict));
}

static void add_final(struct args *a, const struct settled *s)
{
    args_element_bool(a, s->final);
}

static void add_reach(struct args *a, const struct settled *s)
{
    add_text(a, s->has_reach ? reach_text(s->reach) : NULL);
}

static void add_code(struct args *a, const struct settled *s)
{
    if (s->code)
        args_element_smallint(a, (int16_t)s->code);
    else
        args_element_null(a);
}

static void add_enhanced(struct args *a, const struct settled *s)
{
    add_text(a, s->enhanced);
}

static void add_step(struct args *a, const struct settled *s)
{
    add_text(a, s->step);
}

static void add_reply(struct args *a, const struct settled *s)
{
    add_text(a, s->reply);
}

static void add_mx(struct args *a, const struct settled *s)
{
    add_text(a, s->mx);
}

static void add_source(struct args *a, const struct settled *s)
{
    add_text(a, s->source);
}

static void add_claimed(struct args *a, const struct settled *s)
{
    args_element_int(a, s->claimed_ms);
}

static void add_waited(struct args *a, const struct settled *s)
{
    args_element_int(a, s->waited_ms);
}

static void add_took(struct args *a, const struct settled *s)
{
    args_element_int(a, s->took_ms);
}

static void add_campaign(struct args *a, const struct settled *s)
{
    if (settled_has_campaign(s))
        args_element_uuid(a, s->campaign);
    else
        args_element_null(a);
}

static void add_site(struct args *a, const struct settled *s)
{
    args_element_text(a, s->site, strlen(s->site));
}

static void add_category(struct args *a, const struct settled *s)
{
    add_text(a, s->category);
}

struct column {
    enum args_element type;
    add_element *add;
};

/* In the order of settle_again's parameters, behind the worker. */
static const struct column columns[] = {
    {ARGS_ELEMENT_BIGINT, add_batch},     {ARGS_ELEMENT_INT, add_seq},
    {ARGS_ELEMENT_SMALLINT, add_attempt}, {ARGS_ELEMENT_TIME, add_at},
    {ARGS_ELEMENT_TEXT, add_verdict},     {ARGS_ELEMENT_BOOL, add_final},
    {ARGS_ELEMENT_TEXT, add_reach},       {ARGS_ELEMENT_SMALLINT, add_code},
    {ARGS_ELEMENT_TEXT, add_enhanced},    {ARGS_ELEMENT_TEXT, add_step},
    {ARGS_ELEMENT_TEXT, add_reply},       {ARGS_ELEMENT_TEXT, add_mx},
    {ARGS_ELEMENT_TEXT, add_source},      {ARGS_ELEMENT_INT, add_claimed},
    {ARGS_ELEMENT_INT, add_waited},       {ARGS_ELEMENT_INT, add_took},
    {ARGS_ELEMENT_UUID, add_campaign},    {ARGS_ELEMENT_TEXT, add_site},
    {ARGS_ELEMENT_TEXT, add_category},
};

/* The same of settle_failed. */
static const struct column failed_columns[] = {
    {ARGS_ELEMENT_BIGINT, add_batch},  {ARGS_ELEMENT_INT, add_seq},
    {ARGS_ELEMENT_TIME, add_at},       {ARGS_ELEMENT_TEXT, add_verdict},
    {ARGS_ELEMENT_UUID, add_campaign}, {ARGS_ELEMENT_TEXT, add_site},
    {ARGS_ELEMENT_TEXT, add_category},
};

void rows_args(const struct buf *records, int worker, struct args *a)
{
    struct settled s;

    args_int(a, worker);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        args_array_start(a, columns[c].type);
        for (size_t at = 0; journal_next(records, &at, &s);)
            columns[c].add(a, &s);
        args_array_end(a);
    }
}

void rows_failed_args(const struct buf *records, int worker, struct args *a)
{
    struct settled s;

    args_int(a, worker);
    for (size_t c = 0; c < sizeof failed_columns / sizeof *failed_columns;
         c++) {
        args_array_start(a, failed_columns[c].type);
        for (size_t at = 0; journal_next(records, &at, &s);)
            if (has_failed(&s))
                failed_columns[c].add(a, &s);
        args_array_end(a);
    }
}
