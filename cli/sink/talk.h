/*
 * sink/talk - the server's side of one SMTP connection (RFC 5321): bytes in,
 * replies out. Takes what the client sent, asks the rules, tells the owner
 * what becomes of each recipient and, if it keeps messages, their bytes.
 *
 * Every input is bounded: command lines (SINK_LINE_MAX; longer ones are
 * skipped and answered 500), recipients, message size, wrong commands
 * (SINK_BAD_MAX, then 421). Only CRLF.CRLF ends a message: a bare LF or CR is
 * data. Never does I/O, never looks at a clock, allocates nothing once warm.
 */
#ifndef SINK_TALK_H
#define SINK_TALK_H

#include "base/buf.h"
#include "cli/sink/rules.h"
#include <stdbool.h>

enum {
    SINK_LINE_MAX = 2048,
    SINK_ADDRESS_MAX = 321, /* 64 + @ + 255 and a NUL */
    SINK_RECIPIENTS_MAX = 1000,
    SINK_BAD_MAX = 20,
    SINK_OUT_MAX = 8192, /* replies pile up so far before input is left alone */
};

struct sink_talk;

/* A message's for one recipient. The parameters are those of DSN (RFC 3461) and
 * REQUIRETLS as the client wrote them, by single spaces; "" for none. */
struct sink_envelope {
    const char *sender, *recipient;
    const char *mail_parameters, *rcpt_parameters;
};

/* What the owner hears. A recipient refused at RCPT is settled at once; the
 * others after the body, and after keep was asked about each. */
struct sink_ears {
    /* Message bytes, dot-stuffing undone. May be NULL. */
    void (*body)(void *owner, const char *bytes, size_t n);
    /* The final dot has come: keep the message for this recipient. False:
     * could not be kept, it is answered 451. May be NULL. */
    bool (*keep)(void *owner, const struct sink_envelope *envelope);
    /* The message is over or given up: forget its bytes. May be NULL. */
    void (*forget)(void *owner);
    void (*settled)(void *owner, const char *sender, const char *recipient,
                    size_t size_bytes, enum sink_deed deed);
};

/* The same for all connections; outlives them. */
struct sink_manners {
    const char *hostname;
    struct sink_rules *rules;
    struct sink_ears ears;
    size_t size_max;   /* bytes of a message */
    int64_t mails_max; /* per connection, then 421; 0: no limit */
    bool no_pipelining, no_8bitmime, no_smtputf8, no_ehlo;
    bool false_8bitmime; /* offered, and refused */
    bool no_requiretls;  /* it is offered by TLS otherwise */
    bool chunking, dsn;
    bool starttls;     /* the owner does the handshake */
    bool tls_required; /* MAIL is refused in clear */
    const char *auth; /* "user:password"; MAIL is refused without. NULL: none */
    int64_t mailmax;  /* offered as LIMITS (RFC 9422); 0: not */
};

enum sink_talk_state {
    SINK_COMMAND,    /* waiting for a command line */
    SINK_SKIP_LINE,  /* in an over-long one */
    SINK_BODY,       /* after 354 */
    SINK_CHUNK,      /* after BDAT */
    SINK_LOGIN_LINE, /* after 334 */
    SINK_TLS,        /* after 220: the owner drops what came in clear, does the
                        handshake and calls sink_talk_secured */
    SINK_OVER,       /* say what is in out, then close */
};

enum sink_login {
    SINK_LOGIN_NONE,
    SINK_LOGIN_PLAIN,
    SINK_LOGIN_USER,
    SINK_LOGIN_PASSWORD,
    SINK_LOGIN_XOAUTH2,
    SINK_LOGIN_REFUSED,
};

struct sink_talk {
    const struct sink_manners *manners;
    void *owner;
    enum sink_talk_state state;
    struct buf out;   /* the owner sends it and resets it */
    unsigned replies; /* in out; the owner resets it */

    bool greeted, in_mail, utf8;
    bool line_start, after_cr, too_big; /* of the body */
    bool secure, logged_in, right_user;
    enum sink_login login;
    const struct sink_rule *chunk_rule; /* how it is to fare, or NULL */
    size_t chunk_left;                  /* of BDAT */
    bool chunk_last, chunk_lost;        /* lost: it is read, and forgotten */
    unsigned bad;
    int64_t mails;
    char sender[SINK_ADDRESS_MAX];
    struct buf mail_parameters; /* of struct sink_envelope, with its NUL */
    struct buf recipients;      /* accepted, each with its NUL, and then its
                                   parameters with theirs */
    size_t recipients_n, size_bytes;
};

/* The greeting is in out. owner is handed to the ears. */
void sink_talk_init(struct sink_talk *talk, const struct sink_manners *manners,
                    void *owner);
void sink_talk_fini(struct sink_talk *talk);

/* Returns how many of the n bytes were taken; the rest (an unfinished line of
 * less than SINK_LINE_MAX bytes, or anything, while out holds SINK_OUT_MAX)
 * is to be offered again. */
size_t sink_talk_feed(struct sink_talk *talk, const char *bytes, size_t n,
                      int64_t now_ms);

/* All goes by TLS from now on; nothing said before counts (RFC 3207, 4.2). */
void sink_talk_secured(struct sink_talk *talk);

/* End the talk from this side, with a reply that begins with 421. */
void sink_talk_end(struct sink_talk *talk, const char *reply);
#endif
