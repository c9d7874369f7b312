/*
 * The source is cut as the reference cuts it, so that what is refused there is
 * refused here: an output ends at the first "}}" and is broken by a "}" alone;
 * a tag ends at the first "%}", whatever its quotation marks say.
 */
#include "templates/parse.h"
#include "base/nearest.h"
#include "templates/filter.h"
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 40 }; /* bytes of an output that is not closed */

enum chunk_kind {
    CHUNK_END,
    CHUNK_TEXT,
    CHUNK_OUTPUT,
    CHUNK_TAG,
    CHUNK_BAD, /* opened but not closed */
};

struct chunk {
    enum chunk_kind kind;
    const char *at, *end;
};

/* Behind "%}", or NULL. What was not found once is not looked for again:
 * cutting stays linear. */
static const char *tag_end(struct parse *p, const char *at)
{
    const char *close;

    if (p->endless && at >= p->endless)
        return NULL;
    close = memmem(at, (size_t)(p->end - at), "%}", 2);
    if (!close)
        p->endless = at;
    return close ? close + 2 : NULL;
}

static struct chunk cut_output(struct parse *parse, const char *at)
{
    const char *p = at + 2, *end = parse->end;

    for (; p + 1 < end; p++) {
        if (*p == '}' && p[1] == '}')
            return (struct chunk){CHUNK_OUTPUT, at, p + 2};
        if (*p == '}')
            return (struct chunk){CHUNK_BAD, at, p + 1};
        if (*p == '{' && p[1] == '%') {
            const char *close = tag_end(parse, p + 2);
            return (struct chunk){CHUNK_BAD, at, close ? close : end};
        }
    }
    return (struct chunk){CHUNK_BAD, at, end};
}

static struct chunk cut_text(const char *at, const char *end)
{
    const char *p = at;

    while (p < end) {
        p = memchr(p, '{', (size_t)(end - p));
        if (!p || p + 1 == end)
            p = end;
        else if (p[1] == '{' || p[1] == '%')
            break;
        else
            p++;
    }
    return (struct chunk){CHUNK_TEXT, at, p};
}

static struct chunk cut(struct parse *p)
{
    const char *at = p->at, *end = p->end;
    struct chunk c = {CHUNK_END, at, at};

    if (at < end && p->lines) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        c = (struct chunk){CHUNK_TAG, at, newline ? newline : end};
        p->at = newline ? newline + 1 : end;
        return c;
    }
    if (end - at > 1 && at[0] == '{' && at[1] == '%') {
        const char *close = tag_end(p, at + 2);

        c = (struct chunk){close ? CHUNK_TAG : CHUNK_BAD, at,
                           close ? close : at + 2};
    } else if (end - at > 1 && at[0] == '{' && at[1] == '{') {
        c = cut_output(p, at);
    } else if (at < end) {
        c = cut_text(at, end);
    }
    p->at = c.end;
    return c;
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end && lex_is_space(*at))
        at++;
    return at == end;
}

/* The tag's name, empty if it has none, and what follows. */
static void split_tag(const struct parse *p, const struct chunk *c,
                      struct name *tag, struct name *markup)
{
    const char *at = c->at, *end = c->end;

    if (!p->lines) {
        at += 2;
        at += *at == '-';
        end -= 2;
        end -= end > at && end[-1] == '-';
    }
    while (at < end && lex_is_space(*at))
        at++;
    tag->text = at;
    if (at < end && *at == '#')
        at++;
    else
        while (at < end && lex_is_word(*at))
            at++;
    tag->len = (size_t)(at - tag->text);
    while (at < end && lex_is_space(*at))
        at++;
    *markup = (struct name){at, (size_t)(end - at)};
}

static bool ends_with_dash(const struct parse *p, const struct chunk *c)
{
    return !p->lines && c->end[-3] == '-';
}

/* Nodes. */

static enum status add_node(struct parse *p, struct body *body,
                            enum node_kind kind, const char *at,
                            struct node **out)
{
    struct node *n = *out = parse_take(p, sizeof *n);

    if (p->nodes++ == TEMPLATE_NODES_MAX)
        return parse_fail(p, at, "more than %d outputs and tags",
                          TEMPLATE_NODES_MAX);
    n->kind = kind;
    n->at = parse_offset(p, at);
    if (body->last)
        body->last->next = n;
    else
        body->first = n;
    body->last = n;
    return STATUS_OK;
}

/* "{{-" and "{%-" take the white space before them along. */
static void trim_before(struct body *body)
{
    struct node *n = body->last;

    if (n && n->kind == NODE_TEXT)
        while (n->name.len > 0 && lex_is_space(n->name.text[n->name.len - 1]))
            n->name.len--;
}

void body_drop_texts(struct body *body)
{
    struct node **at = &body->first;

    body->last = NULL;
    while (*at) {
        if ((*at)->kind == NODE_TEXT) {
            *at = (*at)->next;
        } else {
            body->last = *at;
            at = &(*at)->next;
        }
    }
}

static enum status add_text(struct parse *p, struct body *body,
                            const struct chunk *c)
{
    const char *at = c->at;
    struct node *n;

    if (p->trim)
        while (at < c->end && lex_is_space(*at))
            at++;
    p->trim = false;
    body->blank = body->blank && is_blank(at, c->end);
    enum status st = add_node(p, body, NODE_TEXT, at, &n);
    if (st == STATUS_OK)
        n->name = (struct name){at, (size_t)(c->end - at)};
    return st;
}

static enum status add_output(struct parse *p, struct body *body,
                              const struct chunk *c)
{
    const char *at = c->at + 2, *end = c->end - 2;
    struct node *n;
    enum status st;

    if (*at == '-') {
        trim_before(body);
        at++;
    }
    p->trim = end > c->at + 2 && end[-1] == '-';
    if (p->trim && end > at)
        end--;
    body->blank = false;
    st = add_node(p, body, NODE_OUTPUT, c->at, &n);
    if (st != STATUS_OK)
        return st;
    parse_markup(p, (struct name){at, (size_t)(end > at ? end - at : 0)});
    return parse_chain(p, &n->chain);
}

/* Without the white space around it. */
static struct name strip(const char *at, const char *end)
{
    while (at < end && lex_is_space(*at))
        at++;
    while (at < end && lex_is_space(end[-1]))
        end--;
    return (struct name){at, (size_t)(end - at)};
}

/* {{{ path [ "|" text ] }}}: text without "}}}" stands for what is missing. */
static enum status add_fallback(struct parse *p, struct body *body,
                                const char *at)
{
    const char *from = at + 3, *pipe;
    const char *close = memmem(from, (size_t)(p->end - from), "}}}", 3);
    struct node *n;
    enum status st;

    if (!close)
        return parse_fail(p, at, "expected }}} behind {{{, found none");
    pipe = memchr(from, '|', (size_t)(close - from));
    body->blank = p->trim = false;
    p->at = close + 3;
    st = add_node(p, body, NODE_FALLBACK, at, &n);
    if (st != STATUS_OK)
        return st;
    if (pipe)
        n->name = strip(pipe + 1, close);
    parse_markup(p,
                 (struct name){from, (size_t)((pipe ? pipe : close) - from)});
    if (p->token.kind != TOKEN_ID)
        return parse_expected(p, "the name of a variable");
    st = parse_expr(p, false, &n->chain.expr);
    if (st == STATUS_OK && p->token.kind != TOKEN_END)
        return parse_expected(p, "}}} or | behind the variable");
    return st;
}

/* Tags. */

static const struct tag {
    const char *name;
    tag_function *parse;
} tags[] = {
#define X_(name, function, help) {name, function},
    TAG_TABLE(X_)
#undef X_
};

enum { TAGS = sizeof tags / sizeof *tags };

static const struct tag *find_tag(const struct name *name)
{
    for (size_t i = 0; i < TAGS; i++)
        if (name_is(name, tags[i].name))
            return &tags[i];
    return NULL;
}

/* What is between {% liquid and %} goes into the same body. */
static enum status parse_lines(struct parse *p, struct body *body,
                               const struct name *markup)
{
    const char *at = p->at, *end = p->end;
    bool lines = p->lines;
    enum status st;

    if (p->nesting == TEMPLATE_NESTING_MAX)
        return parse_fail(p, markup->text, "more than %d blocks in blocks",
                          TEMPLATE_NESTING_MAX);
    p->nesting++;
    p->lines = true;
    p->at = markup->text;
    p->end = markup->text + markup->len;
    st = parse_body(p, body);
    if (st == STATUS_OK && p->stop.at)
        st = parse_unknown_stop(p, NULL, NULL);
    p->at = at;
    p->end = end;
    p->lines = lines;
    p->nesting--;
    return st;
}

/* *stopped: this tag is none of a body's. */
static enum status add_tag(struct parse *p, struct body *body,
                           const struct chunk *c, bool *stopped)
{
    struct name name, markup;
    const struct tag *tag;
    bool blank = false;
    struct node *n;
    enum status st;

    split_tag(p, c, &name, &markup);
    if (!p->lines && c->at[2] == '-')
        trim_before(body);
    if (!p->lines)
        p->trim = ends_with_dash(p, c);
    if (name_is(&name, "liquid"))
        return parse_lines(p, body, &markup);
    tag = find_tag(&name);
    if (!tag) {
        p->stop = (struct stop){name, markup, c->at};
        *stopped = true;
        return STATUS_OK;
    }
    st = add_node(p, body, NODE_NOTHING, p->lines ? name.text : c->at, &n);
    if (st != STATUS_OK)
        return st;
    parse_markup(p, markup);
    st = tag->parse(p, n, &blank);
    body->blank = body->blank && blank;
    return st;
}

static enum status not_closed(struct parse *p, const struct chunk *c)
{
    if (c->at[1] == '%')
        return parse_fail(p, c->at, "expected %%} behind {%%, found none");
    const char *end = memchr(c->at, '\n', (size_t)(c->end - c->at));
    int len = (int)((end ? end : c->end) - c->at);

    return parse_fail(p, c->at, "expected }} behind {{, found \"%.*s\"",
                      len > SHOWN_MAX ? SHOWN_MAX : len, c->at);
}

enum status parse_body(struct parse *p, struct body *body)
{
    bool stopped = false;
    enum status st = STATUS_OK;

    p->stop = (struct stop){0};
    while (st == STATUS_OK && !stopped) {
        struct chunk c = cut(p);

        if (c.kind == CHUNK_END)
            break;
        if (c.at + 2 < p->end && c.kind != CHUNK_TEXT && !p->lines &&
            memcmp(c.at, "{{{", 3) == 0)
            st = add_fallback(p, body, c.at);
        else if (c.kind == CHUNK_TEXT)
            st = add_text(p, body, &c);
        else if (c.kind == CHUNK_OUTPUT)
            st = add_output(p, body, &c);
        else if (c.kind == CHUNK_BAD)
            st = not_closed(p, &c);
        else if (!p->lines || !is_blank(c.at, c.end))
            st = add_tag(p, body, &c, &stopped);
        if (st == STATUS_OK && !stopped)
            p->stop = (struct stop){0}; /* a block's own */
    }
    return st;
}

enum status parse_unknown_stop(struct parse *p, const char *block,
                               const char *at)
{
    const char *known[TAGS], *meant;
    char word[NEAREST_WORD_MAX];
    const struct stop *s = &p->stop;

    if (!s->at)
        return parse_fail(p, at, "{%% %s %%} is not closed by {%% end%s %%}",
                          block, block);
    for (size_t i = 0; i < TAGS; i++)
        known[i] = tags[i].name;
    snprintf(word, sizeof word, "%.*s", (int)s->tag.len, s->tag.text);
    meant = nearest_word(word, known, TAGS);
    if (block)
        return parse_fail(p, s->at,
                          "expected {%% end%s %%} or a known tag, found "
                          "\"%.40s\"",
                          block, word);
    return parse_fail(p, s->at, "expected a tag, found \"%.40s\"%s%s%s", word,
                      meant ? ", is \"" : "", meant ? meant : "",
                      meant ? "\" meant?" : "");
}

enum status parse_block(struct parse *p, const char *block, const char *at,
                        struct body *body)
{
    enum status st;

    if (p->nesting == TEMPLATE_NESTING_MAX)
        return parse_fail(p, at, "%s: more than %d blocks in blocks", block,
                          TEMPLATE_NESTING_MAX);
    p->nesting++;
    body->blank = true;
    st = parse_body(p, body);
    p->nesting--;
    return st;
}

/* Bodies that are not parsed. */

/* The name of the last tag that the chunk has, as raw and doc look for their
 * end: what stands before it is theirs. */
static struct name last_tag(const struct chunk *c, const char **before)
{
    const char *p = c->end - 2;

    if (c->end - c->at < 4 || memcmp(p, "%}", 2) != 0)
        return (struct name){0};
    while (--p > c->at) {
        const char *at = p + 1;

        if (p[-1] != '{' || *p != '%')
            continue;
        at += *at == '-';
        while (lex_is_space(*at))
            at++;
        struct name name = {at, 0};
        while (at < c->end && lex_is_word(*at))
            at++;
        name.len = (size_t)(at - name.text);
        *before = p - 1;
        if (name.len)
            return name;
    }
    return (struct name){0};
}

enum status parse_raw(struct parse *p, struct node *n)
{
    const char *start = p->at;

    for (;;) {
        struct chunk c = cut(p);
        const char *before = NULL;
        struct name tag;

        if (c.kind == CHUNK_END)
            return parse_fail(p, p->source + n->at,
                              "{%% raw %%} is not closed by {%% endraw %%}");
        tag = last_tag(&c, &before);
        if (p->lines || !name_is(&tag, "endraw"))
            continue;
        p->trim = ends_with_dash(p, &c);
        n->name = (struct name){start, (size_t)(before - start)};
        return STATUS_OK;
    }
}

enum status parse_doc(struct parse *p, struct node *n)
{
    for (;;) {
        struct chunk c = cut(p);
        const char *before = NULL;
        struct name tag;

        if (c.kind == CHUNK_END)
            return parse_fail(p, p->source + n->at,
                              "{%% doc %%} is not closed by {%% enddoc %%}");
        tag = last_tag(&c, &before);
        if (!p->lines && name_is(&tag, "doc"))
            return parse_fail(p, before,
                              "expected {%% enddoc %%}, found a "
                              "doc in a doc");
        if (p->lines || !name_is(&tag, "enddoc"))
            continue;
        p->trim = ends_with_dash(p, &c);
        return STATUS_OK;
    }
}

/* Comments nest, and a raw in them has to end. */
enum status parse_comment(struct parse *p, struct node *n)
{
    int open = 1;

    for (;;) {
        struct chunk c = cut(p);
        struct name tag = {0}, markup;
        enum status st = STATUS_OK;

        if (c.kind == CHUNK_END)
            return parse_fail(
                p, p->source + n->at,
                "{%% comment %%} is not closed by {%% endcomment %%}");
        if (c.kind == CHUNK_TAG)
            split_tag(p, &c, &tag, &markup);
        if (name_is(&tag, "raw")) {
            struct node raw = {.at = parse_offset(p, c.at)};
            st = parse_raw(p, &raw);
        }
        if (st != STATUS_OK)
            return st;
        open += name_is(&tag, "comment") - name_is(&tag, "endcomment");
        if (open > 0)
            continue;
        if (!p->lines)
            p->trim = ends_with_dash(p, &c);
        return STATUS_OK;
    }
}

enum status parse_source(struct parse *p, const char *source, size_t len,
                         struct body *body)
{
    enum status st;

    p->source = p->at = source;
    p->source_end = p->end = source + len;
    p->lines = p->trim = false;
    p->endless = NULL;
    p->nesting = 0;
    body->blank = true;
    st = parse_body(p, body);
    if (st == STATUS_OK && p->stop.at)
        st = parse_unknown_stop(p, NULL, NULL);
    return st;
}
