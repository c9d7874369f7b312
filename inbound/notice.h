/*
 * inbound/notice - one message that came in, judged: which mail of ours it is
 * about, and what it says of it.
 *
 * The mail is named by a MAC: in the address that the message came to (a line
 * "Delivered-To:" in front of it), in a return path of ours anywhere in it,
 * or in a Message-ID or other field of the mail that came back. What names
 * none, or says nothing that is understood, is to be kept. The bytes are
 * hostile; time and memory are bounded (bounce/read.h). No I/O.
 */
#ifndef INBOUND_NOTICE_H
#define INBOUND_NOTICE_H

#include "base/mailid.h"
#include "bounce/read.h"

enum {
    NOTICE_KEY_BYTES = 32,
    NOTICE_SUBJECT_MAX = 256,
    NOTICE_KIND_MAX = 16,
    NOTICE_KEPT_MAX = 256 * 1024, /* bytes of what is not understood */
    NOTICE_NAMES_MAX = 4096,      /* that may be a mail's, in one message */
};

struct notice {
    unsigned char key[NOTICE_KEY_BYTES]; /* the same for the same message */
    char kind[NOTICE_KIND_MAX]; /* bounce, delayed, delivered, auto_reply,
                                 * complaint, other */
    bool named;                 /* mail is one of ours */
    bool keep;                  /* a person has to look at it */
    struct mailid mail;
    enum bounce_category category;
    bool hard;
    unsigned code; /* 0: none was said */
    char status[BOUNCE_STATUS_MAX];
    char diagnostic[BOUNCE_DIAGNOSTIC_MAX];
    char address[ADDRESS_MAX]; /* whom it names, or "" */
    char subject[NOTICE_SUBJECT_MAX];
};

/* One for a thread; reused, it keeps its memory. */
struct notice_reader {
    struct bounce_reader reader;
    struct bounce_report *report;
    unsigned char secret[MAILID_SECRET_BYTES]; /* the installation's */
};

void notice_reader_init(struct notice_reader *r,
                        const unsigned char secret[MAILID_SECRET_BYTES]);
void notice_reader_fini(struct notice_reader *r);

void notice_read(struct notice_reader *r, const char *bytes, size_t len,
                 struct notice *out);
#endif
