/* handlers/uploading - a streamed body on its way through a parser of
 * api/upload, and the lines of it that were rejected. */
#ifndef API_HANDLERS_UPLOADING_H
#define API_HANDLERS_UPLOADING_H

#include "api/request.h"
#include "api/upload/upload.h"

/* The context of an upload_sink, or its first member. */
struct uploading {
    struct request *request;
    uint64_t rejected;
    struct buf lines; /* the first of these, in JSON */
};

void uploading_fini(struct uploading *u);

/* An upload_sink's reject. */
void uploading_reject(void *context, uint64_t line, const char *reason,
                      const char *value, size_t value_len);

/* The whole body through a parser for what the request's headers say, into
 * the sink. STATUS_INVALID: no such form, or it can't be read. */
MUST_USE enum status uploading_run(struct uploading *u,
                                   const struct upload_sink *sink,
                                   struct error *err);

/* "rejected":2,"rejected_lines":[...] */
void uploading_add_rejected(const struct uploading *u, struct buf *out);
#endif
