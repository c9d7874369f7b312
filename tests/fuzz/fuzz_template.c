/* Any bytes as a template: refused, or run with and without values to an
 * output within its limit. In HTML no value brings markup with it. */
#include "base/bug.h"
#include "templates/template.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static json_t *values(void)
{
    return json_pack("{s:s, s:s, s:i, s:f, s:b, s:n, s:{s:s, s:s}, s:[s, [i]]}",
                     "a", "<&\"'>", "empty", "", "n", -1, "r", 0.1, "yes", 1,
                     "null", "c", "first_name", "Ann", "a b", "key", "items",
                     "x", 1);
}

static void run(const char *text, size_t n, enum template_escape escape)
{
    static json_t *object;
    const struct template_builtin email = {"email", "jo@example.com"};
    struct template_values v = {NULL, &email, 1};
    struct template *t;
    struct buf out = {0};
    struct error err = {0};

    if (template_compile(text, n, escape, &t, &err) != STATUS_OK) {
        if (!err.text[0])
            BUG("a refusal without a reason");
        return;
    }
    for (int i = 0; i < 2; i++) {
        object = object ? object : values();
        v.object = i ? object : NULL;
        buf_reset(&out);
        if (template_render(t, &v, &out, &err) != STATUS_OK)
            continue;
        if (out.len > TEMPLATE_OUTPUT_MAX)
            BUG("the output passes its limit");
        if (escape == TEMPLATE_HTML && out.len > 0 && !memchr(text, '<', n) &&
            memchr(out.data, '<', out.len))
            BUG("a value brought markup with it");
    }
    template_free(t);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    run((const char *)bytes, n, TEMPLATE_TEXT);
    run((const char *)bytes, n, TEMPLATE_HTML);
    return 0;
}
