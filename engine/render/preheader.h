/*
 * render/preheader - the preview text that mail programs show beside the
 * subject: hidden at the start of the HTML's body. Internal to render/.
 */
#ifndef RENDER_PREHEADER_H
#define RENDER_PREHEADER_H

#include "base/buf.h"
#include "base/status.h"
#include "templates/template.h"
#include <stdbool.h>

/* options: NULL where it is no template. The error begins with "preheader". */
MUST_USE enum status preheader_check(const char *text,
                                     const struct template_options *options,
                                     struct error *err);

/* html with the text in it, appended to out. The text is no HTML: it is
 * escaped, but for the outputs and tags of a template. */
void preheader_insert(struct buf *out, const char *html, const char *text,
                      bool templates);
#endif
