/* Any bytes as a template, with the rest of them as a partial and as data:
 * refused, or run to an output within its limit. In HTML no value brings
 * markup with it, unless the template asks for it. */
#include "base/bug.h"
#include "base/utf8.h"
#include "templates/template.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { STEPS_MAX = 20000 }; /* a slow input is no find */

struct input {
    const char *text, *more;
    size_t len, more_len;
};

static json_t *values(const struct input *in)
{
    json_t *v = json_pack(
        "{s:s, s:s, s:i, s:f, s:b, s:n, s:{s:s, s:s}, s:[s, [i, n], {s:i}]}",
        "a", "&\"'", "empty", "", "n", -1, "r", 0.1, "yes", 1, "null", "c",
        "first_name", "Ann", "a b", "key", "items", "x", 1, "p", 2);

    json_object_set_new(v, "more", json_stringn(in->more, in->more_len));
    return v;
}

static bool partial(void *context, const char *name, size_t len,
                    const char **source, size_t *source_len)
{
    const struct input *in = context;

    *source = in->more;
    *source_len = in->more_len;
    return len == 1 && *name == 'p';
}

static void run(struct input *in, enum template_escape escape)
{
    const struct template_builtin email = {"email", "jo@example.com"};
    struct template_options options = {
        .escape = escape, .partial = partial, .partial_context = in};
    struct template_values v = {
        .builtins = &email, .n_builtins = 1, .steps_max = STEPS_MAX};
    struct arena scratch = {0};
    struct buf out = {0};
    struct template *t;
    struct error err = {0};

    if (template_compile_with(in->text, in->len, &options, &t, &err) !=
        STATUS_OK) {
        if (!err.text[0])
            BUG("a refusal without a reason");
        return;
    }
    json_t *object = values(in);
    v.object = object;
    if (template_render(t, &v, &scratch, &out, &err) != STATUS_OK) {
        if (!err.text[0] || out.len)
            BUG("a failure without a reason, or with output");
    } else if (out.len > TEMPLATE_OUTPUT_MAX) {
        BUG("the output passes its limit");
    }
    if (utf8_check(in->text, in->len) == in->len &&
        utf8_check(out.data, out.len) < out.len)
        BUG("the output is not UTF-8");
    json_decref(object);
    template_free(t);
    arena_fini(&scratch);
    buf_fini(&out);
}

/* What stands behind a NUL is the partial, if it is valid UTF-8. */
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    const char *text = (const char *)bytes,
               *cut = n ? memchr(text, 0, n) : NULL;
    struct input in = {.text = text, .more = "", .len = n};

    if (cut) {
        in.len = (size_t)(cut - text);
        in.more = cut + 1;
        in.more_len = n - in.len - 1;
        if (utf8_check(in.more, in.more_len) < in.more_len)
            in.more_len = 0;
    }
    run(&in, TEMPLATE_TEXT);
    run(&in, TEMPLATE_HTML);
    return 0;
}
