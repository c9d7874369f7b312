#include "queue/presort.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const unsigned char secret[MAILID_SECRET_BYTES] = "a secret of the test";

static void add(struct presort *p, const char *address, const char *variables)
{
    presort_add(p, address, strlen(address), variables,
                variables ? strlen(variables) : 0);
}

static void add_many(struct presort *p, const char *domain, int n)
{
    char address[64];

    for (int i = 0; i < n; i++) {
        snprintf(address, sizeof address, "user%d@%s", i, domain);
        add(p, address, NULL);
    }
}

static void is_mail(const struct presort *p, size_t at, const char *address,
                    const char *variables)
{
    struct presort_mail m = presort_mail(p, at);

    assert_int_equal(m.address_len, strlen(address));
    assert_memory_equal(m.address, address, m.address_len);
    if (!variables) {
        assert_null(m.variables);
        return;
    }
    assert_int_equal(m.variables_len, strlen(variables));
    assert_memory_equal(m.variables, variables, m.variables_len);
}

static void is_batch(const struct presort_batch *b, const char *site,
                     size_t first, size_t size)
{
    assert_string_equal(b->site, site);
    assert_int_equal(b->first, first);
    assert_int_equal(b->size, size);
}

static size_t fold(struct presort *p)
{
    size_t n;

    presort_fold(p, &n);
    return n;
}

/* Letters' case is all that is folded, and the first one stays. */
static void folds_duplicates(void **state)
{
    struct presort *p = presort_new(secret, 10, 10);
    size_t n;

    (void)state;
    add(p, "Jo@Example.COM", "{\"n\":1}");
    add(p, "jo+news@example.com", NULL);
    add(p, "jo@example.com", "{\"n\":2}");
    add(p, "JO@EXAMPLE.COM", "{\"n\":3}");
    add(p, "j\xc3\x96@example.com", NULL);
    add(p, "j\xc3\xb6@example.com", NULL);
    assert_int_equal(fold(p), 4);
    assert_int_equal(presort_domains(p), 1);
    assert_string_equal(presort_domain(p, 0), "example.com");
    is_batch(presort_cut(p, &n), "other", 0, 4);
    assert_int_equal(n, 1);
    is_mail(p, 0, "Jo@Example.COM", "{\"n\":1}");
    is_mail(p, 1, "jo+news@example.com", NULL);
    presort_free(p);
}

static void keys_are_sorted_and_secret(void **state)
{
    struct presort *p = presort_new(secret, 100, 10);
    static const unsigned char other[MAILID_SECRET_BYTES] = "another";
    struct presort *q = presort_new(other, 100, 10);
    size_t n;

    (void)state;
    add_many(p, "example.com", 100);
    const struct copy_uuid *keys = presort_fold(p, &n);
    assert_int_equal(n, 100);
    for (size_t i = 1; i < n; i++)
        assert_true(memcmp(&keys[i - 1], &keys[i], sizeof *keys) < 0);
    add_many(q, "example.com", 100);
    assert_memory_not_equal(keys, presort_fold(q, &n), sizeof *keys);
    presort_free(p);
    presort_free(q);
}

static void drops_who_is_there_already(void **state)
{
    struct presort *p = presort_new(secret, 10, 10);
    struct copy_uuid known[3];
    size_t n;

    (void)state;
    add(p, "a@example.com", NULL);
    memcpy(&known[0], presort_fold(p, &n), sizeof *known);
    presort_reset(p);
    add(p, "b@example.net", NULL);
    memcpy(&known[1], presort_fold(p, &n), sizeof *known);
    memset(&known[2], 0xff, sizeof known[2]);
    presort_reset(p);

    add(p, "c@example.com", NULL);
    add(p, "B@example.net", NULL);
    add(p, "a@EXAMPLE.com", NULL);
    assert_int_equal(fold(p), 3);
    assert_int_equal(presort_drop(p, known, 3), 2);
    assert_int_equal(presort_drop(p, known, 3), 0);
    assert_int_equal(presort_domains(p), 1);
    is_batch(presort_cut(p, &n), "other", 0, 1);
    assert_int_equal(n, 1);
    is_mail(p, 0, "c@example.com", NULL);
    presort_free(p);
}

static void nothing_left_makes_no_batch(void **state)
{
    struct presort *p = presort_new(secret, 10, 10);
    size_t n = 9;

    (void)state;
    add(p, "a@example.com", NULL);
    const struct copy_uuid *keys = presort_fold(p, &n);
    struct copy_uuid copy = keys[0];
    assert_int_equal(presort_drop(p, &copy, 1), 1);
    presort_cut(p, &n);
    assert_int_equal(n, 0);
    presort_free(p);
}

static void groups_by_site(void **state)
{
    struct presort *p = presort_new(secret, 1000, 1000);
    size_t n;

    (void)state;
    add(p, "z@small.example", NULL);
    add(p, "a@GMAIL.com", NULL);
    add(p, "y@minor.example", NULL);
    add_many(p, "big.example", PRESORT_OWN_SITE);
    add_many(p, "nearly.example", PRESORT_OWN_SITE - 1);
    add(p, "b@googlemail.com", NULL);
    add(p, "c@gmail.com", NULL);
    fold(p);
    assert_int_equal(presort_domains(p), 6);
    presort_site(p, "gmail.com", "google");
    presort_site(p, "googlemail.com", "google");
    presort_site(p, "unknown.example", "google");
    const struct presort_batch *b = presort_cut(p, &n);
    assert_int_equal(n, 3);
    is_batch(&b[0], "big.example", 0, 50);
    is_batch(&b[1], "google", 50, 3);
    is_batch(&b[2], "other", 53, 51);
    /* By domain within the site; as they came within the domain. */
    is_mail(p, 0, "user0@big.example", NULL);
    is_mail(p, 49, "user49@big.example", NULL);
    is_mail(p, 50, "a@GMAIL.com", NULL);
    is_mail(p, 51, "c@gmail.com", NULL);
    is_mail(p, 52, "b@googlemail.com", NULL);
    is_mail(p, 53, "y@minor.example", NULL);
    is_mail(p, 54, "user0@nearly.example", NULL);
    is_mail(p, 103, "z@small.example", NULL);
    presort_free(p);
}

static void cuts_even_batches_round_robin(void **state)
{
    struct presort *p = presort_new(secret, 1000, 100);
    size_t n;

    (void)state;
    add_many(p, "a.example", 201);
    add_many(p, "b.example", 100);
    add_many(p, "c.example", 60);
    add_many(p, "d.example", 101);
    fold(p);
    const struct presort_batch *b = presort_cut(p, &n);
    assert_int_equal(n, 7);
    is_batch(&b[0], "a.example", 0, 67);
    is_batch(&b[1], "b.example", 201, 100);
    is_batch(&b[2], "c.example", 301, 60);
    is_batch(&b[3], "d.example", 361, 50);
    is_batch(&b[4], "a.example", 67, 67);
    is_batch(&b[5], "d.example", 411, 51);
    is_batch(&b[6], "a.example", 134, 67);
    presort_free(p);
}

/* By number, and by bytes: a slice of huge variables is cut short. */
static void is_full_in_time(void **state)
{
    struct presort *p = presort_new(secret, 3, 10);
    static char big[PRESORT_BYTES_MAX / 2];

    (void)state;
    add_many(p, "example.com", 2);
    assert_false(presort_full(p));
    add(p, "last@example.com", NULL);
    assert_true(presort_full(p));
    presort_reset(p);
    assert_false(presort_full(p));
    assert_int_equal(presort_count(p), 0);
    presort_add(p, "a@example.com", 13, big, sizeof big);
    assert_false(presort_full(p));
    presort_add(p, "b@example.com", 13, big, sizeof big);
    assert_true(presort_full(p));
    presort_free(p);
}

static void many_domains(void **state)
{
    struct presort *p = presort_new(secret, 5000, 1000);
    char address[64];
    size_t n;

    (void)state;
    for (int i = 4999; i >= 0; i--) {
        snprintf(address, sizeof address, "x@d%04d.example", i);
        add(p, address, NULL);
    }
    assert_int_equal(fold(p), 5000);
    assert_int_equal(presort_domains(p), 5000);
    const struct presort_batch *b = presort_cut(p, &n);
    assert_int_equal(n, 5);
    is_batch(&b[4], "other", 4000, 1000);
    is_mail(p, 0, "x@d0000.example", NULL);
    is_mail(p, 4999, "x@d4999.example", NULL);
    presort_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_duplicates),
        cmocka_unit_test(keys_are_sorted_and_secret),
        cmocka_unit_test(drops_who_is_there_already),
        cmocka_unit_test(nothing_left_makes_no_batch),
        cmocka_unit_test(groups_by_site),
        cmocka_unit_test(cuts_even_batches_round_robin),
        cmocka_unit_test(is_full_in_time),
        cmocka_unit_test(many_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
