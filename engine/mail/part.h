/*
 * mail/part - header fields of MIME parts: content types and parameters
 * (RFC 2045 5.1, RFC 2183, RFC 2231), content ids (RFC 2392).
 *
 * Checks what an author gave; writes what has been checked. Errors carry no
 * prefix: the caller names the item.
 */
#ifndef MAIL_PART_H
#define MAIL_PART_H

#include "base/buf.h"
#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    PART_NAME_MAX = 255, /* bytes of a file name: as file systems have it */
    PART_TYPE_MAX = 255, /* bytes of a content type with its parameters */
    PART_ID_MAX = 127,
};

/* Content type by the ending of a file name; never NULL. */
const char *part_type_of_name(const char *filename);

/* "type/subtype; name=value". multipart and message are refused: what they
 * hold may not be base64 (RFC 2046 5.1.1, 5.2.1). */
MUST_USE enum status part_type_check(const char *type, struct error *err);

/* Does a checked type have this parameter? */
bool part_type_has(const char *type, const char *parameter);

/* Not empty, UTF-8, no control characters. */
MUST_USE enum status part_name_check(const char *filename, struct error *err);

/* What stands between the < and > of Content-ID. */
MUST_USE enum status part_id_check(const char *id, struct error *err);

/* "Content-Type: ..." without line end. A parameter `name` is left out: it is
 * the file name's. */
void part_add_type(struct buf *out, const char *type);

/* ";\r\n name=value" in the form that value needs: quoted, in pieces, or
 * percent-encoded UTF-8 (RFC 2231 3 and 4). */
void part_add_parameter(struct buf *out, const char *name, const char *value);

/* The same for readers that don't know RFC 2231: one quoted string, with "_"
 * for each character beyond ASCII. Nothing if that would take a long line. */
void part_add_ascii(struct buf *out, const char *name, const char *value);
#endif
