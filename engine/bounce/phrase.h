/*
 * bounce/phrase - phrases found in text that people and servers wrote.
 *
 * Text is folded first: ASCII letters in lower case, every run of white space
 * one blank, so that line breaks inside a phrase don't hide it. A pattern is
 * lower case; `*` in it stands for up to PHRASE_GAP_MAX bytes, `~` (at either
 * end of a piece) for a place where no ASCII letter or digit is. Bytes that are
 * not ASCII stand for themselves. No allocation; time is bounded by the text's
 * length times the number of pieces, whatever the text is.
 */
#ifndef BOUNCE_PHRASE_H
#define BOUNCE_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PHRASE_TEXT_MAX = 4096, /* folded bytes and a NUL; the rest is not seen */
    PHRASE_GAP_MAX = 60,
    PHRASE_PAIR_WORDS = 32,
};

struct phrase_text {
    size_t len;
    uint64_t pairs[PHRASE_PAIR_WORDS]; /* which pairs of bytes occur (hashed) */
    char text[PHRASE_TEXT_MAX];
};

void phrase_fold(struct phrase_text *out, const char *text, size_t len);

bool phrase_in(const struct phrase_text *text, const char *pattern);
#endif
