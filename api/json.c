#include "api/json.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include <string.h>

/* What a text would cost as a tree. Strings are skipped, nothing else is
 * judged: whether it is JSON is jansson's word. */
struct weight {
    size_t depth, containers, values;
};

static size_t string_end(const char *text, size_t at, size_t len)
{
    for (at++; at < len && text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at;
}

static enum status weigh(const char *text, size_t len, struct error *err)
{
    struct weight w = {0, 0, 1};

    for (size_t at = 0; at < len; at++) {
        switch (text[at]) {
        case '"': at = string_end(text, at, len); break;
        case '{':
        case '[': w.depth++, w.containers++, w.values++; break;
        case '}':
        case ']': w.depth -= w.depth > 0; break;
        case ',': w.values++; break;
        default: break;
        }
        if (w.depth > JSON_DEPTH_MAX)
            return fail(err, STATUS_TOO_BIG,
                        "The JSON is nested more than %d levels deep, at byte "
                        "%zu.",
                        JSON_DEPTH_MAX, at + 1);
        if (w.containers > JSON_CONTAINERS_MAX || w.values > JSON_VALUES_MAX)
            return fail(err, STATUS_TOO_BIG,
                        "The JSON has more than %d objects and lists or more "
                        "than %d values.",
                        JSON_CONTAINERS_MAX, JSON_VALUES_MAX);
    }
    return STATUS_OK;
}

/* jansson's own words on NUL are for programmers: which flag to set. */
const char *json_why(const json_error_t *why)
{
    enum json_error_code code = json_error_code(why);

    if (code == json_error_null_character ||
        code == json_error_null_byte_in_key)
        return "\\u0000 is not allowed";
    return why->text;
}

enum status json_parse(const char *text, size_t len, json_t **out,
                       struct error *err)
{
    json_error_t why;
    enum status status = weigh(text, len, err);

    if (status != STATUS_OK)
        return status;
    *out = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (*out)
        return STATUS_OK;
    return fail(err, STATUS_INVALID,
                "The body is not valid JSON: line %d, "
                "column %d: %s.",
                why.line, why.column, json_why(&why));
}

static void add_escaped(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"': buf_add(b, "\\\"", 2); return;
    case '\\': buf_add(b, "\\\\", 2); return;
    case '\n': buf_add(b, "\\n", 2); return;
    case '\r': buf_add(b, "\\r", 2); return;
    case '\t': buf_add(b, "\\t", 2); return;
    default: buf_addf(b, "\\u%04x", c); return;
    }
}

static bool plain(unsigned char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

void json_add_text_n(struct buf *b, const char *text, size_t len)
{
    buf_add_char(b, '"');
    for (size_t at = 0; at < len;) {
        size_t run = at, n;

        while (run < len && plain((unsigned char)text[run]))
            run++;
        buf_add(b, text + at, run - at);
        at = run;
        if (at == len)
            break;
        n = utf8_char(text + at, len - at);
        if (n > 1)
            buf_add(b, text + at, n);
        else if (n == 1)
            add_escaped(b, (unsigned char)text[at]);
        else
            buf_add(b, "\xef\xbf\xbd", 3);
        at += n > 0 ? n : 1;
    }
    buf_add_char(b, '"');
}

void json_add_text(struct buf *b, const char *text)
{
    if (text)
        json_add_text_n(b, text, strlen(text));
    else
        buf_add(b, "null", 4);
}

static int add_dumped(const char *bytes, size_t len, void *data)
{
    buf_add(data, bytes, len);
    return 0;
}

void json_add_value(struct buf *b, const json_t *value)
{
    if (json_dump_callback(value, add_dumped, b,
                           JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        buf_add(b, "null", 4);
}

void json_add_time(struct buf *b, int64_t wall_us)
{
    char text[CLOCK_RFC3339_MAX];

    clock_rfc3339(wall_us, text);
    json_add_text(b, text);
}

static bool among(const char *name, const char *const *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

static enum status check_fields(json_t *object, const char *const *known,
                                size_t n, bool all, struct error *err)
{
    static const char *const echoed[] = {
        "id",         "object",      "created_at", "broadcast_id",
        "contact_id", "audience_id", "segment_id", "topic_id"};
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
    {
        if (among(name, known, n) ||
            among(name, echoed, sizeof echoed / sizeof *echoed))
            continue;
        const char *meant = nearest_word(name, known, n);

        if (meant)
            return fail(err, STATUS_INVALID,
                        "Unknown field `%s`. Did you mean `%s`?", name, meant);
        if (all)
            return fail(err, STATUS_INVALID, "Unknown field `%.100s`.", name);
    }
    return STATUS_OK;
}

enum status json_check_fields(json_t *object, const char *const *known,
                              size_t n, struct error *err)
{
    return check_fields(object, known, n, false, err);
}

enum status json_check_all_fields(json_t *object, const char *const *known,
                                  size_t n, struct error *err)
{
    return check_fields(object, known, n, true, err);
}
