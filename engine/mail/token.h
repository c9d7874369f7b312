/*
 * mail/token - what a tracked link, the open pixel and the unsubscribe link
 * carry: the mail, what for, and a MAC. Nobody can make one up, and one made
 * for a purpose serves no other.
 *
 * 62 bits batch, 18 bits seq, 3 bits purpose, 13 bits link; then 64 bits of
 * SipHash over these and, where the link's target travels with it, the target.
 * In base64url (RFC 4648, 5) 27 characters.
 */
#ifndef MAIL_TOKEN_H
#define MAIL_TOKEN_H

#include "base/mailid.h"
#include <stdbool.h>
#include <stddef.h>

enum token_purpose {
    TOKEN_CLICK,        /* the target is the link-th of the content */
    TOKEN_CLICK_TARGET, /* the target travels with the token */
    TOKEN_OPEN,
    TOKEN_UNSUBSCRIBE,
    TOKEN_PURPOSES,
};

enum {
    TOKEN_TEXT_LEN = 27,
    TOKEN_TEXT_MAX = TOKEN_TEXT_LEN + 1,
    TOKEN_LINK_MAX = (1 << 13) - 1,
};

struct token {
    struct mailid mail;
    enum token_purpose purpose;
    unsigned link; /* 0 .. TOKEN_LINK_MAX */
};

/* secret: the installation's. target: what is signed with it; NULL for none.
 * out has TOKEN_TEXT_MAX bytes. No allocation; any thread. */
void token_text(const unsigned char secret[MAILID_SECRET_BYTES],
                const struct token *token, const char *target,
                size_t target_len, char *out);

/* False: not one of ours, or not with this target. text need not end in NUL. */
bool token_parse(const unsigned char secret[MAILID_SECRET_BYTES],
                 const char *text, size_t len, const char *target,
                 size_t target_len, struct token *out);

/* Bytes as base64url without padding, appended at out: returns the characters
 * written, token_base64_len(len); no NUL. */
size_t token_base64(const void *bytes, size_t len, char *out);
size_t token_base64_len(size_t len);

/* And back, into out (len bytes suffice): the number of bytes, or -1 if text is
 * none. */
long token_unbase64(const char *text, size_t len, unsigned char *out);
#endif
