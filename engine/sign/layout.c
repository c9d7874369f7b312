#include "sign/layout.h"
#include <stdbool.h>
#include <string.h>

/* The fields that are signed where they occur. Those marked are signed once
 * more than they occur: a second From added on the way breaks the signature. */
static const struct {
    const char *name;
    bool over;
} signed_fields[] = {
    {"from", true},
    {"to", true},
    {"cc", true},
    {"subject", true},
    {"date", true},
    {"message-id", true},
    {"reply-to", true},
    {"mime-version", true},
    {"content-type", true},
    {"content-transfer-encoding", true},
    {"in-reply-to", false},
    {"references", false},
    {"list-id", false},
    {"list-unsubscribe", false},
    {"list-unsubscribe-post", false},
    {"feedback-id", false},
    {"auto-submitted", false},
};
enum {
    SIGNED_FIELDS = sizeof signed_fields / sizeof *signed_fields,
    LIST_LINE_MOST = 72,
    LIST_COLUMN = 3, /* behind "\th=" */
};

/* ---- The header at hand ---- */

/* Of the field that starts at p: its length with folded lines and line end,
 * or 0 where the header ends. */
static size_t field_len(const char *p, size_t left)
{
    size_t n = 0;

    if (left == 0 || *p == '\r' || *p == '\n')
        return 0;
    do {
        const char *lf = memchr(p + n, '\n', left - n);

        n = lf ? (size_t)(lf - p) + 1 : left;
    } while (n < left && (p[n] == ' ' || p[n] == '\t'));
    return n;
}

/* A field without a colon is none that we sign: its name is empty. */
static void add_name(struct buf *names, const char *field, size_t len)
{
    const char *colon = memchr(field, ':', len);
    size_t n = colon ? (size_t)(colon - field) : 0;
    char *to = buf_reserve(names, n + 1);

    for (size_t i = 0; i < n; i++)
        to[i] = field[i] >= 'A' && field[i] <= 'Z'
                    ? (char)(field[i] - 'A' + 'a')
                    : field[i];
    to[n] = ':';
    names->len += n + 1;
}

static bool scan(struct layouts *l, const char *wire, size_t len)
{
    size_t at = 0, n;

    buf_reset(&l->names);
    l->n_fields = 0;
    for (; (n = field_len(wire + at, len - at)) > 0; at += n) {
        if (l->n_fields == LAYOUT_FIELDS_MAX)
            return false;
        l->fields[l->n_fields++] = (struct layout_field){at, n};
        add_name(&l->names, wire + at, n);
    }
    l->head_len = at;
    return true;
}

/* ---- Compiling ---- */

static void add_listed(struct buf *list, size_t *column, const char *name)
{
    size_t n = strlen(name);

    if (list->len > 0) {
        buf_add_char(list, ':');
        ++*column;
    }
    if (*column + n >= LIST_LINE_MOST) {
        buf_add_text(list, "\r\n\t");
        *column = 1;
    }
    buf_add(list, name, n);
    *column += n;
}

/* The fields called so, from the last to the first (5.4.2). */
static void add_signed(struct layout *layout, const char *name, size_t *column)
{
    const char *at = layout->names.data, *end = at + layout->names.len;
    size_t first = layout->n_signed, n;

    for (uint16_t i = 0; at < end; i++, at += n + 1) {
        n = (size_t)((const char *)memchr(at, ':', (size_t)(end - at)) - at);
        if (n != strlen(name) || memcmp(at, name, n) != 0)
            continue;
        uint16_t *place = &layout->signed_at[first];

        memmove(place + 1, place, (layout->n_signed - first) * sizeof *place);
        *place = i;
        layout->n_signed++;
        add_listed(&layout->list, column, name);
    }
}

static void compile(struct layout *layout, const struct buf *names)
{
    size_t column = LIST_COLUMN;

    buf_reset(&layout->names);
    buf_add(&layout->names, names->data, names->len);
    buf_reset(&layout->list);
    layout->n_signed = 0;
    for (size_t i = 0; i < SIGNED_FIELDS; i++) {
        add_signed(layout, signed_fields[i].name, &column);
        if (signed_fields[i].over)
            add_listed(&layout->list, &column, signed_fields[i].name);
    }
}

static bool is_of(const struct layout *layout, const struct buf *names)
{
    return layout->names.len == names->len &&
           memcmp(layout->names.data, names->data, names->len) == 0;
}

const struct layout *layouts_find(struct layouts *l, const char *wire,
                                  size_t len)
{
    if (!scan(l, wire, len))
        return NULL;
    for (size_t i = 0; i < LAYOUTS_MAX && l->names.len > 0; i++)
        if (is_of(&l->kept[i], &l->names))
            return &l->kept[i];
    struct layout *layout = &l->kept[l->oldest];

    l->oldest = (l->oldest + 1) % LAYOUTS_MAX;
    compile(layout, &l->names);
    return layout;
}

void layouts_fini(struct layouts *l)
{
    for (size_t i = 0; i < LAYOUTS_MAX; i++) {
        buf_fini(&l->kept[i].names);
        buf_fini(&l->kept[i].list);
    }
    buf_fini(&l->names);
}
