/*
 * base/digest - one key for a list of parts: SHA-256 over them, each behind its
 * length. Equal keys mean equal lists, even where strangers chose the parts.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

enum { DIGEST_BYTES = 32, DIGEST_TEXT_MAX = 2 * DIGEST_BYTES + 1 };

struct digest {
    void *context; /* of the list under way */
};

void digest_start(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t len);
void digest_add_text(struct digest *d, const char *text);

/* The list is complete: nothing is held any more. */
void digest_end(struct digest *d, unsigned char out[DIGEST_BYTES]);

/* The same as hexadecimal text. */
void digest_end_text(struct digest *d, char out[DIGEST_TEXT_MAX]);
#endif
