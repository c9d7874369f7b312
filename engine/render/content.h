/*
 * render/content - compiled contents: one per campaign, kept while its mail is
 * sent, and one per transactional mail, made from its JSON.
 *
 * A content that does not compile is kept as broken, with the reason: its mails
 * bounce for that reason instead of stopping the worker.
 */
#ifndef RENDER_CONTENT_H
#define RENDER_CONTENT_H

#include "mail/address.h"
#include "render/message.h"
#include "smtp/session.h"

struct content {
    struct message *message;     /* NULL: broken */
    struct error why;            /* then this is the reason */
    char id_domain[ADDRESS_MAX]; /* of the sender: for Message-IDs */
    struct content_tracking {
        enum content_switch {
            CONTENT_AS_SET,
            CONTENT_OFF,
            CONTENT_ON,
        } clicks,
            opens;
    } tracking; /* AS_SET: as the settings say */
    /* As struct smtp_message has them; "" or NULL: not said. */
    struct content_transfer {
        bool require_tls;
        bool spare_tls; /* TLS-Required: No (RFC 8689, 5), and not that */
        char notify[sizeof "SUCCESS,FAILURE,DELAY"];
        const char *ret;
        char envid[SMTP_ENVID_MAX + 1];
    } transfer;
};

/* A campaign's columns; headers, partials and defaults are JSON objects. Texts
 * may be NULL. */
struct content_campaign {
    const char *sender, *subject, *html, *text, *headers, *partials, *defaults,
        *tracking, /* {"clicks": bool, "opens": bool}, either may be absent */
        *attachments,     /* a list, as api/attachment writes it */
        *preheader, *dsn; /* as POST /campaigns has it */
    bool strict_variables, inline_css, require_tls;
    const char *const *reply_to;
    size_t n_reply_to;
};

/* Never NULL; content_free takes NULL. */
struct content *content_of_campaign(const struct content_campaign *c);

/* The JSON of email.content: from, to, cc, reply_to, subject, html, text,
 * headers, attachments, dsn, require_tls, as POST /emails normalises it. */
struct content *content_of_email(const char *json, size_t len);

void content_free(struct content *c);
#endif
