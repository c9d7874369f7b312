/*
 * render/message - from a content (a campaign's, or a transactional mail's) to
 * the bytes of one mail.
 *
 * message_compile does once what is the same for all recipients: parses the
 * templates, encodes the fixed headers, lays out the MIME skeleton.
 * message_render runs it for one recipient: variables in, dot-stuffed CRLF
 * bytes out (RFC 5321 4.5.2, RFC 5322, RFC 2045-2047). No I/O, no clock: date
 * and names are arguments. Warm, a render allocates nothing from the heap.
 */
#ifndef RENDER_MESSAGE_H
#define RENDER_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "render/links.h"
#include "templates/template.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_header {
    const char *name, *value;
};

/* Content is base64 as mail/base64 calls canonical. */
struct message_attachment {
    const char *filename;
    const char *base64;
    size_t base64_len;
    const char *content_type; /* NULL: by the file name's ending */
    const char *content_id;   /* or NULL; for HTML that shows it by "cid:" */
};

/* Texts are UTF-8; NULL where absent. At least one of html and text. Where
 * text is absent it is made from html; "" beside html: there is to be none.
 * Borrowed for the call only. */
struct message_source {
    const char *from;      /* "Name <local@domain>" */
    const char *const *to; /* To: as shown; NULL: the recipient alone */
    size_t n_to;
    const char *const *cc;
    size_t n_cc;
    const char *const *reply_to;
    size_t n_reply_to;
    const char *subject, *html, *text;
    const char *preheader; /* hidden in the HTML: a text; or NULL */
    const struct message_header *headers; /* the author's own */
    size_t n_headers;
    /* An invitation among them (text/calendar with a method) becomes a form
     * of the mail. */
    const struct message_attachment *attachments;
    size_t n_attachments;
    bool templates; /* Liquid in subject, html, text and header values;
                       false: they are taken as they are */
    /* Of templates: what they include, {name: source}; what stands for
     * variables that a recipient has not; whether a variable that is shown but
     * missing fails the render. */
    json_t *partials, *defaults;
    bool strict_variables;
    bool inline_css; /* of the HTML: render/css_inline */
    bool links;      /* the HTML's may be tracked (render/links) */
};

/* What differs from recipient to recipient. */
struct message_recipient {
    const char *address;     /* addr-spec */
    const json_t *variables; /* object, or NULL; `email` is always defined */
    const char *id;          /* 36 characters: Message-ID is <id@id_domain> */
    const char *id_domain;
    int64_t date_us;                 /* wall clock, for Date: (in UTC, +0000) */
    const struct links_track *track; /* NULL: links stay as they are */
    const char *unsubscribe_url;     /* the variable of that name; or NULL */
    bool eight_bit;                  /* bodies may be 8bit: mail/transfer */
    const char *headers; /* further fields, as they are, each ending in CRLF;
                            or NULL */
    /* Or NULL: told of variables that are shown but missing. */
    template_missing_function *missing;
    void *missing_context;
};

struct message; /* compiled; immutable, may be shared by threads */

/* Errors name the field and, for templates, line and column:
 * "html: line 3, column 14: expected }} ...". CR or LF in a header field,
 * reserved header names (From, To, Date, Message-ID, Content-*, MIME-Version,
 * DKIM-Signature, Return-Path, Received, Bcc, Sender ...), invalid addresses,
 * invalid UTF-8, attachments that can't be written are refused. On success *out
 * is the caller's: message_free. */
MUST_USE enum status message_compile(const struct message_source *source,
                                     struct message **out, struct error *err);
void message_free(struct message *m);

/* Appends the mail to out (without the final dot). scratch is reset by the
 * caller between mails. Fails only for a limit (MESSAGE_BYTES_MAX) or a
 * template error that shows at run time; out is then as before. */
MUST_USE enum status message_render(const struct message *m,
                                    const struct message_recipient *to,
                                    struct arena *scratch, struct buf *out,
                                    struct error *err);
enum {
    MESSAGE_BYTES_MAX = 48 * 1024 * 1024, /* attachments, in lines, and text */
    MESSAGE_ATTACHED_MAX = 40 * 1024 * 1024, /* base64 of all attachments */
    MESSAGE_ATTACHMENTS_MAX = 100,
    MESSAGE_ADDRESSES_MAX = 1000, /* in each of to, cc, reply_to */
    MESSAGE_HEADERS_MAX = 100,
    MESSAGE_VALUE_MAX = 16 * 1024, /* bytes of a subject or header value */
};

/* Did the author give a field of this name? */
bool message_has_field(const struct message *m, const char *name);

/* The addr-spec of From: for the envelope; lives with m. */
const char *message_sender(const struct message *m);
#endif
