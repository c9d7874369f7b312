/*
 * render/css - the rules of a <style> sheet that can be put into style
 * attributes: selectors taken apart, declarations cut out, both where they
 * stand. Internal to render/.
 *
 * Reads as CSS Syntax (level 3) says, mistakes included: what is no rule is
 * passed over. A template's output, hidden by render/html_marks, may stand in
 * the value of a declaration, nowhere else. Takes its memory from the caller's
 * arena and goes on pointing into the text. No I/O.
 */
#ifndef RENDER_CSS_H
#define RENDER_CSS_H

#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    CSS_RULES_MAX = 4000,
    CSS_SELECTORS_MAX = 10000,
    CSS_DECLARATIONS_MAX = 40000,
    CSS_PARTS_MAX = 20, /* simple selectors of one selector */
};

struct css_text {
    const char *at;
    size_t len;
};

enum css_kind {
    CSS_ANY, /* * */
    CSS_TYPE,
    CSS_CLASS,
    CSS_ID,
    CSS_ATTRIBUTE,
    CSS_FIRST_CHILD,
    CSS_LAST_CHILD,
    CSS_ONLY_CHILD,
};

/* One simple selector. */
struct css_part {
    struct css_part *next;
    enum css_kind kind;
    struct css_text name, value;
    char op; /* of an attribute: 0, = ~ | ^ $ * */
};

/* What one element has to be, and how it stands to the next one on its left. */
struct css_compound {
    struct css_compound *left;
    char relation; /* to left: ' ' > + ~, 0 without one */
    struct css_part *parts;
};

struct css_declaration {
    struct css_declaration *next;
    struct css_text name, value; /* comments taken out */
    bool important;
};

struct css_rule;

struct css_selector {
    struct css_selector *next; /* of the sheet */
    struct css_rule *rule;
    struct css_compound *last;
    unsigned specificity; /* ids, classes, types: a byte each */
    bool matched;         /* the caller's */
};

struct css_rule {
    struct css_rule *next;
    const char *at, *end;
    struct css_declaration *declarations;
    bool whole; /* all its selectors can be matched here and now */
    size_t n_selectors;
};

struct css_sheet {
    struct css_rule *rules, **rules_end;
    struct css_selector *selectors, **selectors_end; /* in their order */
    size_t n_rules, n_selectors, n_declarations;
};

void css_init(struct css_sheet *sheet);

/* Appends the sheet's rules. Selectors that depend on more than the document
 * (:hover, ::before) and at-rules (@media) are left out. False: beyond a
 * limit. */
bool css_parse(struct css_sheet *sheet, struct arena *arena, const char *text,
               size_t len);
#endif
