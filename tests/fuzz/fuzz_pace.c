/* Limits as people write them, and replies against all rules. */
#include "pace/amend.h"
#include "pace/limits.h"
#include "pace/providers.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_limits(const char *text)
{
    struct limits limits, again;
    char out[LIMITS_TEXT_MAX];

    if (limits_parse(text, &limits, NULL) != STATUS_OK)
        return;
    limits_text(&limits, out);
    if (limits_parse(out, &again, NULL) != STATUS_OK ||
        memcmp(&limits, &again, sizeof limits) != 0)
        abort();
}

/* A change of limits, which leaves what limits_text would write. */
static void check_amend(const char *text)
{
    static const char was[] = "connections=5 burst=3";
    struct limits limits;
    char out[LIMITS_TEXT_MAX];

    if (limits_amend_text(was, text, out, NULL) == STATUS_OK && *out &&
        limits_parse(out, &limits, NULL) != STATUS_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    size_t n;
    const struct provider *all = providers_all(&n);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_limits(text);
    check_amend(text);
    provider_of((const char *const *)&text, 1);
    /* One provider's rules at a time, or little else would be tried. */
    if (size > 0) {
        const struct provider *one = &all[data[size - 1] % n];

        provider_judge(one, 421, "4.7.0", text);
        provider_judge(one, 554, NULL, text);
    }
    free(text);
    return 0;
}
