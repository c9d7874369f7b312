/*
 * render/letter - a stored template as texts, without the mail around them:
 * for previews, and for transactional mail, whose content is stored as it was
 * rendered. Campaigns go by render/message. No I/O; the clock is an argument.
 */
#ifndef RENDER_LETTER_H
#define RENDER_LETTER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "templates/template.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Texts are UTF-8, NULL where absent; borrowed for the call only. */
struct letter_source {
    const char *subject, *html, *text;
    json_t *partials; /* {name: source}, or NULL */
    json_t *defaults; /* of variables that are missing; or NULL */
    bool strict_variables;
    bool inline_css;    /* of the HTML: render/css_inline */
    bool generate_text; /* from the HTML, where text is absent */
};

struct letter; /* compiled; immutable */

/* Errors begin with the field: "html: line 3, column 14: ...". On success *out
 * is the caller's: letter_free. */
MUST_USE enum status letter_compile(const struct letter_source *source,
                                    struct letter **out, struct error *err);
void letter_free(struct letter *l);

struct letter_reader {
    const json_t *variables;     /* an object, or NULL */
    const char *email;           /* what the variable `email` is; or NULL */
    const char *unsubscribe_url; /* the same; or NULL */
    int64_t now_us;
    template_missing_function *missing; /* as of template_values */
    void *missing_context;
};

/* Texts of parts that the template has not stay NULL. */
struct letter_texts {
    char *subject, *html, *text;
};

/* The texts live in scratch. STATUS_TOO_BIG and STATUS_INVALID as of
 * template_render; errors begin with the field. */
MUST_USE enum status letter_render(const struct letter *l,
                                   const struct letter_reader *to,
                                   struct arena *scratch,
                                   struct letter_texts *out, struct error *err);
#endif
