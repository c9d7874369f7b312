#include "api/upload/gunzip.h"
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>

/* What gzip itself would write; appended to out. */
static void pack(struct buf *out, const char *text, size_t n)
{
    z_stream z = {0};

    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t most = deflateBound(&z, n);
    z.next_out = (unsigned char *)buf_reserve(out, most);
    z.avail_out = (uInt)most;
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += most - z.avail_out;
    deflateEnd(&z);
}

static enum status add(void *context, const char *bytes, size_t n,
                       struct error *err)
{
    (void)err;
    buf_add(context, bytes, n);
    return STATUS_OK;
}

static enum status feed(struct gunzip *g, const char *bytes, size_t n,
                        struct error *err)
{
    char *copy = malloc(n ? n : 1);
    enum status st;

    if (n)
        memcpy(copy, bytes, n);
    st = gunzip_feed(g, copy, n, err);
    free(copy);
    return st;
}

/* Two pieces; unpacked into out. */
static enum status unpack(const struct buf *packed, size_t cut,
                          uint64_t unpacked_max, struct buf *out,
                          struct error *err)
{
    struct gunzip *g = gunzip_new(unpacked_max, add, out);

    buf_reset(out);
    err->text[0] = 0;
    enum status st = feed(g, packed->data, cut, err);
    if (st == STATUS_OK)
        st = feed(g, packed->data + cut, packed->len - cut, err);
    if (st == STATUS_OK)
        st = gunzip_end(g, err);
    gunzip_free(g);
    return st;
}

static const char text[] = "email,name\njo@example.com,Jo\n";

static void unpacks(void **state)
{
    struct buf packed = {0}, out = {0};
    struct error err;

    (void)state;
    pack(&packed, text, strlen(text));
    for (size_t cut = 0; cut <= packed.len; cut++) {
        assert_int_equal(unpack(&packed, cut, 100, &out, &err), STATUS_OK);
        assert_string_equal(out.data, text);
    }
    buf_fini(&packed), buf_fini(&out);
}

static void joins_members_and_drops_padding(void **state)
{
    struct buf packed = {0}, out = {0};
    struct error err;

    (void)state;
    pack(&packed, text, 11);
    pack(&packed, "", 0);
    pack(&packed, text + 11, strlen(text) - 11);
    buf_add(&packed, "\0\0\0", 3);
    for (size_t cut = 0; cut <= packed.len; cut++) {
        assert_int_equal(unpack(&packed, cut, 100, &out, &err), STATUS_OK);
        assert_string_equal(out.data, text);
    }
    buf_add(&packed, "x", 1);
    assert_int_equal(unpack(&packed, 5, 100, &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "followed by something else"));
    buf_fini(&packed), buf_fini(&out);
}

/* Half a file must never pass for a whole one. */
static void detects_truncation(void **state)
{
    struct buf packed = {0}, out = {0};
    struct error err;

    (void)state;
    pack(&packed, text, strlen(text));
    while (packed.len-- > 0) {
        assert_int_equal(unpack(&packed, packed.len / 2, 100, &out, &err),
                         STATUS_INVALID);
        assert_non_null(strstr(err.text, "ends in the middle"));
    }
    packed.len = 0;
    buf_fini(&packed), buf_fini(&out);
}

static void detects_damage(void **state)
{
    struct buf packed = {0}, out = {0};
    struct error err;

    (void)state;
    buf_add_text(&packed, text);
    assert_int_equal(unpack(&packed, 4, 100, &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "near byte 2: incorrect header check"));
    buf_reset(&packed);
    pack(&packed, text, strlen(text));
    packed.data[packed.len - 6] ^= 1; /* in the checksum */
    assert_int_equal(unpack(&packed, 4, 100, &out, &err), STATUS_INVALID);
    assert_non_null(strstr(err.text, "incorrect data check"));
    buf_fini(&packed), buf_fini(&out);
}

static void limits_size(void **state)
{
    struct buf packed = {0}, out = {0};
    struct error err;

    (void)state;
    pack(&packed, text, strlen(text));
    assert_int_equal(unpack(&packed, 0, strlen(text), &out, &err), STATUS_OK);
    assert_int_equal(unpack(&packed, 0, strlen(text) - 1, &out, &err),
                     STATUS_TOO_BIG);
    assert_non_null(strstr(err.text, "more than 28 bytes"));
    buf_fini(&packed), buf_fini(&out);
}

static enum status count(void *context, const char *bytes, size_t n,
                         struct error *err)
{
    uint64_t *total = context;

    (void)bytes, (void)err;
    *total += n;
    return STATUS_OK;
}

/* A bomb: 1,000 times its size. */
static void limits_the_ratio(void **state)
{
    struct buf packed = {0};
    size_t n = (size_t)GUNZIP_FREE_BYTES * 2;
    char *zeros = calloc(n, 1);
    uint64_t total = 0;
    struct gunzip *g = gunzip_new(UINT64_MAX, count, &total);
    struct error err;

    (void)state;
    pack(&packed, zeros, GUNZIP_FREE_BYTES);
    assert_int_equal(feed(g, packed.data, packed.len, &err), STATUS_OK);
    assert_int_equal(total, GUNZIP_FREE_BYTES);
    gunzip_free(g);
    buf_reset(&packed);
    total = 0;
    pack(&packed, zeros, n);
    g = gunzip_new(UINT64_MAX, count, &total);
    assert_int_equal(feed(g, packed.data, packed.len, &err), STATUS_TOO_BIG);
    assert_true(total < GUNZIP_FREE_BYTES + 1024 * 1024);
    gunzip_free(g);
    free(zeros);
    buf_fini(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacks),
        cmocka_unit_test(joins_members_and_drops_padding),
        cmocka_unit_test(detects_truncation),
        cmocka_unit_test(detects_damage),
        cmocka_unit_test(limits_size),
        cmocka_unit_test(limits_the_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
