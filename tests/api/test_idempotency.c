#include "api/idempotency.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct idempotency_claim claim(int64_t project, const char *key)
{
    struct idempotency_claim c = {.project = project};

    snprintf(c.key, sizeof c.key, "%s", key);
    return c;
}

static void test_key(void **state)
{
    char key[IDEMPOTENCY_KEY_MAX + 2];

    (void)state;
    memset(key, 'k', sizeof key);
    key[IDEMPOTENCY_KEY_MAX + 1] = 0;
    assert_false(idempotency_key_valid(key));
    key[IDEMPOTENCY_KEY_MAX] = 0;
    assert_true(idempotency_key_valid(key));
    assert_true(idempotency_key_valid("welcome-user/1 ~"));
    assert_false(idempotency_key_valid(""));
    assert_false(idempotency_key_valid("a\tb"));
    assert_false(idempotency_key_valid("caf\xc3\xa9"));
}

static void test_claims(void **state)
{
    struct idempotency *map = idempotency_new();
    struct idempotency_claim a = claim(1, "k"), b = claim(1, "k"),
                             other = claim(2, "k"), more = claim(1, "l");

    (void)state;
    assert_true(idempotency_claim(map, &a));
    assert_false(idempotency_claim(map, &b));
    assert_true(idempotency_claim(map, &other));
    assert_true(idempotency_claim(map, &more));
    idempotency_release(map, &a);
    assert_true(idempotency_claim(map, &b));
    idempotency_release(map, &other);
    idempotency_release(map, &more);
    assert_false(idempotency_claim(map, &a));
    idempotency_release(map, &b);
    idempotency_free(map);
}

/* The same key in more projects than there are buckets. */
static void test_projects(void **state)
{
    enum { PROJECTS = 5000 };
    static struct idempotency_claim claims[PROJECTS];
    struct idempotency *map = idempotency_new();

    (void)state;
    for (int i = 0; i < PROJECTS; i++) {
        claims[i] = claim(i, "k");
        assert_true(idempotency_claim(map, &claims[i]));
    }
    for (int i = 0; i < PROJECTS; i++)
        idempotency_release(map, &claims[i]);
    assert_true(idempotency_claim(map, &claims[7]));
    idempotency_release(map, &claims[7]);
    idempotency_free(map);
}

static void test_answer(void **state)
{
    struct idempotency_claim c = claim(1, "k");
    unsigned char hash[IDEMPOTENCY_HASH_BYTES] = {0};
    struct reply reply = {0};

    (void)state;
    idempotency_answer(&c, hash, 201, "{\"id\":1}", 8, &reply);
    assert_int_equal(reply.status, 201);
    assert_string_equal(reply.body.data, "{\"id\":1}");
    hash[31] = 1;
    idempotency_answer(&c, hash, 201, "{\"id\":1}", 8, &reply);
    assert_int_equal(reply.status, 409);
    assert_non_null(strstr(reply.body.data, "invalid_idempotent_request"));
    reply_fini(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_projects),
        cmocka_unit_test(test_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
