#include "mail/part.h"
#include "base/utf8.h"
#include <string.h>
#include <strings.h>

/* Content types. */

struct ending {
    const char *ending, *type;
};

static const char *const ANY_TYPE = "application/octet-stream";

#define OFFICE "application/vnd.openxmlformats-officedocument."
#define OPEN "application/vnd.oasis.opendocument."
static const struct ending endings[] = {
    {"7z", "application/x-7z-compressed"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"doc", "application/msword"},
    {"docx", OFFICE "wordprocessingml.document"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"heic", "image/heic"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"json", "application/json"},
    {"m4a", "audio/mp4"},
    {"md", "text/markdown"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"odp", OPEN "presentation"},
    {"ods", OPEN "spreadsheet"},
    {"odt", OPEN "text"},
    {"ogg", "audio/ogg"},
    {"pdf", "application/pdf"},
    {"pkpass", "application/vnd.apple.pkpass"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", OFFICE "presentationml.presentation"},
    {"rtf", "application/rtf"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"txt", "text/plain"},
    {"vcf", "text/vcard"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", OFFICE "spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
};

const char *part_type_of_name(const char *filename)
{
    const char *dot = strrchr(filename, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot + 1, endings[i].ending) == 0)
            return endings[i].type;
    return ANY_TYPE;
}

/* RFC 2045 5.1: a token has no space, control or special character. */
static size_t token_length(const char *p)
{
    size_t n = 0;

    while (p[n] > ' ' && p[n] < 0x7f && !strchr("()<>@,;:\\\"/[]?=", p[n]))
        n++;
    return n;
}

/* Length of a quoted string with its quotes; 0 if p is none. */
static size_t quoted_length(const char *p)
{
    size_t n = 1;

    if (*p != '"')
        return 0;
    for (; p[n] != '"'; n++) {
        n += p[n] == '\\';
        if (p[n] < ' ' || p[n] == 0x7f) /* the end, or beyond ASCII */
            return 0;
    }
    return n + 1;
}

struct parameter {
    const char *name, *value; /* into the type; value with its quotes */
    size_t name_len, value_len;
};

enum next { NEXT_PARAMETER, NEXT_END, NEXT_WRONG };

static size_t blanks(const char *p)
{
    return strspn(p, " \t");
}

/* The parameter at *p, which is behind a type or a parameter. */
static enum next next_parameter(const char **p, struct parameter *out)
{
    const char *at = *p + blanks(*p);

    if (*at == 0)
        return NEXT_END;
    if (*at != ';')
        return NEXT_WRONG;
    at += 1 + blanks(at + 1);
    if (*at == 0)
        return NEXT_END;
    out->name = at;
    out->name_len = token_length(at);
    if (out->name_len == 0 || at[out->name_len] != '=')
        return NEXT_WRONG;
    out->value = at + out->name_len + 1;
    out->value_len = token_length(out->value);
    if (out->value_len == 0)
        out->value_len = quoted_length(out->value);
    *p = out->value + out->value_len;
    return out->value_len > 0 ? NEXT_PARAMETER : NEXT_WRONG;
}

/* Length of "type/subtype", 0 if it is none. */
static size_t type_length(const char *type)
{
    size_t n = token_length(type);

    if (n == 0 || type[n] != '/')
        return 0;
    size_t sub = token_length(type + n + 1);
    return sub > 0 ? n + 1 + sub : 0;
}

enum status part_type_check(const char *type, struct error *err)
{
    struct parameter parameter;
    enum next next;
    size_t n = type_length(type);
    const char *p = type + n;

    if (strlen(type) > PART_TYPE_MAX)
        return fail(err, STATUS_TOO_BIG, "more than %d bytes", PART_TYPE_MAX);
    if (n == 0)
        return fail(err, STATUS_INVALID, "expected type/subtype");
    if (strncasecmp(type, "multipart/", 10) == 0 ||
        strncasecmp(type, "message/", 8) == 0)
        return fail(err, STATUS_INVALID,
                    "multipart and message types can't be attached; %s can",
                    ANY_TYPE);
    while ((next = next_parameter(&p, &parameter)) == NEXT_PARAMETER)
        ;
    if (next == NEXT_WRONG)
        return fail(err, STATUS_INVALID, "character %zu: expected ; name=value",
                    (size_t)(p - type) + 1);
    return STATUS_OK;
}

static bool is_named(const struct parameter *p, const char *name)
{
    return p->name_len == strlen(name) &&
           strncasecmp(p->name, name, p->name_len) == 0;
}

bool part_type_has(const char *type, const char *parameter)
{
    const char *p = type + type_length(type);
    struct parameter found;

    while (next_parameter(&p, &found) == NEXT_PARAMETER)
        if (is_named(&found, parameter))
            return true;
    return false;
}

void part_add_type(struct buf *out, const char *type)
{
    size_t n = type_length(type);
    const char *p = type + n;
    struct parameter found;

    buf_add_text(out, "Content-Type: ");
    buf_add(out, type, n);
    while (next_parameter(&p, &found) == NEXT_PARAMETER) {
        if (is_named(&found, "name"))
            continue;
        buf_add_text(out, ";\r\n ");
        buf_add(out, found.name, (size_t)(p - found.name));
    }
}

/* Names and ids. */

enum status part_name_check(const char *filename, struct error *err)
{
    size_t len = strlen(filename), bad = utf8_check(filename, len);

    if (len == 0)
        return fail(err, STATUS_INVALID, "it is empty");
    if (len > PART_NAME_MAX)
        return fail(err, STATUS_TOO_BIG, "more than %d bytes", PART_NAME_MAX);
    if (bad < len)
        return fail(err, STATUS_INVALID, "byte %zu is not valid UTF-8",
                    bad + 1);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)filename[i] < ' ' || filename[i] == 0x7f)
            return fail(err, STATUS_INVALID,
                        "byte %zu: control characters are not allowed", i + 1);
    return STATUS_OK;
}

enum status part_id_check(const char *id, struct error *err)
{
    size_t len = strlen(id);

    if (len == 0)
        return fail(err, STATUS_INVALID, "it is empty");
    if (len > PART_ID_MAX)
        return fail(err, STATUS_TOO_BIG, "more than %d bytes", PART_ID_MAX);
    for (size_t i = 0; i < len; i++)
        if (id[i] <= ' ' || id[i] >= 0x7f || strchr("<>()\"\\,;", id[i]))
            return fail(err, STATUS_INVALID, "byte %zu is not allowed", i + 1);
    return STATUS_OK;
}

/* Parameters. */

enum { PIECE_MAX = 56 }; /* of a value, so that a line keeps to 78 */

/* Of a value in quotes, and of its fallback. */
static size_t quoted_width(const char *value)
{
    size_t width = 0;

    for (const char *p = value; *p; p++)
        width += (unsigned char)(*p & 0xc0) == 0x80 ? 0
                 : *p == '"' || *p == '\\'          ? 2
                                                    : 1;
    return width;
}

static void add_quoted(struct buf *out, const char *text, size_t len)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, text[i]);
    }
    buf_add_char(out, '"');
}

static void add_pieces(struct buf *out, const char *name, const char *value)
{
    for (int i = 0; *value; i++) {
        size_t n = strnlen(value, PIECE_MAX);

        buf_addf(out, ";\r\n %s*%d=", name, i);
        add_quoted(out, value, n);
        value += n;
    }
}

/* RFC 2231 7: an attribute-char. */
static bool stands(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c && strchr("!#$&+-.^_`{|}~", c));
}

static void add_percent(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (stands(text[i]))
            buf_add_char(out, text[i]);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)text[i]);
}

/* In pieces of whole characters, for readers that decode each by itself. */
static void add_encoded(struct buf *out, const char *name, const char *value)
{
    const char *prefix = "utf-8''";

    for (int i = 0; *value; i++) {
        size_t width = strlen(prefix);

        buf_addf(out, ";\r\n %s*%d*=%s", name, i, prefix);
        do {
            size_t n = utf8_char(value, strlen(value));

            n = n ? n : 1;
            width += stands(*value) ? 1 : 3 * n;
            add_percent(out, value, n);
            value += n;
        } while (*value && width + 12 <= PIECE_MAX);
        prefix = "";
    }
}

void part_add_parameter(struct buf *out, const char *name, const char *value)
{
    bool fits = quoted_width(value) <= PIECE_MAX;

    /* Readers disagree on escapes in pieces. */
    if (!utf8_is_ascii(value, strlen(value)) ||
        (!fits && strpbrk(value, "\"\\"))) {
        add_encoded(out, name, value);
    } else if (!fits) {
        add_pieces(out, name, value);
    } else {
        buf_addf(out, ";\r\n %s=", name);
        add_quoted(out, value, strlen(value));
    }
}

void part_add_ascii(struct buf *out, const char *name, const char *value)
{
    if (quoted_width(value) > PIECE_MAX)
        return;
    buf_addf(out, ";\r\n %s=\"", name);
    for (const char *p = value; *p; p++) {
        /* One "_" a character: not for the bytes that continue it. */
        if ((unsigned char)*p >= 0xc0)
            buf_add_char(out, '_');
        if ((unsigned char)*p >= 0x80)
            continue;
        if (*p == '"' || *p == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *p);
    }
    buf_add_char(out, '"');
}
