#include "pace/amend.h"
#include <string.h>

static const char blanks[] = " \t";

/* Is the word of len bytes NAME=default? */
static bool is_default(const char *word, size_t len, const char *name)
{
    static const char suffix[] = "=default";
    size_t n = strlen(name);

    return len == n + sizeof suffix - 1 && memcmp(word, name, n) == 0 &&
           memcmp(word + n, suffix, sizeof suffix - 1) == 0;
}

/* LIMITS: none. */
static int dropped(const char *word, size_t len)
{
    for (int i = 0; i < LIMITS; i++)
        if (is_default(word, len, limit_text((enum limit)i)))
            return i;
    return LIMITS;
}

/* Those that are dropped are marked, the other words go into said. */
static enum status split(const char *words, bool *drop, char *said,
                         struct error *err)
{
    size_t used = 0;

    for (const char *at = words; *(at += strspn(at, blanks));) {
        size_t len = strcspn(at, blanks);
        int i = dropped(at, len);

        if (i < LIMITS && drop[i])
            return fail(err, STATUS_INVALID, "%s is given twice",
                        limit_text((enum limit)i));
        if (i < LIMITS) {
            drop[i] = true;
        } else {
            if (used + len + 2 > LIMITS_TEXT_MAX)
                return fail(err, STATUS_INVALID, "too many limits");
            memcpy(said + used, at, len);
            used += len;
            said[used++] = ' ';
        }
        at += len;
    }
    said[used] = '\0';
    return STATUS_OK;
}

enum status limits_amend(struct limits *limits, const char *words,
                         struct error *err)
{
    char text[LIMITS_TEXT_MAX];
    bool drop[LIMITS] = {false};
    struct limits said, changed = *limits;
    enum status status = split(words, drop, text, err);

    if (status == STATUS_OK)
        status = limits_parse(text, &said, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < LIMITS; i++) {
        if (drop[i] && said.of[i] != LIMIT_UNSET)
            return fail(err, STATUS_INVALID, "%s is given twice",
                        limit_text((enum limit)i));
        if (drop[i])
            changed.of[i] = LIMIT_UNSET;
    }
    limits_override(&changed, &said);
    *limits = changed;
    return STATUS_OK;
}

enum status limits_amend_text(const char *was, const char *words, char *out,
                              struct error *err)
{
    struct limits limits;
    enum status status = limits_parse(was, &limits, err);

    if (status == STATUS_OK)
        status = limits_amend(&limits, words, err);
    if (status == STATUS_OK)
        limits_text(&limits, out);
    return status;
}
