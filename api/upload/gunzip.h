/*
 * upload/gunzip - unpacks a gzip stream (RFC 1952) piece by piece.
 *
 * Takes packed bytes in pieces of any size, gives unpacked ones to a callback.
 * Several members behind each other are one stream, and zeros behind the last
 * are padding, as gzip itself has it. Refuses what unpacks to more than the
 * limit given, and, beyond GUNZIP_FREE_BYTES, to more than GUNZIP_RATIO_MAX
 * times its packed size. Memory: zlib's window and one block. No I/O.
 */
#ifndef API_UPLOAD_GUNZIP_H
#define API_UPLOAD_GUNZIP_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

enum {
    GUNZIP_RATIO_MAX = 200, /* a list of people packs some 3 to 20 times */
    GUNZIP_FREE_BYTES = 64 * 1024 * 1024,
};

typedef enum status gunzip_taker(void *context, const char *bytes, size_t n,
                                 struct error *err);

struct gunzip;

/* take is called with at most some ten kilobytes at a time. */
struct gunzip *gunzip_new(uint64_t unpacked_max, gunzip_taker *take,
                          void *context);
void gunzip_free(struct gunzip *g);

/* STATUS_INVALID: no gzip, or damaged. STATUS_TOO_BIG: a limit. Else what the
 * callback returned. After an error nothing more may be fed. */
MUST_USE enum status gunzip_feed(struct gunzip *g, const char *bytes, size_t n,
                                 struct error *err);

/* STATUS_INVALID if the stream stops in the middle. */
MUST_USE enum status gunzip_end(struct gunzip *g, struct error *err);
#endif
