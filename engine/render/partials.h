/*
 * render/partials - the partials and layouts that a content was pinned with:
 * an object, name to source. A part that is made from HTML shows them as text,
 * too. Internal to render/.
 */
#ifndef RENDER_PARTIALS_H
#define RENDER_PARTIALS_H

#include "templates/template.h"
#include <jansson.h>

struct partials {
    json_t *sources; /* NULL: there are none */
    json_t *texts;   /* the same made into text; NULL until it is asked for */
};

/* Keeps a reference to sources. */
void partials_init(struct partials *p, json_t *sources);
void partials_fini(struct partials *p);

/* How templates look partials up: p has to outlive them. as_text: for a part
 * that is made from HTML. */
void partials_use(struct partials *p, bool as_text,
                  struct template_options *options);
#endif
