#include "render/css_match.h"
#include <string.h>
#include <strings.h>

static bool same(struct css_text a, const char *b)
{
    return strlen(b) == a.len && memcmp(a.at, b, a.len) == 0;
}

static bool same_folded(struct css_text a, const char *b, size_t len)
{
    return len == a.len && strncasecmp(a.at, b, len) == 0;
}

static bool is_element(const GumboNode *n)
{
    return n &&
           (n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE);
}

/* Of the parser's enum, or as the author wrote it. */
static bool has_type(const GumboElement *e, struct css_text name)
{
    GumboStringPiece tag = e->original_tag;

    if (e->tag != GUMBO_TAG_UNKNOWN) {
        const char *text = gumbo_normalized_tagname(e->tag);

        return same_folded(name, text, strlen(text));
    }
    gumbo_tag_from_original_text(&tag);
    return same_folded(name, tag.data, tag.length);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

/* Is it one of the words of list? */
static bool has_word(const char *list, struct css_text word)
{
    for (const char *p = list, *start; *p;) {
        while (is_space(*p))
            p++;
        for (start = p; *p && !is_space(*p);)
            p++;
        if (word.len > 0 && (size_t)(p - start) == word.len &&
            *start == *word.at && memcmp(start, word.at, word.len) == 0)
            return true;
    }
    return false;
}

enum { BYTES_PER_STEP = 8, ATTRIBUTES_PER_STEP = 8 };

static const char *attribute_of(const GumboElement *e, struct css_text name,
                                size_t *steps)
{
    css_spend(steps, e->attributes.length / ATTRIBUTES_PER_STEP);
    for (unsigned i = 0; i < e->attributes.length; i++) {
        const GumboAttribute *a = e->attributes.data[i];

        if (!same_folded(name, a->name, strlen(a->name)))
            continue;
        css_spend(steps, strlen(a->value) / BYTES_PER_STEP);
        return a->value;
    }
    return NULL;
}

static bool has_attribute(const GumboElement *e, const struct css_part *part,
                          size_t *steps)
{
    const char *have = attribute_of(e, part->name, steps);
    struct css_text want = part->value;
    size_t n = have ? strlen(have) : 0;

    if (!have || part->op == 0)
        return have != NULL;
    if (part->op == '=')
        return same(want, have);
    if (want.len == 0 || want.len > n)
        return false;
    switch (part->op) {
    case '~': return has_word(have, want);
    case '|':
        return memcmp(have, want.at, want.len) == 0 &&
               (n == want.len || have[want.len] == '-');
    case '^': return memcmp(have, want.at, want.len) == 0;
    case '$': return memcmp(have + n - want.len, want.at, want.len) == 0;
    case '*': return memmem(have, n, want.at, want.len) != NULL;
    default: return false;
    }
}

static const GumboNode *sibling(const GumboNode *n, int step, size_t *steps)
{
    const GumboVector *all;
    long at = (long)n->index_within_parent;

    if (!n->parent || !is_element(n->parent))
        return NULL;
    all = &n->parent->v.element.children;
    for (at += step; at >= 0 && at<(long)all->length && * steps> 0;
         at += step) {
        (*steps)--;
        if (is_element(all->data[at]))
            return all->data[at];
    }
    return NULL;
}

static bool has_part(const GumboNode *n, const struct css_part *part,
                     size_t *steps)
{
    static const struct css_text class = {"class", 5}, id = {"id", 2};
    const GumboElement *e = &n->v.element;
    const char *value;

    switch (part->kind) {
    case CSS_ANY: return true;
    case CSS_TYPE: return has_type(e, part->name);
    case CSS_CLASS:
        value = attribute_of(e, class, steps);
        return value && has_word(value, part->name);
    case CSS_ID:
        value = attribute_of(e, id, steps);
        return value && same(part->name, value);
    case CSS_ATTRIBUTE: return has_attribute(e, part, steps);
    case CSS_FIRST_CHILD: return !sibling(n, -1, steps);
    case CSS_LAST_CHILD: return !sibling(n, 1, steps);
    case CSS_ONLY_CHILD: return !sibling(n, -1, steps) && !sibling(n, 1, steps);
    }
    return false;
}

static const GumboNode *parent_of(const GumboNode *n)
{
    return is_element(n->parent) ? n->parent : NULL;
}

/* c and all to its left. */
static bool fits(const struct css_compound *c, const GumboNode *n,
                 size_t *steps)
{
    if (*steps == 0)
        return false;
    (*steps)--;
    for (const struct css_part *part = c->parts; part; part = part->next)
        if (!has_part(n, part, steps))
            return false;
    if (!c->left)
        return true;
    if (c->relation == '>' || c->relation == '+') {
        n = c->relation == '>' ? parent_of(n) : sibling(n, -1, steps);
        return n && fits(c->left, n, steps);
    }
    while (*steps > 0) {
        n = c->relation == ' ' ? parent_of(n) : sibling(n, -1, steps);
        if (!n)
            return false;
        if (fits(c->left, n, steps))
            return true;
    }
    return false;
}

bool css_match(const struct css_selector *s, const GumboNode *element,
               size_t *steps)
{
    return fits(s->last, element, steps);
}
