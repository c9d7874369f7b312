/*
 * api/campaign - a campaign's content: from foreign JSON to what is stored, or
 * to an error that names the field; and from a stored row back to JSON.
 *
 * Everything that sending could refuse is refused here. No I/O.
 */
#ifndef API_CAMPAIGN_H
#define API_CAMPAIGN_H

#include "api/attachment.h"
#include "api/email.h"
#include "base/buf.h"
#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

enum {
    CAMPAIGN_ID_MAX = 37, /* UUID and a NUL */
    CAMPAIGN_NAME_MAX = 200,
    CAMPAIGN_REPLY_TO_MAX = 10,
    CAMPAIGN_WEIGHT_MAX = 1000,
    CAMPAIGN_EXPIRE_SECONDS_MAX = 30 * 86400,
};

/* Parameters of the statements that store a campaign, behind the project and
 * the id: see campaigns.sql. Texts belong to the JSON, or to own. */
enum { CAMPAIGN_PARAMS = 21 };

/* What comes from the project's stored templates; NULLs where there is none. */
struct campaign_stored {
    json_t *template; /* {id, version, pinned, fields}: where fields are from */
    json_t *partials, *defaults; /* as of struct message_source */
};
void campaign_stored_fini(struct campaign_stored *s);

struct campaign_content {
    const char *params[CAMPAIGN_PARAMS];
    struct buf own[CAMPAIGN_PARAMS];
    const struct campaign_stored *stored;
    struct attachment_list
        attachments; /* their texts in arena, or the body's */
    struct arena arena;
    bool strict_variables, inline_css, require_tls;
};

/* body: of POST /campaigns; stored: what goes with it, or NULL. May normalise
 * body's members. False: *why says what is wrong. campaign_fini either way;
 * body and stored must live until then. */
bool campaign_read(json_t *body, const struct campaign_stored *stored,
                   struct campaign_content *out, struct email_error *why);
void campaign_fini(struct campaign_content *content);

/* What was read, as the engine compiles it; the caller's (message_free). */
struct message;
bool campaign_compile(json_t *body, const struct campaign_content *content,
                      struct message **out, struct email_error *why);

/* Members of body (of PATCH, or NULL) over those of the stored row, as an
 * object for campaign_read; the caller's. A null goes back to the default. What
 * the row has from a template is left out, unless body leaves that. */
json_t *campaign_merge(const PGresult *row, json_t *body);

/* Columns of a campaign in results, as all statements select them. */
enum campaign_column {
    COLUMN_ID,
    COLUMN_NAME,
    COLUMN_SENDER,
    COLUMN_SUBJECT,
    COLUMN_STATE,
    COLUMN_RECIPIENTS,
    COLUMN_DUPLICATES,
    COLUMN_WEIGHT,
    COLUMN_EXPIRE_SECONDS,
    COLUMN_RESEND_OF,
    COLUMN_CREATED, /* times in microseconds since 1970 */
    COLUMN_UPDATED,
    COLUMN_SCHEDULED,
    COLUMN_STARTED,
    COLUMN_FINISHED,
    COLUMN_HTML, /* from here on not in lists */
    COLUMN_TEXT,
    COLUMN_REPLY_TO, /* these as JSON */
    COLUMN_HEADERS,
    COLUMN_TAGS,
    COLUMN_TEMPLATE,
    COLUMN_STRICT_VARIABLES,
    COLUMN_INLINE_CSS,
    COLUMN_TRACKING,
    COLUMN_ATTACHMENTS,
    COLUMN_PREHEADER,
    COLUMN_METADATA,
    COLUMN_DSN,
    COLUMN_REQUIRE_TLS,
};

/* Members of a campaign's object, with content if the row has it, without the
 * braces. */
void campaign_add(struct buf *out, const PGresult *rows, int row);

/* Whether text is a UUID as we write them, in either case. */
bool campaign_id_valid(const char *text);
#endif
