#include "templates/parse.h"
#include <stdio.h>
#include <string.h>

static enum status parse_in(struct parse *p, struct loop_tag *loop)
{
    struct buf name = {0};
    enum status st =
        parse_name(p, "the name of the loop's variable", &loop->variable);

    if (st == STATUS_OK && !parse_accept_word(p, "in"))
        return parse_expected(p, "\"in\"");
    if (st == STATUS_OK)
        st = parse_expr(p, false, &loop->collection);
    if (st != STATUS_OK)
        return st;
    buf_add(&name, loop->variable.text, loop->variable.len);
    buf_add_char(&name, '-');
    for (size_t i = loop->collection->at; i < loop->collection->end; i++)
        if (!lex_is_space(p->source[i]))
            buf_add_char(&name, p->source[i]);
    loop->name =
        (struct name){arena_copy(&p->t->arena, name.data, name.len), name.len};
    buf_fini(&name);
    return STATUS_OK;
}

static enum status parse_for_attribute(struct parse *p, struct loop_tag *loop)
{
    bool limit = parse_accept_word(p, "limit");

    if (!limit && !parse_accept_word(p, "offset"))
        return parse_expected(p, "limit or offset");
    if (!parse_accept(p, TOKEN_COLON))
        return parse_expected(p, "\":\"");
    if (limit)
        return parse_expr(p, false, &loop->limit);
    loop->continues = parse_accept_word(p, "continue");
    return loop->continues ? STATUS_OK : parse_expr(p, false, &loop->offset);
}

static enum status parse_for_markup(struct parse *p, struct loop_tag *loop)
{
    enum status st = parse_in(p, loop);

    if (st != STATUS_OK)
        return st;
    loop->reversed = parse_accept_word(p, "reversed");
    while (st == STATUS_OK &&
           (p->token.kind == TOKEN_COMMA || p->token.kind == TOKEN_ID)) {
        parse_accept(p, TOKEN_COMMA);
        st = parse_for_attribute(p, loop);
    }
    return st == STATUS_OK ? parse_end(p) : st;
}

enum status tag_for(struct parse *p, struct node *n, bool *blank)
{
    const char *at = p->source + n->at;
    struct loop_tag *loop = n->loop = parse_take(p, sizeof *loop);
    enum status st = parse_for_markup(p, loop);

    n->kind = NODE_FOR;
    loop->otherwise.blank = true;
    if (st == STATUS_OK)
        st = parse_block(p, "for", at, &loop->body);
    if (st == STATUS_OK && name_is(&p->stop.tag, "else"))
        st = parse_block(p, "for", at, &loop->otherwise);
    if (st == STATUS_OK && !name_is(&p->stop.tag, "endfor"))
        return parse_unknown_stop(p, "for", at);
    *blank = loop->body.blank && loop->otherwise.blank;
    if (*blank) {
        body_drop_texts(&loop->body);
        body_drop_texts(&loop->otherwise);
    }
    return st;
}

static enum status parse_row_attribute(struct parse *p, struct loop_tag *loop)
{
    const struct expr *unused,
        **to = parse_accept_word(p, "cols")     ? &loop->cols
               : parse_accept_word(p, "limit")  ? &loop->limit
               : parse_accept_word(p, "offset") ? &loop->offset
               : parse_accept_word(p, "range")  ? &unused
                                                : NULL;

    if (!to)
        return parse_expected(p, "cols, limit, offset or range");
    if (!parse_accept(p, TOKEN_COLON))
        return parse_expected(p, "\":\"");
    return parse_expr(p, false, to);
}

enum status tag_tablerow(struct parse *p, struct node *n, bool *blank)
{
    const char *at = p->source + n->at;
    struct loop_tag *loop = n->loop = parse_take(p, sizeof *loop);
    enum status st = parse_in(p, loop);

    n->kind = NODE_TABLEROW;
    if (st == STATUS_OK)
        parse_accept(p, TOKEN_COMMA);
    while (st == STATUS_OK && p->token.kind == TOKEN_ID) {
        st = parse_row_attribute(p, loop);
        parse_accept(p, TOKEN_COMMA);
    }
    if (st == STATUS_OK)
        st = parse_end(p);
    if (st == STATUS_OK)
        st = parse_block(p, "tablerow", at, &loop->body);
    if (st == STATUS_OK && !name_is(&p->stop.tag, "endtablerow"))
        return parse_unknown_stop(p, "tablerow", at);
    *blank = loop->body.blank;
    return st;
}

/* Cycles of the same literals share their place; where a variable is among
 * them, each tag has its own. */
static bool has_path(const struct expr *e)
{
    return e->kind == EXPR_PATH ||
           (e->kind == EXPR_RANGE && (has_path(e->from) || has_path(e->to)));
}

static struct name cycle_words(struct parse *p, const struct item *items)
{
    struct buf words = {0};
    struct name name;

    for (; items; items = items->next) {
        buf_add(&words, p->source + items->expr->at,
                items->expr->end - items->expr->at);
        buf_add_char(&words, ',');
    }
    name = (struct name){arena_copy(&p->t->arena, words.data, words.len),
                         words.len};
    buf_fini(&words);
    return name;
}

enum status tag_cycle(struct parse *p, struct node *n, bool *blank)
{
    struct cycle_tag *c = n->cycle = parse_take(p, sizeof *c);
    struct item **next = &c->items;
    const struct expr *first;
    enum status st = parse_expr(p, false, &first);

    (void)blank;
    n->kind = NODE_CYCLE;
    if (st == STATUS_OK && parse_accept(p, TOKEN_COLON)) {
        c->group = first;
        st = parse_expr(p, false, &first);
    }
    c->shared = true;
    while (st == STATUS_OK) {
        *next = parse_take(p, sizeof **next);
        (*next)->expr = first;
        next = &(*next)->next;
        c->n_items++;
        c->shared = c->shared && !has_path(first);
        if (!parse_accept(p, TOKEN_COMMA) || p->token.kind == TOKEN_END)
            break;
        st = parse_expr(p, false, &first);
    }
    if (st == STATUS_OK)
        st = parse_end(p);
    if (st == STATUS_OK)
        c->words = cycle_words(p, c->items);
    return st;
}

static enum status parse_partial(struct parse *p, struct partial_tag *tag)
{
    enum status st = parse_expr(p, false, &tag->name);

    if (st != STATUS_OK)
        return st;
    tag->each = parse_accept_word(p, "for");
    if (tag->each || parse_accept_word(p, "with"))
        st = parse_expr(p, false, &tag->with);
    if (st == STATUS_OK && parse_accept_word(p, "as"))
        st = parse_name(p, "a name behind \"as\"", &tag->alias);
    if (st != STATUS_OK)
        return st;
    parse_accept(p, TOKEN_COMMA);
    st = parse_arguments(p, &tag->arguments);
    return st == STATUS_OK ? parse_end(p) : st;
}

enum status tag_include(struct parse *p, struct node *n, bool *blank)
{
    (void)blank;
    n->kind = NODE_PARTIAL;
    n->partial = parse_take(p, sizeof *n->partial);
    return parse_partial(p, n->partial);
}

enum status tag_render(struct parse *p, struct node *n, bool *blank)
{
    (void)blank;
    n->kind = NODE_PARTIAL;
    n->partial = parse_take(p, sizeof *n->partial);
    n->partial->isolated = true;
    if (p->token.kind != TOKEN_STRING)
        return parse_expected(p, "the partial's name in quotation marks");
    return parse_partial(p, n->partial);
}
