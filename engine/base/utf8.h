/* base/utf8 - is this UTF-8 (RFC 3629), and where does a character end?
 * Overlong forms, surrogates and what is beyond U+10FFFF are not. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at p, of which left are readable; 0 if that is no
 * whole valid character, or left is 0. */
size_t utf8_char(const char *p, size_t left);

/* Where the first byte is that belongs to no valid character; len if none. */
size_t utf8_check(const char *p, size_t len);

/* Nothing but ASCII? Any bytes, eight at a time: whole bodies are looked at. */
bool utf8_is_ascii(const char *bytes, size_t len);

/* Is text, which is UTF-8, one line without control characters (C0, DEL, C1)?
 * A name that is not could forge lines of a list, or steer a terminal. */
bool utf8_one_line(const char *text);
#endif
