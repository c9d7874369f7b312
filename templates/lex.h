/*
 * templates/lex - the words of the markup between {{ and }}, {% and %}.
 * Internal to templates/.
 *
 *   id     = (letter / "_") *(letter / digit / "_" / "-") ["?"]
 *   number = ["-"] 1*digit ["." 1*digit]
 *   string = <"> text <"> / "'" text "'"
 *
 * A letter is one of ASCII's, or any character beyond ASCII: names of columns
 * are written in every script. Text goes in, tokens that point into it come
 * out. No I/O, allocates nothing.
 */
#ifndef TEMPLATES_LEX_H
#define TEMPLATES_LEX_H

#include "base/enum.h"
#include <stdbool.h>
#include <stddef.h>

#define TOKEN_TABLE(X)                                                         \
    X(TOKEN_END, "the end of the tag")                                         \
    X(TOKEN_BAD, "a character that means nothing here")                        \
    X(TOKEN_ID, "a name")                                                      \
    X(TOKEN_NUMBER, "a number")                                                \
    X(TOKEN_STRING, "a text in quotation marks")                               \
    X(TOKEN_COMPARISON, "a comparison")                                        \
    X(TOKEN_DOT, "\".\"")                                                      \
    X(TOKEN_DOTDOT, "\"..\"")                                                  \
    X(TOKEN_COLON, "\":\"")                                                    \
    X(TOKEN_COMMA, "\",\"")                                                    \
    X(TOKEN_PIPE, "\"|\"")                                                     \
    X(TOKEN_OPEN_SQUARE, "\"[\"")                                              \
    X(TOKEN_CLOSE_SQUARE, "\"]\"")                                             \
    X(TOKEN_OPEN_ROUND, "\"(\"")                                               \
    X(TOKEN_CLOSE_ROUND, "\")\"")                                              \
    X(TOKEN_QUESTION, "\"?\"")                                                 \
    X(TOKEN_DASH, "\"-\"")
ENUM_DECLARE(token_kind, TOKEN_TABLE);

struct token {
    enum token_kind kind;
    const char *text;
    size_t len;
};

/* White space, as Ruby's strip has it: NUL too. */
bool lex_is_space(char c);

/* What a name may begin with, and go on with. */
bool lex_is_letter(char c);
bool lex_is_word(char c);

/* The next token at *at, which moves behind it. after_dot: the word
 * "contains" is a key there, not a comparison. */
struct token lex_next(const char **at, const char *end, bool after_dot);
#endif
