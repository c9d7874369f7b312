/*
 * presort render: a template with data, as a campaign would render it.
 *
 * With --ndjson, one JSON object a line in and one out, so that thousands of
 * previews (or of a specification's cases) need one process.
 */
#include "cli/cli.h"
#include "cli/commands.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "render/css_inline.h"
#include "templates/date.h"
#include "templates/tables.h"
#include "templates/template.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

static const char USAGE[] =
    "usage: presort render --template FILE [--data FILE.json] [--html|--text]\n"
    "                      [--partials DIR] [--strict] [--inline-css]\n"
    "       presort render --ndjson";

static const char HELP[] =
    "\n\n"
    "  --template FILE   the template, - for standard input\n"
    "  --data FILE.json  its variables, an object\n"
    "  --html            escape output for HTML (default: names ending .html)\n"
    "  --text            leave output as it is\n"
    "  --partials DIR    where {% render \"name\" %} finds DIR/name.liquid\n"
    "  --strict          refuse variables that are missing\n"
    "  --inline-css      put the rules of <style> into style attributes\n"
    "  --ndjson          render each line of standard input: an object with\n"
    "                    template, data, and perhaps partials {name: source},\n"
    "                    escape, now (seconds since 1970, or a date), tz "
    "(\"Europe/Paris\"),"
    "\n                    strict; answers with output, or with error {line,\n"
    "                    column, message}\n"
    "  --reference       print the tables of tags and filters";

enum { FILE_BYTES_MAX = 64 * 1024 * 1024, READ_BYTES = 65536 };

#define NOW_MOST 1e11 /* seconds: the year 5138 */

/* One thing to render. */
struct job {
    struct template_options options;
    struct template_values values;
    struct template_fault fault;
    json_t *data, *partials; /* borrowed */
    const char *directory;
    json_t *loaded; /* files of the directory, by name */
    bool inline_css;
    const char *zone;
};

/* The zone of the process is the job's while it renders. */
static int32_t zone_offset(void *context, int64_t seconds,
                           const char **abbreviation)
{
    time_t t = (time_t)seconds;
    struct tm tm;

    (void)context;
    if (!localtime_r(&t, &tm))
        return 0;
    *abbreviation = tm.tm_zone;
    return (int32_t)tm.tm_gmtoff;
}

static void use_zone(const char *name)
{
    setenv("TZ", name && *name ? name : "UTC", 1);
    tzset();
}

/* By its name, with or without ".liquid", and at last whatever its case. */
static bool same_partial(const char *key, const char *name, size_t len)
{
    size_t n = strlen(key);
    const char *end = ".liquid";

    if (strncasecmp(key, name, n < len ? n : len) != 0)
        return false;
    return n == len || (n == len + strlen(end) && !strcmp(key + len, end));
}

static json_t *find_partial(json_t *partials, const char *name, size_t len)
{
    json_t *found = json_object_getn(partials, name, len), *value;
    const char *key;

    if (found)
        return found;
    json_object_foreach(partials, key,
                        value) if (same_partial(key, name, len)) return value;
    return NULL;
}

static char *read_stream(FILE *f, size_t *len)
{
    struct buf b = {0};

    while (!feof(f) && !ferror(f) && b.len < FILE_BYTES_MAX) {
        char *to = buf_reserve(&b, READ_BYTES);

        b.len += fread(to, 1, READ_BYTES, f);
    }
    buf_add(&b, "", 0);
    *len = b.len;
    return b.data;
}

/* NULL if it can't be opened; "-" is standard input. */
static char *read_file(const char *path, size_t *len)
{
    FILE *f;
    char *bytes;

    if (strcmp(path, "-") == 0)
        return read_stream(stdin, len);
    f = fopen(path, "rb");
    if (!f)
        return NULL;
    bytes = read_stream(f, len);
    fclose(f);
    return bytes;
}

/* No name leads out of the directory. */
static bool load_partial(struct job *job, const char *name, size_t len,
                         const char **source, size_t *source_len)
{
    json_t *text = json_object_getn(job->loaded, name, len);

    if (!text && len > 0 && *name != '/' && !memmem(name, len, "..", 2) &&
        !memchr(name, 0, len)) {
        char *path =
            text_format("%s/%.*s.liquid", job->directory, (int)len, name);
        size_t n;
        char *bytes = read_file(path, &n);

        text = bytes ? json_stringn(bytes, n) : NULL;
        if (text)
            json_object_setn_new(job->loaded, name, len, text);
        free(bytes);
        free(path);
    }
    if (!text)
        return false;
    *source = json_string_value(text);
    *source_len = json_string_length(text);
    return true;
}

static bool partial(void *context, const char *name, size_t len,
                    const char **source, size_t *source_len)
{
    struct job *job = context;
    json_t *text;

    if (job->directory)
        return load_partial(job, name, len, source, source_len);
    text = find_partial(job->partials, name, len);
    if (!json_is_string(text))
        return false;
    *source = json_string_value(text);
    *source_len = json_string_length(text);
    return true;
}

/* What outlives a job, so that the next one allocates nothing. */
static struct arena scratch;
static struct buf output;

static enum status render(struct job *job, const char *source, size_t len,
                          struct error *err)
{
    struct template *t;
    enum status st;

    job->options.partial = partial;
    job->options.partial_context = job;
    job->options.fault = job->values.fault = &job->fault;
    job->values.object = job->data;
    job->values.zone = zone_offset;
    use_zone(job->zone);
    buf_reset(&output);
    arena_reset(&scratch);
    st = template_compile_with(source, len, &job->options, &t, err);
    if (st != STATUS_OK)
        return st;
    st = template_render(t, &job->values, &scratch, &output, err);
    template_free(t);
    return st;
}

/* --ndjson */

static json_t *failure(size_t line, size_t column, const char *message,
                       const char *name)
{
    json_t *error = json_pack("{s:I, s:I, s:s}", "line", (json_int_t)line,
                              "column", (json_int_t)column, "message", message);

    if (*name)
        json_object_set_new(error, "partial", json_string(name));
    return json_pack("{s:o}", "error", error);
}

/* Seconds since 1970, or a date as people write it; false: neither. */
static bool read_now(const json_t *now, int64_t *us)
{
    const struct template_values utc = {0};
    struct date d;

    if (json_is_number(now)) {
        if (fabs(json_number_value(now)) > NOW_MOST)
            return false;
        *us = (int64_t)(json_number_value(now) * 1e6);
    } else if (json_is_string(now)) {
        if (!date_parse(&d, json_string_value(now), json_string_length(now),
                        &utc))
            return false;
        *us = d.seconds * 1000000 + d.nanoseconds / 1000;
    } else {
        *us = clock_wall_us();
    }
    return !now || json_is_null(now) || json_is_number(now) ||
           json_is_string(now);
}

/* A file of the zones' folder, and nothing else that a path could lead to. */
static bool is_zone(const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    if (!*name || *name == '/' || strstr(name, "..") ||
        name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                          "0123456789_+-/")])
        return false;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    return strcmp(name, "UTC") == 0 ||
           (stat(path, &st) == 0 && S_ISREG(st.st_mode));
}

/* NULL: all are of the kinds that they are to be. */
static const char *wrong_member(const json_t *in)
{
    const json_t *escape = json_object_get(in, "escape");
    const json_t *strict = json_object_get(in, "strict");
    const json_t *zone = json_object_get(in, "tz");
    const json_t *partials = json_object_get(in, "partials");

    if (escape && !json_is_boolean(escape) && !json_is_null(escape))
        return "escape: expected true or false";
    if (strict && !json_is_boolean(strict) && !json_is_null(strict))
        return "strict: expected true or false";
    if (zone && !json_is_null(zone) &&
        !(json_is_string(zone) && is_zone(json_string_value(zone))))
        return "tz: expected a name of a time zone";
    if (partials && !json_is_object(partials) && !json_is_null(partials))
        return "partials: expected an object of sources";
    return NULL;
}

static json_t *render_object(json_t *in)
{
    struct job job = {.data = json_object_get(in, "data"),
                      .partials = json_object_get(in, "partials"),
                      .zone = json_string_value(json_object_get(in, "tz"))};
    json_t *source = json_object_get(in, "template");
    const char *wrong = wrong_member(in);
    bool strict = json_is_true(json_object_get(in, "strict"));
    struct error err;

    if (wrong)
        return failure(0, 0, wrong, "");
    if (!read_now(json_object_get(in, "now"), &job.values.now_us))
        return failure(0, 0, "now: expected seconds since 1970, or a date", "");
    if (!json_is_string(source))
        return failure(0, 0, "template: expected a string", "");
    if (job.data && !json_is_object(job.data) && !json_is_null(job.data))
        return failure(0, 0, "data: expected an object", "");
    if (!json_is_object(job.data))
        job.data = NULL;
    job.options.strict_variables = strict;
    job.options.strict_filters = strict;
    job.options.strict_partials = strict;
    job.options.escape = json_is_true(json_object_get(in, "escape"))
                             ? TEMPLATE_HTML
                             : TEMPLATE_TEXT;
    if (render(&job, json_string_value(source), json_string_length(source),
               &err) != STATUS_OK)
        return failure(job.fault.line, job.fault.column, job.fault.message,
                       job.fault.partial);
    return json_pack("{s:s%}", "output", output.data ? output.data : "",
                     output.len);
}

/* Jansson has no integers beyond 64 bits: these become reals. */
static json_t *load_line(const char *line, size_t len, json_error_t *why)
{
    json_t *in = json_loadb(line, len, JSON_ALLOW_NUL, why);
    struct buf copy = {0};
    bool quoted = false;

    if (in || json_error_code(why) != json_error_numeric_overflow)
        return in;
    for (size_t i = 0; i < len;) {
        size_t digits = 0;

        while (!quoted && i + digits < len && line[i + digits] >= '0' &&
               line[i + digits] <= '9')
            digits++;
        buf_add(&copy, line + i, digits ? digits : 1);
        if (digits > 18 && i + digits < len &&
            !strchr(".eE", line[i + digits]) &&
            (i == 0 || !strchr(".eE+", line[i - 1])))
            buf_add_text(&copy, ".0");
        if (!digits && quoted && line[i] == '\\' && i + 1 < len)
            buf_add(&copy, line + ++i, 1);
        else if (!digits && line[i] == '"')
            quoted = !quoted;
        i += digits ? digits : 1;
    }
    in = json_loadb(copy.data, copy.len, JSON_ALLOW_NUL, why);
    buf_fini(&copy);
    return in;
}

static int render_lines(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        json_error_t why;
        json_t *in = load_line(line, (size_t)len, &why);
        json_t *out =
            json_is_object(in)
                ? render_object(in)
                : failure(0, 0, in ? "expected an object" : why.text, "");

        json_dumpf(out ? out : json_null(), stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(out);
        json_decref(in);
    }
    free(line);
    return ferror(stdin) || fflush(stdout) ? cli_fail("%s", strerror(errno))
                                           : EXIT_DONE;
}

/* --template */

static enum status render_inlined(struct job *job, const char *source,
                                  size_t len, struct error *err)
{
    struct buf inlined = {0};
    enum status st;

    if (!job->inline_css)
        return render(job, source, len, err);
    st = css_inline(source, len, true, &inlined, err);
    if (st == STATUS_OK)
        st = render(job, inlined.data ? inlined.data : "", inlined.len, err);
    buf_fini(&inlined);
    return st;
}

static int render_file(struct job *job, const char *path)
{
    size_t len;
    char *source = read_file(path, &len);
    struct error err;
    enum status st;

    if (!source)
        return cli_fail("%s: %s", path, strerror(errno));
    size_t bad = utf8_check(source, len);
    if (bad < len) {
        free(source);
        return cli_fail("%s: byte %zu is not valid UTF-8", path, bad + 1);
    }
    job->loaded = json_object();
    job->values.now_us = clock_wall_us();
    job->options.strict_filters = job->options.strict_partials = true;
    st = render_inlined(job, source, len, &err);
    free(source);
    json_decref(job->loaded);
    if (st != STATUS_OK)
        return cli_fail("%s: %s", path, err.text);
    fwrite(output.data, 1, output.len, stdout);
    return EXIT_DONE;
}

static int load_data(struct job *job, const char *path)
{
    json_error_t why;

    job->data = json_load_file(path, JSON_ALLOW_NUL, &why);
    if (!job->data)
        return cli_fail("%s: line %d, column %d: %s", path, why.line,
                        why.column, why.text);
    if (!json_is_object(job->data))
        return cli_fail("%s: expected an object", path);
    return EXIT_DONE;
}

/* docs/reference/templates.md has these. */
static int print_reference(void)
{
    puts("| tag | what it does |\n|---|---|");
#define X_(name, function, help) puts("| `" name "` | " help " |");
    TAG_TABLE(X_)
#undef X_
    puts("| `liquid` | tags without braces, one a line |");
    puts("\n| filter | arguments | gives |\n|---|---|---|");
#define X_(name, function, min, max, help)                                     \
    printf("| `%s` | %s | %s |\n", name,                                       \
           (max) == 0       ? ""                                               \
           : (min) == 0     ? (max) == 1 ? "0 or 1" : "0 to 2"                 \
           : (min) == (max) ? (max) == 1 ? "1" : "2"                           \
                            : "1 or 2",                                        \
           help);
    FILTER_TABLE(X_)
#undef X_
    return EXIT_DONE;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static int run(int argc, char **argv, struct job *job)
{
    const char *path = NULL, *data = NULL, *escape = NULL;

    for (int i = 1; i < argc && argv[i]; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        const char **to = strcmp(a, "--template") == 0   ? &path
                          : strcmp(a, "--data") == 0     ? &data
                          : strcmp(a, "--partials") == 0 ? &job->directory
                                                         : NULL;

        if (to && value)
            *to = argv[++i];
        else if (strcmp(a, "--html") == 0 || strcmp(a, "--text") == 0)
            escape = a;
        else if (strcmp(a, "--strict") == 0)
            job->options.strict_variables = true;
        else if (strcmp(a, "--inline-css") == 0)
            job->inline_css = true;
        else
            return cli_usage(to ? "%s wants a value" : "what is %s?", a);
    }
    if (!path)
        return cli_usage("%s", USAGE);
    if (escape ? strcmp(escape, "--html") == 0
               : ends_with(path, ".html") || ends_with(path, ".html.liquid"))
        job->options.escape = TEMPLATE_HTML;
    if (data && load_data(job, data) != EXIT_DONE)
        return EXIT_FAILED;
    job->zone = getenv("TZ");
    return render_file(job, path);
}

int command_render(int argc, char **argv)
{
    struct job job = {0};
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s%s\n", USAGE, HELP);
        return EXIT_DONE;
    }
    if (argc == 2 && strcmp(argv[1], "--reference") == 0)
        return print_reference();
    status = argc == 2 && strcmp(argv[1], "--ndjson") == 0
                 ? render_lines()
                 : run(argc, argv, &job);
    json_decref(job.data);
    arena_fini(&scratch);
    buf_fini(&output);
    return status;
}
