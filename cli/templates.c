/* presort templates: store them, start from ready-made ones, send tests. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/starters.h"
#include "base/buf.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 8 << 20, READ_BYTES = 65536, PATH_BYTES_MAX = 512 };

static const char usage[] =
    "usage: presort templates list\n"
    "       presort templates starter [NAME [--sample]]\n"
    "       presort templates push ALIAS (--html FILE | --starter NAME)\n"
    "                         [--text FILE] [--subject TEXT] [--from ADDRESS]\n"
    "                         [--name NAME] [--inline-css] [--publish]\n"
    "                         [--fallbacks FILE.json]\n"
    "       presort templates pull ALIAS\n"
    "       presort templates test ALIAS --to ADDRESS [--data FILE.json]\n"
    "       presort templates delete ALIAS\n"
    "       presort templates partial NAME FILE";

static const char more[] =
    "\n\n"
    "push makes a template or changes it; --publish makes that what is sent. "
    "Without\n--subject a new one takes the <title>. --fallbacks are the "
    "values "
    "of variables\nthat a mail has not. starter prints a ready-made template, "
    "or "
    "its sample data.\ntest sends the latest version. partial stores what "
    "templates include:\n{% render \"NAME\" %}.";

struct options {
    const char *html, *text, *starter, *subject, *from, *name, *to, *data,
        *fallbacks;
    bool inline_css, publish, sample;
    const char *words[3]; /* of the command: verb, ALIAS, FILE */
    int n_words;
};

static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {{"html", 1, NULL, 'h'},
                                          {"text", 1, NULL, 't'},
                                          {"starter", 1, NULL, 's'},
                                          {"subject", 1, NULL, 'u'},
                                          {"from", 1, NULL, 'f'},
                                          {"name", 1, NULL, 'n'},
                                          {"to", 1, NULL, 'o'},
                                          {"data", 1, NULL, 'd'},
                                          {"sample", 0, NULL, 'a'},
                                          {"inline-css", 0, NULL, 'i'},
                                          {"fallbacks", 1, NULL, 'b'},
                                          {"publish", 0, NULL, 'p'},
                                          {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'h': o->html = optarg; break;
        case 't': o->text = optarg; break;
        case 's': o->starter = optarg; break;
        case 'u': o->subject = optarg; break;
        case 'f': o->from = optarg; break;
        case 'n': o->name = optarg; break;
        case 'o': o->to = optarg; break;
        case 'd': o->data = optarg; break;
        case 'b': o->fallbacks = optarg; break;
        case 'a': o->sample = true; break;
        case 'i': o->inline_css = true; break;
        case 'p': o->publish = true; break;
        default: return EXIT_USAGE;
        }
    for (; optind < argc; optind++) {
        if (o->n_words == 3)
            return cli_usage("what is %s?", argv[optind]);
        o->words[o->n_words++] = argv[optind];
    }
    if (o->n_words > 0)
        return EXIT_DONE;
    cli_usage("%s", usage);
    return EXIT_USAGE;
}

static enum status read_file(const char *path, struct buf *out,
                             struct error *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t n = 1;

    if (!file)
        return fail(err, STATUS_INVALID, "%s: %s", path, strerror(errno));
    while (n > 0 && out->len <= FILE_BYTES_MAX) {
        n = fread(buf_reserve(out, READ_BYTES), 1, READ_BYTES, file);
        out->len += n;
    }
    buf_add(out, "", 0);
    bool failed = ferror(file);
    fclose(file);
    if (failed)
        return fail(err, STATUS_INVALID, "%s: can't be read", path);
    if (out->len > FILE_BYTES_MAX || memchr(out->data, 0, out->len))
        return fail(err, STATUS_INVALID, "%s: is no text, or too long", path);
    return STATUS_OK;
}

/* A name in a path: "a/b" is one segment. */
static enum status path_of(const char *start, const char *name, const char *end,
                           char out[static PATH_BYTES_MAX], struct error *err)
{
    size_t n = (size_t)snprintf(out, PATH_BYTES_MAX, "%s", start);

    for (const char *p = name; *p && n + 4 < PATH_BYTES_MAX; p++) {
        bool plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                            "wxyz0123456789-_.",
                            *p);

        n += (size_t)snprintf(out + n, PATH_BYTES_MAX - n,
                              plain ? "%c" : "%%%02X", (unsigned char)*p);
    }
    if (!*name || n + strlen(end) >= PATH_BYTES_MAX)
        return fail(err, STATUS_INVALID, "a name is wanted");
    snprintf(out + n, PATH_BYTES_MAX - n, "%s", end);
    return STATUS_OK;
}

static void set_text(json_t *body, const char *field, const char *text)
{
    if (text)
        json_object_set_new(body, field, json_string(text));
}

static const char *text_of(const json_t *object, const char *field)
{
    const char *text = json_string_value(json_object_get(object, field));

    return text ? text : "";
}

/* --- the verbs --- */

static enum status list(struct client *client, const struct options *o,
                        struct error *err)
{
    char path[PATH_BYTES_MAX] = "/templates?limit=100";
    bool again = true;

    (void)o;
    while (again) {
        json_t *answer, *item;
        size_t i;
        enum status status =
            client_call(client, "GET", path, NULL, &answer, err);

        if (status != STATUS_OK)
            return status;
        json_array_foreach(json_object_get(answer, "data"), i, item)
        {
            printf(
                "%s  %-20s  %-9s%s  %s\n", text_of(item, "id"),
                text_of(item, "alias"), text_of(item, "status"),
                json_is_true(json_object_get(item, "has_unpublished_versions"))
                    ? "*"
                    : " ",
                text_of(item, "name"));
            snprintf(path, sizeof path, "/templates?limit=100&after=%s",
                     text_of(item, "id"));
        }
        again = json_is_true(json_object_get(answer, "has_more"));
        json_decref(answer);
    }
    return STATUS_OK;
}

static const char *type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return "string";
    case JSON_INTEGER:
    case JSON_REAL: return "number";
    case JSON_TRUE:
    case JSON_FALSE: return "boolean";
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "list";
    case JSON_NULL: break;
    }
    return NULL;
}

/* Declares each member as a variable that a mail may leave out. The address is
 * the recipient's, whatever the sample says. */
static void set_fallbacks(json_t *body, json_t *values)
{
    json_t *variables = json_array(), *value;
    const char *key;

    json_object_foreach(values, key, value)
    {
        if (type_of(value) && strcmp(key, "email") != 0)
            json_array_append_new(
                variables, json_pack("{s:s, s:s, s:O}", "key", key, "type",
                                     type_of(value), "fallback_value", value));
    }
    json_object_set_new(body, "variables", variables);
}

/* The brand of a starter is the same for everybody. */
static void set_brand(json_t *body, const struct starter *starter)
{
    json_t *data = json_loads(starter->data, 0, NULL);
    json_t *brand =
        json_pack("{s:O*}", "brand", json_object_get(data, "brand"));

    set_fallbacks(body, brand);
    json_decref(brand);
    json_decref(data);
}

static enum status add_fallbacks(const char *path, json_t *body,
                                 struct error *err)
{
    json_error_t why;
    json_t *values = json_load_file(path, 0, &why);
    enum status status = STATUS_OK;

    if (json_is_object(values))
        set_fallbacks(body, values);
    else if (values)
        status = fail(err, STATUS_INVALID, "%s: expected an object", path);
    else
        status = fail(err, STATUS_INVALID, "%s: line %d, column %d: %s", path,
                      why.line, why.column, why.text);
    json_decref(values);
    return status;
}

/* The members that the options say. */
static enum status body_of(const struct options *o, json_t *body,
                           struct error *err)
{
    const struct starter *starter =
        o->starter ? starter_find(o->starter) : NULL;
    struct buf file = {0};
    enum status status = STATUS_OK;

    if (o->starter && !starter)
        return fail(err, STATUS_INVALID, "there is no starter %s", o->starter);
    if (starter) {
        set_text(body, "html", starter->html);
        set_brand(body, starter);
    }
    if (o->html) {
        status = read_file(o->html, &file, err);
        set_text(body, "html", file.data);
    }
    if (o->text && status == STATUS_OK) {
        buf_reset(&file);
        status = read_file(o->text, &file, err);
        set_text(body, "text", file.data);
    }
    buf_fini(&file);
    if (o->fallbacks && status == STATUS_OK)
        status = add_fallbacks(o->fallbacks, body, err);
    set_text(body, "subject", o->subject);
    set_text(body, "from", o->from);
    set_text(body, "name", o->name);
    if (o->inline_css)
        json_object_set_new(body, "inline_css", json_true());
    return status;
}

/* What a new one has that the options do not say. */
static void complete(const struct options *o, json_t *body)
{
    struct buf subject = {0};

    set_text(body, "alias", o->words[1]);
    if (!o->name)
        set_text(body, "name", o->words[1]);
    starter_subject(text_of(body, "html"), &subject);
    if (!o->subject && subject.len > 0)
        set_text(body, "subject", subject.data);
    buf_fini(&subject);
}

static enum status push(struct client *client, const struct options *o,
                        struct error *err)
{
    char path[PATH_BYTES_MAX];
    json_t *body = json_object(), *answer = NULL;
    enum status status = body_of(o, body, err);

    if (status == STATUS_OK)
        status = path_of("/templates/", o->words[1], "", path, err);
    if (status == STATUS_OK)
        status = client_call(client, "PATCH", path, body, &answer, err);
    if (status == STATUS_NOT_FOUND) {
        complete(o, body);
        status = client_call(client, "POST", "/templates", body, &answer, err);
    }
    json_decref(body);
    if (status == STATUS_OK)
        printf("%s  %s\n", text_of(answer, "id"), o->words[1]);
    json_decref(answer);
    if (status == STATUS_OK && o->publish)
        status = path_of("/templates/", o->words[1], "/publish", path, err);
    if (status == STATUS_OK && o->publish)
        status = client_call(client, "POST", path, NULL, NULL, err);
    return status;
}

static enum status pull(struct client *client, const struct options *o,
                        struct error *err)
{
    char path[PATH_BYTES_MAX];
    json_t *answer = NULL;
    enum status status = path_of("/templates/", o->words[1], "", path, err);

    if (status == STATUS_OK)
        status = client_call(client, "GET", path, NULL, &answer, err);
    if (status == STATUS_OK)
        fputs(text_of(answer, *text_of(answer, "html") ? "html" : "text"),
              stdout);
    json_decref(answer);
    return status;
}

static enum status test(struct client *client, const struct options *o,
                        struct error *err)
{
    char path[PATH_BYTES_MAX];
    json_t *body = json_object(), *answer = NULL;
    json_error_t why = {0};
    enum status status =
        path_of("/templates/", o->words[1], "/test", path, err);

    set_text(body, "to", o->to);
    set_text(body, "from", o->from);
    set_text(body, "subject", o->subject);
    if (o->data)
        json_object_set_new(body, "variables",
                            json_load_file(o->data, 0, &why));
    if (o->data && !json_object_get(body, "variables"))
        status = fail(err, STATUS_INVALID, "%s: line %d, column %d: %s",
                      o->data, why.line, why.column, why.text);
    if (status == STATUS_OK)
        status = client_call(client, "POST", path, body, &answer, err);
    if (status == STATUS_OK)
        printf("%s\n", text_of(answer, "id"));
    json_decref(answer);
    json_decref(body);
    return status;
}

static enum status delete (struct client *client, const struct options *o,
                           struct error *err) {
    char path[PATH_BYTES_MAX];
    enum status status = path_of("/templates/", o->words[1], "", path, err);

    return status == STATUS_OK
               ? client_call(client, "DELETE", path, NULL, NULL, err)
               : status;
}

static enum status partial(struct client *client, const struct options *o,
                           struct error *err)
{
    char path[PATH_BYTES_MAX];
    struct buf file = {0};
    json_t *body = json_object();
    enum status status = path_of("/partials/", o->words[1], "", path, err);

    if (status == STATUS_OK)
        status = read_file(o->words[2], &file, err);
    set_text(body, "source", file.data);
    if (status == STATUS_OK)
        status = client_call(client, "PUT", path, body, NULL, err);
    json_decref(body);
    buf_fini(&file);
    return status;
}

static int print_starter(const struct options *o)
{
    const struct starter *starter;

    if (o->n_words == 1) {
        starter_list();
        return EXIT_DONE;
    }
    starter = starter_find(o->words[1]);
    if (!starter)
        return cli_fail("there is no starter %s: `presort templates starter` "
                        "lists them",
                        o->words[1]);
    fputs(o->sample ? starter->data : starter->html, stdout);
    return EXIT_DONE;
}

static const struct verb {
    const char *name;
    int words; /* with its own */
    enum status (*run)(struct client *client, const struct options *o,
                       struct error *err);
} verbs[] = {
    {"list", 1, list},    {"push", 2, push},     {"pull", 2, pull},
    {"test", 2, test},    {"delete", 2, delete}, {"partial", 3, partial},
    {"starter", 0, NULL},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static const struct verb *verb_named(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int unknown(const char *word)
{
    const char *known[VERBS];

    for (size_t i = 0; i < VERBS; i++)
        known[i] = verbs[i].name;
    return cli_unknown("templates", word, known, VERBS);
}

static int run(const struct verb *verb, const struct options *o)
{
    struct config config;
    struct error err;
    int result = EXIT_DONE;

    if (!cli_config(&config))
        return EXIT_FAILED;
    struct client *client = client_new(&config, &err);
    if (!client || verb->run(client, o, &err) != STATUS_OK)
        result = cli_fail("%s", err.text);
    client_free(client);
    config_fini(&config);
    return result;
}

int command_templates(int argc, char **argv)
{
    struct options o = {0};

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("%s%s\n", usage, more);
        return EXIT_DONE;
    }
    int result = options_read(argc, argv, &o);

    if (result != EXIT_DONE)
        return result;
    const struct verb *verb = verb_named(o.words[0]);
    if (!verb)
        return unknown(o.words[0]);
    if (!verb->run)
        return print_starter(&o);
    if (o.n_words != verb->words ||
        (verb->run == push && !o.html && !o.text && !o.starter && !o.publish) ||
        (verb->run == test && !o.to))
        return cli_usage("%s", usage);
    return run(verb, &o);
}
