/* What is sealed opens with the same seal and label only, and the file of the
 * seal is made once, for its owner alone. */
#include "base/memory.h"
#include "sign/seal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static enum status opened(const struct seal *seal, const char *label,
                          const struct buf *sealed, struct buf *out)
{
    struct error err;

    return seal_open(seal, label, (const unsigned char *)sealed->data,
                     sealed->len, out, &err);
}

static void test_round_trip(void **state)
{
    struct seal seal = {{1, 2, 3}}, other = {{1, 2, 4}};
    struct buf sealed = {0}, again = {0}, out = {0};

    (void)state;
    seal_close(&seal, "a.test s1", "secret", 6, &sealed);
    seal_close(&seal, "a.test s1", "secret", 6, &again);
    assert_int_equal(sealed.len, again.len);
    assert_memory_not_equal(sealed.data, again.data, sealed.len);
    assert_null(memmem(sealed.data, sealed.len, "secret", 6));
    assert_int_equal(opened(&seal, "a.test s1", &sealed, &out), STATUS_OK);
    assert_string_equal(out.data, "secret");
    assert_int_equal(opened(&seal, "a.test s2", &sealed, &out), STATUS_INVALID);
    assert_int_equal(opened(&other, "a.test s1", &sealed, &out),
                     STATUS_INVALID);
    assert_string_equal(out.data, "secret");
    seal_wipe(&out);
    assert_null(out.data);
    buf_fini(&sealed);
    buf_fini(&again);
}

static void test_each_byte_counts(void **state)
{
    struct seal seal = {{7}};
    struct buf sealed = {0}, out = {0};

    (void)state;
    seal_close(&seal, "l", "text", 4, &sealed);
    size_t len = sealed.len;

    for (size_t i = 0; i < len; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(opened(&seal, "l", &sealed, &out), STATUS_INVALID);
        sealed.data[i] ^= 1;
        sealed.len = i;
        assert_int_equal(opened(&seal, "l", &sealed, &out), STATUS_INVALID);
        sealed.len = len;
    }
    assert_int_equal(out.len, 0);
    seal_wipe(&out);
    buf_fini(&sealed);
}

static void test_file(void **state)
{
    char dir[] = "/tmp/test_seal.XXXXXX", none[] = "", path[64];
    struct config config = {.state_dir = dir, .seal_key_file = none};
    struct seal seal, again;
    struct error err;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/seal.key", dir);
    assert_int_equal(seal_read(&seal, &config, false, &err), STATUS_NOT_FOUND);
    assert_int_equal(seal_read(&seal, &config, true, &err), STATUS_OK);
    assert_int_equal(seal_read(&again, &config, true, &err), STATUS_OK);
    assert_memory_equal(&seal, &again, sizeof seal);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    config.seal_key_file = path;
    assert_int_equal(seal_read(&again, &config, false, &err), STATUS_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(seal_read(&again, &config, true, &err), STATUS_INVALID);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 31), 0);
    assert_int_equal(seal_read(&again, &config, true, &err), STATUS_INVALID);
    assert_int_equal(unlink(path), 0);
    /* A file that someone named is not made up. */
    assert_int_equal(seal_read(&again, &config, true, &err), STATUS_NOT_FOUND);
    seal_fini(&seal);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_each_byte_counts),
        cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
