/* Limits as people write them, and replies against all rules. */
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
    for (size_t i = 0; i < n; i++) {
        provider_judge(&all[i], 421, "4.7.0", text);
        provider_judge(&all[i], 554, NULL, text);
        provider_of((const char *const *)&text, 1);
    }
    free(text);
    return 0;
}
