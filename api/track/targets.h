/*
 * api/track/targets - where the constant links of content lead, remembered, so
 * that a click costs no parsing of HTML. Any thread.
 *
 * Bounded: what was not asked for longest goes first (TARGETS_MAX contents,
 * TARGETS_BYTES_MAX bytes with their keys). A key names content that does not
 * change: who changes it gives it another one.
 */
#ifndef API_TRACK_TARGETS_H
#define API_TRACK_TARGETS_H

#include "render/links.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    TARGETS_MAX = 1000,
    TARGETS_BYTES_MAX = 16 * 1024 * 1024,
};

struct targets;
struct targets *targets_new(size_t contents_max, size_t bytes_max);
void targets_free(struct targets *t);

/* False: this content is not known. Else *url is a copy that the caller frees,
 * or NULL: it has no constant link of this number. */
bool targets_find(struct targets *t, const char *key, size_t number,
                  char **url);

/* The content's links; what they say is copied. Of content that alone would
 * not fit nothing is kept. */
void targets_keep(struct targets *t, const char *key,
                  const struct links *links);

/* What it holds now. */
void targets_count(struct targets *t, size_t *contents, size_t *bytes);
#endif
