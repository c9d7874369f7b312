#include "bounce/html.h"
#include "mail/address.h"
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *entity;
    const char *text;
} entities[] = {
    {"&lt;", "<"},   {"&gt;", ">"},   {"&amp;", "&"}, {"&quot;", "\""},
    {"&#39;", "'"},  {"&nbsp;", " "}, {"&#64;", "@"}, {"&#46;", "."},
    {"&apos;", "'"}, {"&#43;", "+"},
};

/* Tags that stand inside a line; all others end it. */
static const char *const inline_tags[] = {
    "a", "b", "i", "u", "em", "font", "tt", "span", "code", "strong"};

static bool is_inline(const char *tag, size_t len)
{
    if (len && tag[0] == '/')
        tag++, len--;
    size_t n = 0;
    while (n < len && ((tag[n] >= 'a' && tag[n] <= 'z') ||
                       (tag[n] >= 'A' && tag[n] <= 'Z')))
        n++;
    for (size_t i = 0; i < sizeof inline_tags / sizeof *inline_tags; i++)
        if (strlen(inline_tags[i]) == n &&
            strncasecmp(tag, inline_tags[i], n) == 0)
            return true;
    return false;
}

/* Length of what is no text at all: a style sheet or a script, with its end
 * tag; 0 if the tag starts neither. */
static size_t skipped(const char *html, size_t len)
{
    static const char *const pairs[][2] = {
        {"<style", "</style"}, {"<script", "</script"}, {"<title", "</title"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t n = strlen(pairs[i][0]);
        if (len < n || strncasecmp(html, pairs[i][0], n) != 0)
            continue;
        size_t m = strlen(pairs[i][1]);
        for (size_t at = n; at + m <= len; at++)
            if (html[at] == '<' && strncasecmp(html + at, pairs[i][1], m) == 0)
                return at;
        return len;
    }
    return 0;
}

static size_t add_entity(const char *html, size_t len, struct buf *out)
{
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        size_t n = strlen(entities[i].entity);
        if (len >= n && strncasecmp(html, entities[i].entity, n) == 0) {
            buf_add_text(out, entities[i].text);
            return n;
        }
    }
    buf_add_char(out, '&');
    return 1;
}

/* "<user@example.com>" is no tag, though some write it so. */
static bool is_tag(const char *html, size_t len)
{
    if (len < 2 || (html[1] != '/' && html[1] != '!' &&
                    !(html[1] >= 'a' && html[1] <= 'z') &&
                    !(html[1] >= 'A' && html[1] <= 'Z')))
        return false;
    for (size_t i = 1;
         i < len && i < ADDRESS_MAX && html[i] != '>' && html[i] > ' '; i++)
        if (html[i] == '@')
            return false;
    return true;
}

void bounce_html_text(const char *html, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        if (html[i] == '<' && is_tag(html + i, len - i)) {
            size_t past = skipped(html + i, len - i);
            i += past;
            const char *end = memchr(html + i, '>', len - i);
            if (!past && end &&
                !is_inline(html + i + 1, (size_t)(end - html) - i - 1))
                buf_add_char(out, '\n');
            i = end ? (size_t)(end - html) + 1 : len;
        } else if (html[i] == '&') {
            i += add_entity(html + i, len - i, out);
        } else {
            buf_add_char(out, html[i++]);
        }
    }
}
