#include "bounce/meaning.h"

static const struct {
    enum bounce_meaning meaning;
    const char *phrase;
} phrases[] = {
#define PHRASE(meaning, phrase) {BOUNCE_MEANS_##meaning, phrase},
#include "bounce/phrases.def"
#undef PHRASE
};

bool bounce_means(const struct phrase_text *text, enum bounce_meaning meaning)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].meaning == meaning && phrase_in(text, phrases[i].phrase))
            return true;
    return false;
}

bool bounce_text_means(const char *text, size_t len,
                       enum bounce_meaning meaning)
{
    struct phrase_text folded;

    phrase_fold(&folded, text, len);
    return bounce_means(&folded, meaning);
}
