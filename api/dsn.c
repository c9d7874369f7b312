#include "api/dsn.h"
#include <string.h>

static bool is_one_of(const json_t *value, const char *const *words)
{
    const char *text = json_string_value(value);

    for (size_t i = 0; text && words[i]; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_notify(const json_t *value)
{
    static const char *const never[] = {"never", NULL};
    static const char *const words[] = {"success", "failure", "delay", NULL};
    size_t n = json_array_size(value);

    if (!json_is_array(value))
        return is_one_of(value, never);
    for (size_t i = 0; i < n; i++) {
        if (!is_one_of(json_array_get(value, i), words))
            return false;
        for (size_t k = 0; k < i; k++)
            if (json_equal(json_array_get(value, i), json_array_get(value, k)))
                return false;
    }
    return n > 0;
}

/* RFC 3461, 4.4: printable ASCII, and at most 100 characters as xtext, where
 * some take three. */
static bool is_envid(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t n = 0;

    if (!text || strlen(text) != json_string_length(value))
        return false;
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
        n += strchr(" +=", *text) ? 3 : 1;
    }
    return n > 0 && n <= DSN_ENVID_MAX;
}

static bool is_return(const json_t *value)
{
    static const char *const words[] = {"full", "headers", NULL};

    return is_one_of(value, words);
}

static const struct member {
    const char *name;
    bool (*fits)(const json_t *value);
    const char *what;
} members[] = {
    {"notify", is_notify,
     "`notify` is to be a list of `success`, `failure` and `delay`, each once, "
     "or the text `never`"},
    {"return", is_return, "`return` is to be `full` or `headers`"},
    {"envid", is_envid,
     "`envid` is to be 1 to 100 printable ASCII characters; a space, `+` or "
     "`=` "
     "counts as three"},
};

static const struct member *member_of(const char *name)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(name, members[i].name) == 0)
            return &members[i];
    return NULL;
}

bool dsn_check(const json_t *body, struct email_error *why)
{
    json_t *dsn = field_member(body, "dsn"), *value;
    const char *name;

    if (!dsn)
        return true;
    if (!json_is_object(dsn))
        return field_invalid(
            why, "dsn",
            "it is to be an object of `notify`, `return` and `envid`");
    json_object_foreach(dsn, name, value)
    {
        const struct member *m = member_of(name);

        if (!m)
            return field_invalid(why, "dsn",
                                 "it has only `notify`, `return` and `envid`");
        if (!json_is_null(value) && !m->fits(value))
            return field_invalid(why, "dsn", m->what);
    }
    return true;
}
