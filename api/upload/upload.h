/*
 * upload/upload - the body of a recipients upload, whatever its form: CSV or
 * NDJSON, plain or gzip, told by its first bytes where the client has not said
 * it. Fed piece by piece; memory is constant. No I/O.
 */
#ifndef API_UPLOAD_UPLOAD_H
#define API_UPLOAD_UPLOAD_H

#include "api/upload/recipient.h"

enum upload_format { UPLOAD_UNKNOWN, UPLOAD_CSV, UPLOAD_NDJSON };
enum upload_packing { UPLOAD_ANY, UPLOAD_PLAIN, UPLOAD_GZIP };

struct upload_form {
    enum upload_format format;
    enum upload_packing packing;
};

/* What the headers Content-Type and Content-Encoding (NULL: not sent) say.
 * STATUS_INVALID: a type or coding that no upload has. */
MUST_USE enum status upload_form_of(const char *content_type,
                                    const char *content_encoding,
                                    struct upload_form *out, struct error *err);

struct upload;

/* bytes_max: of the unpacked body. sink: borrowed. */
struct upload *upload_new(struct upload_form form, uint64_t bytes_max,
                          const struct upload_sink *sink);
void upload_free(struct upload *u);

/* STATUS_INVALID: nothing of it can be read; STATUS_TOO_BIG: beyond a limit;
 * else what the sink returned. After an error nothing more may be fed. */
MUST_USE enum status upload_feed(struct upload *u, const char *bytes, size_t n,
                                 struct error *err);
MUST_USE enum status upload_end(struct upload *u, struct error *err);
#endif
