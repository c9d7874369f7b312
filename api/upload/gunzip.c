#include "api/upload/gunzip.h"
#include "base/bug.h"
#include "base/memory.h"
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    BLOCK_BYTES = 64 * 1024,
    GZIP_ONLY = 15 + 16, /* zlib's windowBits: largest window, gzip's header */
};

enum where { IN_MEMBER, BETWEEN, IN_PADDING };

struct gunzip {
    z_stream z;
    enum where where;
    uint64_t packed, unpacked, unpacked_max;
    gunzip_taker *take;
    void *context;
    unsigned char block[BLOCK_BYTES];
};

struct gunzip *gunzip_new(uint64_t unpacked_max, gunzip_taker *take,
                          void *context)
{
    struct gunzip *g = memory_new(1, sizeof *g);

    g->unpacked_max = unpacked_max;
    g->take = take;
    g->context = context;
    if (inflateInit2(&g->z, GZIP_ONLY) != Z_OK)
        BUG("zlib won't start");
    return g;
}

void gunzip_free(struct gunzip *g)
{
    if (!g)
        return;
    inflateEnd(&g->z);
    free(g);
}

static enum status check_limits(const struct gunzip *g, struct error *err)
{
    if (g->unpacked > g->unpacked_max)
        return fail(err, STATUS_TOO_BIG,
                    "the upload unpacks to more than %llu bytes",
                    (unsigned long long)g->unpacked_max);
    if (g->unpacked > GUNZIP_FREE_BYTES &&
        g->unpacked / GUNZIP_RATIO_MAX > g->packed)
        return fail(err, STATUS_TOO_BIG,
                    "the gzip stream unpacks to more than %d times its size",
                    GUNZIP_RATIO_MAX);
    return STATUS_OK;
}

/* One block out. *idle: more input is needed. */
static enum status inflate_block(struct gunzip *g, bool *idle,
                                 struct error *err)
{
    uInt before = g->z.avail_in;

    g->z.next_out = g->block;
    g->z.avail_out = BLOCK_BYTES;
    int code = inflate(&g->z, Z_NO_FLUSH);
    size_t n = BLOCK_BYTES - g->z.avail_out;

    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return fail(err, STATUS_INVALID,
                    "the gzip stream is damaged near byte %llu: %s",
                    (unsigned long long)(g->packed + before - g->z.avail_in),
                    g->z.msg ? g->z.msg : "it can't be unpacked");
    g->packed += before - g->z.avail_in;
    g->unpacked += n;
    *idle = code == Z_BUF_ERROR || (code == Z_OK && g->z.avail_out > 0);
    enum status st = check_limits(g, err);
    if (st == STATUS_OK && n > 0)
        st = g->take(g->context, (const char *)g->block, n, err);
    if (code == Z_STREAM_END)
        g->where = BETWEEN;
    return st;
}

/* Behind a member: another, or padding to the end. */
static enum status go_on(struct gunzip *g, struct error *err)
{
    if (g->where == BETWEEN && g->z.next_in[0] != 0) {
        inflateReset(&g->z);
        g->where = IN_MEMBER;
        return STATUS_OK;
    }
    g->where = IN_PADDING;
    for (; g->z.avail_in > 0; g->z.avail_in--, g->z.next_in++, g->packed++)
        if (*g->z.next_in != 0)
            return fail(err, STATUS_INVALID,
                        "the gzip stream is followed by something else at "
                        "byte %llu",
                        (unsigned long long)g->packed);
    return STATUS_OK;
}

enum status gunzip_feed(struct gunzip *g, const char *bytes, size_t n,
                        struct error *err)
{
    enum status st = STATUS_OK;
    bool idle = false;

    if (n > UINT_MAX)
        BUG("a piece larger than zlib takes");
    g->z.next_in = (const unsigned char *)bytes;
    g->z.avail_in = (uInt)n;
    while (st == STATUS_OK && (g->z.avail_in > 0 || !idle)) {
        if (g->where == IN_MEMBER)
            st = inflate_block(g, &idle, err);
        else if (g->z.avail_in == 0)
            break;
        else
            st = go_on(g, err);
    }
    return st;
}

enum status gunzip_end(struct gunzip *g, struct error *err)
{
    if (g->where == IN_MEMBER)
        return fail(err, STATUS_INVALID,
                    "the gzip stream ends in the middle, after %llu bytes",
                    (unsigned long long)g->packed);
    return STATUS_OK;
}
