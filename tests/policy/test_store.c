/* What is counted together. */
#include "policy/store.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void key(const struct policy_session *s, int64_t day,
                char out[DIGEST_TEXT_MAX])
{
    policy_session_key(s, day, out);
}

/* Whatever differs, at the end of a long policy, too, is another row. */
static void all_of_a_session_tells_it_apart(void **state)
{
    static char policy[65536], other[65536];
    const struct policy_session plain = {.domain = "a.example",
                                         .policy = policy,
                                         .result = "",
                                         .sending_ip = "192.0.2.1",
                                         .mx_host = "mx.example",
                                         .receiving_ip = "192.0.2.2",
                                         .reason = ""};
    struct policy_session s[] = {plain, plain, plain, plain,
                                 plain, plain, plain, plain};
    const size_t n = sizeof s / sizeof *s;
    char keys[8][DIGEST_TEXT_MAX], again[DIGEST_TEXT_MAX];

    (void)state;
    memset(policy, 'p', sizeof policy - 1);
    memcpy(other, policy, sizeof other);
    other[sizeof other - 2] = 'q';
    s[1].domain = "b.example";
    s[2].policy = other;
    s[3].result = "validation-failure";
    s[4].sending_ip = "192.0.2.3";
    s[5].mx_host = "mx.exampl";
    s[6].receiving_ip = "e192.0.2.2";
    s[7].reason = "why";
    for (size_t i = 0; i < n; i++) {
        key(&s[i], 86400, keys[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(keys[i], keys[k]);
    }
    key(&plain, 86400, again);
    assert_string_equal(again, keys[0]);
    key(&plain, 2 * 86400, again);
    assert_string_not_equal(again, keys[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_session_tells_it_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
