/*
 *   template = *(text / output)
 *   output   = "{{" ["-"] path ["-"] "}}"
 *            / "{{{" path ["|" text] "}}}"     ; text without "}}}"
 *   path     = name *("." name / "[" index "]" / "[" quoted "]")
 *   name     = (letter / "_") *(letter / digit / "_" / "-")
 *   index    = 1*9digit
 *   quoted   = <"> text <"> / "'" text "'"
 *
 * A letter is one of ASCII's, or any character beyond ASCII. White space may
 * stand around a path.
 */
#include "templates/parse.h"
#include "base/memory.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct scan {
    struct template *t;
    const char *at, *end;
    size_t variables;
    bool trim; /* the last output ended with "-}}" */
    struct error *err;
};

/* Column and line count from 1, the column in characters. */
PRINTF(3, 4)
static enum status refuse(const struct scan *s, const char *at, const char *fmt,
                          ...)
{
    char what[256];
    size_t line = 1, column = 1;
    va_list ap;

    for (const char *p = s->t->source; p < at; p++) {
        column += ((unsigned char)*p & 0xc0) != 0x80;
        if (*p == '\n') {
            line++;
            column = 1;
        }
    }
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return fail(s->err, STATUS_INVALID, "line %zu, column %zu: %s", line,
                column, what);
}

/* "expected this, found that": that is a few characters of the line. */
static enum status expected(const struct scan *s, const char *what)
{
    enum { SHOWN_MAX = 20 };
    const char *p = s->at;

    for (size_t n = 0; n < SHOWN_MAX && p < s->end; n++) {
        if (*p == '\n' || *p == '\r')
            break;
        size_t width = utf8_char(p, (size_t)(s->end - p));
        p += width ? width : 1;
    }
    if (s->at == s->end)
        return refuse(s, s->at, "expected %s, found the end of the text", what);
    if (p == s->at)
        return refuse(s, s->at, "expected %s, found the end of the line", what);
    return refuse(s, s->at, "expected %s, found \"%.*s\"", what,
                  (int)(p - s->at), s->at);
}

static bool looking_at(const struct scan *s, const char *what)
{
    size_t n = strlen(what);

    return (size_t)(s->end - s->at) >= n && memcmp(s->at, what, n) == 0;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

/* The next power of two holds n: growth is amortised without a field for the
 * capacity. */
static bool is_full(size_t n)
{
    return (n & (n - 1)) == 0;
}

static void add_op(struct template *t, struct op op)
{
    if (is_full(t->n_ops))
        t->ops =
            memory_resize(t->ops, t->n_ops ? 2 * t->n_ops : 1, sizeof *t->ops);
    t->ops[t->n_ops++] = op;
}

static enum status add_step(struct scan *s, struct op *op, struct step step)
{
    struct template *t = s->t;

    if (op->n_steps == TEMPLATE_PATH_MAX)
        return refuse(s, s->at, "the path has more than %d steps",
                      TEMPLATE_PATH_MAX);
    if (is_full(t->n_steps))
        t->steps = memory_resize(t->steps, t->n_steps ? 2 * t->n_steps : 1,
                                 sizeof *t->steps);
    t->steps[t->n_steps++] = step;
    op->n_steps++;
    return STATUS_OK;
}

/* A "-" belongs to the name unless it closes the braces. */
static enum status parse_name(struct scan *s, struct op *op)
{
    const char *start = s->at;

    if (s->at == s->end || !is_name_start(*s->at))
        return expected(s, "the name of a variable");
    while (s->at < s->end &&
           (is_name_start(*s->at) || is_digit(*s->at) || *s->at == '-')) {
        if (looking_at(s, "-}}"))
            break;
        s->at++;
    }
    return add_step(s, op, (struct step){start, (size_t)(s->at - start)});
}

static enum status parse_index(struct scan *s, struct op *op)
{
    enum { DIGITS_MAX = 9 };
    struct step step = {0};
    const char *start = s->at;

    if (*s->at == '"' || *s->at == '\'') {
        const char *close =
            memchr(start + 1, *start, (size_t)(s->end - start) - 1);

        if (!close)
            return refuse(s, start, "a quotation mark is not closed");
        step = (struct step){start + 1, (size_t)(close - start) - 1};
        s->at = close + 1;
    } else {
        for (; s->at < s->end && is_digit(*s->at); s->at++) {
            if (s->at - start == DIGITS_MAX)
                return refuse(s, start, "the index has more than %d digits",
                              DIGITS_MAX);
            step.len = step.len * 10 + (size_t)(*s->at - '0');
        }
        if (s->at == start)
            return expected(s, "an index, or a key in quotation marks");
    }
    return add_step(s, op, step);
}

static enum status parse_path(struct scan *s, struct op *op)
{
    enum status st;

    skip_space(s);
    st = parse_name(s, op);
    while (st == STATUS_OK && s->at < s->end) {
        if (*s->at == '.') {
            s->at++;
            st = parse_name(s, op);
        } else if (*s->at == '[') {
            s->at++;
            if (s->at == s->end)
                return expected(s, "an index, or a key in quotation marks");
            st = parse_index(s, op);
            if (st == STATUS_OK && !looking_at(s, "]"))
                return expected(s, "]");
            s->at++;
        } else {
            break;
        }
    }
    if (st == STATUS_OK)
        skip_space(s);
    return st;
}

/* Behind "{{{". */
static enum status parse_triple(struct scan *s, struct op *op)
{
    enum status st = parse_path(s, op);

    if (st != STATUS_OK)
        return st;
    if (looking_at(s, "|")) {
        op->text = ++s->at;
        while (s->at < s->end && !looking_at(s, "}}}"))
            s->at++;
        op->len = (size_t)(s->at - op->text);
    }
    if (!looking_at(s, "}}}"))
        return expected(s, op->text ? "}}} behind the fallback"
                                    : "}}} or | behind the variable");
    s->at += 3;
    return STATUS_OK;
}

/* Behind "{{" and "-". */
static enum status parse_double(struct scan *s, struct op *op)
{
    enum status st = parse_path(s, op);

    if (st != STATUS_OK)
        return st;
    if (looking_at(s, "|"))
        return refuse(s, s->at,
                      "filters are not supported yet (a fallback "
                      "is written {{{name|fallback}}})");
    if (looking_at(s, "-")) {
        s->trim = true;
        s->at++;
    }
    if (!looking_at(s, "}}"))
        return expected(s, "}} behind the variable");
    s->at += 2;
    return STATUS_OK;
}

/* From "{{" to behind "}}". */
static enum status parse_output(struct scan *s)
{
    struct op op = {.kind = OP_VARIABLE, .step = s->t->n_steps};
    enum status st;

    if (s->variables++ == TEMPLATE_VARIABLES_MAX)
        return refuse(s, s->at, "more than %d variables",
                      TEMPLATE_VARIABLES_MAX);
    if (looking_at(s, "{{{")) {
        s->at += 3;
        st = parse_triple(s, &op);
    } else {
        s->at += looking_at(s, "{{-") ? 3 : 2;
        st = parse_double(s, &op);
    }
    if (st == STATUS_OK)
        add_op(s->t, op);
    return st;
}

/* Up to the next "{{" or the end, less what "-" trims on either side. */
static enum status parse_text(struct scan *s)
{
    const char *start = s->at, *stop;

    for (; s->at < s->end; s->at++) {
        s->at = memchr(s->at, '{', (size_t)(s->end - s->at));
        if (!s->at)
            s->at = s->end;
        if (s->at == s->end || looking_at(s, "{{"))
            break;
        if (looking_at(s, "{%"))
            return refuse(s, s->at,
                          "tags are not supported yet, found \"{%%\"");
    }
    stop = s->at;
    if (s->trim)
        while (start < stop && is_space(*start))
            start++;
    if (looking_at(s, "{{-"))
        while (start < stop && is_space(stop[-1]))
            stop--;
    s->trim = false;
    if (start < stop)
        add_op(s->t, (struct op){.kind = OP_LITERAL,
                                 .text = start,
                                 .len = (size_t)(stop - start)});
    return STATUS_OK;
}

enum status template_parse(struct template *t, struct error *err)
{
    struct scan s = {
        .t = t, .at = t->source, .end = t->source + t->source_len, .err = err};

    while (s.at < s.end) {
        enum status st = parse_text(&s);

        if (st == STATUS_OK && s.at < s.end)
            st = parse_output(&s);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}
