/*
 * smtp/echo - does a server give back what it was told? Pure: no I/O, no
 * allocation, and it keeps nothing.
 */
#ifndef SMTP_ECHO_H
#define SMTP_ECHO_H

#include <stddef.h>

enum {
    SMTP_ECHO_RUN = 20,  /* so long a word of base64 is none for people, unless
                            it is of letters alone */
    SMTP_ECHO_FIRST = 6, /* bytes of the secret that are looked for in a login:
                            who gives back a part, or breaks its line, begins
                            there */
    SMTP_ECHO_MOST = 24, /* of a longer secret, these are looked for */
};

/* Each says how much of text, which may have NULs, shows nothing of a kind; it
 * ends in front of the word that does. secret_len 0: there is none. */

/* The secret's first SMTP_ECHO_MOST bytes, in small letters or large, or their
 * base64 at any place of a longer one. */
size_t smtp_echo_secret(const char *text, size_t len, const char *secret,
                        size_t secret_len);

/* In a login: its first SMTP_ECHO_FIRST bytes, likewise; and any long word of
 * base64. */
size_t smtp_echo_login(const char *text, size_t len, const char *secret,
                       size_t secret_len);
#endif
