/*
 * templates/tables - the tags and filters of the language, each with the
 * function that is it and a line of help. `presort render --reference` prints
 * them; the functions are internal to templates/.
 */
#ifndef TEMPLATES_TABLES_H
#define TEMPLATES_TABLES_H

/* name, function, help */
#define TAG_TABLE(X)                                                           \
    X("assign", tag_assign, "a variable from an expression and its filters")   \
    X("break", tag_break, "leaves the loop")                                   \
    X("capture", tag_capture, "a variable from what the block writes")         \
    X("case", tag_case, "the branches (when) that equal a value, or else")     \
    X("comment", tag_comment, "writes nothing, renders nothing")               \
    X("continue", tag_continue, "goes on with the loop's next item")           \
    X("cycle", tag_cycle, "the next of its values each time")                  \
    X("decrement", tag_decrement, "a counter from -1 downwards")               \
    X("doc", tag_doc, "documentation, which is not written")                   \
    X("echo", tag_echo, "output, as {{ }} writes it; for the liquid tag")      \
    X("for", tag_for, "a loop: limit, offset, reversed; else if empty")        \
    X("if", tag_if, "a branch: elsif, else")                                   \
    X("ifchanged", tag_ifchanged, "its body, unless it wrote the same before") \
    X("include", tag_include, "a partial that sees and sets all variables")    \
    X("increment", tag_increment, "a counter from 0 upwards")                  \
    X("raw", tag_raw, "text in which braces mean nothing")                     \
    X("render", tag_render, "a partial with variables of its own")             \
    X("tablerow", tag_tablerow, "a loop that writes rows of an HTML table")    \
    X("unless", tag_unless, "if not: elsif, else")                             \
    X("#", tag_note, "a comment inside one tag")

/* name, function, arguments at least, at most, help */
#define FILTER_TABLE(X)                                                        \
    X("abs", filter_abs, 0, 0, "the number without its sign")                  \
    X("append", filter_append, 1, 1, "the text, then another")                 \
    X("at_least", filter_at_least, 1, 1, "the greater of two numbers")         \
    X("at_most", filter_at_most, 1, 1, "the lesser of two numbers")            \
    X("base64_decode", filter_base64_decode, 0, 0, "from Base64")              \
    X("base64_encode", filter_base64_encode, 0, 0, "as Base64")                \
    X("base64_url_safe_decode", filter_base64_url_safe_decode, 0, 0,           \
      "from URL-safe Base64")                                                  \
    X("base64_url_safe_encode", filter_base64_url_safe_encode, 0, 0,           \
      "as URL-safe Base64")                                                    \
    X("capitalize", filter_capitalize, 0, 0,                                   \
      "first letter upper case, the rest lower")                               \
    X("ceil", filter_ceil, 0, 0, "rounded up")                                 \
    X("compact", filter_compact, 0, 1,                                         \
      "without nil items, or items whose property is nil")                     \
    X("concat", filter_concat, 1, 1, "an array, then another")                 \
    X("date", filter_date, 1, 1, "a date by a format: %Y-%m-%d")               \
    X("default", filter_default, 0, 1,                                         \
      "another value for nil, false and empty ones; allow_false: true keeps "  \
      "false")                                                                 \
    X("divided_by", filter_divided_by, 1, 1,                                   \
      "quotient; of integers, rounded down")                                   \
    X("downcase", filter_downcase, 0, 0, "lower case")                         \
    X("escape", filter_escape, 0, 0, "HTML-escaped, and marked safe")          \
    X("escape_once", filter_escape_once, 0, 0,                                 \
      "escaped but for what is escaped already; marked safe")                  \
    X("find", filter_find, 1, 2,                                               \
      "the first item whose property is set, or has a value")                  \
    X("find_index", filter_find_index, 1, 2, "its index")                      \
    X("first", filter_first, 0, 0, "the first item or character")              \
    X("floor", filter_floor, 0, 0, "rounded down")                             \
    X("h", filter_escape, 0, 0, "the same as escape")                          \
    X("has", filter_has, 1, 2,                                                 \
      "is there an item whose property is set, or has a value?")               \
    X("join", filter_join, 0, 1,                                               \
      "the items' texts with a text between (a space)")                        \
    X("last", filter_last, 0, 0, "the last item or character")                 \
    X("lstrip", filter_lstrip, 0, 0, "without white space before it")          \
    X("map", filter_map, 1, 1, "the items' property")                          \
    X("minus", filter_minus, 1, 1, "difference")                               \
    X("modulo", filter_modulo, 1, 1, "remainder")                              \
    X("newline_to_br", filter_newline_to_br, 0, 0,                             \
      "<br /> before line ends; escaped and marked safe")                      \
    X("plus", filter_plus, 1, 1, "sum of two numbers")                         \
    X("prepend", filter_prepend, 1, 1, "another text, then this")              \
    X("raw", filter_raw, 0, 0, "as it is: marked safe, so not escaped")        \
    X("reject", filter_reject, 1, 2,                                           \
      "the items whose property is not set, or has not a value")               \
    X("remove", filter_remove, 1, 1, "without a text")                         \
    X("remove_first", filter_remove_first, 1, 1, "without it the first time")  \
    X("remove_last", filter_remove_last, 1, 1, "without it the last time")     \
    X("replace", filter_replace, 1, 2, "a text for another")                   \
    X("replace_first", filter_replace_first, 1, 2, "the first time")           \
    X("replace_last", filter_replace_last, 2, 2, "the last time")              \
    X("reverse", filter_reverse, 0, 0, "the items from last to first")         \
    X("round", filter_round, 0, 1, "rounded, to that many digits")             \
    X("rstrip", filter_rstrip, 0, 0, "without white space behind it")          \
    X("size", filter_size, 0, 0, "number of characters or items")              \
    X("slice", filter_slice, 1, 2,                                             \
      "from an index, that many characters or items (1)")                      \
    X("sort", filter_sort, 0, 1, "the items in order, or by a property")       \
    X("sort_natural", filter_sort_natural, 0, 1,                               \
      "the same, whatever the case")                                           \
    X("split", filter_split, 1, 1, "an array of what is between a text")       \
    X("strip", filter_strip, 0, 0, "without white space around it")            \
    X("strip_html", filter_strip_html, 0, 0,                                   \
      "without tags, comments, scripts and styles")                            \
    X("strip_newlines", filter_strip_newlines, 0, 0, "without line ends")      \
    X("sum", filter_sum, 0, 1, "of the items, or of their property")           \
    X("times", filter_times, 1, 1, "product")                                  \
    X("truncate", filter_truncate, 0, 2,                                       \
      "at most that many characters (50), an ellipsis among them")             \
    X("truncatewords", filter_truncatewords, 0, 2,                             \
      "at most that many words (15), then an ellipsis")                        \
    X("uniq", filter_uniq, 0, 1,                                               \
      "without repeated items, or items with the same property")               \
    X("upcase", filter_upcase, 0, 0, "upper case")                             \
    X("url_decode", filter_url_decode, 0, 0, "from the form of a URL's query") \
    X("url_encode", filter_url_encode, 0, 0, "as a part of a URL's query")     \
    X("where", filter_where, 1, 2,                                             \
      "the items whose property is set, or has a value")

#endif
