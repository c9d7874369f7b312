/*
 *   file    = [BOM] line *(EOL line) [EOL]      ; RFC 4180, 2
 *   line    = field *(separator field)
 *   field   = *plain / DQUOTE *(any / 2DQUOTE) DQUOTE
 *   EOL     = [CR] LF
 */
#include "api/upload/csv.h"
#include "base/memory.h"
#include <stdlib.h>
#include <strings.h>

/* Where in a line the scan for its end stands. */
enum place { FIELD_START, PLAIN, QUOTED, QUOTE_IN_QUOTED, RETURN_BEHIND };

struct column {
    char *name; /* `"name":`, as it stands in the variables; NULL: left out */
    size_t name_len;
};

struct field {
    char *text;
    size_t len;
};

struct csv {
    const struct upload_sink *sink;
    struct buf in;  /* from the current line on */
    size_t scanned; /* of in, up to there place and stray hold */
    enum place place;
    bool stray;     /* a quotation mark stands where none may */
    bool skipping;  /* the rest of a line too long */
    bool begun;     /* behind the byte order mark */
    uint64_t line;  /* number of the current one */
    char separator; /* 0: not known yet */
    size_t n_columns, email;
    struct column columns[UPLOAD_VARIABLES_MAX + 1];
    struct field fields[UPLOAD_VARIABLES_MAX + 1];
    struct buf variables;
};

struct csv *csv_new(const struct upload_sink *sink)
{
    struct csv *c = memory_new(1, sizeof *c);

    c->sink = sink;
    c->line = 1;
    return c;
}

void csv_free(struct csv *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_columns; i++)
        free(c->columns[i].name);
    buf_fini(&c->in);
    buf_fini(&c->variables);
    free(c);
}

static bool is_separator(const struct csv *c, char ch)
{
    if (c->separator)
        return ch == c->separator;
    return ch == ',' || ch == ';' || ch == '\t';
}

static enum place next_place(struct csv *c, char ch)
{
    switch (c->place) {
    case FIELD_START:
        if (ch == '"')
            return QUOTED;
        break;
    case QUOTED: return ch == '"' ? QUOTE_IN_QUOTED : QUOTED;
    case QUOTE_IN_QUOTED:
        if (ch == '"')
            return QUOTED;
        if (ch == '\r')
            return RETURN_BEHIND;
        c->stray = c->stray || !is_separator(c, ch);
        break;
    case RETURN_BEHIND: /* and no line feed behind it */ c->stray = true; break;
    case PLAIN: c->stray = c->stray || ch == '"'; break;
    }
    return is_separator(c, ch) ? FIELD_START : PLAIN;
}

/* The line feed that ends the current line; NULL if it isn't there yet, or
 * further away than a line may be long. */
static char *line_end(struct csv *c, size_t from)
{
    char *start = c->in.data + from, *end = c->in.data + c->in.len;

    if (c->skipping)
        return memchr(start, '\n', (size_t)(end - start));
    if (end - start > UPLOAD_LINE_MAX + 1)
        end = start + UPLOAD_LINE_MAX + 1;
    if (c->scanned == from) {
        /* Nearly all lines have no quotation mark at all. */
        char *feed = memchr(start, '\n', (size_t)(end - start));

        if (feed && !memchr(start, '"', (size_t)(feed - start)))
            return feed;
        c->place = FIELD_START;
        c->stray = false;
    }
    for (char *at = c->in.data + c->scanned; at < end; at++) {
        if (*at == '\n' && c->place != QUOTED) {
            c->scanned = (size_t)(at - c->in.data);
            return at;
        }
        c->place = next_place(c, *at);
    }
    c->scanned = (size_t)(end - c->in.data);
    return NULL;
}

/* A quoted field between text and end; returns behind its closing mark. The
 * marks inside are undoubled in place. */
static char *split_quoted(char *text, char *end, struct field *out)
{
    char *to = text;

    out->text = text;
    while (text < end) {
        if (*text == '"' && (++text == end || *text != '"'))
            break;
        *to++ = *text++;
    }
    out->len = (size_t)(to - out->text);
    return text;
}

/* Of the fields of a line; one more than there is room for at most. */
static size_t split(struct csv *c, char *text, char *end)
{
    size_t n = 0;

    for (;; text++) {
        if (n == UPLOAD_VARIABLES_MAX + 1)
            return n + 1;
        struct field *f = &c->fields[n++];
        if (text < end && *text == '"') {
            text = split_quoted(text + 1, end, f);
        } else {
            char *cut = memchr(text, c->separator, (size_t)(end - text));

            *f = (struct field){text, (size_t)((cut ? cut : end) - text)};
            text += f->len;
        }
        if (text >= end)
            return n;
    }
}

static char separator_of(const char *text, const char *end)
{
    static const char known[] = {',', ';', '\t'};
    size_t best = 0, count[sizeof known] = {0};
    bool quoted = false;

    for (; text < end; text++) {
        quoted ^= *text == '"';
        for (size_t i = 0; i < sizeof known && !quoted; i++)
            count[i] += *text == known[i];
    }
    for (size_t i = 1; i < sizeof known; i++)
        if (count[i] > count[best])
            best = i;
    return known[best];
}

static void trim(struct field *f)
{
    while (f->len > 0 && (*f->text == ' ' || *f->text == '\t'))
        f->text++, f->len--;
    while (f->len > 0 &&
           (f->text[f->len - 1] == ' ' || f->text[f->len - 1] == '\t'))
        f->len--;
}

static bool same(const struct field *a, const struct field *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* The column of the addresses; n if there is none. */
static size_t find_email(const struct field *fields, size_t n)
{
    static const char *const names[] = {"email", "e-mail", "address"};

    for (size_t name = 0; name < sizeof names / sizeof *names; name++)
        for (size_t i = 0; i < n; i++)
            if (fields[i].len == strlen(names[name]) &&
                strncasecmp(fields[i].text, names[name], fields[i].len) == 0)
                return i;
    return n;
}

static enum status check_names(const struct field *fields, size_t n,
                               struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (fields[i].len > UPLOAD_NAME_MAX)
            return fail(err, STATUS_INVALID,
                        "line 1: the name of column %zu has more than %d bytes",
                        i + 1, UPLOAD_NAME_MAX);
        for (size_t j = 0; fields[i].len > 0 && j < i; j++)
            if (same(&fields[i], &fields[j]))
                return fail(err, STATUS_INVALID,
                            "line 1: columns %zu and %zu are both named '%.*s'",
                            j + 1, i + 1, (int)fields[i].len, fields[i].text);
    }
    return STATUS_OK;
}

/* text .. end is valid UTF-8. */
static enum status take_names(struct csv *c, char *text, char *end,
                              struct error *err)
{
    c->separator = separator_of(text, end);
    size_t n = split(c, text, end);

    if (n > UPLOAD_VARIABLES_MAX + 1)
        return fail(err, STATUS_TOO_BIG, "line 1: more than %d columns",
                    UPLOAD_VARIABLES_MAX + 1);
    for (size_t i = 0; i < n; i++)
        trim(&c->fields[i]);
    c->email = find_email(c->fields, n);
    if (c->email == n)
        return fail(err, STATUS_INVALID,
                    "line 1: no column is named email; the first line must "
                    "name the columns");
    enum status st = check_names(c->fields, n, err);
    if (st != STATUS_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        struct buf name = {0};

        if (i != c->email && c->fields[i].len > 0) {
            recipient_json_text(&name, c->fields[i].text, c->fields[i].len);
            buf_add_char(&name, ':');
        }
        c->columns[i] = (struct column){name.data, name.len};
    }
    c->n_columns = n;
    return STATUS_OK;
}

static void write_variables(struct csv *c)
{
    buf_reset(&c->variables);
    for (size_t i = 0; i < c->n_columns; i++) {
        const struct column *column = &c->columns[i];

        if (!column->name)
            continue;
        buf_add_char(&c->variables, c->variables.len ? ',' : '{');
        buf_add(&c->variables, column->name, column->name_len);
        recipient_json_text(&c->variables, c->fields[i].text, c->fields[i].len);
    }
    if (c->variables.len)
        buf_add_char(&c->variables, '}');
}

static void reject(const struct csv *c, const char *text, const char *end,
                   const char *reason)
{
    recipient_reject(c->sink, c->line, text, (size_t)(end - text), "%s",
                     reason);
}

/* A whole line without its end. stray: see struct csv. */
static enum status take_line(struct csv *c, char *text, char *end, bool stray,
                             struct error *err)
{
    const char *flaw = recipient_text_flaw(text, (size_t)(end - text));

    if (stray)
        flaw = "a quotation mark stands inside a field, or text behind one";
    if (c->n_columns == 0) {
        if (flaw)
            return fail(err, STATUS_INVALID, "line %llu: %s",
                        (unsigned long long)c->line, flaw);
        return take_names(c, text, end, err);
    }
    if (flaw) {
        reject(c, text, end, flaw);
        return STATUS_OK;
    }
    size_t n = split(c, text, end);
    if (n != c->n_columns) {
        recipient_reject(c->sink, c->line, text, (size_t)(end - text),
                         "%zu field%s where the first line names %zu", n,
                         n == 1 ? "" : "s", c->n_columns);
        return STATUS_OK;
    }
    write_variables(c);
    const struct field *email = &c->fields[c->email];
    return recipient_offer(c->sink, c->line, email->text, email->len,
                           c->variables.len ? c->variables.data : NULL,
                           c->variables.len, err);
}

static uint64_t feeds_in(const char *text, const char *end)
{
    uint64_t n = 0;

    while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL)
        n++, text++;
    return n;
}

/* The line from `from` to the line feed (or the end of the file) at `feed`. */
static enum status end_line(struct csv *c, size_t from, char *feed,
                            struct error *err)
{
    char *text = c->in.data + from, *end = feed;
    bool quotes = c->scanned > from;
    uint64_t feeds = quotes ? feeds_in(text, feed) : 0;
    enum status st = STATUS_OK;

    if (end > text && end[-1] == '\r')
        end--;
    if (c->skipping)
        c->skipping = false;
    else if (end > text)
        st = take_line(c, text, end, quotes && c->stray, err);
    c->line += feeds + 1;
    return st;
}

static const char *why_endless(const struct csv *c)
{
    return c->place == QUOTED ? "a quoted field is not closed"
                              : "the line is too long";
}

/* The line at `from` can't be read to its end: a quotation mark is not closed,
 * or it is too long. What stands behind its first line feed is read afresh;
 * without one, what comes up to the next is skipped. Returns where to go on. */
static size_t give_up_line(struct csv *c, size_t from)
{
    const char *text = c->in.data + from, *end = c->in.data + c->in.len;

    if (c->skipping)
        return c->in.len;
    if (end - text > UPLOAD_LINE_MAX + 1)
        end = text + UPLOAD_LINE_MAX + 1;
    const char *feed = memchr(text, '\n', (size_t)(end - text));
    reject(c, text, feed ? feed : end, why_endless(c));
    c->skipping = !feed;
    c->line += feed != NULL;
    return (size_t)((feed ? feed + 1 : end) - c->in.data);
}

static bool skip_mark(struct csv *c, bool last)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (c->begun)
        return true;
    if (!last && c->in.len < 3 && memcmp(c->in.data, mark, c->in.len) == 0)
        return false;
    c->begun = true;
    if (c->in.len >= 3 && memcmp(c->in.data, mark, 3) == 0)
        buf_drop(&c->in, 3);
    return true;
}

/* May the end of the file end this line, too? */
static bool is_whole(const struct csv *c, size_t from)
{
    return c->place != QUOTED && !c->skipping &&
           c->in.len - from <= UPLOAD_LINE_MAX;
}

static enum status take_all(struct csv *c, bool last, struct error *err)
{
    size_t from = 0;
    enum status st = STATUS_OK;

    if (!skip_mark(c, last))
        return st;
    while (st == STATUS_OK && from < c->in.len) {
        char *feed = line_end(c, from);

        if (feed || (last && is_whole(c, from))) {
            char *end = feed ? feed : c->in.data + c->in.len;

            st = end_line(c, from, end, err);
            from = (size_t)(end - c->in.data) + (feed != NULL);
        } else if (last || c->in.len - from > UPLOAD_LINE_MAX) {
            if (c->n_columns == 0)
                return fail(err, STATUS_INVALID, "line %llu: %s",
                            (unsigned long long)c->line, why_endless(c));
            from = give_up_line(c, from);
        } else {
            break;
        }
        c->scanned = from;
    }
    c->scanned -= from;
    buf_drop(&c->in, from);
    return st;
}

enum status csv_feed(struct csv *c, const char *bytes, size_t n,
                     struct error *err)
{
    buf_add(&c->in, bytes, n);
    return take_all(c, false, err);
}

enum status csv_end(struct csv *c, struct error *err)
{
    enum status st = take_all(c, true, err);

    if (st == STATUS_OK && c->n_columns == 0)
        return fail(err, STATUS_INVALID,
                    "the upload is empty: its first line must name the "
                    "columns, one of them email");
    return st;
}
