#include "base/siphash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The authors' vectors: key 00..0f, input 00, 01, 02, ... */
static void is_siphash(void **state)
{
    static const struct {
        size_t len;
        uint64_t mac;
    } vectors[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {2, UINT64_C(0x0d6c8009d9a94f5a)},  {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)}, {16, UINT64_C(0x3f2acc7f57c29bdb)},
    };
    unsigned char key[SIPHASH_KEY_BYTES], in[16];

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        key[i] = in[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_true(siphash(key, in, vectors[i].len) == vectors[i].mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_siphash)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
