/*
 * inbound/talk - the server's side of one SMTP connection from strangers
 * (RFC 5321): bytes in, replies out, and whole messages for the owner.
 *
 * Every input is bounded: lines, commands, wrong commands, messages, the bytes
 * of one. One recipient a message: a bounce has no other. Nothing is relayed:
 * RCPT takes only what inbound/address knows. Only CRLF.CRLF ends a message; a
 * bare LF or CR is data. A client that goes on behind DATA before it was told
 * to is sent away. What was said before STARTTLS is forgotten.
 *
 * No I/O, no clock. The owner moves bytes, looks at the state after each
 * talk_feed, and does what it says.
 */
#ifndef INBOUND_TALK_H
#define INBOUND_TALK_H

#include "base/buf.h"
#include "inbound/address.h"

enum {
    TALK_LINE_MAX = 1024,
    TALK_ADDRESS_MAX = 321, /* 64 + @ + 255 and a NUL */
    TALK_OUT_MAX = 8192,    /* replies not sent: input waits */
    TALK_BAD_MAX = 10,
    TALK_COMMANDS_MAX = 5000,
    TALK_MESSAGES_MAX = 1000,
};

/* The same for all connections; outlives them. */
struct talk_manners {
    const char *hostname;
    const struct inbound_addresses *addresses;
    size_t size_max; /* bytes of a message */
    bool starttls;   /* offered */
    /* May this client begin another message? */
    bool (*may_bring)(void *owner);
};

enum talk_state {
    TALK_COMMAND,
    TALK_SKIP_LINE, /* in an over-long one */
    TALK_BODY,      /* after 354 */
    TALK_MESSAGE,   /* one is there: take it, then talk_taken */
    TALK_TLS,       /* send what is in out, drop the input that is there, do
                     * the handshake, then talk_secured */
    TALK_OVER,      /* send what is in out, then close */
};

struct talk {
    const struct talk_manners *manners;
    void *owner;
    enum talk_state state;
    struct buf out; /* the owner sends it and resets it */
    bool secure;    /* under TLS */

    bool greeted, in_mail;
    bool line_start, after_cr, too_big; /* of the body */
    unsigned bad, commands, messages;
    char recipient[TALK_ADDRESS_MAX]; /* "": none yet */
    size_t size_bytes;
    /* "Delivered-To: RECIPIENT", then what came; no more than is read of it */
    struct buf message;
};

/* The greeting is in out. owner is for the manners' calls. */
void talk_init(struct talk *talk, const struct talk_manners *manners,
               void *owner);
void talk_fini(struct talk *talk);

/* Returns how many of the n bytes were taken; the rest is to be offered again
 * (an unfinished line; anything while out is full or the state is not one that
 * reads). */
size_t talk_feed(struct talk *talk, const char *bytes, size_t n);

/* The message is committed, or could not be. */
void talk_taken(struct talk *talk, bool committed);

void talk_secured(struct talk *talk);

/* End it from this side; reply begins with 421. */
void talk_end(struct talk *talk, const char *reply);
#endif
