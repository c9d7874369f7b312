/* presort domains: what mail is sent from, by way of the API. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_MAX_BYTES = 128, TXT_STRING_MAX = 255 };

static const char usage[] =
    "usage: presort domains add DOMAIN [rsa2048|ed25519|both]\n"
    "       presort domains list\n"
    "       presort domains show DOMAIN\n"
    "       presort domains verify DOMAIN\n"
    "       presort domains remove DOMAIN\n\n"
    "add makes a DKIM key and prints the DNS records to publish. verify looks "
    "them up, says\nof each what is missing or wrong, and leaves with 1 unless "
    "all are right.";

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* As a zone file has them; a TXT record's strings have 255 bytes at most. */
static void print_record(const json_t *record)
{
    const char *value = text_of(record, "value");

    printf("%s. IN %s", text_of(record, "name"), text_of(record, "type"));
    if (strcmp(text_of(record, "type"), "MX") == 0) {
        printf(" %d %s.\n",
               (int)json_integer_value(json_object_get(record, "priority")),
               value);
        return;
    }
    for (size_t n; *value; value += n) {
        n = strnlen(value, TXT_STRING_MAX);
        printf(" \"%.*s\"", (int)n, value);
    }
    putchar('\n');
}

static void print_finding(const json_t *record)
{
    const char *found = text_of(record, "found");
    size_t n;

    printf("; %s %s: %s%s%s\n", text_of(record, "record"),
           text_of(record, "name"), text_of(record, "status"),
           text_of(record, "problem")[0] ? ": " : "",
           text_of(record, "problem"));
    if (strcmp(text_of(record, "status"), "verified") == 0)
        return;
    for (; *found; found += n + (found[n] == '\n')) {
        n = strcspn(found, "\n");
        printf(";   found: %.*s\n", (int)n, found);
    }
}

static void print_domain(const json_t *domain)
{
    const json_t *records = json_object_get(domain, "records"), *record;
    size_t i;

    printf("; %s: %s\n", text_of(domain, "name"), text_of(domain, "status"));
    json_array_foreach(records, i, record)
    {
        print_finding(record);
        print_record(record);
    }
}

/* The path of the domain called so, and what follows. */
static enum status path_of(struct client *client, const char *name,
                           const char *more, char path[PATH_MAX_BYTES],
                           struct error *err)
{
    json_t *answer, *domain;
    size_t i;
    enum status status =
        client_call(client, "GET", "/domains", NULL, &answer, err);

    if (status != STATUS_OK)
        return status;
    status = fail(err, STATUS_NOT_FOUND, "there is no domain %s", name);
    json_array_foreach(json_object_get(answer, "data"), i,
                       domain) if (strcasecmp(text_of(domain, "name"), name) ==
                                   0)
    {
        snprintf(path, PATH_MAX_BYTES, "/domains/%s%s", text_of(domain, "id"),
                 more);
        status = STATUS_OK;
    }
    json_decref(answer);
    return status;
}

static int add(struct client *client, int argc, char **argv)
{
    json_t *body, *answer;
    struct error err;

    if (argc < 2 || argc > 3)
        return cli_usage("usage: presort domains add DOMAIN "
                         "[rsa2048|ed25519|both]");
    body = json_pack("{ss ss}", "name", argv[1], "dkim",
                     argc > 2 ? argv[2] : "rsa2048");
    enum status status =
        client_call(client, "POST", "/domains", body, &answer, &err);

    json_decref(body);
    if (status != STATUS_OK)
        return cli_fail("%s", err.text);
    print_domain(answer);
    json_decref(answer);
    return EXIT_DONE;
}

static int list(struct client *client, int argc, char **argv)
{
    json_t *answer, *domain;
    struct error err;
    size_t i;

    (void)argv;
    if (argc > 1)
        return cli_usage("usage: presort domains list");
    if (client_call(client, "GET", "/domains", NULL, &answer, &err) !=
        STATUS_OK)
        return cli_fail("%s", err.text);
    json_array_foreach(json_object_get(answer, "data"), i, domain)
        printf("%s  %-18s  %s\n", text_of(domain, "id"),
               text_of(domain, "status"), text_of(domain, "name"));
    json_decref(answer);
    return EXIT_DONE;
}

/* A call about one domain; the answer is the caller's, NULL if it failed. */
static json_t *ask(struct client *client, const char *method, const char *more,
                   int argc, char **argv, int *result)
{
    char path[PATH_MAX_BYTES];
    json_t *answer = NULL;
    struct error err;

    if (argc != 2)
        *result = cli_usage("usage: presort domains %s DOMAIN", argv[0]);
    else if (path_of(client, argv[1], more, path, &err) != STATUS_OK ||
             client_call(client, method, path, NULL, &answer, &err) !=
                 STATUS_OK)
        *result = cli_fail("%s", err.text);
    return answer;
}

static int show(struct client *client, int argc, char **argv)
{
    int result = EXIT_DONE;
    json_t *domain = ask(client, "GET", "", argc, argv, &result);

    if (domain)
        print_domain(domain);
    json_decref(domain);
    return result;
}

static int verify(struct client *client, int argc, char **argv)
{
    int result = EXIT_DONE;
    json_t *domain = ask(client, "POST", "/verify", argc, argv, &result);

    if (domain) {
        print_domain(domain);
        if (strcmp(text_of(domain, "status"), "verified") != 0)
            result = EXIT_FAILED;
    }
    json_decref(domain);
    return result;
}

static int remove_(struct client *client, int argc, char **argv)
{
    int result = EXIT_DONE;
    json_t *answer = ask(client, "DELETE", "", argc, argv, &result);

    if (answer)
        printf("removed: %s, with its keys\n", argv[1]);
    json_decref(answer);
    return result;
}

static const struct verb {
    const char *name;
    int (*run)(struct client *client, int argc, char **argv);
} verbs[] = {{"add", add},
             {"list", list},
             {"show", show},
             {"verify", verify},
             {"remove", remove_}};
enum { VERBS = sizeof verbs / sizeof *verbs, HOSTNAME_BYTES_MAX = 256 };

/* SPF is asked to allow a:HOSTNAME, unless the settings say otherwise; bounces
 * come to it where there is a return path. */
static void warn_of_hostname(const struct config *config)
{
    char name[HOSTNAME_BYTES_MAX];
    bool counts = !*config->spf_mechanisms || *config->return_path_domain;

    config_hostname(config, name, sizeof name);
    if (counts && !strchr(name, '.'))
        fprintf(stderr,
                "presort: warning: %s is no full name: set `hostname` before "
                "you publish these\n",
                name);
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct config config;
    struct error err;

    if (!cli_config(&config))
        return EXIT_FAILED;
    struct client *client = client_new(&config, &err);
    int result =
        client ? verb->run(client, argc, argv) : cli_fail("%s", err.text);

    if (result == EXIT_DONE && verb->run == add)
        warn_of_hostname(&config);
    client_free(client);
    config_fini(&config);
    return result;
}

int command_domains(int argc, char **argv)
{
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
