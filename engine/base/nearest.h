/*
 * base/nearest - "did you mean": the known word that a misspelt one is
 * probably meant to be. For settings, commands, options. No I/O, allocates
 * nothing.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

enum { NEAREST_WORD_MAX = 64 };

/* The word of known[n] with the fewest typing slips (a letter wrong, missing,
 * too many, or two swapped) from word, if these are few for its length; else
 * NULL. Longer words than NEAREST_WORD_MAX have none. Case counts. */
const char *nearest_word(const char *word, const char *const *known, size_t n);
#endif
