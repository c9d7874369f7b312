/*
 * render/fields - the header fields that an author chooses: checks them and
 * writes those that are the same in every mail. Internal to render/.
 */
#ifndef RENDER_FIELDS_H
#define RENDER_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "mail/address.h"
#include "render/message.h"
#include "templates/template.h"

/* One text field: its whole line where it is the same for everybody, else the
 * template of its value. */
struct field {
    char *name, *label; /* label: what errors call it */
    struct buf line;
    struct template *value; /* NULL if line is it */
};

/* Parse and write "name: list" (nothing if n is 0). Errors are prefixed with
 * label and index. */
MUST_USE enum status fields_addresses(struct buf *out, const char *name,
                                      const char *label,
                                      const char *const *list, size_t n,
                                      struct error *err);

/* Errors are prefixed with label. templates: how value is compiled; NULL: it is
 * taken as it is. On failure f needs field_fini too. */
MUST_USE enum status field_init(struct field *f, const char *name,
                                const char *value, const char *label,
                                const struct template_options *templates,
                                struct error *err);
void field_fini(struct field *f);

/* Names that no author may set: they are ours, or have a field of their own. */
bool fields_is_reserved(const char *name);

MUST_USE enum status field_render(const struct field *f,
                                  const struct template_values *values,
                                  struct arena *scratch, struct buf *out,
                                  struct error *err);

/* "label: " before the error's text. */
void error_prefix(struct error *err, const char *label);
#endif
