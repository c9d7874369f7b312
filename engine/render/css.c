#include "render/css.h"
#include "render/html_marks.h"
#include <string.h>
#include <strings.h>

struct reader {
    const char *at, *end;
    struct css_sheet *sheet;
    struct arena *arena;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_mark(const char *p, const char *end)
{
    return end - p >= HTML_MARK_BYTES && (unsigned char)p[0] == 0xf3 &&
           (unsigned char)p[1] >= 0xb0;
}

static bool starts(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);

    return (size_t)(end - p) >= n && memcmp(p, text, n) == 0;
}

/* Behind the comment, string or escape that starts at p; p if none does. */
static const char *skip_opaque(const char *p, const char *end)
{
    char quote = *p;

    if (starts(p, end, "/*")) {
        const char *close = memmem(p + 2, (size_t)(end - p) - 2, "*/", 2);

        return close ? close + 2 : end;
    }
    if (quote == '\\')
        return end - p > 1 ? p + 2 : end;
    if (quote != '"' && quote != '\'')
        return p;
    for (p++; p < end && *p != quote && *p != '\n'; p++)
        if (*p == '\\' && end - p > 1)
            p++;
    return p < end ? p + 1 : end;
}

/* The first of stops at p or behind, outside of strings and brackets; end if
 * there is none. */
static const char *find(const char *p, const char *end, const char *stops)
{
    int open = 0;

    while (p < end) {
        const char *next = skip_opaque(p, end);

        if (next > p) {
            p = next;
            continue;
        }
        if (open == 0 && strchr(stops, *p) && *p)
            return p;
        open += strchr("([{", *p) && *p ? 1 : 0;
        open -= open > 0 && strchr(")]}", *p) && *p ? 1 : 0;
        p++;
    }
    return end;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (is_space(*p) || starts(p, end, "/*")))
        p = is_space(*p) ? p + 1 : skip_opaque(p, end);
    return p;
}

static struct css_text trim(const char *p, const char *end)
{
    p = skip_space(p, end);
    while (end > p && is_space(end[-1]))
        end--;
    return (struct css_text){p, (size_t)(end - p)};
}

static bool has_mark(const char *p, const char *end)
{
    for (; p < end; p++)
        if (is_mark(p, end))
            return true;
    return false;
}

static void *take(struct reader *r, size_t n)
{
    return memset(arena_take(r->arena, n), 0, n);
}

/* Selectors. */

static struct css_text read_name(const char **p, const char *end)
{
    const char *start = *p;

    while (*p < end && is_name(**p))
        (*p)++;
    return (struct css_text){start, (size_t)(*p - start)};
}

/* Behind "[". */
static bool read_attribute(const char **p, const char *end,
                           struct css_part *out)
{
    *p = skip_space(*p, end);
    out->kind = CSS_ATTRIBUTE;
    out->name = read_name(p, end);
    *p = skip_space(*p, end);
    if (*p < end && strchr("~|^$*", **p) && **p)
        out->op = *(*p)++;
    if (*p < end && **p == '=') {
        out->op = out->op ? out->op : '=';
        *p = skip_space(*p + 1, end);
        const char *start = *p, *stop = skip_opaque(start, end);
        if (stop > start + 1 && (*start == '"' || *start == '\'')) {
            out->value =
                (struct css_text){start + 1, (size_t)(stop - start) - 2};
            *p = stop;
        } else {
            out->value = read_name(p, end);
        }
    }
    *p = skip_space(*p, end);
    return out->name.len && *p < end && *(*p)++ == ']';
}

/* Behind ":". */
static bool read_pseudo(const char **p, const char *end, struct css_part *out)
{
    static const struct {
        const char *name;
        enum css_kind kind;
    } known[] = {{"first-child", CSS_FIRST_CHILD},
                 {"last-child", CSS_LAST_CHILD},
                 {"only-child", CSS_ONLY_CHILD}};
    struct css_text name = read_name(p, end);

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == name.len &&
            strncasecmp(known[i].name, name.at, name.len) == 0) {
            out->kind = known[i].kind;
            return true;
        }
    return false;
}

static bool read_part(const char **p, const char *end, struct css_part *out)
{
    char c = **p;

    if (c == '*') {
        out->kind = CSS_ANY;
        (*p)++;
        return true;
    }
    if (is_name(c)) {
        out->kind = CSS_TYPE;
        out->name = read_name(p, end);
        return true;
    }
    if (!strchr(".#[:", c) || !c)
        return false;
    (*p)++;
    if (c == '[')
        return read_attribute(p, end, out);
    if (c == ':')
        return read_pseudo(p, end, out);
    out->kind = c == '.' ? CSS_CLASS : CSS_ID;
    out->name = read_name(p, end);
    return out->name.len > 0;
}

static unsigned weight_of(enum css_kind kind)
{
    switch (kind) {
    case CSS_ID: return 0x10000;
    case CSS_CLASS:
    case CSS_ATTRIBUTE:
    case CSS_FIRST_CHILD:
    case CSS_LAST_CHILD:
    case CSS_ONLY_CHILD: return 0x100;
    case CSS_TYPE: return 1;
    case CSS_ANY: return 0;
    }
    return 0;
}

/* The parts of one element; *n counts those of the whole selector. */
static bool read_compound(struct reader *r, const char **p, const char *end,
                          struct css_compound *c, unsigned *specificity, int *n)
{
    struct css_part **next = &c->parts;

    while (*p < end && !is_space(**p) && !strchr(">+~", **p) &&
           !starts(*p, end, "/*")) {
        if ((*n)++ == CSS_PARTS_MAX)
            return false;
        *next = take(r, sizeof **next);
        if (!read_part(p, end, *next))
            return false;
        *specificity += weight_of((*next)->kind);
        next = &(*next)->next;
    }
    return c->parts != NULL;
}

static bool read_selector(struct reader *r, struct css_text text,
                          struct css_selector *out)
{
    const char *p = text.at, *end = text.at + text.len;
    int n = 0;

    for (const char *next; (next = skip_space(p, end)) < end;) {
        struct css_compound *c = take(r, sizeof *c);

        c->left = out->last;
        if (c->left) {
            c->relation = strchr(">+~", *next) ? *next : ' ';
            p = skip_space(c->relation == ' ' ? next : next + 1, end);
        }
        out->last = c;
        if (!read_compound(r, &p, end, c, &out->specificity, &n))
            return false;
    }
    return out->last != NULL;
}

static bool read_selectors(struct reader *r, struct css_rule *rule,
                           const char *p, const char *end)
{
    struct css_sheet *sheet = r->sheet;

    rule->whole = !has_mark(p, end);
    if (!rule->whole)
        return true;
    while (p <= end) {
        const char *comma = find(p, end, ",");
        struct css_selector *s = take(r, sizeof *s);

        if (sheet->n_selectors++ == CSS_SELECTORS_MAX)
            return false;
        s->rule = rule;
        if (read_selector(r, trim(p, comma), s)) {
            *sheet->selectors_end = s;
            sheet->selectors_end = &s->next;
            rule->n_selectors++;
        } else {
            rule->whole = false;
        }
        p = comma + 1;
    }
    return true;
}

/* Declarations. */

/* A copy without comments, and with the marks bare. */
static struct css_text clean(struct reader *r, struct css_text text)
{
    const char *p = text.at, *end = text.at + text.len;
    char *copy = arena_take(r->arena, text.len + 1);
    size_t n = 0;

    while (p < end) {
        const char *next = skip_opaque(p, end);

        if (starts(p, end, "/*")) {
            p = next;
            continue;
        }
        if (starts(p, end, "<!--") && is_mark(p + 4, end))
            p += 4;
        if (starts(p, end, "-->") && n >= HTML_MARK_BYTES &&
            is_mark(copy + n - HTML_MARK_BYTES, copy + n)) {
            p += 3;
            continue;
        }
        for (next = next > p ? next : p + 1; p < next; p++)
            copy[n++] = *p == '\n' || *p == '\r' ? ' ' : *p;
    }
    return trim(copy, copy + n);
}

/* Takes "!important" off its end. */
static bool is_important(struct css_text *value)
{
    static const char word[] = "important";
    size_t n = sizeof word - 1, len = value->len;

    if (len <= n || strncasecmp(value->at + len - n, word, n) != 0)
        return false;
    len -= n;
    while (len > 0 && is_space(value->at[len - 1]))
        len--;
    if (len == 0 || value->at[len - 1] != '!')
        return false;
    *value = trim(value->at, value->at + len - 1);
    return true;
}

static bool read_declarations(struct reader *r, struct css_rule *rule,
                              const char *p, const char *end)
{
    struct css_declaration **next = &rule->declarations;

    for (const char *stop; p < end; p = stop + 1) {
        stop = find(p, end, ";");
        struct css_text all = trim(p, stop);
        const char *at = all.at;
        struct css_declaration *d = take(r, sizeof *d);

        d->name = read_name(&at, all.at + all.len);
        at = skip_space(at, all.at + all.len);
        if (d->name.len == 0 || at == all.at + all.len || *at != ':' ||
            has_mark(d->name.at, at)) {
            /* An output in its place, or a browser's hack. */
            rule->whole = rule->whole && all.len == 0;
            continue;
        }
        if (r->sheet->n_declarations++ == CSS_DECLARATIONS_MAX)
            return false;
        d->value = clean(r, trim(at + 1, all.at + all.len));
        d->important = is_important(&d->value);
        if (d->value.len == 0)
            continue;
        *next = d;
        next = &d->next;
    }
    return true;
}

/* Rules. */

/* Nothing that is one: white space, comments, <!-- and -->, outputs. */
static const char *skip_between(const char *p, const char *end)
{
    for (;;) {
        p = skip_space(p, end);
        if (starts(p, end, "<!--"))
            p += 4;
        else if (starts(p, end, "-->"))
            p += 3;
        else if (is_mark(p, end))
            p += HTML_MARK_BYTES;
        else if (p < end && *p == '}')
            p++;
        else
            return p;
    }
}

static const char *skip_block(const char *open, const char *end)
{
    const char *close = find(open + 1, end, "}");

    return close < end ? close + 1 : end;
}

static const char *skip_at_rule(const char *p, const char *end)
{
    const char *stop = find(p, end, ";{");

    if (stop == end)
        return end;
    return *stop == ';' ? stop + 1 : skip_block(stop, end);
}

static bool read_rule(struct reader *r)
{
    const char *start = r->at, *open, *close;
    struct css_rule *rule = take(r, sizeof *rule);

    open = find(start, r->end, "{");
    if (open == r->end) {
        r->at = r->end;
        return true;
    }
    close = find(open + 1, r->end, "}");
    r->at = close < r->end ? close + 1 : r->end;
    if (r->sheet->n_rules++ == CSS_RULES_MAX)
        return false;
    rule->at = start;
    rule->end = r->at;
    *r->sheet->rules_end = rule;
    r->sheet->rules_end = &rule->next;
    return read_selectors(r, rule, start, open) &&
           read_declarations(r, rule, open + 1, close);
}

void css_init(struct css_sheet *sheet)
{
    *sheet = (struct css_sheet){.rules_end = &sheet->rules,
                                .selectors_end = &sheet->selectors};
}

bool css_parse(struct css_sheet *sheet, struct arena *arena, const char *text,
               size_t len)
{
    struct reader r = {text, text + len, sheet, arena};

    for (;;) {
        r.at = skip_between(r.at, r.end);
        if (r.at == r.end)
            return true;
        if (*r.at == '@')
            r.at = skip_at_rule(r.at, r.end);
        else if (!read_rule(&r))
            return false;
    }
}
