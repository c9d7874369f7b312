/*
 * mail/words - encoded words (RFC 2047) as clients write them into names that
 * they believe to be header text. No I/O, no allocation.
 */
#ifndef MAIL_WORDS_H
#define MAIL_WORDS_H

enum { WORDS_MAX = 256 }; /* bytes of a text, with its NUL */

/* Decodes the encoded words in text, in place: it becomes no longer. Charsets
 * are UTF-8, US-ASCII and ISO-8859-1. A text of which anything can't be
 * decoded, or would not be clean UTF-8 in one line, stays as it is. */
void words_decode(char *text);
#endif
