/*
 * upload/ndjson - recipients from JSON objects, one a line, fed piece by piece.
 *
 *     {"email": "jo@example.com", "variables": {"name": "Jo"}}
 *     {"email": "jo@example.com", "name": "Jo"}
 *
 * Both say the same. Empty lines and a byte order mark are skipped. A line
 * that is no such object, nests deeper than NDJSON_DEPTH_MAX or is longer than
 * UPLOAD_LINE_MAX is rejected, and the next one is read. Memory is bounded by
 * UPLOAD_LINE_MAX and the pieces' size.
 */
#ifndef API_UPLOAD_NDJSON_H
#define API_UPLOAD_NDJSON_H

#include "api/upload/recipient.h"

enum { NDJSON_DEPTH_MAX = 16 };

struct ndjson;

struct ndjson *ndjson_new(const struct upload_sink *sink); /* borrowed */
void ndjson_free(struct ndjson *j);

/* What the sink returned. */
MUST_USE enum status ndjson_feed(struct ndjson *j, const char *bytes, size_t n,
                                 struct error *err);
MUST_USE enum status ndjson_end(struct ndjson *j, struct error *err);
#endif
