/*
 * api/stored - a stored template's content: from foreign JSON to what is kept,
 * or to an error that names the field; from a row back to JSON; and filled in
 * with the variables of one mail.
 *
 * Everything that rendering could refuse whatever the variables is refused
 * here. No I/O.
 */
#ifndef API_STORED_H
#define API_STORED_H

#include "api/email.h"
#include "base/arena.h"
#include "base/buf.h"
#include "render/letter.h"
#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    STORED_NAME_MAX = 200,
    STORED_ALIAS_MAX = 100,
    STORED_REPLY_TO_MAX = 10,
    STORED_VARIABLES_MAX = 50,
    STORED_KEY_MAX = 50,
    STORED_BODY_MAX = 2 * 1024 * 1024, /* bytes of html, and of text */
};

/* Parameters of the statements that store a version, behind the project and
 * the template: see templates.sql. Texts belong to the JSON, or to own. */
enum stored_param {
    STORED_NAME,
    STORED_SENDER,
    STORED_REPLY_TO, /* JSON */
    STORED_SUBJECT,
    STORED_HTML,
    STORED_TEXT,
    STORED_VARIABLES, /* JSON */
    STORED_INLINE_CSS,
    STORED_ALIAS, /* the template's, not the version's */
    STORED_PARAMS,
};

struct stored_content {
    const char *params[STORED_PARAMS];
    struct buf own[STORED_PARAMS];
};

/* body: of POST /templates. partials: what its texts include. May normalise
 * body's members. False: *why says what is wrong. stored_fini either way; body
 * must live until then. */
bool stored_read(json_t *body, json_t *partials, struct stored_content *out,
                 struct email_error *why);
void stored_fini(struct stored_content *content);

/* Its texts that may include partials, NULL where absent. */
enum { STORED_SOURCES = 3 };
void stored_sources(const json_t *body, const char *sources[STORED_SOURCES]);

/* Columns of a version with its template, as all statements select them. */
enum stored_column {
    STORED_COLUMN_ID,
    STORED_COLUMN_ALIAS,
    STORED_COLUMN_LATEST,
    STORED_COLUMN_PUBLISHED, /* version, or null */
    STORED_COLUMN_CREATED,   /* times in microseconds since 1970 */
    STORED_COLUMN_UPDATED,
    STORED_COLUMN_PUBLISHED_AT,
    STORED_COLUMN_NAME,
    STORED_COLUMN_NUMBER, /* null: there is no such version */
    STORED_COLUMN_VERSION_ID,
    STORED_COLUMN_SENDER, /* from here on not in lists */
    STORED_COLUMN_REPLY_TO,
    STORED_COLUMN_SUBJECT,
    STORED_COLUMN_HTML,
    STORED_COLUMN_TEXT,
    STORED_COLUMN_VARIABLES,
    STORED_COLUMN_INLINE_CSS,
};

/* The members of a template's object, without the braces. */
void stored_add(struct buf *out, const PGresult *rows, int row);

/* The row as a body for stored_read, with the members of body (of PATCH) over
 * it; the caller's. */
json_t *stored_merge(const PGresult *row, const json_t *body);

/* The fallback values of a version's variables, {key: value}; the caller's. */
json_t *stored_defaults(const PGresult *row);

/* Are the declared variables there, and of their type, where they have no
 * fallback? values may be NULL. */
bool stored_check_values(const PGresult *row, const json_t *values,
                         struct email_error *why);
#endif
