#include "render/preheader.h"
#include "base/utf8.h"
#include "render/fields.h"
#include "render/message.h"
#include <string.h>
#include <strings.h>

/* Some programs honour one of these, some another. */
static const char OPENING[] =
    "<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">";
static const char CLOSING[] = "</div>";

enum status preheader_check(const char *text,
                            const struct template_options *options,
                            struct error *err)
{
    size_t len = strlen(text), bad = utf8_check(text, len);
    struct template *program = NULL;
    enum status st = STATUS_OK;

    if (len > MESSAGE_VALUE_MAX)
        st = fail(err, STATUS_TOO_BIG, "more than %d bytes", MESSAGE_VALUE_MAX);
    else if (bad < len)
        st = fail(err, STATUS_INVALID, "byte %zu is not valid UTF-8", bad + 1);
    else if (options)
        st = template_compile_with(text, len, options, &program, err);
    if (st != STATUS_OK)
        error_prefix(err, "preheader");
    template_free(program);
    return st;
}

/* Behind the tag that begins so at p. */
static const char *behind_tag(const char *p)
{
    char quote = 0;

    for (; *p; p++) {
        if (quote && *p == quote)
            quote = 0;
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        else if (!quote && *p == '>')
            return p + 1;
    }
    return NULL;
}

static const char *find_tag(const char *html, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = html; (p = strchr(p, '<')); p++) {
        if (strncmp(p, "<!--", 4) == 0) {
            p = strstr(p, "-->");
            if (!p)
                return NULL;
        } else if (strncasecmp(p + 1, name, len) == 0 &&
                   strchr(" \t\r\n/>", p[1 + len])) {
            return behind_tag(p);
        }
    }
    return NULL;
}

/* Where the body begins, said or not. */
static const char *place_in(const char *html)
{
    static const char *const tags[] = {"body", "/head", "html", "!doctype"};
    const char *place = NULL;

    for (size_t i = 0; i < sizeof tags / sizeof *tags && !place; i++)
        place = find_tag(html, tags[i]);
    return place ? place : html;
}

/* Bytes of the output or tag at p; 0 if there is none. */
static size_t construct(const char *p)
{
    const char *end = strncmp(p, "{{", 2) == 0   ? strstr(p + 2, "}}")
                      : strncmp(p, "{%", 2) == 0 ? strstr(p + 2, "%}")
                                                 : NULL;

    if (!end)
        return 0;
    end += 2;
    return (size_t)(end + (strncmp(p, "{{{", 3) == 0 && *end == '}') - p);
}

static void add_escaped(struct buf *out, const char *text, bool templates)
{
    for (size_t n; *text; text += n) {
        n = templates ? construct(text) : 0;
        if (n > 0) {
            buf_add(out, text, n);
            continue;
        }
        n = 1;
        switch (*text) {
        case '<': buf_add_text(out, "&lt;"); break;
        case '>': buf_add_text(out, "&gt;"); break;
        case '&': buf_add_text(out, "&amp;"); break;
        default: buf_add_char(out, *text);
        }
    }
}

void preheader_insert(struct buf *out, const char *html, const char *text,
                      bool templates)
{
    const char *place = place_in(html);

    buf_add(out, html, (size_t)(place - html));
    buf_add_text(out, OPENING);
    add_escaped(out, text, templates);
    buf_add_text(out, CLOSING);
    buf_add_text(out, place);
}
