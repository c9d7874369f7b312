/*
 * smtp/echo - does a server give back what it was told? Pure: no I/O, no
 * allocation, and it keeps nothing.
 */
#ifndef SMTP_ECHO_H
#define SMTP_ECHO_H

#include <stddef.h>

enum {
    SMTP_ECHO_RUN = 20,  /* so long a word of base64 is none for people, unless
                            it  is of letters alone */
    SMTP_ECHO_FIRST = 6, /* bytes of the secret that are looked for: who gives
                            back a part, or breaks its line, begins there */
};

/* How much of text shows nothing of the secret: not its first bytes, in small
 * letters or large, nor their base64 at any place of a longer one; nor any long
 * word of base64. It ends in front of the word that does. secret_len 0: there
 * is none. */
size_t smtp_echo_before(const char *text, const char *secret,
                        size_t secret_len);
#endif
