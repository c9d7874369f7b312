#include "base/config.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "base/net.h"
#include "base/quantity.h"
#include "base/servers.h"
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_PATH "/etc/presort/presort.conf"

extern char **environ;

enum { CONFIG_LINE_MAX = 8192, CONFIG_VARIABLE_MAX = 64 };

enum {
#define X_(kind, name, ...) SETTING_AT_##name,
    CONFIG_TABLE(X_)
#undef X_
        SETTINGS,
};

static const struct {
    const char *name, *standard, *unit, *meaning;
    enum setting_kind kind;
    int64_t least, most;
    size_t offset; /* in struct config */
} rows[SETTINGS] = {
#define X_(kind, name, standard, least, most, unit, meaning)                   \
    {#name,          standard, unit, meaning,                                  \
     SETTING_##kind, least,    most, offsetof(struct config, name)},
    CONFIG_TABLE(X_)
#undef X_
};

/* The raw texts while they are gathered; thrown away if one is bad. */
struct draft {
    char *text[SETTINGS];
    char origin[SETTINGS][SETTING_ORIGIN_MAX];
    const char *path;
    FILE *file;
    unsigned line;
    enum status status;
    struct error *err;
};

static struct setting settings[SETTINGS];
static char comment_prefix[] = "#";

static size_t row_find(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (!strcmp(rows[i].name, name))
            return i;
    return SETTINGS;
}

static const char *row_nearest(const char *name)
{
    const char *names[SETTINGS];

    for (size_t i = 0; i < SETTINGS; i++)
        names[i] = rows[i].name;
    return nearest_word(name, names, SETTINGS);
}

PRINTF(4, 5)
static void draft_set(struct draft *d, size_t row, const char *text,
                      const char *origin, ...)
{
    va_list ap;

    free(d->text[row]);
    d->text[row] = text_copy(text);
    va_start(ap, origin);
    vsnprintf(d->origin[row], sizeof d->origin[row], origin, ap);
    va_end(ap);
}

/* fgets for inih, one line of ours at a time: it counts the lines, and refuses
 * what inih would take for something else (an indented line for a
 * continuation, a line's tail for a line). */
static char *file_line(char *out, int size, void *stream)
{
    struct draft *d = stream;
    size_t room = (size_t)size;

    if (d->status != STATUS_OK)
        return NULL;
    d->line++;
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, d->file);
    if (n < 0) {
        if (ferror(d->file))
            d->status = fail(d->err, STATUS_INVALID, "%s: %s", d->path,
                             strerror(errno));
        free(line);
        return NULL;
    }
    const char *start = line + strspn(line, " \t");
    size_t len = (size_t)(line + n - start);
    if (strlen(line) != (size_t)n)
        d->status =
            fail(d->err, STATUS_INVALID, "%s:%u: a NUL byte", d->path, d->line);
    else if (len + 3 > room)
        d->status = fail(d->err, STATUS_INVALID,
                         "%s:%u: the line is too long, %d "
                         "bytes are allowed",
                         d->path, d->line, CONFIG_LINE_MAX - 3);
    else if (*start == '[')
        d->status = fail(d->err, STATUS_INVALID,
                         "%s:%u: there are no sections here, only "
                         "`name = value`",
                         d->path, d->line);
    else
        memcpy(out, start, len + 1);
    free(line);
    return d->status == STATUS_OK ? out : NULL;
}

/* inih wants 0 for an error. */
static int file_pair(void *user, const char *section, const char *name,
                     const char *value)
{
    struct draft *d = user;
    size_t row = row_find(name);
    char quoted[LOG_QUOTE_MAX];

    (void)section;
    if (row == SETTINGS) {
        const char *meant = row_nearest(name);

        d->status = fail(
            d->err, STATUS_INVALID, "%s:%u: unknown setting %s%s%s%s", d->path,
            d->line, log_quote(name, quoted), meant ? ", did you mean " : "",
            meant ? meant : "", meant ? "?" : "");
        return 0;
    }
    if (strncmp(d->origin[row], "default", sizeof d->origin[row]) != 0) {
        d->status =
            fail(d->err, STATUS_INVALID, "%s:%u: %s is already set at %s",
                 d->path, d->line, name, d->origin[row]);
        return 0;
    }
    draft_set(d, row, value, "%s:%u", d->path, d->line);
    return 1;
}

static enum status file_read(struct draft *d)
{
    ini_allow_multiline = false;
    ini_start_comment_prefixes = comment_prefix;
    ini_inline_comment_prefixes = comment_prefix;
    ini_use_stack = false;
    ini_max_line = CONFIG_LINE_MAX;
    ini_initial_alloc = CONFIG_LINE_MAX;
    ini_stop_on_first_error = true;

    d->file = fopen(d->path, "re");
    if (!d->file)
        return fail(d->err, STATUS_INVALID, "%s: %s", d->path, strerror(errno));
    int line = ini_parse_stream(file_line, d, file_pair, d);
    fclose(d->file);
    if (line && d->status == STATUS_OK)
        d->status = fail(d->err, STATUS_INVALID,
                         "%s:%d: no `name = value` here", d->path, line);
    return d->status;
}

/* The name of the environment variable into out (CONFIG_VARIABLE_MAX). */
static void variable_name(size_t row, char *out)
{
    if (!strcmp(rows[row].name, "database_url")) {
        snprintf(out, CONFIG_VARIABLE_MAX, "DATABASE_URL");
        return;
    }
    snprintf(out, CONFIG_VARIABLE_MAX, "PRESORT_%s", rows[row].name);
    for (char *c = out; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
}

/* A PRESORT_ variable that is none of ours is left alone, as container systems
 * make some up, unless it looks like a slip of the pen. */
static enum status variable_check(const char *pair, struct error *err)
{
    static const char prefix[] = "PRESORT_";
    char name[CONFIG_VARIABLE_MAX], meant[CONFIG_VARIABLE_MAX];
    size_t len = strcspn(pair, "=");

    if (strncmp(pair, prefix, sizeof prefix - 1) != 0 || len >= sizeof name)
        return STATUS_OK;
    snprintf(name, sizeof name, "%.*s", (int)len, pair);
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    const char *row = row_nearest(name + sizeof prefix - 1);
    if (!row)
        return STATUS_OK;
    variable_name(row_find(row), meant);
    if (!strncmp(pair, meant, len) && !meant[len])
        return STATUS_OK;
    return fail(err, STATUS_INVALID,
                "environment: unknown setting %.*s, did you mean %s?", (int)len,
                pair, meant);
}

static enum status environment_read(struct draft *d)
{
    enum status status = STATUS_OK;

    for (char **pair = environ; *pair && status == STATUS_OK; pair++)
        status = variable_check(*pair, d->err);
    for (size_t i = 0; i < SETTINGS; i++) {
        char name[CONFIG_VARIABLE_MAX];

        variable_name(i, name);
        if (getenv(name))
            draft_set(d, i, getenv(name), "environment");
    }
    return status;
}

static enum status relay_check(const char *text, struct error *why)
{
    struct server_address servers[SERVERS_MAX];
    size_t n;

    if (!strcmp(text, "sandbox") || !strcmp(text, "direct"))
        return STATUS_OK;
    return servers_parse(text, servers, &n, why);
}

/* It becomes the beginning of links, inside HTML and header fields. */
static enum status url_check(const char *text, struct error *why)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~:/[]";
    const char *host = strstr(text, "://");
    size_t len = strlen(text);

    if (!len)
        return STATUS_OK;
    if ((strncmp(text, "http://", 7) != 0 &&
         strncmp(text, "https://", 8) != 0) ||
        !host[3] || host[3] == '/' || strspn(text, allowed) != len ||
        text[len - 1] == '/')
        return fail(why, STATUS_INVALID,
                    "https://HOST is wanted, perhaps with a port or a path, "
                    "and no slash at its end");
    return STATUS_OK;
}

/* What the table can't say of a text. */
static enum status text_check(const char *name, const char *text,
                              struct error *why)
{
    enum log_level level;
    struct net_address address;
    size_t len = strlen(name);

    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return fail(why, STATUS_INVALID, "a control character");
    if (!strcmp(name, "log_level") && !log_level_parse(text, &level))
        return fail(why, STATUS_INVALID,
                    "debug, info, warn or error is wanted");
    if (!strcmp(name, "relay"))
        return relay_check(text, why);
    if (!strcmp(name, "public_url"))
        return url_check(text, why);
    /* Empty, where that is allowed, is nowhere. */
    if (*text && len > 7 && !strcmp(name + len - 7, "_listen"))
        return net_parse(text, &address, why);
    return STATUS_OK;
}

static enum status text_take(struct config *config, size_t row,
                             const char *text, struct error *why)
{
    char **to = (char **)(void *)((char *)config + rows[row].offset);
    int64_t len = (int64_t)strlen(text);

    if (!len && rows[row].least)
        return fail(why, STATUS_INVALID, "it is empty");
    if (len < rows[row].least || len > rows[row].most)
        return fail(why, STATUS_INVALID, "%lld to %lld characters are wanted",
                    (long long)rows[row].least, (long long)rows[row].most);
    enum status status = text_check(rows[row].name, text, why);
    if (status == STATUS_OK)
        *to = text_copy(text);
    return status;
}

static enum status number_take(struct config *config, size_t row,
                               enum quantity_kind kind, const char *text,
                               struct error *why)
{
    int64_t *to = (int64_t *)(void *)((char *)config + rows[row].offset);
    enum status status = quantity_parse(kind, text, to, why);

    if (status != STATUS_OK)
        return status;
    if (*to < rows[row].least || *to > rows[row].most)
        return fail(why, STATUS_INVALID, "%lld to %lld %s are allowed",
                    (long long)rows[row].least, (long long)rows[row].most,
                    rows[row].unit);
    return STATUS_OK;
}

static enum status value_take(struct config *config, size_t row,
                              const char *text, struct error *why)
{
    switch (rows[row].kind) {
    case SETTING_TEXT:
    case SETTING_SECRET: return text_take(config, row, text, why);
    case SETTING_NUMBER:
        return number_take(config, row, QUANTITY_COUNT, text, why);
    case SETTING_BYTES:
        return number_take(config, row, QUANTITY_BYTES, text, why);
    case SETTING_SECONDS:
        return number_take(config, row, QUANTITY_SECONDS, text, why);
    case SETTING_MILLISECONDS:
        return number_take(config, row, QUANTITY_MILLISECONDS, text, why);
    }
    BUG("unknown kind of setting");
}

static enum status values_take(struct config *config, const struct draft *d)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        bool secret = rows[i].kind == SETTING_SECRET;
        char quoted[LOG_QUOTE_MAX];
        struct error why;

        if (value_take(config, i, d->text[i], &why) != STATUS_OK)
            return fail(d->err, STATUS_INVALID, "%s: %s%s%s: %s", d->origin[i],
                        rows[i].name, secret ? "" : " = ",
                        secret ? "" : log_quote(d->text[i], quoted), why.text);
    }
    return STATUS_OK;
}

/* The draft's texts become the settings that `presort config` shows. */
static void settings_fill(struct draft *d)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        struct setting *s = &settings[i];
        bool secret = rows[i].kind == SETTING_SECRET;

        s->name = rows[i].name;
        s->standard = rows[i].standard;
        s->unit = rows[i].unit;
        s->meaning = rows[i].meaning;
        s->kind = rows[i].kind;
        free(s->value);
        s->value = text_copy(secret && *d->text[i] ? "(set)" : d->text[i]);
        memcpy(s->origin, d->origin[i], sizeof s->origin);
    }
}

const char *config_path(void)
{
    const char *path = getenv("PRESORT_CONFIG");

    if (path && *path)
        return path;
    return access(CONFIG_PATH, F_OK) ? NULL : CONFIG_PATH;
}

enum status config_load(struct config *config, const char *path,
                        struct error *err)
{
    struct draft d = {.path = path ? path : config_path(), .err = err};
    enum status status = STATUS_OK;

    *config = (struct config){0};
    for (size_t i = 0; i < SETTINGS; i++)
        draft_set(&d, i, rows[i].standard, "default");
    if (d.path)
        status = file_read(&d);
    if (status == STATUS_OK)
        status = environment_read(&d);
    if (status == STATUS_OK)
        status = values_take(config, &d);
    if (status == STATUS_OK)
        settings_fill(&d);
    else
        config_fini(config);
    for (size_t i = 0; i < SETTINGS; i++)
        free(d.text[i]);
    return status;
}

void config_fini(struct config *config)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (rows[i].kind == SETTING_TEXT || rows[i].kind == SETTING_SECRET)
            free(*(char **)(void *)((char *)config + rows[i].offset));
    *config = (struct config){0};
}

bool config_differs(const struct config *a, const struct config *b, size_t i)
{
    const void *left = (const char *)a + rows[i].offset;
    const void *right = (const char *)b + rows[i].offset;

    if (rows[i].kind == SETTING_TEXT || rows[i].kind == SETTING_SECRET)
        return strcmp(*(char *const *)left, *(char *const *)right) != 0;
    return *(const int64_t *)left != *(const int64_t *)right;
}

const struct setting *config_settings(size_t *n)
{
    *n = SETTINGS;
    return settings;
}

void config_hostname(const struct config *config, char *out, size_t max)
{
    if (config->hostname[0] || gethostname(out, max - 1) != 0)
        snprintf(out, max, "%s",
                 config->hostname[0] ? config->hostname : "localhost");
    out[max - 1] = 0;
}
