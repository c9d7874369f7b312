/* presort suppressions: whom a project sends nothing to. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "mail/suppression.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_TEXT_MAX = 160, REJECTS_SHOWN = 10 };

static const char usage[] =
    "usage: presort suppressions list [--reason REASON]\n"
    "       presort suppressions add ADDRESS... [--reason REASON] "
    "[--note TEXT]\n"
    "                                [--until TIME]\n"
    "       presort suppressions remove ADDRESS-OR-ID...\n"
    "       presort suppressions import FILE [--reason REASON]\n"
    "       presort suppressions export [--ndjson] [--out FILE]\n\n"
    "REASON is manual (standard), bounce, complaint, soft_bounce or "
    "unsubscribe; the last\nstops campaigns only. list shows the newest 100, "
    "export all, as CSV. import takes\nCSV or NDJSON, plain or gzip: a column "
    "`email`, and `reason`, `note`, `expires_at`\nwhere it has them.";

struct options {
    const char *reason, *note, *until, *out;
    bool ndjson;
    char **words; /* behind the verb */
    int n;
};

static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"reason", 1, NULL, 'r'}, {"note", 1, NULL, 'n'},
        {"until", 1, NULL, 'u'},  {"out", 1, NULL, 'o'},
        {"ndjson", 0, NULL, 'j'}, {0}};
    enum suppression reason;
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'r': o->reason = optarg; break;
        case 'n': o->note = optarg; break;
        case 'u': o->until = optarg; break;
        case 'o': o->out = optarg; break;
        case 'j': o->ndjson = true; break;
        default: return EXIT_USAGE;
        }
    if (o->reason && !suppression_find(o->reason, &reason))
        return cli_usage("--reason is manual, bounce, complaint, soft_bounce "
                         "or unsubscribe");
    o->words = argv + optind;
    o->n = argc - optind;
    return EXIT_DONE;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* ---- The verbs ---- */

static int list(struct client *client, const struct options *o)
{
    char path[PATH_TEXT_MAX];
    json_t *answer, *entry;
    struct error err;
    size_t i;

    if (o->n)
        return cli_usage("what is %s?", o->words[0]);
    snprintf(path, sizeof path, "/suppressions?limit=100%s%s",
             o->reason ? "&reason=" : "", o->reason ? o->reason : "");
    if (client_call(client, "GET", path, NULL, &answer, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    json_array_foreach(json_object_get(answer, "data"), i, entry)
    {
        const char *until = text_of(entry, "expires_at");

        printf("%s  %-40s %-12s %.19s%s%.19s  %s\n", text_of(entry, "id"),
               text_of(entry, "email"), text_of(entry, "reason"),
               text_of(entry, "created_at"), *until ? " until " : "", until,
               text_of(entry, "note"));
    }
    if (json_is_true(json_object_get(answer, "has_more")))
        puts("... and more: `presort suppressions export` shows all");
    json_decref(answer);
    return EXIT_DONE;
}

static json_t *words_of(const struct options *o)
{
    json_t *words = json_array();

    for (int i = 0; i < o->n; i++)
        json_array_append_new(words, json_string(o->words[i]));
    return words;
}

static void add_text(json_t *body, const char *name, const char *text)
{
    if (text)
        json_object_set_new(body, name, json_string(text));
}

/* Calls, and prints the address of each entry that was answered. */
static int change(struct client *client, const char *path, json_t *body,
                  const char *done)
{
    json_t *answer = NULL, *entry;
    struct error err;
    size_t i;
    enum status status = client_call(client, "POST", path, body, &answer, &err);

    json_decref(body);
    if (status != STATUS_OK)
        return cli_fail("%s", err.text);
    json_t *data = json_object_get(answer, "data");
    json_array_foreach(data, i, entry)
        printf("%s %s\n", done, text_of(entry, "email"));
    int result = json_array_size(data) ? EXIT_DONE : EXIT_FAILED;
    json_decref(answer);
    return result;
}

static int add(struct client *client, const struct options *o)
{
    if (o->n == 0)
        return cli_usage("usage: presort suppressions add ADDRESS...");
    json_t *body = json_object();

    json_object_set_new(body, "emails", words_of(o));
    add_text(body, "reason", o->reason);
    add_text(body, "note", o->note);
    add_text(body, "expires_at", o->until);
    return change(client, "/suppressions/batch/add", body, "suppressed");
}

static int take_off(struct client *client, const struct options *o)
{
    bool ids = o->n > 0 && !strchr(o->words[0], '@');

    for (int i = 0; i < o->n; i++)
        if (ids == (strchr(o->words[i], '@') != NULL))
            return cli_usage("addresses or ids, not both");
    if (o->n == 0)
        return cli_usage("usage: presort suppressions remove ADDRESS-OR-ID...");
    json_t *body = json_object();

    json_object_set_new(body, ids ? "ids" : "emails", words_of(o));
    int result =
        change(client, "/suppressions/batch/remove", body, "taken off:");
    return result == EXIT_FAILED ? cli_fail("none of them is on the list")
                                 : result;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static void print_import(const json_t *answer)
{
    const json_t *lines = json_object_get(answer, "rejected_lines");

    printf("%" PRId64 " added, %" PRId64 " known, %" PRId64 " rejected\n",
           number_of(answer, "added"), number_of(answer, "known"),
           number_of(answer, "rejected"));
    for (size_t i = 0; i < json_array_size(lines) && i < REJECTS_SHOWN; i++) {
        const json_t *line = json_array_get(lines, i);

        printf("    line %" PRId64 ": %s\n", number_of(line, "line"),
               text_of(line, "reason"));
    }
}

static int import(struct client *client, const struct options *o)
{
    const char *name = o->n == 1 ? o->words[0] : "";
    char path[PATH_TEXT_MAX];
    struct stat st;
    json_t *answer;
    struct error err;

    if (o->n != 1)
        return cli_usage("usage: presort suppressions import FILE");
    FILE *file = fopen(name, "re");
    if (!file)
        return cli_fail("%s: %s", name, strerror(errno));
    if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode)) {
        fclose(file);
        return cli_fail("%s: is no file", name);
    }
    /* What the name does not say is told by the first bytes. */
    const struct client_upload upload = {
        .file = file,
        .size = st.st_size,
        .type =
            ends_with(name, ".csv") ? "text/csv" : "application/octet-stream",
    };
    snprintf(path, sizeof path, "/suppressions/import%s%s",
             o->reason ? "?reason=" : "", o->reason ? o->reason : "");
    enum status status = client_send_file(client, path, &upload, &answer, &err);
    fclose(file);
    if (status != STATUS_OK)
        return cli_fail("%s: %s", name, err.text);
    print_import(answer);
    json_decref(answer);
    return EXIT_DONE;
}

static int export(struct client *client, const struct options *o)
{
    FILE *file = stdout;
    struct error err;

    if (o->n)
        return cli_usage("what is %s? --out names a file", o->words[0]);
    if (o->out && !(file = fopen(o->out, "we")))
        return cli_fail("%s: %s", o->out, strerror(errno));
    enum status status = client_save(
        client, o->ndjson ? "/suppressions.ndjson" : "/suppressions.csv", file,
        &err);
    if ((file == stdout ? fflush(file) : fclose(file)) && status == STATUS_OK)
        status = fail(&err, STATUS_FAILED, "%s: %s", o->out ? o->out : "stdout",
                      strerror(errno));
    return status == STATUS_OK ? EXIT_DONE : cli_fail("%s", err.text);
}

/* ---- The command ---- */

struct verb {
    const char *name;
    int (*run)(struct client *client, const struct options *o);
};

static int run(const struct verb *verb, int argc, char **argv)
{
    struct config config;
    struct options o = {0};
    struct error err;
    int result = options_read(argc, argv, &o);

    if (result != EXIT_DONE)
        return result;
    if (!cli_config(&config))
        return EXIT_FAILED;
    struct client *client = client_new(&config, &err);

    result = client ? verb->run(client, &o) : cli_fail("%s", err.text);
    client_free(client);
    config_fini(&config);
    return result;
}

int command_suppressions(int argc, char **argv)
{
    static const struct verb verbs[] = {{"list", list},
                                        {"add", add},
                                        {"remove", take_off},
                                        {"import", import},
                                        {"export", export}};
    enum { VERBS = sizeof verbs / sizeof *verbs };
    const char *names[VERBS];

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run(&verbs[i], argc - 1, argv + 1);
        names[i] = verbs[i].name;
    }
    return cli_unknown(argv[0], argv[1], names, VERBS);
}
