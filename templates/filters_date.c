#include "templates/date.h"
#include "templates/filter.h"
#include <string.h>
#include <strings.h>

static bool is_word(const struct value *v, const char *word)
{
    return v->len == strlen(word) && strncasecmp(v->text, word, v->len) == 0;
}

static bool all_digits(const struct value *v)
{
    for (size_t i = 0; i < v->len; i++)
        if (v->text[i] < '0' || v->text[i] > '9')
            return false;
    return v->len > 0 && v->len < 18;
}

static int64_t seconds_of(const struct value *v)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < v->len; i++)
        seconds = seconds * 10 + (v->text[i] - '0');
    return seconds;
}

static bool read_date(struct run *r, const struct value *v, struct date *d)
{
    const struct template_values *values = r->values;
    enum { TEXT_MAX = 128 };

    if (v->kind == VALUE_INTEGER &&
        (v->integer > INT64_C(1) << 52 || v->integer < -(INT64_C(1) << 52)))
        return false;
    if (v->kind == VALUE_INTEGER)
        date_at(d, v->integer, 0, values);
    else if (v->kind != VALUE_STRING || v->len == 0 || v->len > TEXT_MAX)
        return false;
    else if (is_word(v, "now") || is_word(v, "today"))
        date_at(d, values->now_us / 1000000,
                (int32_t)(values->now_us % 1000000 * 1000), values);
    else if (all_digits(v))
        date_at(d, seconds_of(v), 0, values);
    else
        return date_parse(d, v->text, v->len, values);
    return true;
}

/* What is no date stays as it is. */
void filter_date(struct run *r, struct value *v, const struct value *args,
                 size_t n)
{
    struct value format = run_text(r, &args[0]);
    size_t mark = r->out->len;
    struct date d;

    (void)n;
    if (format.len == 0 || !read_date(r, v, &d))
        return;
    run_charge(r, format.len);
    if (!date_format(&d, format.text, format.len, r->out))
        run_fail(r, "the date's format is not complete: \"%.*s\"",
                 format.len > 40 ? 40 : (int)format.len, format.text);
    *v = run_cut(r, mark);
}
