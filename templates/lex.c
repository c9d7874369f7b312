#include "templates/lex.h"
#include <string.h>

ENUM_DEFINE(token_kind, TOKEN_TABLE);

bool lex_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0;
}

bool lex_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool lex_is_word(char c)
{
    return lex_is_letter(c) || is_digit(c);
}

static enum token_kind sign(char c)
{
    switch (c) {
    case '.': return TOKEN_DOT;
    case ':': return TOKEN_COLON;
    case ',': return TOKEN_COMMA;
    case '|': return TOKEN_PIPE;
    case '[': return TOKEN_OPEN_SQUARE;
    case ']': return TOKEN_CLOSE_SQUARE;
    case '(': return TOKEN_OPEN_ROUND;
    case ')': return TOKEN_CLOSE_ROUND;
    case '?': return TOKEN_QUESTION;
    case '-': return TOKEN_DASH;
    default: return TOKEN_BAD;
    }
}

static struct token word(const char *at, const char *end, bool after_dot)
{
    static const char CONTAINS[] = "contains";
    const char *p = at;
    struct token t = {.kind = TOKEN_ID, .text = at};

    while (p < end && (lex_is_word(*p) || *p == '-'))
        p++;
    if (p < end && *p == '?')
        p++;
    t.len = (size_t)(p - at);
    if (!after_dot && t.len == sizeof CONTAINS - 1 &&
        memcmp(at, CONTAINS, t.len) == 0)
        t.kind = TOKEN_COMPARISON;
    return t;
}

static struct token number(const char *at, const char *end)
{
    const char *p = at + 1;

    while (p < end && is_digit(*p))
        p++;
    if (end - p > 1 && *p == '.' && is_digit(p[1])) {
        p++;
        while (p < end && is_digit(*p))
            p++;
    }
    return (struct token){TOKEN_NUMBER, at, (size_t)(p - at)};
}

static struct token text(const char *at, const char *end)
{
    const char *close = memchr(at + 1, *at, (size_t)(end - at) - 1);

    if (!close)
        return (struct token){TOKEN_BAD, at, 1};
    return (struct token){TOKEN_STRING, at, (size_t)(close - at) + 1};
}

/* == != <> < <= > >= */
static struct token comparison(const char *at, const char *end)
{
    char next = end - at > 1 ? at[1] : 0;
    bool two = next == '=' || (*at == '<' && next == '>');
    bool one = *at == '<' || *at == '>';

    return (struct token){two || one ? TOKEN_COMPARISON : TOKEN_BAD, at,
                          two ? 2 : 1};
}

struct token lex_next(const char **at, const char *end, bool after_dot)
{
    struct token t = {.kind = TOKEN_END};

    while (*at < end && lex_is_space(**at) && **at)
        (*at)++;
    const char *p = *at;
    t.text = p;
    if (p == end)
        return t;
    if (lex_is_letter(*p))
        t = word(p, end, after_dot);
    else if (is_digit(*p) || (*p == '-' && end - p > 1 && is_digit(p[1])))
        t = number(p, end);
    else if (*p == '"' || *p == '\'')
        t = text(p, end);
    else if (strchr("=!<>", *p))
        t = comparison(p, end);
    else if (*p == '.' && end - p > 1 && p[1] == '.')
        t = (struct token){TOKEN_DOTDOT, p, 2};
    else
        t = (struct token){sign(*p), p, 1};
    *at = p + t.len;
    return t;
}
