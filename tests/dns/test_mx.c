#include "dns/mx.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* An MX record's data: preference, then the name's labels. */
struct record {
    unsigned char bytes[300];
    size_t len;
};

static struct dns_data mx(struct record *r, unsigned preference,
                          const char *name)
{
    r->bytes[0] = (unsigned char)(preference >> 8);
    r->bytes[1] = (unsigned char)preference;
    r->len = 2;
    while (*name) {
        size_t label = strcspn(name, ".");

        r->bytes[r->len++] = (unsigned char)label;
        memcpy(r->bytes + r->len, name, label);
        r->len += label;
        name += label + (name[label] == '.');
    }
    r->bytes[r->len++] = 0;
    return (struct dns_data){r->bytes, r->len};
}

static uint32_t last(uint32_t n)
{
    return n - 1; /* leaves the order as it is */
}

static uint32_t first(uint32_t n)
{
    (void)n;
    return 0;
}

static void sorts_by_preference(void **state)
{
    struct record r[4];
    const struct dns_data in[] = {
        mx(&r[0], 30, "c.example"), mx(&r[1], 5, "A.Example"),
        mx(&r[2], 300, "d.example"), mx(&r[3], 10, "b.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(in, 4, "us.example", out, &n), MX_HOSTS);
    assert_int_equal(n, 4);
    assert_string_equal(out[0].name, "a.example");
    assert_string_equal(out[1].name, "b.example");
    assert_string_equal(out[2].name, "c.example");
    assert_string_equal(out[3].name, "d.example");
    assert_int_equal(out[3].preference, 300);
}

static void shuffles_equal_ones_only(void **state)
{
    struct record r[4];
    const struct dns_data in[] = {
        mx(&r[0], 1, "a.example"), mx(&r[1], 2, "b.example"),
        mx(&r[2], 2, "c.example"), mx(&r[3], 2, "d.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    struct mx sorted[4];

    assert_int_equal(mx_sort(in, 4, "", out, &n), MX_HOSTS);
    memcpy(sorted, out, sizeof sorted);
    mx_shuffle(out, n, last);
    assert_memory_equal(out, sorted, sizeof sorted);
    mx_shuffle(out, n, first);
    assert_string_equal(out[0].name, "a.example");
    assert_string_equal(out[1].name, sorted[2].name);
    assert_string_equal(out[2].name, sorted[3].name);
    assert_string_equal(out[3].name, sorted[1].name);
}

/* Whatever order they come in: all who have them use the same first. */
static void sorts_equal_ones_by_their_names(void **state)
{
    static struct record r[30];
    static struct mx out[2][DNS_RECORDS_MAX];
    struct dns_data in[30], reversed[30];
    char name[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "m%zu.example", i);
        in[i] = mx(&r[i], 10, name);
        reversed[29 - i] = in[i];
    }
    assert_int_equal(mx_sort(in, 30, "", out[0], &n), MX_HOSTS);
    assert_int_equal(n, 30);
    assert_int_equal(mx_sort(reversed, 30, "", out[1], &n), MX_HOSTS);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(out[0][i].name, out[1][i].name);
}

static void knows_a_null_mx(void **state)
{
    struct record r[2];
    const struct dns_data null[] = {mx(&r[0], 0, ""),
                                    mx(&r[1], 5, "a.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(null, 1, "", out, &n), MX_NULL);
    /* Beside others it is only nonsense (RFC 7505, 3). */
    assert_int_equal(mx_sort(null, 2, "", out, &n), MX_HOSTS);
    assert_int_equal(n, 1);
    assert_string_equal(out[0].name, "a.example");
}

/* RFC 5321, 5.1: of the hosts only those better than us. */
static void cuts_where_it_is_itself(void **state)
{
    struct record r[4];
    const struct dns_data in[] = {
        mx(&r[0], 10, "a.example"), mx(&r[1], 20, "us.example"),
        mx(&r[2], 20, "b.example"), mx(&r[3], 30, "c.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(in, 4, "us.example", out, &n), MX_HOSTS);
    assert_int_equal(n, 1);
    assert_string_equal(out[0].name, "a.example");
    assert_int_equal(mx_sort(in + 1, 3, "us.example", out, &n), MX_LOOPS);
}

/* As the setting has it: in capitals, with a final dot. */
static void knows_its_own_name(void **state)
{
    struct record r[2];
    const struct dns_data in[] = {mx(&r[0], 10, "Us.Example"),
                                  mx(&r[1], 20, "a.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(in, 2, "US.Example.", out, &n), MX_LOOPS);
    assert_int_equal(mx_sort(in, 2, "us.example.org", out, &n), MX_HOSTS);
    assert_int_equal(n, 2);
    assert_true(mx_is_own("us.example", "uS.eXample"));
    assert_false(mx_is_own("us.example", "us.example.."));
    assert_false(mx_is_own("us.example", "us.exampl"));
    assert_false(mx_is_own("", ""));
}

static void takes_each_name_once(void **state)
{
    struct record r[3];
    const struct dns_data in[] = {mx(&r[0], 10, "a.example"),
                                  mx(&r[1], 5, "A.EXAMPLE"),
                                  mx(&r[2], 7, "b.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(in, 3, "", out, &n), MX_HOSTS);
    assert_int_equal(n, 2);
    assert_string_equal(out[0].name, "a.example");
    assert_int_equal(out[0].preference, 5);
}

/* Such a name can't be asked for: mail would wait until it expires. */
static void leaves_out_what_is_an_escape_as_text(void **state)
{
    struct record r[2];
    const struct dns_data in[] = {mx(&r[0], 1, "a\\999.example"),
                                  mx(&r[1], 2, "b.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(in, 1, "", out, &n), MX_BROKEN);
    assert_int_equal(mx_sort(in, 2, "", out, &n), MX_HOSTS);
    assert_int_equal(n, 1);
    assert_string_equal(out[0].name, "b.example");
}

static void leaves_out_what_is_no_host(void **state)
{
    struct record r[4];
    const struct dns_data in[] = {mx(&r[0], 1, "192.0.2.1"),
                                  mx(&r[1], 2, "a b.example"),
                                  {r[1].bytes, 2},
                                  mx(&r[2], 3, "mx.4you.example")};
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    assert_int_equal(mx_sort(in, 3, "", out, &n), MX_BROKEN);
    assert_int_equal(mx_sort(in, 4, "", out, &n), MX_HOSTS);
    assert_string_equal(out[0].name, "mx.4you.example");
}

/* Cut anywhere, a record is none. */
static void refuses_every_cut(void **state)
{
    struct record r;
    struct dns_data whole = mx(&r, 5, "mail.a.example");
    struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        struct dns_data cut = {whole.bytes, len};

        assert_int_equal(mx_sort(&cut, 1, "", out, &n), MX_BROKEN);
    }
    assert_int_equal(mx_sort(&whole, 1, "", out, &n), MX_HOSTS);
}

static void takes_all_that_there_is_room_for(void **state)
{
    static struct record r[DNS_RECORDS_MAX];
    static struct dns_data in[DNS_RECORDS_MAX];
    static struct mx out[DNS_RECORDS_MAX];
    size_t n;

    (void)state;
    for (size_t i = 0; i < DNS_RECORDS_MAX; i++) {
        char name[] = {'m', (char)('a' + i / 26), (char)('a' + i % 26), 0};

        in[i] = mx(&r[i], (unsigned)(DNS_RECORDS_MAX - i), name);
    }
    assert_int_equal(mx_sort(in, DNS_RECORDS_MAX, "", out, &n), MX_HOSTS);
    assert_int_equal(n, DNS_RECORDS_MAX);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(out[i].preference, i + 1);
}

static void names_the_site(void **state)
{
    const struct mx hosts[] = {
        {"mx2.example", 1}, {"mx1.example", 1}, {"a-backup.example", 2}};
    char site[DNS_NAME_MAX];

    (void)state;
    mx_site(hosts, 3, site);
    assert_string_equal(site, "mx1.example");
}

static void makes_domains_ascii(void **state)
{
    char out[DNS_NAME_MAX], label[80];
    struct error err;

    (void)state;
    assert_int_equal(dns_ascii("Example.COM", out, &err), STATUS_OK);
    assert_string_equal(out, "example.com");
    assert_int_equal(dns_ascii("bücher.example", out, &err), STATUS_OK);
    assert_string_equal(out, "xn--bcher-kva.example");
    memset(label, 'a', sizeof label - 1);
    label[sizeof label - 1] = 0;
    assert_int_equal(dns_ascii(label, out, &err), STATUS_INVALID);
    assert_int_equal(dns_ascii("", out, &err), STATUS_INVALID);
    assert_int_equal(dns_ascii("a\\999.example", out, &err), STATUS_INVALID);
    assert_int_equal(dns_ascii("a b.example", out, &err), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_by_preference),
        cmocka_unit_test(shuffles_equal_ones_only),
        cmocka_unit_test(sorts_equal_ones_by_their_names),
        cmocka_unit_test(knows_a_null_mx),
        cmocka_unit_test(cuts_where_it_is_itself),
        cmocka_unit_test(knows_its_own_name),
        cmocka_unit_test(takes_each_name_once),
        cmocka_unit_test(leaves_out_what_is_an_escape_as_text),
        cmocka_unit_test(leaves_out_what_is_no_host),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(takes_all_that_there_is_room_for),
        cmocka_unit_test(names_the_site),
        cmocka_unit_test(makes_domains_ascii),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
