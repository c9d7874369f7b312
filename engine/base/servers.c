#include "base/servers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS_TEXT_MAX = 512 };

static const struct {
    const char *prefix;
    unsigned port;
    bool implicit_tls;
} schemes[] = {
    {"smtp://", 25, false},
    {"submission://", 587, false},
    {"smtps://", 465, true},
};

/* "*3" at the end: taken off. */
static enum status take_weight(char *text, unsigned *weight, struct error *err)
{
    char *star = strrchr(text, '*'), *end;

    *weight = 1;
    if (!star)
        return STATUS_OK;
    unsigned long n = strtoul(star + 1, &end, 10);

    if (end == star + 1 || *end || n == 0 || n > SERVERS_WEIGHT_MAX)
        return fail(err, STATUS_INVALID, "%s: a weight is 1 to %d", text,
                    SERVERS_WEIGHT_MAX);
    *weight = (unsigned)n;
    *star = 0;
    return STATUS_OK;
}

static bool has_port(const char *text)
{
    const char *bracket = strrchr(text, ']');

    return strchr(bracket ? bracket : text, ':') != NULL;
}

static enum status parse_host(char *text, struct server_address *out,
                              struct error *err)
{
    char full[SERVERS_TEXT_MAX + 8];
    unsigned port = 0;

    if (take_weight(text, &out->weight, err) != STATUS_OK)
        return STATUS_INVALID;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].prefix);

        if (strncmp(text, schemes[i].prefix, len) != 0)
            continue;
        port = schemes[i].port;
        out->implicit_tls = schemes[i].implicit_tls;
        text += len;
        break;
    }
    if (port && !has_port(text)) {
        snprintf(full, sizeof full, "%s:%u", text, port);
        text = full;
    }
    return net_parse(text, &out->at, err);
}

static const struct server_preset presets[] = {
#define PRESET(name, servers, limits, note) {name, servers, limits, note},
#include "base/presets.def"
#undef PRESET
};

const struct server_preset *servers_presets(size_t *n)
{
    *n = sizeof presets / sizeof *presets;
    return presets;
}

static const char *preset_servers(const char *text)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (strcmp(presets[i].name, text) == 0)
            return presets[i].servers;
    return text;
}

enum status servers_parse(const char *text, struct server_address *out,
                          size_t *n, struct error *err)
{
    *n = 0;
    text = preset_servers(text);
    for (;;) {
        char one[SERVERS_TEXT_MAX];
        const char *from = text + strspn(text, " \t");
        size_t len = strcspn(from, ",");

        text = from + len;
        while (len > 0 && (from[len - 1] == ' ' || from[len - 1] == '\t'))
            len--;
        if (len == 0)
            return fail(err, STATUS_INVALID, "a server's name is missing");
        if (len >= sizeof one)
            return fail(err, STATUS_INVALID, "a server's name is too long");
        if (*n == SERVERS_MAX)
            return fail(err, STATUS_INVALID, "more than %d servers",
                        SERVERS_MAX);
        memcpy(one, from, len);
        one[len] = 0;
        out[*n] = (struct server_address){0};
        if (parse_host(one, &out[*n], err) != STATUS_OK)
            return STATUS_INVALID;
        ++*n;
        if (!*text)
            return STATUS_OK;
        text++;
    }
}
