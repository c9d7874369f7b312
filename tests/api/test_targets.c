#include "api/track/targets.h"
#include "base/memory.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void keep(struct targets *t, const char *key, const char *html)
{
    struct links links;

    assert_true(links_find(&links, html, strlen(html), true));
    targets_keep(t, key, &links);
    links_fini(&links);
}

/* "?": not known; "-": no such link. */
static void leads(struct targets *t, const char *key, size_t number,
                  const char *where)
{
    char *url;
    bool known = targets_find(t, key, number, &url);

    assert_string_equal(!known ? "?" : url ? url : "-", where);
    free(url);
}

static void holds(struct targets *t, size_t contents)
{
    size_t n, bytes;

    targets_count(t, &n, &bytes);
    assert_int_equal(n, contents);
    assert_true((bytes > 0) == (contents > 0));
}

static void test_numbers(void **state)
{
    struct targets *t = targets_new(10, 10000);

    (void)state;
    leads(t, "a 1", 0, "?");
    keep(t, "a 1",
         "<a href=\"https://a.example/?x&amp;y\">a</a><a href='{{ u }}'>b</a>"
         "<a href=https://c.example>c</a><a href='mailto:x@y'>no</a>");
    leads(t, "a 1", 0, "https://a.example/?x&y");
    leads(t, "a 1", 1, "-"); /* a template writes it */
    leads(t, "a 1", 2, "https://c.example");
    leads(t, "a 1", 3, "-");
    leads(t, "a 1", SIZE_MAX, "-");
    leads(t, "a 2", 0, "?"); /* changed since */
    leads(t, "", 0, "?");
    keep(t, "none", "<p>no link</p>");
    leads(t, "none", 0, "-");
    holds(t, 2);
    /* The first one stays. */
    keep(t, "a 1", "<a href=https://other.example>a</a>");
    leads(t, "a 1", 0, "https://a.example/?x&y");
    targets_free(t);
    targets_free(NULL);
}

static void test_number_of_contents(void **state)
{
    struct targets *t = targets_new(3, 100000);
    char key[16], html[64];

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(html, sizeof html, "<a href=https://%d.example>x</a>", i);
        keep(t, key, html);
    }
    leads(t, "k0", 0, "https://0.example"); /* asked for last */
    keep(t, "k3", "<a href=https://3.example>x</a>");
    holds(t, 3);
    leads(t, "k1", 0, "?");
    leads(t, "k0", 0, "https://0.example");
    leads(t, "k2", 0, "https://2.example");
    leads(t, "k3", 0, "https://3.example");
    targets_free(t);
}

static void test_bytes(void **state)
{
    enum { MOST = 4000, URL = 500 };
    struct targets *t = targets_new(1000, MOST);
    char key[16], html[MOST + 100];
    size_t n, bytes;

    (void)state;
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(html, sizeof html, "<a href=https://a.example/%0*d>x</a>", URL,
                 i);
        keep(t, key, html);
        targets_count(t, &n, &bytes);
        assert_true(bytes <= MOST && n >= 1 && n <= MOST / URL);
    }
    leads(t, "k0", 0, "?");
    /* What alone is too big throws nothing out. */
    size_t before = n;
    struct buf big = {0};

    for (int i = 0; i < 20; i++)
        buf_addf(&big, "<a href=https://b.example/%0*d>x</a>", URL, i);
    keep(t, "big", big.data);
    buf_fini(&big);
    leads(t, "big", 0, "?");
    holds(t, before);
    targets_free(t);
}

static void *worker(void *arg)
{
    struct targets *t = arg;
    char key[16], html[100], url[64];

    for (int i = 0; i < 3000; i++) {
        char *found;

        snprintf(key, sizeof key, "k%d", i % 7);
        snprintf(url, sizeof url, "https://%d.example", i % 7);
        snprintf(html, sizeof html, "<a href=%s>x</a>", url);
        if (!targets_find(t, key, 0, &found))
            keep(t, key, html);
        else
            assert_string_equal(found, url);
        free(found);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct targets *t = targets_new(4, 100000); /* fewer than are asked for */
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, worker, t);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    holds(t, 4);
    targets_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_number_of_contents),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
