#include "templates/parse.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "templates/fault.h"
#include "templates/filter.h"
#include "templates/number.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 20 }; /* characters of what an error found */

enum status parse_fail(const struct parse *p, const char *at, const char *fmt,
                       ...)
{
    char what[ERROR_TEXT_MAX - 160];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return fault_report(p->fault, p->err, STATUS_INVALID, p->partial, p->source,
                        at, what);
}

enum status parse_expected(const struct parse *p, const char *what)
{
    const char *at = p->token.text, *q = at;

    for (size_t n = 0; n < SHOWN_MAX && q < p->source_end; n++) {
        if (*q == '\n' || *q == '\r')
            break;
        size_t width = utf8_char(q, (size_t)(p->source_end - q));
        q += width ? width : 1;
    }
    if (at == p->source_end)
        return parse_fail(p, at, "expected %s, found the end of the text",
                          what);
    if (q == at)
        return parse_fail(p, at, "expected %s, found the end of the line",
                          what);
    if (p->token.kind == TOKEN_BAD && (*at == '"' || *at == '\''))
        return parse_fail(p, at, "a quotation mark is not closed: %.*s",
                          (int)(q - at), at);
    return parse_fail(p, at, "expected %s, found \"%.*s\"", what, (int)(q - at),
                      at);
}

void *parse_take(struct parse *p, size_t n)
{
    p->t->taken += n;
    return memset(arena_take(&p->t->arena, n), 0, n);
}

size_t parse_offset(const struct parse *p, const char *at)
{
    return (size_t)(at - p->source);
}

bool name_is(const struct name *n, const char *text)
{
    return strlen(text) == n->len && memcmp(n->text, text, n->len) == 0;
}

/* Tokens. */

void parse_advance(struct parse *p)
{
    p->token_end = p->token.text + p->token.len;
    p->token = lex_next(&p->markup, p->markup_end, p->token.kind == TOKEN_DOT);
}

void parse_markup(struct parse *p, struct name markup)
{
    p->markup = markup.text;
    p->markup_end = markup.text + markup.len;
    p->token = (struct token){.kind = TOKEN_END, .text = markup.text};
    parse_advance(p);
}

bool parse_accept(struct parse *p, enum token_kind kind)
{
    if (p->token.kind != kind)
        return false;
    parse_advance(p);
    return true;
}

static bool at_word(const struct parse *p, const char *word)
{
    struct name name = {p->token.text, p->token.len};

    return p->token.kind == TOKEN_ID && name_is(&name, word);
}

bool parse_accept_word(struct parse *p, const char *word)
{
    if (!at_word(p, word))
        return false;
    parse_advance(p);
    return true;
}

enum status parse_end(struct parse *p)
{
    if (p->token.kind != TOKEN_END)
        return parse_expected(p, token_kind_text(TOKEN_END));
    return STATUS_OK;
}

enum status parse_name(struct parse *p, const char *what, struct name *out)
{
    if (p->token.kind != TOKEN_ID)
        return parse_expected(p, what);
    *out = (struct name){p->token.text, p->token.len};
    parse_advance(p);
    return STATUS_OK;
}

bool parse_at_key(const struct parse *p)
{
    const char *at = p->markup;

    return p->token.kind == TOKEN_ID &&
           lex_next(&at, p->markup_end, false).kind == TOKEN_COLON;
}

/* Expressions. */

static enum status parse_range(struct parse *p, struct expr *e)
{
    enum status st;

    e->kind = EXPR_RANGE;
    parse_advance(p);
    st = parse_expr(p, false, &e->from);
    if (st == STATUS_OK && !parse_accept(p, TOKEN_DOTDOT))
        return parse_expected(p, "\"..\" of a range");
    if (st == STATUS_OK)
        st = parse_expr(p, false, &e->to);
    if (st == STATUS_OK && !parse_accept(p, TOKEN_CLOSE_ROUND))
        return parse_expected(p, "\")\" behind a range");
    return st;
}

static enum step_kind command(const struct name *key)
{
    return name_is(key, "size")    ? STEP_SIZE
           : name_is(key, "first") ? STEP_FIRST
           : name_is(key, "last")  ? STEP_LAST
                                   : STEP_KEY;
}

static enum status parse_step(struct parse *p, struct step *s)
{
    enum status st;

    if (p->token.kind == TOKEN_DOT) {
        parse_advance(p);
        st = parse_name(p, "a name behind \".\"", &s->key);
        if (st == STATUS_OK)
            s->kind = command(&s->key);
        return st;
    }
    s->kind = STEP_INDEX;
    parse_advance(p);
    st = parse_expr(p, false, &s->index);
    if (st == STATUS_OK && !parse_accept(p, TOKEN_CLOSE_SQUARE))
        return parse_expected(p, "]");
    return st;
}

/* A word that is a literal, unless a path begins with it. */
static bool literal(const struct expr *e, bool words, struct value *out)
{
    const struct name *n = &e->name;

    if (name_is(n, "true") || name_is(n, "false"))
        *out = value_bool(n->text[0] == 't');
    else if (name_is(n, "nil") || name_is(n, "null"))
        *out = value_nil();
    else if (name_is(n, "empty"))
        *out = words ? (struct value){.kind = VALUE_EMPTY} : value_text("", 0);
    else if (name_is(n, "blank"))
        *out = words ? (struct value){.kind = VALUE_BLANK} : value_text("", 0);
    else
        return false;
    return true;
}

static enum status parse_path(struct parse *p, bool words, struct expr *e)
{
    struct step **next = &e->steps;
    enum status st = parse_name(p, "a name", &e->name);

    e->kind = EXPR_PATH;
    for (int n = 0; st == STATUS_OK; n++) {
        if (p->token.kind != TOKEN_DOT && p->token.kind != TOKEN_OPEN_SQUARE)
            break;
        if (n == TEMPLATE_PATH_MAX)
            return parse_fail(p, p->token.text,
                              "the path has more than %d steps",
                              TEMPLATE_PATH_MAX);
        *next = parse_take(p, sizeof **next);
        st = parse_step(p, *next);
        next = &(*next)->next;
    }
    if (st == STATUS_OK && !e->steps && literal(e, words, &e->value))
        e->kind = EXPR_VALUE;
    return st;
}

static struct value number_literal(const struct token *t)
{
    struct value text = value_text(t->text, t->len);
    struct number n;

    if (memchr(t->text, '.', t->len) || t->len < 19) {
        n = number_of(&text);
        return number_value(&n);
    }
    char copy[400];
    size_t len = t->len < sizeof copy ? t->len : sizeof copy - 1;
    memcpy(copy, t->text, len);
    copy[len] = 0;
    errno = 0;
    long long integer = strtoll(copy, NULL, 10);
    return errno ? value_real(strtod(copy, NULL)) : value_integer(integer);
}

static enum status parse_atom(struct parse *p, bool words, struct expr *e)
{
    const struct token t = p->token;

    if (t.kind == TOKEN_ID)
        return parse_path(p, words, e);
    if (t.kind == TOKEN_OPEN_ROUND)
        return parse_range(p, e);
    if (t.kind == TOKEN_OPEN_SQUARE)
        return parse_fail(p, t.text,
                          "expected a value, found \"[\": a variable whose "
                          "name is not fixed is written self[...]");
    if (t.kind != TOKEN_STRING && t.kind != TOKEN_NUMBER)
        return parse_expected(p, "a value");
    e->kind = EXPR_VALUE;
    e->value = t.kind == TOKEN_STRING ? value_text(t.text + 1, t.len - 2)
                                      : number_literal(&t);
    parse_advance(p);
    return STATUS_OK;
}

enum status parse_expr(struct parse *p, bool words, const struct expr **out)
{
    struct expr *e = parse_take(p, sizeof *e);
    enum status st;

    if (p->t->taken > TEMPLATE_PROGRAM_MAX)
        return parse_fail(p, p->token.text,
                          "the template is compiled to more than %d bytes",
                          TEMPLATE_PROGRAM_MAX);

    if (p->brackets == TEMPLATE_NESTING_MAX)
        return parse_fail(p, p->token.text, "more than %d brackets in brackets",
                          TEMPLATE_NESTING_MAX);
    p->brackets++;
    e->at = parse_offset(p, p->token.text);
    st = parse_atom(p, words, e);
    e->end = parse_offset(p, p->token_end);
    p->brackets--;
    *out = e;
    return st;
}

/* Filters. */

static enum status unknown_filter(struct parse *p, const struct name *name)
{
    char word[NEAREST_WORD_MAX];
    const char *meant;

    snprintf(word, sizeof word, "%.*s", (int)name->len, name->text);
    meant = filter_nearest(word);
    return parse_fail(p, name->text, "there is no filter \"%.*s\"%s%s%s",
                      (int)name->len, name->text, meant ? ", is \"" : "",
                      meant ? meant : "", meant ? "\" meant?" : "");
}

static enum status parse_argument(struct parse *p, struct call *c,
                                  struct item **slot)
{
    struct item *item = parse_take(p, sizeof *item);
    enum status st;

    if (parse_at_key(p)) {
        item->key = (struct name){p->token.text, p->token.len};
        parse_advance(p);
        parse_advance(p);
    }
    st = parse_expr(p, false, &item->expr);
    if (st != STATUS_OK)
        return st;
    if (item->key.len == 0) {
        *slot = item;
        c->n_arguments++;
    } else if (name_is(&item->key, "allow_false")) {
        c->allow_false = item->expr;
    }
    return STATUS_OK;
}

static bool at_arguments_end(const struct parse *p)
{
    return p->token.kind == TOKEN_PIPE || p->token.kind == TOKEN_END;
}

static enum status check_arguments(struct parse *p, const struct call *c,
                                   const struct name *name)
{
    const struct filter *f = c->filter;

    if (!f)
        return p->t->options.strict_filters ? unknown_filter(p, name)
                                            : STATUS_OK;
    if (c->n_arguments >= f->arguments_min &&
        c->n_arguments <= f->arguments_max)
        return STATUS_OK;
    if (f->arguments_min == f->arguments_max)
        return parse_fail(p, name->text,
                          "the filter %s takes %zu argument%s, found %zu",
                          f->name, f->arguments_min,
                          f->arguments_min == 1 ? "" : "s", c->n_arguments);
    return parse_fail(
        p, name->text, "the filter %s takes %zu to %zu arguments, found %zu",
        f->name, f->arguments_min, f->arguments_max, c->n_arguments);
}

/* Behind "|": name [":" argument *("," argument) [","]] */
static enum status parse_call(struct parse *p, struct call *c)
{
    struct item **next = &c->arguments;
    struct name name = {0};
    enum status st = parse_name(p, "the name of a filter", &name);

    if (st != STATUS_OK)
        return st;
    c->at = parse_offset(p, name.text);
    c->filter = filter_look_up(name.text, name.len);
    if (parse_accept(p, TOKEN_COLON)) {
        while (st == STATUS_OK && !at_arguments_end(p)) {
            st = parse_argument(p, c, next);
            if (*next)
                next = &(*next)->next;
            if (st == STATUS_OK && !parse_accept(p, TOKEN_COMMA))
                break;
        }
    }
    return st == STATUS_OK ? check_arguments(p, c, &name) : st;
}

enum status parse_chain(struct parse *p, struct chain *out)
{
    struct call **next = &out->calls;
    enum status st;

    if (p->token.kind == TOKEN_END)
        return STATUS_OK;
    st = parse_expr(p, false, &out->expr);
    while (st == STATUS_OK && parse_accept(p, TOKEN_PIPE)) {
        *next = parse_take(p, sizeof **next);
        st = parse_call(p, *next);
        next = &(*next)->next;
    }
    if (st == STATUS_OK && p->token.kind != TOKEN_END)
        return parse_expected(p, "a filter or the end of the tag");
    return st;
}

enum status parse_arguments(struct parse *p, struct item **out)
{
    while (p->token.kind == TOKEN_ID) {
        struct item *item = parse_take(p, sizeof *item);
        enum status st = parse_name(p, "a name", &item->key);

        if (st == STATUS_OK && !parse_accept(p, TOKEN_COLON))
            return parse_expected(p, "\":\" behind the argument's name");
        if (st == STATUS_OK)
            st = parse_expr(p, false, &item->expr);
        if (st != STATUS_OK)
            return st;
        *out = item;
        out = &item->next;
        parse_accept(p, TOKEN_COMMA);
    }
    return STATUS_OK;
}
