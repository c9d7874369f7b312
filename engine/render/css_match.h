/* render/css_match - does a selector fit an element of a parsed document?
 * Internal to render/. No I/O, no memory of its own, no recursion deeper than
 * CSS_PARTS_MAX. */
#ifndef RENDER_CSS_MATCH_H
#define RENDER_CSS_MATCH_H

#include "render/css.h"
#include <gumbo.h>
#include <stddef.h>

/* Counts *steps down, one for each element that is looked at and more for long
 * attributes; at 0 the answer means nothing. */
bool css_match(const struct css_selector *s, const GumboNode *element,
               size_t *steps);

static inline void css_spend(size_t *steps, size_t n)
{
    *steps -= n < *steps ? n : *steps;
}
#endif
