/* The promise of render/message that, warm, a render takes nothing from the
 * heap. Counted by standing in for malloc, which the sanitizers do as well:
 * under them there is nothing to count. */
#include "render/message.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static size_t taken;

#ifndef __SANITIZE_ADDRESS__
/* NOLINTBEGIN(bugprone-reserved-identifier): the names are glibc's. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    taken++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    taken++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    taken++;
    return __libc_realloc(p, n);
}
/* NOLINTEND(bugprone-reserved-identifier) */
#endif

static void warm_renders_take_nothing(void **state)
{
    static const struct message_header header = {"X-Name", "{{ name }}"};
    struct message_source source = {
        .from = "Jo <jo@example.com>",
        .subject = "{{ name }}: {{ n }} \xc3\xa9",
        .html = "<p>{{ name }} {{ n }} {{ r }} {{{nope|x}}}",
        .text = "{{ name }} {{ email }}",
        .headers = &header,
        .n_headers = 1,
        .templates = true,
    };
    json_t *variables =
        json_pack("{s:s, s:i, s:f}", "name", "Zo\xc3\xab", "n", 7, "r", 0.1);
    struct message_recipient to = {
        .address = "ann@example.net",
        .variables = variables,
        .id = "01234567-0123-8123-8123-0123456789ab",
        .id_domain = "example.com",
    };
    struct arena scratch = {0};
    struct buf out = {0};
    struct message *m;
    struct error err;
    size_t before = 0;

    (void)state;
    assert_int_equal(message_compile(&source, &m, &err), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        before = taken;
        buf_reset(&out);
        arena_reset(&scratch);
        assert_int_equal(message_render(m, &to, &scratch, &out, &err),
                         STATUS_OK);
    }
    assert_int_equal(taken, before);
    message_free(m);
    arena_fini(&scratch);
    buf_fini(&out);
    json_decref(variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_renders_take_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
