/* base/enum - an enum and the text of its members, from one table.
 * Members are spelled in full in the table, so that grep finds them. */
#ifndef BASE_ENUM_H
#define BASE_ENUM_H

#define ENUM_MEMBER_(member, text) member,
#define ENUM_CASE_(member, text)                                               \
    case member:                                                               \
        return text;

#define ENUM_DECLARE(name, TABLE)                                              \
    enum name { TABLE(ENUM_MEMBER_) };                                         \
    const char *name##_text(enum name value)

#define ENUM_DEFINE(name, TABLE)                                               \
    const char *name##_text(enum name value)                                   \
    {                                                                          \
        switch (value) {                                                       \
            TABLE(ENUM_CASE_)                                                  \
        }                                                                      \
        return "unknown " #name;                                               \
    }                                                                          \
    _Static_assert(1, "swallow the semicolon")

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(at, from) __attribute__((format(printf, at, from)))
#endif
