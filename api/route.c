#include "api/route.h"
#include "base/utf8.h"
#include <stdio.h>
#include <string.h>

ENUM_DEFINE(scope, SCOPE_TABLE);

const struct route route_table[] = {
#define ROUTE(method, pattern, handler, scope, kind)                           \
    {method, pattern, handler, scope, kind},
#include "api/routes.def"
#undef ROUTE
};
const size_t route_count = sizeof route_table / sizeof *route_table;

struct segment {
    const char *text;
    size_t len;
};

/* -1: more segments than any route has. */
static int split(const char *path, struct segment *out)
{
    int n = 0;

    while (*path) {
        size_t len = strcspn(path, "/");

        if (len > 0) {
            if (n == ROUTE_SEGMENTS_MAX)
                return -1;
            out[n++] = (struct segment){path, len};
        }
        path += len;
        path += *path == '/';
    }
    return n;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool route_decode(const char *text, size_t len, bool plus, char *out)
{
    const char *start = out;

    for (size_t at = 0; at < len; at++) {
        char c = text[at];

        if (c == '%') {
            int high = at + 2 < len ? hex_value(text[at + 1]) : -1;
            int low = high >= 0 ? hex_value(text[at + 2]) : -1;

            if (low < 0 || high * 16 + low == 0)
                return false;
            c = (char)(high * 16 + low);
            at += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        *out++ = c;
    }
    *out = 0;
    return utf8_check(start, (size_t)(out - start)) == (size_t)(out - start);
}

static bool is_argument(const struct segment *s)
{
    return s->len == 2 && memcmp(s->text, "{}", 2) == 0;
}

/* How well a route fits: 0 not at all, else more fixed segments are better. */
static int fit(const struct route *route, const struct segment *path, int n)
{
    struct segment want[ROUTE_SEGMENTS_MAX];
    int fixed = 1;

    if (split(route->pattern, want) != n)
        return 0;
    for (int i = 0; i < n; i++) {
        if (is_argument(&want[i]))
            continue;
        if (want[i].len != path[i].len ||
            memcmp(want[i].text, path[i].text, want[i].len) != 0)
            return 0;
        fixed++;
    }
    return fixed;
}

static bool take_args(const struct route *route, const struct segment *path,
                      char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX])
{
    struct segment want[ROUTE_SEGMENTS_MAX];
    int n = split(route->pattern, want), taken = 0;

    for (int i = 0; i < n; i++) {
        if (!is_argument(&want[i]))
            continue;
        if (path[i].len >= ROUTE_ARG_MAX ||
            !route_decode(path[i].text, path[i].len, false, args[taken++]))
            return false;
    }
    return true;
}

static void add_allow(char *allow, const char *method)
{
    size_t len = strlen(allow);

    if (!strstr(allow, method))
        snprintf(allow + len, ROUTE_ALLOW_MAX - len, "%s%s", len ? ", " : "",
                 method);
}

enum route_found route_find(const char *method, const char *path,
                            const struct route **out,
                            char args[ROUTE_ARGS_MAX][ROUTE_ARG_MAX],
                            char allow[ROUTE_ALLOW_MAX])
{
    struct segment segments[ROUTE_SEGMENTS_MAX];
    int n = split(path, segments), best = 0;

    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    *out = NULL;
    allow[0] = 0;
    for (size_t i = 0; n >= 0 && i < route_count; i++) {
        int fits = fit(&route_table[i], segments, n);

        if (fits == 0)
            continue;
        add_allow(allow, route_table[i].method);
        if (fits > best && strcmp(route_table[i].method, method) == 0) {
            *out = &route_table[i];
            best = fits;
        }
    }
    if (!*out)
        return allow[0] ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
    return take_args(*out, segments, args) ? ROUTE_FOUND : ROUTE_NO_PATH;
}
