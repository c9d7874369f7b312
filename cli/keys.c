/* presort keys, presort projects. */
#include "cli/keys.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/keys.sql.h"
#include "base/bug.h"
#include "base/utf8.h"
#include "queue/db.h"
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { KEY_HASH_MAX = 2 * SHA256_DIGEST_LENGTH + 1, NAME_MAX_CHARS = 100 };

/* n random letters and digits. Bytes that would favour some are thrown away.
 */
static void random_text(char *out, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned char fair = 256 / 62 * 62;

    while (n) {
        unsigned char byte;

        if (getrandom(&byte, 1, 0) != 1)
            BUG("no random bytes");
        if (byte < fair)
            *out++ = set[byte % 62], n--;
    }
}

static void key_make(char *key)
{
    memcpy(key, "re_", 3);
    random_text(key + 3, 8);
    key[11] = '_';
    random_text(key + 12, 24);
    key[KEY_TEXT_MAX - 1] = 0;
}

static void key_hash(const char *key, char *out)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)key, strlen(key), hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)hash[i]);
}

enum status keys_create(PGconn *conn, const char *project, const char *name,
                        const char *scope, char *key, struct error *err)
{
    char hash[KEY_HASH_MAX], prefix[KEY_PREFIX_LEN + 1];
    const char *params[] = {project, name, prefix, hash, scope};

    key_make(key);
    key_hash(key, hash);
    snprintf(prefix, sizeof prefix, "%.*s", KEY_PREFIX_LEN, key);
    DB_RESULT *r = db_query(conn, err, SQL_KEY_CREATE, 5, params);
    if (!r)
        return STATUS_FAILED;
    if (!PQntuples(r))
        return fail(err, STATUS_NOT_FOUND, "no project \"%s\"", project);
    return STATUS_OK;
}

struct key_options {
    const char *project, *scope, *name, *word;
};

static bool name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= NAME_MAX_CHARS && utf8_one_line(name) &&
           utf8_check(name, len) == len;
}

static int options_read(int argc, char **argv, struct key_options *o)
{
    static const struct option known[] = {{"project", 1, NULL, 'p'},
                                          {"scope", 1, NULL, 's'},
                                          {"name", 1, NULL, 'n'},
                                          {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'p': o->project = optarg; break;
        case 's': o->scope = optarg; break;
        case 'n': o->name = optarg; break;
        default: return EXIT_USAGE;
        }
    if (optind < argc)
        o->word = argv[optind++];
    if (optind < argc)
        return cli_usage("too many words: %s", argv[optind]);
    return EXIT_DONE;
}

static int create(PGconn *conn, const struct key_options *o)
{
    char key[KEY_TEXT_MAX];
    struct error err;
    const char *project = o->project ? o->project : "default";
    const char *scope = o->scope ? o->scope : "full";

    if (strcmp(scope, "full") != 0 && strcmp(scope, "sending") != 0)
        return cli_usage("--scope is full or sending");
    if (o->name && !name_ok(o->name))
        return cli_usage("--name has 1 to %d characters, in one line",
                         NAME_MAX_CHARS);
    if (keys_create(conn, project, o->name ? o->name : "made by presort keys",
                    scope, key, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    puts(key);
    fputs("This is the only time that the key is shown.\n", stderr);
    return EXIT_DONE;
}

static int list(PGconn *conn, const struct key_options *o)
{
    struct error err;
    const char *params[] = {o->project};
    DB_RESULT *r = db_query(conn, &err, SQL_KEY_LIST, 1, params);

    if (!r)
        return cli_fail("%s", err.text);
    for (int i = 0; i < PQntuples(r); i++)
        printf("%s  %s...  %-7s  %s  project=%s  created=%s  used=%s  %s\n",
               PQgetvalue(r, i, 0), PQgetvalue(r, i, 3), PQgetvalue(r, i, 4),
               PQgetvalue(r, i, 2), PQgetvalue(r, i, 1), PQgetvalue(r, i, 5),
               PQgetvalue(r, i, 6), PQgetvalue(r, i, 7));
    return EXIT_DONE;
}

static int revoke(PGconn *conn, const struct key_options *o)
{
    struct error err;
    const char *params[] = {o->word};

    if (!o->word)
        return cli_usage("usage: presort keys revoke ID-OR-PREFIX");
    DB_RESULT *r = db_query(conn, &err, SQL_KEY_REVOKE, 1, params);
    if (!r)
        return cli_fail("%s", err.text);
    if (!PQntuples(r))
        return cli_fail("no live key, or more than one, is %s", o->word);
    printf("revoked %s\n", PQgetvalue(r, 0, 0));
    return EXIT_DONE;
}

static int project_create(PGconn *conn, const struct key_options *o)
{
    struct error err;
    const char *params[] = {o->word};

    if (!o->word || !name_ok(o->word))
        return cli_usage("usage: presort projects create NAME "
                         "(1 to %d characters, in one line)",
                         NAME_MAX_CHARS);
    DB_RESULT *r = db_query(conn, &err, SQL_PROJECT_CREATE, 1, params);
    if (!r)
        return cli_fail("%s", err.text);
    if (!PQntuples(r))
        return cli_fail("there is a project \"%s\" already", o->word);
    printf("created %s\n", o->word);
    return EXIT_DONE;
}

static int project_list(PGconn *conn, const struct key_options *o)
{
    struct error err;
    DB_RESULT *r = db_query(conn, &err, SQL_PROJECT_LIST, 0, NULL);

    (void)o;
    if (!r)
        return cli_fail("%s", err.text);
    for (int i = 0; i < PQntuples(r); i++)
        printf("%-20s created=%s keys=%s\n", PQgetvalue(r, i, 0),
               PQgetvalue(r, i, 1), PQgetvalue(r, i, 2));
    return EXIT_DONE;
}

struct verb {
    const char *name;
    int (*run)(PGconn *conn, const struct key_options *o);
};

enum { VERBS_MAX = 8 };

static int run(const struct verb *verb, int argc, char **argv)
{
    struct config config;
    struct key_options options = {0};
    int result = options_read(argc, argv, &options);

    if (result != EXIT_DONE)
        return result;
    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);
    result = conn ? verb->run(conn, &options) : EXIT_FAILED;
    PQfinish(conn);
    config_fini(&config);
    return result;
}

static int dispatch(const struct verb *verbs, size_t n, const char *usage,
                    int argc, char **argv)
{
    const char *names[VERBS_MAX];

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        puts(usage);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return run(&verbs[i], argc - 1, argv + 1);
        names[i] = verbs[i].name;
    }
    return cli_unknown(argv[0], argv[1], names, n);
}

int command_keys(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"create", create}, {"list", list}, {"revoke", revoke}};

    return dispatch(verbs, 3,
                    "usage: presort keys create [--project NAME] "
                    "[--scope full|sending] [--name NAME]\n"
                    "       presort keys list [--project NAME]\n"
                    "       presort keys revoke ID-OR-PREFIX\n\n"
                    "create prints a new key for the API, this once: only its "
                    "hash is kept. A key sees\nits project (`default`) alone; "
                    "one of scope sending only sends mails. list shows\nids "
                    "and prefixes; a revoked key is refused within two "
                    "seconds.",
                    argc, argv);
}

int command_projects(int argc, char **argv)
{
    static const struct verb verbs[] = {{"create", project_create},
                                        {"list", project_list}};

    return dispatch(verbs, 2,
                    "usage: presort projects create NAME\n"
                    "       presort projects list\n\n"
                    "Each project has keys, templates, domains and "
                    "suppressions of its own. Make its keys\nby `presort keys "
                    "create --project NAME`.",
                    argc, argv);
}
