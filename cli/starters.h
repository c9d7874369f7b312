/* cli/starters - ready-made templates, of templates/starter, with their sample
 * data. Part of the program. */
#ifndef CLI_STARTERS_H
#define CLI_STARTERS_H

#include "base/buf.h"
#include <stddef.h>

struct starter {
    const char *name, *html, *data; /* data: JSON */
};

/* NULL if there is none of this name. */
const struct starter *starter_find(const char *name);

/* One a line, with what it is for. */
void starter_list(void);

/* What stands in the HTML's <title>: the subject. Empty if it has none. */
void starter_subject(const char *html, struct buf *out);
#endif
