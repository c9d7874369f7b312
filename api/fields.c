#include "api/fields.h"
#include "base/utf8.h"
#include "mail/address.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool field_wrong(struct email_error *why, enum api_error name, const char *fmt,
                 ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why->error.text, sizeof why->error.text, fmt, ap);
    va_end(ap);
    why->name = name;
    return false;
}

bool field_invalid(struct email_error *why, const char *field, const char *what)
{
    return field_wrong(why, API_VALIDATION_ERROR, "Invalid `%s` field: %s.",
                       field, what);
}

json_t *field_member(const json_t *body, const char *field)
{
    json_t *value = json_object_get(body, field);

    return json_is_null(value) ? NULL : value;
}

bool fields_read_texts(const json_t *body, const struct field_text *texts,
                       size_t n, const char **params, struct email_error *why)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = field_member(body, texts[i].field);

        if (value && !json_is_string(value))
            return field_invalid(why, texts[i].field, "it is to be a text");
        if (json_string_length(value) > texts[i].most)
            return field_wrong(why, API_VALIDATION_ERROR,
                               "Invalid `%s` field: it has %zu bytes, %zu are "
                               "allowed.",
                               texts[i].field, json_string_length(value),
                               texts[i].most);
        if (json_string_length(value) > 0)
            params[texts[i].param] = json_string_value(value);
    }
    return true;
}

bool field_check_from(const char *text, struct email_error *why)
{
    struct address parsed;
    struct error err;

    return address_parse(text, strlen(text), &parsed, &err) == STATUS_OK ||
           field_wrong(why, API_INVALID_FROM_ADDRESS,
                       "Invalid `from` field: %s. The format is "
                       "`email@example.com` or `Name <email@example.com>`.",
                       err.text);
}

static bool is_metadata(const char *name, const json_t *value)
{
    if (*name == 0 || strlen(name) > FIELD_METADATA_NAME_MAX ||
        !utf8_one_line(name))
        return false;
    return json_is_string(value)
               ? json_string_length(value) <= FIELD_METADATA_VALUE_MAX
               : json_is_number(value) || json_is_boolean(value);
}

bool field_check_metadata(const json_t *body, struct email_error *why)
{
    json_t *metadata = field_member(body, "metadata"), *value;
    const char *name;

    if (metadata && (!json_is_object(metadata) ||
                     json_object_size(metadata) > FIELD_METADATA_MAX))
        return field_wrong(why, API_VALIDATION_ERROR,
                           "Invalid `metadata` field: it is to be an object of "
                           "at most %d members.",
                           FIELD_METADATA_MAX);
    json_object_foreach(metadata, name, value)
    {
        if (!is_metadata(name, value))
            return field_wrong(
                why, API_VALIDATION_ERROR,
                "Invalid `metadata` field: `%.100s` is to be a name of at most "
                "%d bytes, with a text of at most %d bytes, a number or a "
                "boolean.",
                name, FIELD_METADATA_NAME_MAX, FIELD_METADATA_VALUE_MAX);
    }
    return true;
}

bool field_read_reply_to(json_t *body, size_t most, struct email_error *why)
{
    json_t *value = field_member(body, "reply_to");

    if (!value || (json_is_string(value) && json_string_length(value) == 0))
        return json_object_set_new(body, "reply_to", json_array()) == 0;
    if (json_is_string(value))
        return json_object_set_new(body, "reply_to", json_pack("[O]", value)) ==
               0;
    if (!json_is_array(value) || json_array_size(value) > most)
        return field_wrong(why, API_VALIDATION_ERROR,
                           "Invalid `reply_to` field: it is to be a text or a "
                           "list of at most %zu texts.",
                           most);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return field_invalid(why, "reply_to", "its items are to be texts");
    return true;
}
