/*
 * smtp/session - one conversation with one server, as client (RFC 5321).
 *
 * Bytes in, bytes out: no sockets, no clock, no allocation, no logging. The
 * driver (smtp/conn) moves the bytes, keeps the deadlines and collects the
 * results. A session carries one recipient a mail, many mails one after the
 * other. Where the server offers PIPELINING (RFC 2920) the next mail's
 * MAIL, RCPT and DATA travel right behind the end of this one's body, so it
 * holds up to two mails; a body is said only after the 354 to its own DATA.
 * Where it offers CHUNKING (RFC 3030) a mail goes by BDAT: with PIPELINING in
 * one go with its envelope, once nothing of another mail is unanswered. Bodies
 * come dot-stuffed: one that has a dot at the start of a line goes by DATA.
 * A server that refuses what it offered (BDAT; the parameters of SIZE and DSN)
 * gets the mail once more without it, and the later ones too. One that refuses
 * BODY=8BITMIME gets no 8bit bodies any more: a mail that can be made without
 * goes back to whoever made it.
 *
 * Before the first mail come STARTTLS (RFC 3207) and AUTH (RFC 4954), if they
 * are wanted. What is received in clear behind the reply to STARTTLS ends the
 * session: it was put there by somebody else.
 *
 * Replies answer the oldest unanswered command. One that comes before its
 * command was handed over, or answers nothing, ends the session: to go on
 * would credit an answer to the wrong mail. Every mail taken gives exactly one
 * result, at the latest from smtp_session_lost. In doubt is only a mail of
 * whose final dot the driver has taken a byte and which had no answer.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "mail/outcome.h"
#include "smtp/auth.h"
#include "smtp/ehlo.h"
#include "smtp/reply.h"
#include "smtp/said.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The conversation, one row per step, read from the top.
 *
 *    step           what we say       then we say   before it is answered?
 */
#define SMTP_STEP_TABLE(X)                                                     \
    X(STEP_GREETING, "greeting", STEP_EHLO, NO)                                \
    X(STEP_EHLO, "EHLO", STEP_IDLE, NO)                                        \
    X(STEP_HELO, "HELO", STEP_IDLE, NO)                                        \
    X(STEP_STARTTLS, "STARTTLS", STEP_HANDSHAKE, NO)                           \
    X(STEP_AUTH, "AUTH", STEP_IDLE, NO)                                        \
    X(STEP_MAIL, "MAIL FROM", STEP_RCPT, YES)                                  \
    X(STEP_RCPT, "RCPT TO", STEP_DATA, YES)                                    \
    X(STEP_DATA, "DATA", STEP_BODY, NO)                                        \
    X(STEP_BODY, "end of data", STEP_IDLE, YES)                                \
    X(STEP_BDAT, "BDAT", STEP_IDLE, YES)                                       \
    X(STEP_EMPTY, "end of nothing", STEP_RSET, NO)                             \
    X(STEP_RSET, "RSET", STEP_IDLE, YES)                                       \
    X(STEP_QUIT, "QUIT", STEP_OVER, NO)                                        \
    X(STEP_IDLE, "idle", STEP_IDLE, NO)                                        \
    X(STEP_HANDSHAKE, "TLS handshake", STEP_EHLO, NO)                          \
    X(STEP_OVER, "over", STEP_OVER, NO)

#define SMTP_STEP_MEMBER_(step, text, then, ahead) step,
enum smtp_step { SMTP_STEP_TABLE(SMTP_STEP_MEMBER_) SMTP_STEPS };
#undef SMTP_STEP_MEMBER_

const char *smtp_step_text(enum smtp_step step);

/* Where a session ended that did not end by our will. */
#define SMTP_FAULT_TABLE(X)                                                    \
    X(SMTP_FAULT_NONE, "none")                                                 \
    X(SMTP_FAULT_CONNECT, "connect")   /* no connection came about */          \
    X(SMTP_FAULT_GREETING, "greeting") /* refused, or none came */             \
    X(SMTP_FAULT_EHLO, "EHLO")                                                 \
    X(SMTP_FAULT_TLS, "TLS")     /* not offered, or the handshake failed */    \
    X(SMTP_FAULT_LOGIN, "login") /* refused by reply_code, or not possible */  \
    X(SMTP_FAULT_UNFIT, "unfit") /* for mail that requires TLS */              \
    X(SMTP_FAULT_LOST, "lost")   /* later */
ENUM_DECLARE(smtp_fault, SMTP_FAULT_TABLE);

/* Is STARTTLS to be said? */
enum smtp_starttls {
    SMTP_STARTTLS_NEVER,
    SMTP_STARTTLS_MAY,  /* if it is offered; refused, go on in clear */
    SMTP_STARTTLS_MUST, /* or no mail goes over this connection */
};

struct smtp_message {
    const char *from, *to; /* addr-specs without brackets; from "" is <> */
    const char *data;      /* CRLF lines, dot-stuffed, ends in CRLF; without
                              the final dot */
    size_t data_len;
    void *tag;      /* the owner's; comes back in the result */
    bool eight_bit; /* said to whoever makes it: the server takes 8bit bodies
                       (RFC 6152); then by him: it was made so, and can be made
                       without */
    /* What follows may be left out. */
    bool utf8_header;   /* its header is not all ASCII: it goes with SMTPUTF8
                           or not at all (RFC 6531, 3.4), as with from and to */
    bool require_tls;   /* REQUIRETLS (RFC 8689): here or nowhere */
    bool sure_host;     /* then wanted too: the server's name is the operator's,
                           or its MX is had by DNSSEC or MTA-STS (4.2.1) */
    const char *envid;  /* RFC 3461: ENVID, in clear; said where DSN is */
    const char *notify; /* "NEVER" or a list of SUCCESS,FAILURE,DELAY */
    const char *ret;    /* "FULL" or "HDRS" */
};

struct smtp_result {
    void *tag;
    enum verdict verdict; /* DELIVERED, DEFERRED, BOUNCED or IN_DOUBT */
    enum reach reach;
    enum smtp_step step; /* what was answered, or waited for */
    bool untried;        /* deferred, at no cost: the session ended before the
                            server said anything about this mail. Send it
                            again elsewhere at once. (Behind another mail
                            only, so that a server which hangs up at each
                            first MAIL does not make us spin.) */
    bool seven_bit;      /* untried for another reason: the server takes no 8bit
                            bodies after all. Make it anew without: whoever
                            does not is asked no end of times */
    unsigned code;       /* 0: no reply */
    const char *enhanced; /* "5.1.1" (RFC 3463), or "" */
    const char *text;     /* the reply without code and enhanced status, lines
                             joined by '\n', valid UTF-8; or why none came */
};

/* Who ended the connection. */
enum smtp_loss {
    SMTP_LOSS_SERVER,  /* closed, reset */
    SMTP_LOSS_TIMEOUT, /* by us, who waited long enough */
    SMTP_LOSS_OWNER,   /* by us, for no fault of the server */
};

enum {
    SMTP_UNANSWERED_MAX = 5,          /* end of data, RSET, MAIL, RCPT, DATA */
    SMTP_BDAT_AHEAD_MAX = 256 * 1024, /* a larger body waits for its RCPT's
                                         answer */
    SMTP_ENVID_MAX = 100,             /* as xtext: RFC 3461, 4.4 */
    SMTP_SESSION_MAILS = 2,
    SMTP_WHY_MAX = 256,
    SMTP_EHLO_NAME_MAX = 256,
};

/* The driver reads offer, why, fault, reply_code, replies, attempts and
 * no_starttls; all else is the session's own. */
struct smtp_session {
    struct smtp_offer offer; /* of its EHLO reply, less what was no truth */
    char why[SMTP_WHY_MAX];  /* it ended by no will of ours: the reason */
    enum smtp_fault fault;
    bool no_starttls;    /* it was wanted, and not to be had */
    unsigned reply_code; /* of the reply that ended it, or 0 */
    uint64_t replies;    /* complete replies heard so far */
    unsigned attempts;   /* mails settled, those untried not counted */

    enum smtp_starttls starttls;
    struct smtp_auth *auth;             /* NULL: no login, or none any more */
    bool secure;                        /* what is said now goes by TLS */
    const struct smtp_tls_facts *facts; /* who the server is; NULL: unproved */
    bool broken_tls;     /* it failed here not long ago, and is not tried */
    bool keeps_tls;      /* the driver's, before the greeting: all mail will
                            require TLS; where it can't be given, the session
                            ends before the first, with the fault UNFIT, why
                            and enhanced */
    bool no_bdat;        /* CHUNKING was offered and is not there */
    enum smtp_step next; /* said when we may; only turn() writes it */
    bool quitting;       /* QUIT as soon as nothing is under way */
    struct smtp_unanswered {
        enum smtp_step step;
        struct smtp_mail *mail; /* for the steps of a mail: which */
        uint64_t end;           /* place in our stream behind its last byte */
    } unanswered[SMTP_UNANSWERED_MAX]; /* said, oldest first */
    size_t n_unanswered;

    struct smtp_mail {
        struct smtp_message message;
        bool settled, heard; /* heard: of it the server has said something */
        bool taken;          /* its RCPT was */
        bool behind;         /* its envelope went before the last's answer */
        bool chunk;          /* it goes by BDAT */
    } mails[SMTP_SESSION_MAILS]; /* used in turn */
    struct smtp_mail *mail;      /* the last one taken */
    bool again;       /* when all is answered: RSET, and it goes once more */
    uint64_t n_mails; /* taken so far */

    struct smtp_result results[SMTP_SESSION_MAILS];
    size_t n_results;
    char enhanced[SMTP_ENHANCED_MAX];
    char note[SMTP_WHY_MAX]; /* text of a refusal of our own */

    struct smtp_said said;
    char ehlo_name[SMTP_EHLO_NAME_MAX];
    struct smtp_reply_parser parser;
    bool reply_whole; /* in parser; it stays until the next byte comes */
};

/* Connected: expect the greeting. ehlo_name is a domain or address literal. */
void smtp_session_init(struct smtp_session *s, const char *ehlo_name);

/* Right after init: STARTTLS; secure: all goes by TLS from the start; a login,
 * which is the caller's and lives until `auth` is NULL or the session over. */
void smtp_session_want(struct smtp_session *s, enum smtp_starttls starttls,
                       bool secure, struct smtp_auth *auth);

/* For mail that requires TLS: what a handshake will have proved by the first
 * mail, as the driver fills it in; it must live as long. broken_tls: TLS failed
 * with this server not long ago, and is not tried now: such mail is deferred.
 */
struct smtp_tls_facts;
void smtp_session_proves(struct smtp_session *s,
                         const struct smtp_tls_facts *facts, bool broken_tls);

/* The handshake that STEP_HANDSHAKE waits for is done. Nothing that was heard
 * before it counts any more (RFC 3207, 4.2). */
void smtp_session_secured(struct smtp_session *s);

/* Bytes of the server. Returns how many were used; stops behind each reply
 * that settled a mail, and may not be called again before all results were
 * taken: their texts live in it. */
MUST_USE size_t smtp_session_receive(struct smtp_session *s, const char *in,
                                     size_t len);

/* The next result; false if there is none. Its texts live until the next call
 * that changes the session. */
bool smtp_session_result(struct smtp_session *s, struct smtp_result *result);

/* What is to be sent is s->said: smtp_said_pending, and smtp_said_taken for
 * what was handed to the socket. */

/* May a mail be given now? False while results wait to be taken. */
bool smtp_session_takes(const struct smtp_session *s);

/* m is copied; the bytes it points to must live until its result. What can't be
 * sent to this server gives its result at once: an address that would break the
 * command line, or that needs SMTPUTF8 where that is not offered (RFC 6531), in
 * the envelope or in the header; a mail larger than its SIZE (RFC 1870); one
 * that requires TLS, where the server does not promise REQUIRETLS, or is not
 * proved (RFC 8689). */
void smtp_session_send(struct smtp_session *s, const struct smtp_message *m);

/* Take no more mail, finish what is under way, say QUIT. */
void smtp_session_quit(struct smtp_session *s);

/* The connection is gone. why stands in the results and in s->why. */
void smtp_session_lost(struct smtp_session *s, enum smtp_loss loss,
                       const char *why);

/* What we wait for: the oldest unanswered step, STEP_IDLE or STEP_OVER. */
enum smtp_step smtp_session_waits(const struct smtp_session *s);
#endif
