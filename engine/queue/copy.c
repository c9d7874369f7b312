#include "queue/copy.h"
#include "base/bug.h"
#include "base/clock.h"

/* Type numbers of pg_type.dat: these never change. */
enum {
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_UUID = 2950,
};

static char *store16(char *to, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(to, &v, sizeof v);
    return to + sizeof v;
}

static char *store32(char *to, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(to, &v, sizeof v);
    return to + sizeof v;
}

static char *store64(char *to, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(to, &v, sizeof v);
    return to + sizeof v;
}

static void advance(struct buf *b, const char *end)
{
    b->len = (size_t)(end - b->data);
    b->data[b->len] = 0;
}

static uint32_t length_of(size_t n)
{
    if (n > INT32_MAX)
        BUG("a field longer than PostgreSQL takes");
    return (uint32_t)n;
}

void copy_header(struct buf *b)
{
    static const char signature[11] = {'P',  'G',    'C',  'O',  'P', 'Y',
                                       '\n', '\377', '\r', '\n', 0};

    buf_add(b, signature, sizeof signature);
    buf_add_u32(b, 0); /* flags */
    buf_add_u32(b, 0); /* length of the header's extension */
}

void copy_trailer(struct buf *b)
{
    buf_add_u16(b, UINT16_MAX);
}

void copy_row(struct buf *b, int16_t columns)
{
    advance(b, store16(buf_reserve(b, 2), (uint16_t)columns));
}

void copy_null(struct buf *b)
{
    advance(b, store32(buf_reserve(b, 4), UINT32_MAX));
}

void copy_int16(struct buf *b, int16_t v)
{
    char *to = store32(buf_reserve(b, 6), 2);

    advance(b, store16(to, (uint16_t)v));
}

void copy_int32(struct buf *b, int32_t v)
{
    char *to = store32(buf_reserve(b, 8), 4);

    advance(b, store32(to, (uint32_t)v));
}

void copy_int64(struct buf *b, int64_t v)
{
    char *to = store32(buf_reserve(b, 12), 8);

    advance(b, store64(to, (uint64_t)v));
}

void copy_bool(struct buf *b, bool v)
{
    char *to = store32(buf_reserve(b, 5), 1);

    *to = v;
    advance(b, to + 1);
}

void copy_bytes(struct buf *b, const void *bytes, size_t len)
{
    char *to = store32(buf_reserve(b, len + 4), length_of(len));

    if (len)
        memcpy(to, bytes, len);
    advance(b, to + len);
}

void copy_text(struct buf *b, const char *s)
{
    if (s)
        copy_bytes(b, s, strlen(s));
    else
        copy_null(b);
}

void copy_uuid(struct buf *b, const struct copy_uuid *v)
{
    copy_bytes(b, v->bytes, sizeof v->bytes);
}

void copy_timestamptz(struct buf *b, int64_t wall_us)
{
    /* The largest integer is PostgreSQL's infinity, too. */
    if (wall_us == INT64_MAX || wall_us < INT64_MIN + CLOCK_PG_EPOCH_US)
        copy_int64(b, wall_us);
    else
        copy_int64(b, wall_us - CLOCK_PG_EPOCH_US);
}

/* Dimensions, whether there are nulls, element type; then, if there are
 * elements at all, their number and the first one's index. */
static char *store_array(char *to, uint32_t oid, size_t n)
{
    to = store32(to, n ? 1 : 0);
    to = store32(to, 0);
    to = store32(to, oid);
    if (n) {
        to = store32(to, length_of(n));
        to = store32(to, 1);
    }
    return to;
}

static size_t array_bytes(size_t n, size_t element_bytes)
{
    return n ? 20 + n * (4 + element_bytes) : 12;
}

void copy_value_int32s(struct buf *b, const int32_t *v, size_t n)
{
    char *to = store_array(buf_reserve(b, array_bytes(n, 4)), OID_INT4, n);

    for (size_t i = 0; i < n; i++)
        to = store32(store32(to, 4), (uint32_t)v[i]);
    advance(b, to);
}

void copy_value_int64s(struct buf *b, const int64_t *v, size_t n)
{
    char *to = store_array(buf_reserve(b, array_bytes(n, 8)), OID_INT8, n);

    for (size_t i = 0; i < n; i++)
        to = store64(store32(to, 8), (uint64_t)v[i]);
    advance(b, to);
}

void copy_value_uuids(struct buf *b, const struct copy_uuid *v, size_t n)
{
    size_t bytes = array_bytes(n, COPY_UUID_BYTES);
    char *to = store_array(buf_reserve(b, bytes), OID_UUID, n);

    for (size_t i = 0; i < n; i++) {
        to = store32(to, COPY_UUID_BYTES);
        memcpy(to, v[i].bytes, COPY_UUID_BYTES);
        to += COPY_UUID_BYTES;
    }
    advance(b, to);
}

void copy_value_texts(struct buf *b, const char *const *v, size_t n)
{
    advance(b, store_array(buf_reserve(b, array_bytes(n, 0)), OID_TEXT, n));
    for (size_t i = 0; i < n; i++)
        copy_text(b, v[i]);
}

void copy_int32s(struct buf *b, const int32_t *v, size_t n)
{
    buf_add_u32(b, length_of(array_bytes(n, 4)));
    copy_value_int32s(b, v, n);
}

void copy_int64s(struct buf *b, const int64_t *v, size_t n)
{
    buf_add_u32(b, length_of(array_bytes(n, 8)));
    copy_value_int64s(b, v, n);
}
