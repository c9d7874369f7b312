/*
 * upload/csv - recipients from a CSV file (RFC 4180), fed piece by piece.
 *
 * The first line names the columns, separated by commas, semicolons or tabs:
 * what there is most of. One must be named `email` (or `e-mail`, or
 * `address`; letters' case does not count); the others become variables, those
 * without a name are left out. Lines end with LF or CRLF; a byte order mark
 * and empty lines are skipped; a quoted field may contain line breaks.
 *
 * A line with another number of fields, with stray quotation marks, with bytes
 * that are no UTF-8, or longer than UPLOAD_LINE_MAX is rejected, and the next
 * one is read as if nothing had been. Only a bad first line ends the upload.
 * Memory is bounded by UPLOAD_LINE_MAX and the pieces' size.
 */
#ifndef API_UPLOAD_CSV_H
#define API_UPLOAD_CSV_H

#include "api/upload/recipient.h"

struct csv;

struct csv *csv_new(const struct upload_sink *sink); /* borrowed */
void csv_free(struct csv *c);

/* STATUS_INVALID: the first line is unusable. Else what the sink returned. */
MUST_USE enum status csv_feed(struct csv *c, const char *bytes, size_t n,
                              struct error *err);
MUST_USE enum status csv_end(struct csv *c, struct error *err);
#endif
