/*
 * inbound/mailbox - a mailbox that bounces are fetched from, by POP3 or IMAP
 * (libcurl). One round: list what is new, fetch a few, and once these are
 * committed, put them away.
 *
 * TLS is always required: implicit (imaps, pop3s) or by STARTTLS and STLS
 * (imap, pop3); a server that does not offer it, or whose certificate is not
 * right, gets no password. What the server says is hostile: bounded in size
 * and time. Blocks; one mailbox serves one thread.
 */
#ifndef INBOUND_MAILBOX_H
#define INBOUND_MAILBOX_H

#include "base/buf.h"
#include "base/status.h"
#include "inbound/token.h"
#include <curl/curl.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    MAILBOX_NAME_MAX = 65,
    MAILBOX_ROUND_MAX = 50,             /* messages fetched at a time */
    MAILBOX_LIST_MAX = 4 * 1024 * 1024, /* bytes of a list */
    MAILBOX_ID_MAX = 72,                /* RFC 1939: an unique-id has 70 */
    MAILBOX_LEFT_MAX = 100000,          /* left in a POP3 mailbox, and known */
    MAILBOX_SECRET_MAX = 16384,
};

/* As it stands in the store. Secrets are only pointed at. */
struct mailbox_settings {
    char *name, *url, *user;
    char *password_file; /* its first line; "": a token is used */
    char *token_command; /* prints an OAuth 2 token */
    char *done;          /* delete, leave, or (IMAP) a folder to move to */
    char *ca_file;       /* "": the system's; a token endpoint's, too */
    /* In place of password and command: where tokens are had (oauth/request);
     * token_url "": nowhere. */
    char *token_url, *client_id, *client_secret, *refresh_token, *token_scope;
};

struct mailbox_id {
    char id[MAILBOX_ID_MAX]; /* IMAP: UID. POP3: unique-id */
    unsigned long number;    /* POP3: of this session */
};

struct mailbox {
    const struct mailbox_settings *settings;
    const atomic_bool *stop;     /* set: what is under way is broken off */
    struct oauth_settings oauth; /* of the settings */
    struct mailbox_token *token; /* NULL: no endpoint gives one */
    CURL *curl;                  /* NULL: no session */
    struct buf got;              /* what the server sent last */
    size_t got_max;              /* more is thrown away */
    bool imap, folder_made;
    bool tidy;         /* nothing marked by us is left to expunge */
    char *path;        /* the IMAP folder as the URL has it */
    char *folder;      /* and decoded */
    char validity[24]; /* UIDVALIDITY of this session */
    struct mailbox_id list[MAILBOX_ROUND_MAX]; /* of this round */
    size_t n;
    char (*left)[MAILBOX_ID_MAX]; /* POP3: those that stay, sorted */
    size_t n_left;
    char why[CURL_ERROR_SIZE];
};

/* STATUS_INVALID names what is wrong with the settings. */
MUST_USE enum status mailbox_init(struct mailbox *m,
                                  const struct mailbox_settings *settings,
                                  const atomic_bool *stop, struct error *err);
void mailbox_fini(struct mailbox *m);

/* Logs in if need be; the next messages that are new into list, n of them. */
MUST_USE enum status mailbox_list(struct mailbox *m, struct error *err);

/* The i-th of the list into got. */
MUST_USE enum status mailbox_fetch(struct mailbox *m, size_t i,
                                   struct error *err);

/* All of the list are committed: understood[i] are put away, the others stay
 * and are not listed again. */
MUST_USE enum status mailbox_put_away(struct mailbox *m, const bool *understood,
                                      struct error *err);

/* Called after a list of none: deletes (IMAP) what a session put away that
 * broke off between the mark and the deletion. Such a message is not listed
 * again, and would stay for ever. Nothing is done if there can be none. */
MUST_USE enum status mailbox_tidy(struct mailbox *m, struct error *err);

/* Ends the session; POP3 deletes only now. */
void mailbox_close(struct mailbox *m);
#endif
