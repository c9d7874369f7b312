#include "render/fields.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "mail/header.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Length 0: the name itself; else all names that begin so. */
struct reserved {
    const char *name;
    size_t prefix;
};

static const struct reserved reserved[] = {
    {"From", 0},
    {"Sender", 0},
    {"Reply-To", 0},
    {"To", 0},
    {"Cc", 0},
    {"Bcc", 0},
    {"Subject", 0},
    {"Date", 0},
    {"Message-ID", 0},
    {"MIME-Version", 0},
    {"Content-", 8},
    {"Resent-", 7},
    {"DKIM-Signature", 0},
    {"ARC-", 4},
    {"Authentication-Results", 0},
    {"Received", 0},
    {"Received-SPF", 0},
    {"Return-Path", 0},
    {"Delivered-To", 0},
};

bool fields_is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        const struct reserved *r = &reserved[i];

        if (r->prefix ? strncasecmp(name, r->name, r->prefix) == 0
                      : strcasecmp(name, r->name) == 0)
            return true;
    }
    return false;
}

void error_prefix(struct error *err, const char *label)
{
    struct error whole;

    if (!err)
        return;
    /* Cut at the limit: the label says more than the end of the text. */
    if (snprintf(whole.text, sizeof whole.text, "%s: %s", label, err->text) < 0)
        return;
    *err = whole;
}

enum status fields_addresses(struct buf *out, const char *name,
                             const char *label, const char *const *list,
                             size_t n, struct error *err)
{
    struct address *parsed;
    enum status st = STATUS_OK;

    if (n == 0)
        return STATUS_OK;
    if (n > MESSAGE_ADDRESSES_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d addresses", label,
                    MESSAGE_ADDRESSES_MAX);
    parsed = memory_new(n, sizeof *parsed);
    for (size_t i = 0; i < n && st == STATUS_OK; i++) {
        char where[64];

        st = address_parse(list[i], strlen(list[i]), &parsed[i], err);
        snprintf(where, sizeof where, "%s[%zu]", label, i);
        if (st != STATUS_OK)
            error_prefix(err, where);
    }
    if (st == STATUS_OK)
        header_addresses(out, name, parsed, n);
    free(parsed);
    return st;
}

static enum status check_value(const char *value, const char *label,
                               struct error *err)
{
    size_t len = strlen(value);
    size_t bad = utf8_check(value, len);

    if (len > MESSAGE_VALUE_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d bytes", label,
                    MESSAGE_VALUE_MAX);
    if (bad < len)
        return fail(err, STATUS_INVALID, "%s: byte %zu is not valid UTF-8",
                    label, bad + 1);
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\r' || value[i] == '\n')
            return fail(err, STATUS_INVALID,
                        "%s: byte %zu: line breaks are not allowed", label,
                        i + 1);
        if (((unsigned char)value[i] < ' ' && value[i] != '\t') ||
            value[i] == 0x7f)
            return fail(err, STATUS_INVALID,
                        "%s: byte %zu: control characters are not allowed",
                        label, i + 1);
    }
    return STATUS_OK;
}

static void write_line(struct field *f, const char *value)
{
    char *copy = text_copy(value);

    header_text(&f->line, f->name, copy, strlen(copy));
    free(copy);
}

enum status field_init(struct field *f, const char *name, const char *value,
                       const char *label,
                       const struct template_options *templates,
                       struct error *err)
{
    enum status st = check_value(value, label, err);

    *f = (struct field){.name = text_copy(name), .label = text_copy(label)};
    if (st != STATUS_OK)
        return st;
    if (!templates) {
        write_line(f, value);
        return STATUS_OK;
    }
    st = template_compile_with(value, strlen(value), templates, &f->value, err);
    if (st != STATUS_OK)
        error_prefix(err, label);
    else if (template_is_constant(f->value))
        write_line(f, value);
    return st;
}

void field_fini(struct field *f)
{
    free(f->name);
    free(f->label);
    buf_fini(&f->line);
    template_free(f->value);
    *f = (struct field){0};
}

enum status field_render(const struct field *f,
                         const struct template_values *values,
                         struct arena *scratch, struct buf *out,
                         struct error *err)
{
    size_t start = out->len;
    enum status st;

    if (f->line.len > 0) {
        buf_add(out, f->line.data, f->line.len);
        return STATUS_OK;
    }
    st = template_render(f->value, values, scratch, out, err);
    if (st != STATUS_OK) {
        error_prefix(err, f->label);
        return st;
    }
    size_t len = out->len - start;
    char *value = arena_copy(scratch, out->data + start, len);
    out->len = start;
    if (len > MESSAGE_VALUE_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d bytes", f->label,
                    MESSAGE_VALUE_MAX);
    header_text(out, f->name, value, len);
    return STATUS_OK;
}
