#include "base/nearest.h"
#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Damerau's distance in the restricted form (optimal string alignment), with
 * three rows of the table kept. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][NEAREST_WORD_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3];
        const unsigned *up2 = rows[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= lb; j++) {
            now[j] = min3(now[j - 1] + 1, up[j] + 1,
                          up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && up2[j - 2] + 1 < now[j])
                now[j] = up2[j - 2] + 1;
        }
    }
    return rows[la % 3][lb];
}

const char *nearest_word(const char *word, const char *const *known, size_t n)
{
    size_t len = strlen(word);
    unsigned least = len < 4 ? 1 : (unsigned)(len / 3);
    const char *best = NULL;

    if (len > NEAREST_WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strlen(known[i]) > NEAREST_WORD_MAX)
            continue;
        unsigned d = distance(word, known[i]);

        if (d < least || (d == least && !best)) {
            least = d;
            best = known[i];
        }
    }
    return best;
}
