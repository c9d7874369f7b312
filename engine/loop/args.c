#include "loop/args.h"
#include "base/bug.h"
#include "base/clock.h"

void args_fini(struct args *a)
{
    buf_fini(&a->bytes);
    *a = (struct args){0};
}

void args_reset(struct args *a)
{
    buf_reset(&a->bytes);
    a->n = 0;
}

static void start(struct args *a)
{
    if (a->n == ARGS_MAX)
        BUG("too many parameters");
    a->at[a->n] = a->bytes.len;
    buf_reserve(&a->bytes, 1); /* an empty text is not NULL */
}

static void end(struct args *a)
{
    a->length[a->n] = (int)(a->bytes.len - a->at[a->n]);
    a->n++;
}

void args_null(struct args *a)
{
    start(a);
    a->length[a->n++] = -1;
}

void args_bool(struct args *a, bool v)
{
    start(a);
    buf_add_char(&a->bytes, v);
    end(a);
}

void args_int(struct args *a, int32_t v)
{
    start(a);
    buf_add_u32(&a->bytes, (uint32_t)v);
    end(a);
}

void args_bigint(struct args *a, int64_t v)
{
    start(a);
    buf_add_u64(&a->bytes, (uint64_t)v);
    end(a);
}

void args_text(struct args *a, const char *s, size_t len)
{
    if (!s) {
        args_null(a);
        return;
    }
    start(a);
    buf_add(&a->bytes, s, len);
    end(a);
}

void args_uuid(struct args *a, const unsigned char uuid[16])
{
    start(a);
    buf_add(&a->bytes, uuid, 16);
    end(a);
}

/* The largest and the least are infinity to PostgreSQL, too. */
static int64_t pg_us(int64_t wall_us)
{
    if (wall_us == INT64_MAX || wall_us < INT64_MIN + CLOCK_PG_EPOCH_US)
        return wall_us;
    return wall_us - CLOCK_PG_EPOCH_US;
}

void args_time(struct args *a, int64_t wall_us)
{
    args_bigint(a, pg_us(wall_us));
}

/* Array header: dimensions, has nulls, element type, count, lower bound. The
 * count is raised with each element. */
enum { ARRAY_COUNT_AT = 12 };

void args_array_start(struct args *a, enum args_element type)
{
    start(a);
    buf_add_u32(&a->bytes, 1);
    buf_add_u32(&a->bytes, 1);
    buf_add_u32(&a->bytes, (uint32_t)type);
    buf_add_u32(&a->bytes, 0);
    buf_add_u32(&a->bytes, 1);
}

static void count(struct args *a)
{
    unsigned char *n =
        (unsigned char *)a->bytes.data + a->at[a->n] + ARRAY_COUNT_AT;

    for (int i = 3; i >= 0 && ++n[i] == 0; i--)
        continue;
}

void args_element_null(struct args *a)
{
    buf_add_u32(&a->bytes, UINT32_MAX);
    count(a);
}

void args_element_bool(struct args *a, bool v)
{
    buf_add_u32(&a->bytes, 1);
    buf_add_char(&a->bytes, v);
    count(a);
}

void args_element_smallint(struct args *a, int16_t v)
{
    buf_add_u32(&a->bytes, 2);
    buf_add_u16(&a->bytes, (uint16_t)v);
    count(a);
}

void args_element_int(struct args *a, int32_t v)
{
    buf_add_u32(&a->bytes, 4);
    buf_add_u32(&a->bytes, (uint32_t)v);
    count(a);
}

void args_element_bigint(struct args *a, int64_t v)
{
    buf_add_u32(&a->bytes, 8);
    buf_add_u64(&a->bytes, (uint64_t)v);
    count(a);
}

void args_element_text(struct args *a, const char *s, size_t len)
{
    buf_add_u32(&a->bytes, (uint32_t)len);
    buf_add(&a->bytes, s, len);
    count(a);
}

void args_element_uuid(struct args *a, const unsigned char uuid[16])
{
    args_element_text(a, (const char *)uuid, 16);
}

void args_element_time(struct args *a, int64_t wall_us)
{
    args_element_bigint(a, pg_us(wall_us));
}

void args_array_end(struct args *a)
{
    end(a);
}

void args_values(const struct args *a, const char **values)
{
    for (int i = 0; i < a->n; i++)
        values[i] = a->length[i] < 0 ? NULL : a->bytes.data + a->at[i];
}
