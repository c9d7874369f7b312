/*
 * bounce/meaning - what text about mail means: phrases.def by meaning, in the
 * languages that bounces are written in. Pure, no allocation.
 */
#ifndef BOUNCE_MEANING_H
#define BOUNCE_MEANING_H

#include "bounce/phrase.h"

enum bounce_meaning {
    BOUNCE_MEANS_ORIGINAL,
    BOUNCE_MEANS_SUBJECT,
    BOUNCE_MEANS_FAILURE,
    BOUNCE_MEANS_DELAY,
    BOUNCE_MEANS_AUTO,
    BOUNCE_MEANS_AWAY,
    BOUNCE_MEANS_ARRIVED,
};

bool bounce_means(const struct phrase_text *text, enum bounce_meaning meaning);

/* The same for text that is not folded yet; the first PHRASE_TEXT_MAX bytes
 * count. */
bool bounce_text_means(const char *text, size_t len,
                       enum bounce_meaning meaning);
#endif
