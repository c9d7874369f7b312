#include "settle/stream.h"
#include "base/memory.h"
#include "mail/address.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { KEY_MAX = ADDRESS_MAX + 24 };

struct stream {
    int64_t project;
    char domain[ADDRESS_MAX];
    unsigned char id[OUTCOME_CAMPAIGN_BYTES];
    bool given, told;
};

void streams_fini(struct streams *s)
{
    size_t at = 0;

    for (struct stream *one; (one = map_next(&s->all, &at));)
        free(one);
    map_fini(&s->all);
    *s = (struct streams){0};
}

static struct stream *stream_new(const char *key, int64_t project,
                                 const char *domain)
{
    struct stream *one = memory_new(1, sizeof *one);
    XXH128_canonical_t hash;

    XXH128_canonicalFromHash(&hash, XXH3_128bits(key, strlen(key)));
    memcpy(one->id, hash.digest, sizeof one->id);
    one->id[6] = (unsigned char)((one->id[6] & 0x0f) | 0x80);
    one->id[8] = (unsigned char)((one->id[8] & 0x3f) | 0x80);
    one->project = project;
    snprintf(one->domain, sizeof one->domain, "%s", domain);
    return one;
}

void streams_id(struct streams *s, int64_t project, const char *domain,
                unsigned char id[OUTCOME_CAMPAIGN_BYTES])
{
    char folded[ADDRESS_MAX], key[KEY_MAX];
    size_t len = strlen(domain);
    struct stream *one;

    address_fold(domain, len < ADDRESS_MAX ? len : ADDRESS_MAX - 1, folded);
    snprintf(key, sizeof key, "%" PRId64 " %s", project, folded);
    one = map_get(&s->all, key);
    if (!one) {
        if (s->all.n >= STREAMS_KNOWN_MAX)
            streams_fini(s);
        one = stream_new(key, project, folded);
        map_put(&s->all, key, one);
        s->untold++;
    }
    memcpy(id, one->id, sizeof one->id);
}

bool streams_args(const struct streams *s, struct args *a)
{
    struct stream *one;

    if (s->untold == 0)
        return false;
    for (size_t at = 0; (one = map_next(&s->all, &at));)
        one->given = !one->told;
    args_array_start(a, ARGS_ELEMENT_UUID);
    for (size_t at = 0; (one = map_next(&s->all, &at));)
        if (one->given)
            args_element_uuid(a, one->id);
    args_array_end(a);
    args_array_start(a, ARGS_ELEMENT_BIGINT);
    for (size_t at = 0; (one = map_next(&s->all, &at));)
        if (one->given)
            args_element_bigint(a, one->project);
    args_array_end(a);
    args_array_start(a, ARGS_ELEMENT_TEXT);
    for (size_t at = 0; (one = map_next(&s->all, &at));)
        if (one->given)
            args_element_text(a, one->domain, strlen(one->domain));
    args_array_end(a);
    return true;
}

void streams_told(struct streams *s)
{
    struct stream *one;

    if (s->untold == 0)
        return;
    s->untold = 0;
    for (size_t at = 0; (one = map_next(&s->all, &at));) {
        one->told |= one->given;
        s->untold += !one->told;
    }
}
