/*
 * api/fields - what the bodies of emails, campaigns and stored templates have
 * in common: reading their fields, and errors that name the field. No I/O.
 *
 * Functions answer false after having said in *why what is wrong.
 */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include "api/error.h"
#include "base/status.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    FIELD_METADATA_MAX = 50, /* entries */
    FIELD_METADATA_NAME_MAX = 100,
    FIELD_METADATA_VALUE_MAX = 500, /* bytes */
};

struct email_error {
    enum api_error name;
    struct error error;
};

PRINTF(3, 4)
bool field_wrong(struct email_error *why, enum api_error name, const char *fmt,
                 ...);

/* "Invalid `field` field: what." */
bool field_invalid(struct email_error *why, const char *field,
                   const char *what);

/* The body's; NULL where it is absent or null. */
json_t *field_member(const json_t *body, const char *field);

struct field_text {
    const char *field;
    size_t param; /* place in params */
    size_t most;  /* bytes */
};

/* The texts[n] of body into params, whose items stay the body's; an absent or
 * empty text leaves its param alone. */
bool fields_read_texts(const json_t *body, const struct field_text *texts,
                       size_t n, const char **params, struct email_error *why);

/* from, as RFC 5322 has mailboxes. */
bool field_check_from(const char *text, struct email_error *why);

/* metadata of an email or a campaign: absent, null, or an object of texts,
 * numbers and booleans; no mail shows it. */
bool field_check_metadata(const json_t *body, struct email_error *why);

/* reply_to, a text or a list of at most `most` texts, becomes a list in body;
 * an absent one an empty list. What the texts say is not looked at. */
bool field_read_reply_to(json_t *body, size_t most, struct email_error *why);
#endif
