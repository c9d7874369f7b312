#include "render/attach.h"
#include "base/memory.h"
#include "mail/base64.h"
#include "mail/part.h"
#include "render/fields.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *type_of(const struct message_attachment *from)
{
    return from->content_type ? from->content_type
                              : part_type_of_name(from->filename);
}

static enum status labelled(enum status st, const char *label,
                            struct error *err)
{
    if (st != STATUS_OK)
        error_prefix(err, label);
    return st;
}

static enum status check(const struct message_attachment *from,
                         struct error *err)
{
    enum status st;

    if (!from->filename)
        return fail(err, STATUS_INVALID, "filename: missing");
    st = labelled(part_name_check(from->filename, err), "filename", err);
    if (st == STATUS_OK && from->content_type)
        st = labelled(part_type_check(from->content_type, err), "content_type",
                      err);
    if (st == STATUS_OK && from->content_id)
        st = labelled(part_id_check(from->content_id, err), "content_id", err);
    if (st != STATUS_OK)
        return st;
    if (!from->base64 || !base64_is_canonical(from->base64, from->base64_len))
        return fail(err, STATUS_INVALID, "content: not base64");
    return STATUS_OK;
}

/* An invitation is a form of the mail itself if it says its method. */
static enum attach_place place_of(const struct message_attachment *from,
                                  bool html)
{
    const char *type = type_of(from);

    if (strncasecmp(type, "text/calendar;", 14) == 0 &&
        part_type_has(type, "method"))
        return ATTACH_FORM;
    return from->content_id && html ? ATTACH_RELATED : ATTACH_MIXED;
}

static void write_part(struct buf *out, const struct message_attachment *from,
                       enum attach_place place)
{
    const char *type = type_of(from);

    part_add_type(out, type);
    if (place == ATTACH_FORM && !part_type_has(type, "charset"))
        part_add_parameter(out, "charset", "utf-8");
    part_add_ascii(out, "name", from->filename);
    buf_add_text(out, "\r\nContent-Transfer-Encoding: base64\r\n");
    if (from->content_id)
        buf_addf(out, "Content-ID: <%s>\r\n", from->content_id);
    if (place != ATTACH_FORM) {
        buf_add_text(out, "Content-Disposition: ");
        buf_add_text(out, from->content_id ? "inline" : "attachment");
        part_add_parameter(out, "filename", from->filename);
        buf_add_text(out, "\r\n");
    }
    buf_add_text(out, "\r\n");
    base64_lines(out, from->base64, from->base64_len);
}

static void add_part(struct attachments *a,
                     const struct message_attachment *from, bool html)
{
    enum attach_place place = place_of(from, html);
    struct attach_parts *parts = &a->in[place];

    parts->at = memory_resize(parts->at, parts->n + 1, sizeof *parts->at);
    parts->at[parts->n] = (struct buf){0};
    write_part(&parts->at[parts->n], from, place);
    a->bytes += parts->at[parts->n++].len;
}

enum status attach_init(struct attachments *a,
                        const struct message_source *source, struct error *err)
{
    size_t total = 0;

    if (source->n_attachments > MESSAGE_ATTACHMENTS_MAX)
        return fail(err, STATUS_TOO_BIG, "attachments: more than %d",
                    MESSAGE_ATTACHMENTS_MAX);
    for (size_t i = 0; i < source->n_attachments; i++) {
        char label[64];

        snprintf(label, sizeof label, "attachments[%zu]", i);
        enum status st =
            labelled(check(&source->attachments[i], err), label, err);
        if (st != STATUS_OK)
            return st;
        total += source->attachments[i].base64_len;
    }
    if (total > MESSAGE_ATTACHED_MAX)
        return fail(err, STATUS_TOO_BIG,
                    "attachments: more than %d bytes of base64 together",
                    MESSAGE_ATTACHED_MAX);
    for (size_t i = 0; i < source->n_attachments; i++)
        add_part(a, &source->attachments[i], source->html != NULL);
    return STATUS_OK;
}

void attach_fini(struct attachments *a)
{
    for (size_t place = 0; place < ATTACH_PLACES; place++) {
        for (size_t i = 0; i < a->in[place].n; i++)
            buf_fini(&a->in[place].at[i]);
        free(a->in[place].at);
    }
    *a = (struct attachments){0};
}
