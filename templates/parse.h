/*
 * templates/parse - from a source to bodies of nodes: what the files of the
 * parser share. Internal to templates/.
 *
 *   parse.c         errors, tokens of a tag's markup, expressions, filters
 *   parse_body.c    the source cut into text, outputs and tags; bodies
 *   parse_tags.c    the tags
 *   parse_loops.c   those with loops and partials
 *
 * Every function that can fail returns a status and has told p->err.
 */
#ifndef TEMPLATES_PARSE_H
#define TEMPLATES_PARSE_H

#include "templates/lex.h"
#include "templates/program.h"
#include "templates/tables.h"

/* The tag that ended a body, because it is none that a body can have: endif,
 * else, or a mistake. */
struct stop {
    struct name tag, markup; /* no tag: the source ended */
    const char *at;
};

struct parse {
    struct template *t;
    const char *source, *source_end;
    const char *partial;  /* name, or "" */
    const char *at, *end; /* what is left of the source, or of its part */
    bool lines;           /* between {% liquid and %}: a tag a line */
    bool trim;            /* the last tag ended with "-%}" */
    const char *endless;  /* NULL, or: from here on there is no "%}" */
    int nesting;
    size_t nodes;
    struct stop stop;
    /* The markup that is being read. */
    const char *markup, *markup_end;
    struct token token;
    const char *token_end; /* of the one before */
    int brackets;
    struct error *err;
    struct template_fault *fault;
};

/* Compiles source into body: the template itself or one of its partials. */
MUST_USE enum status parse_source(struct parse *p, const char *source,
                                  size_t len, struct body *body);

/* STATUS_INVALID; line and column are those of at. */
MUST_USE PRINTF(3, 4) enum status
    parse_fail(const struct parse *p, const char *at, const char *fmt, ...);

/* "expected what, found ...": the token at hand. */
MUST_USE enum status parse_expected(const struct parse *p, const char *what);

void *parse_take(struct parse *p, size_t n); /* zeroed */
size_t parse_offset(const struct parse *p, const char *at);
bool name_is(const struct name *n, const char *text);

/* Markup. */
void parse_markup(struct parse *p, struct name markup);
void parse_advance(struct parse *p);
bool parse_accept(struct parse *p, enum token_kind kind);
bool parse_accept_word(struct parse *p, const char *word);
MUST_USE enum status parse_end(struct parse *p);
MUST_USE enum status parse_name(struct parse *p, const char *what,
                                struct name *out);
/* Is this `name:`? */
bool parse_at_key(const struct parse *p);

/* words: `blank` and `empty` are what they mean in a comparison. */
MUST_USE enum status parse_expr(struct parse *p, bool words,
                                const struct expr **out);
MUST_USE enum status parse_chain(struct parse *p, struct chain *out);
/* *(key ":" expression [","]), as render and include have them. */
MUST_USE enum status parse_arguments(struct parse *p, struct item **out);

/* Bodies. */
MUST_USE enum status parse_body(struct parse *p, struct body *body);
/* The same, up to {% endBLOCK %}, which is consumed; else it is refused. */
MUST_USE enum status parse_block(struct parse *p, const char *block,
                                 const char *at, struct body *body);
MUST_USE enum status parse_unknown_stop(struct parse *p, const char *block,
                                        const char *at);
void body_drop_texts(struct body *body);
/* raw, doc and comment read on by themselves. */
MUST_USE enum status parse_raw(struct parse *p, struct node *n);
MUST_USE enum status parse_doc(struct parse *p, struct node *n);
MUST_USE enum status parse_comment(struct parse *p, struct node *n);

/* Tags: markup is p's; *blank on entry false, set where the node shows
 * nothing. */
typedef enum status tag_function(struct parse *p, struct node *n, bool *blank);

#define X_(name, function, help) tag_function function;
TAG_TABLE(X_)
#undef X_
#endif
