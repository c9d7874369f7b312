#include "templates/parse.h"
#include <stdio.h>
#include <string.h>

/* Tags without a body. */

enum status tag_assign(struct parse *p, struct node *n, bool *blank)
{
    const char *from = p->token.text, *end = p->markup_end;
    const char *sign = memchr(from, '=', (size_t)(end - from));
    enum status st;

    *blank = true;
    n->kind = NODE_ASSIGN;
    if (!sign)
        return parse_expected(p, "name = value");
    parse_markup(p, (struct name){from, (size_t)(sign - from)});
    st = parse_name(p, "the name of a variable", &n->name);
    if (st == STATUS_OK && p->token.kind != TOKEN_END)
        return parse_expected(p, "=");
    parse_markup(p, (struct name){sign + 1, (size_t)(end - sign) - 1});
    return st == STATUS_OK ? parse_chain(p, &n->chain) : st;
}

enum status tag_echo(struct parse *p, struct node *n, bool *blank)
{
    (void)blank;
    n->kind = NODE_OUTPUT;
    return parse_chain(p, &n->chain);
}

static enum status name_alone(struct parse *p, struct node *n)
{
    enum status st = parse_name(p, "the name of a variable", &n->name);

    return st == STATUS_OK ? parse_end(p) : st;
}

enum status tag_increment(struct parse *p, struct node *n, bool *blank)
{
    (void)blank;
    n->kind = NODE_INCREMENT;
    return name_alone(p, n);
}

enum status tag_decrement(struct parse *p, struct node *n, bool *blank)
{
    (void)blank;
    n->kind = NODE_DECREMENT;
    return name_alone(p, n);
}

enum status tag_break(struct parse *p, struct node *n, bool *blank)
{
    (void)p, (void)blank;
    n->kind = NODE_BREAK;
    return STATUS_OK;
}

enum status tag_continue(struct parse *p, struct node *n, bool *blank)
{
    (void)p, (void)blank;
    n->kind = NODE_CONTINUE;
    return STATUS_OK;
}

/* Each line of the comment begins with "#". */
enum status tag_note(struct parse *p, struct node *n, bool *blank)
{
    const char *at = p->token.text, *end = p->markup_end;

    (void)n;
    *blank = true;
    for (; at < end; at++) {
        if (*at != '\n')
            continue;
        while (at < end && lex_is_space(*at))
            at++;
        if (at < end && *at != '#')
            return parse_fail(p, at,
                              "expected # before each line of the "
                              "comment, found \"%c\"",
                              *at);
    }
    return STATUS_OK;
}

/* Bodies that are not parsed. */

enum status tag_comment(struct parse *p, struct node *n, bool *blank)
{
    *blank = true;
    return parse_comment(p, n);
}

enum status tag_doc(struct parse *p, struct node *n, bool *blank)
{
    enum status st = parse_end(p);

    *blank = true;
    return st == STATUS_OK ? parse_doc(p, n) : st;
}

enum status tag_raw(struct parse *p, struct node *n, bool *blank)
{
    enum status st = parse_end(p);

    if (st == STATUS_OK)
        st = parse_raw(p, n);
    *blank = n->name.len == 0;
    n->kind = NODE_FALLBACK; /* a text that "-" doesn't trim */
    return st;
}

/* Bodies. */

static enum status body_alone(struct parse *p, struct node *n,
                              const char *block)
{
    char end[32];
    enum status st;

    n->body = parse_take(p, sizeof *n->body);
    st = parse_block(p, block, p->source + n->at, n->body);
    snprintf(end, sizeof end, "end%s", block);
    if (st == STATUS_OK && (!p->stop.at || !name_is(&p->stop.tag, end)))
        st = parse_unknown_stop(p, block, p->source + n->at);
    return st;
}

enum status tag_capture(struct parse *p, struct node *n, bool *blank)
{
    enum status st = name_alone(p, n);

    *blank = true;
    n->kind = NODE_CAPTURE;
    return st == STATUS_OK ? body_alone(p, n, "capture") : st;
}

enum status tag_ifchanged(struct parse *p, struct node *n, bool *blank)
{
    enum status st;

    n->kind = NODE_IFCHANGED;
    st = body_alone(p, n, "ifchanged");
    *blank = n->body->blank;
    return st;
}

static enum comparison comparison_of(const struct token *t)
{
    switch (t->text[0]) {
    case '=': return COMPARISON_EQUAL;
    case '!': return COMPARISON_UNEQUAL;
    case 'c': return COMPARISON_CONTAINS;
    case '>':
        return t->len == 2 ? COMPARISON_GREATER_EQUAL : COMPARISON_GREATER;
    default:
        return t->len == 1         ? COMPARISON_LESS
               : t->text[1] == '=' ? COMPARISON_LESS_EQUAL
                                   : COMPARISON_UNEQUAL;
    }
}

static enum status parse_comparison(struct parse *p, struct condition *c)
{
    enum status st = parse_expr(p, true, &c->left);

    if (st != STATUS_OK || p->token.kind != TOKEN_COMPARISON)
        return st;
    c->at = parse_offset(p, p->token.text);
    c->comparison = comparison_of(&p->token);
    parse_advance(p);
    return parse_expr(p, true, &c->right);
}

/* comparison *(("and" / "or") comparison): neither binds stronger. */
static enum status parse_condition(struct parse *p, struct condition **out)
{
    for (;;) {
        struct condition *c = *out = parse_take(p, sizeof *c);
        enum status st = parse_comparison(p, c);

        if (st != STATUS_OK)
            return st;
        if (parse_accept_word(p, "and"))
            c->relation = RELATION_AND;
        else if (parse_accept_word(p, "or"))
            c->relation = RELATION_OR;
        else
            return parse_end(p);
        out = &c->next;
    }
}

static bool drop_blank(struct branch *first)
{
    bool blank = true;

    for (struct branch *b = first; b; b = b->next)
        blank = blank && b->body.blank;
    for (struct branch *b = first; b && blank; b = b->next)
        body_drop_texts(&b->body);
    return blank;
}

static enum status branches(struct parse *p, struct node *n, const char *block,
                            bool negated, bool *blank)
{
    const char *at = p->source + n->at;
    struct branch *b = n->branches = parse_take(p, sizeof *b);
    enum status st = parse_condition(p, &b->condition);
    char end[32];

    n->kind = NODE_IF;
    b->negated = negated;
    snprintf(end, sizeof end, "end%s", block);
    while (st == STATUS_OK) {
        st = parse_block(p, block, at, &b->body);
        if (st != STATUS_OK || name_is(&p->stop.tag, end))
            break;
        bool is_elsif = name_is(&p->stop.tag, "elsif");

        if (!is_elsif && !name_is(&p->stop.tag, "else"))
            return parse_unknown_stop(p, block, at);
        b = b->next = parse_take(p, sizeof *b);
        if (is_elsif) {
            parse_markup(p, p->stop.markup);
            st = parse_condition(p, &b->condition);
        }
    }
    *blank = drop_blank(n->branches);
    return st;
}

enum status tag_if(struct parse *p, struct node *n, bool *blank)
{
    return branches(p, n, "if", false, blank);
}

enum status tag_unless(struct parse *p, struct node *n, bool *blank)
{
    return branches(p, n, "unless", true, blank);
}

static enum status parse_when(struct parse *p, struct branch *b)
{
    struct item **next = &b->when;
    enum status st = STATUS_OK;

    parse_markup(p, p->stop.markup);
    do {
        *next = parse_take(p, sizeof **next);
        st = parse_expr(p, true, &(*next)->expr);
        next = &(*next)->next;
    } while (st == STATUS_OK &&
             (parse_accept_word(p, "or") || parse_accept(p, TOKEN_COMMA)));
    return st == STATUS_OK ? parse_end(p) : st;
}

static enum status parse_case_branch(struct parse *p, struct branch *b,
                                     const char *at)
{
    if (name_is(&p->stop.tag, "when"))
        return parse_when(p, b);
    if (!name_is(&p->stop.tag, "else"))
        return parse_unknown_stop(p, "case", at);
    parse_markup(p, p->stop.markup);
    return parse_end(p);
}

/* What stands before the first when is not rendered. */
enum status tag_case(struct parse *p, struct node *n, bool *blank)
{
    const char *at = p->source + n->at;
    struct branch **next = &n->branches;
    struct body before = {0};
    enum status st = parse_expr(p, false, &n->subject);

    n->kind = NODE_CASE;
    if (st == STATUS_OK)
        st = parse_end(p);
    if (st == STATUS_OK)
        st = parse_block(p, "case", at, &before);
    while (st == STATUS_OK && !name_is(&p->stop.tag, "endcase")) {
        struct branch *b = *next = parse_take(p, sizeof *b);

        next = &b->next;
        st = parse_case_branch(p, b, at);
        if (st == STATUS_OK)
            st = parse_block(p, "case", at, &b->body);
    }
    *blank = before.blank && drop_blank(n->branches);
    return st;
}
