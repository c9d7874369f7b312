/* presort dkim: the keys that mail is signed with. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/dkim.sql.h"
#include "queue/db.h"
#include "sign/secret.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 24, PEM_MAX = 32768, TXT_STRING_MAX = 255 };

static const char usage[] =
    "usage: presort dkim create DOMAIN [--project NAME] [--selector NAME]\n"
    "                           [--algorithm rsa2048|ed25519|both]\n"
    "       presort dkim import DOMAIN --selector NAME --key FILE.pem\n"
    "                           [--project NAME]\n"
    "       presort dkim rotate DOMAIN [--project NAME] [--force]\n"
    "       presort dkim list [--project NAME]\n\n"
    "create and import print the DNS records to publish; mail from the domain "
    "and those\nbelow it is signed from then on. rotate makes the next keys "
    "and prints their\nrecords; said again, once these are published, it "
    "signs with them and retires\nthe old ones. If the domain was verified "
    "once, it does so only if they\n"
    "are found; --force does it in any case.";

struct options {
    const char *project, *selector, *algorithm, *key, *domain;
    bool force;
};

/* One command under way, inside a transaction. */
struct dkim {
    PGconn *conn;
    const struct options *options;
    char domain[DKIM_NAME_MAX], id[ID_MAX];
    struct seal seal;
    struct buf records; /* printed once they are in the store */
    struct error err;
};

/* ---- The store ---- */

static enum status domain_find(struct dkim *d, bool make)
{
    const char *project = d->options->project ? d->options->project : "default";
    const char *params[] = {project, d->domain};
    DB_RESULT *r =
        db_query(d->conn, &d->err,
                 make ? SQL_DKIM_DOMAIN : SQL_DKIM_DOMAIN_FIND, 2, params);

    if (!r)
        return STATUS_FAILED;
    if (!PQntuples(r))
        return fail(&d->err, STATUS_NOT_FOUND,
                    make ? "no project \"%s\"" : "project \"%s\" has no %s",
                    project, d->domain);
    snprintf(d->id, sizeof d->id, "%s", PQgetvalue(r, 0, 0));
    return STATUS_OK;
}

static enum status count(struct dkim *d, const char *state, long *n)
{
    const char *params[] = {d->id, state};
    DB_RESULT *r = db_query(d->conn, &d->err, SQL_DKIM_COUNT, 2, params);

    if (!r)
        return STATUS_FAILED;
    *n = strtol(PQgetvalue(r, 0, 0), NULL, 10);
    return STATUS_OK;
}

static enum status insert(struct dkim *d, const char *selector,
                          enum dkim_algorithm algorithm,
                          const struct buf *record, const struct buf *sealed,
                          const char *state)
{
    struct buf hex = {0};

    for (size_t i = 0; i < sealed->len; i++)
        buf_addf(&hex, "%02x", (unsigned)(unsigned char)sealed->data[i]);
    const char *params[] = {
        d->id,        selector, dkim_algorithm_text(algorithm),
        record->data, hex.data, state};
    DB_RESULT *r = db_query(d->conn, &d->err, SQL_DKIM_ADD, 6, params);

    buf_fini(&hex);
    return r ? STATUS_OK : STATUS_FAILED;
}

/* ---- Records, as a zone file has them ---- */

/* A TXT record is made of strings of 255 bytes at most. */
static void add_record(struct buf *out, const char *selector,
                       const char *domain, const char *record)
{
    size_t left = strlen(record);

    buf_addf(out, "%s._domainkey.%s. IN TXT", selector, domain);
    while (left > 0) {
        size_t n = left < TXT_STRING_MAX ? left : TXT_STRING_MAX;

        buf_addf(out, " \"%.*s\"", (int)n, record);
        record += n;
        left -= n;
    }
    buf_add_char(out, '\n');
}

/* ---- Keys ---- */

static enum status add_key(struct dkim *d, const char *selector,
                           const struct buf *pem, const char *state)
{
    struct dkim_key *key = NULL;
    struct buf record = {0}, sealed = {0};
    enum status status =
        dkim_key_new(d->domain, selector, pem->data, pem->len, &key, &d->err);

    if (status == STATUS_OK)
        status = dkim_key_record(key, &record, &d->err);
    if (status == STATUS_OK) {
        secret_seal(&d->seal, d->domain, selector, pem, &sealed);
        status = insert(d, selector, dkim_key_algorithm(key), &record, &sealed,
                        state);
    }
    if (status == STATUS_OK)
        add_record(&d->records, selector, d->domain, record.data);
    dkim_key_free(key);
    buf_fini(&record);
    buf_fini(&sealed);
    return status;
}

/* selector NULL: one of our choice. */
static enum status generate(struct dkim *d, enum dkim_algorithm algorithm,
                            const char *selector, const char *state)
{
    struct buf name = {0}, pem = {0};

    if (selector)
        buf_add_text(&name, selector);
    else
        secret_selector(&name);
    secret_generate(algorithm, &pem);
    enum status status = add_key(d, name.data, &pem, state);

    seal_wipe(&pem);
    buf_fini(&name);
    return status;
}

static enum status has_none(struct dkim *d)
{
    long n = 0;
    enum status status = count(d, "active", &n);

    if (status == STATUS_OK && n > 0)
        return fail(&d->err, STATUS_CONFLICT,
                    "%s has keys: `presort dkim list` shows them, `presort "
                    "dkim rotate %s` makes new ones",
                    d->domain, d->domain);
    return status;
}

static enum status has_room(struct dkim *d)
{
    long n = 0;
    enum status status = count(d, "active", &n);

    if (status == STATUS_OK && n >= DKIM_KEYS_MAX)
        return fail(&d->err, STATUS_TOO_BIG,
                    "%s has %ld keys, which is as many as may sign a mail",
                    d->domain, n);
    return status;
}

/* ---- The verbs ---- */

static enum status create(struct dkim *d)
{
    const char *algorithm = d->options->algorithm;
    const char *selector = d->options->selector;
    bool both = algorithm && strcmp(algorithm, "both") == 0;
    bool ed25519 = both || (algorithm && strcmp(algorithm, "ed25519") == 0);
    bool rsa = both || !ed25519;
    char second[DKIM_NAME_MAX];
    enum status status = domain_find(d, true);

    if (status == STATUS_OK)
        status = has_none(d);
    if (status == STATUS_OK && rsa)
        status = generate(d, DKIM_RSA, selector, "active");
    if (selector)
        snprintf(second, sizeof second, "%s%s", selector,
                 both ? "-ed25519" : "");
    if (status == STATUS_OK && ed25519)
        status = generate(d, DKIM_ED25519, selector ? second : NULL, "active");
    return status;
}

static enum status tell(struct dkim *d)
{
    const char *params[] = {d->id};
    DB_RESULT *stale = db_query(d->conn, &d->err, SQL_DKIM_STALE, 1, params);
    DB_RESULT *told =
        stale ? db_query(d->conn, &d->err, SQL_DKIM_CHANGED, 0, NULL) : NULL;

    return told ? STATUS_OK : STATUS_FAILED;
}

static enum status file_read(const char *path, struct buf *out,
                             struct error *err)
{
    FILE *f = fopen(path, "re");
    size_t n = 0;

    if (f)
        n = fread(buf_reserve(out, PEM_MAX + 1), 1, PEM_MAX + 1, f);
    out->len = n;
    if (!f || ferror(f)) {
        enum status status =
            fail(err, STATUS_FAILED, "%s: %s", path, strerror(errno));

        if (f)
            fclose(f);
        return status;
    }
    fclose(f);
    return n <= PEM_MAX ? STATUS_OK
                        : fail(err, STATUS_TOO_BIG, "%s: more than %d bytes",
                               path, PEM_MAX);
}

static enum status import(struct dkim *d)
{
    struct buf pem = {0};
    enum status status = domain_find(d, true);

    if (status == STATUS_OK)
        status = has_room(d);
    if (status == STATUS_OK)
        status = file_read(d->options->key, &pem, &d->err);
    if (status == STATUS_OK)
        status = add_key(d, d->options->selector, &pem, "active");
    seal_wipe(&pem);
    return status;
}

static enum status make_next(struct dkim *d)
{
    const char *params[] = {d->id};
    DB_RESULT *r = db_query(d->conn, &d->err, SQL_DKIM_ALGORITHMS, 1, params);
    enum status status = r ? STATUS_OK : STATUS_FAILED;

    if (r && !PQntuples(r))
        return fail(&d->err, STATUS_NOT_FOUND, "%s has no keys to follow",
                    d->domain);
    for (int i = 0; status == STATUS_OK && i < PQntuples(r); i++)
        status =
            generate(d, PQgetvalue(r, i, 0)[0] == 'r' ? DKIM_RSA : DKIM_ED25519,
                     NULL, "next");
    if (status == STATUS_OK)
        fprintf(stderr, "These come next. Publish them, wait until they can "
                        "be looked up, and rotate again.\n");
    return status;
}

static enum status say_done(struct dkim *d, const char *sql, const char *done)
{
    const char *params[] = {d->id};
    DB_RESULT *r = db_query(d->conn, &d->err, sql, 1, params);

    for (int i = 0; r && i < PQntuples(r); i++)
        buf_addf(&d->records, "%s %s._domainkey.%s\n", done,
                 PQgetvalue(r, i, 0), d->domain);
    return r ? STATUS_OK : STATUS_FAILED;
}

/* A signature by a key that nobody finds is worse than an old one. */
static enum status check_published(struct dkim *d)
{
    const char *params[] = {d->id};
    DB_RESULT *r = db_query(d->conn, &d->err, SQL_DKIM_UNPUBLISHED, 1, params);

    if (!r)
        return STATUS_FAILED;
    if (PQgetisnull(r, 0, 0) || d->options->force)
        return STATUS_OK;
    return fail(&d->err, STATUS_CONFLICT,
                "not found in the DNS when last looked for: %s. Publish it, "
                "`presort domains verify %s`, and rotate again; or --force",
                PQgetvalue(r, 0, 0), d->domain);
}

/* The old record stays published until the mail that it signed has arrived. */
static enum status rotate(struct dkim *d)
{
    long n = 0;
    enum status status = domain_find(d, false);

    if (status == STATUS_OK)
        status = count(d, "next", &n);
    if (status == STATUS_OK && n == 0)
        return make_next(d);
    if (status == STATUS_OK)
        status = check_published(d);
    if (status == STATUS_OK)
        status = say_done(d, SQL_DKIM_RETIRE, "retired");
    if (status == STATUS_OK)
        status = say_done(d, SQL_DKIM_ACTIVATE, "active");
    if (status == STATUS_OK)
        fprintf(stderr, "Keep the retired records published for a week, for "
                        "mail that is still under way.\n");
    return status;
}

static int list(PGconn *conn, const struct options *o)
{
    struct error err;
    struct buf out = {0};
    const char *params[] = {o->project};
    DB_RESULT *r = db_query(conn, &err, SQL_DKIM_LIST, 1, params);

    if (!r)
        return cli_fail("%s", err.text);
    for (int i = 0; i < PQntuples(r); i++) {
        buf_addf(&out,
                 "%s  %-8s %-8s project=%s  created=%s  activated=%s  "
                 "retired=%s\n  ",
                 PQgetvalue(r, i, 0), PQgetvalue(r, i, 3), PQgetvalue(r, i, 2),
                 PQgetvalue(r, i, 4), PQgetvalue(r, i, 5), PQgetvalue(r, i, 6),
                 PQgetvalue(r, i, 7));
        add_record(&out, PQgetvalue(r, i, 1), PQgetvalue(r, i, 0),
                   PQgetvalue(r, i, 8));
    }
    if (out.len)
        fputs(out.data, stdout);
    buf_fini(&out);
    return EXIT_DONE;
}

/* ---- The command line ---- */

static const struct verb {
    const char *name;
    enum status (*change)(struct dkim *d); /* NULL: list */
} verbs[] = {
    {"create", create}, {"list", NULL}, {"import", import}, {"rotate", rotate}};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int options_read(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"project", 1, NULL, 'p'},   {"selector", 1, NULL, 's'},
        {"algorithm", 1, NULL, 'a'}, {"key", 1, NULL, 'k'},
        {"force", 0, NULL, 'f'},     {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'p': o->project = optarg; break;
        case 's': o->selector = optarg; break;
        case 'a': o->algorithm = optarg; break;
        case 'k': o->key = optarg; break;
        case 'f': o->force = true; break;
        default: return EXIT_USAGE;
        }
    if (optind < argc)
        o->domain = argv[optind++];
    if (optind < argc)
        return cli_usage("too many words: %s", argv[optind]);
    if (o->algorithm && strcmp(o->algorithm, "rsa2048") != 0 &&
        strcmp(o->algorithm, "ed25519") != 0 &&
        strcmp(o->algorithm, "both") != 0)
        return cli_usage("--algorithm is rsa2048, ed25519 or both");
    return EXIT_DONE;
}

static int options_check(const struct verb *verb, const struct options *o)
{
    bool imports = verb->change == import;

    if (verb->change && !o->domain)
        return cli_usage("usage: presort dkim %s DOMAIN", verb->name);
    if (o->domain && strlen(o->domain) >= DKIM_NAME_MAX)
        return cli_usage("a domain has %d characters at most",
                         DKIM_NAME_MAX - 1);
    if (imports && (!o->selector || !o->key))
        return cli_usage("import needs --selector and --key");
    if ((o->key && !imports) || (o->algorithm && verb->change != create) ||
        (o->selector && verb->change != create && !imports) ||
        (o->force && verb->change != rotate))
        return cli_usage("an option that `dkim %s` does not know: see "
                         "`presort dkim --help`",
                         verb->name);
    return EXIT_DONE;
}

/* All or nothing, and only then the records. */
static int change(const struct config *config, PGconn *conn,
                  const struct verb *verb, const struct options *o)
{
    struct dkim d = {.conn = conn, .options = o};
    enum status status = seal_read(&d.seal, config, true, &d.err);

    snprintf(d.domain, sizeof d.domain, "%s", o->domain);
    for (char *c = d.domain; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    if (status == STATUS_OK)
        status = db_run(conn, &d.err, "BEGIN");
    if (status == STATUS_OK)
        status = verb->change(&d);
    if (status == STATUS_OK)
        status = tell(&d);
    if (status == STATUS_OK)
        status = db_run(conn, &d.err, "COMMIT");
    if (status == STATUS_OK)
        fputs(d.records.data, stdout);
    seal_fini(&d.seal);
    buf_fini(&d.records);
    return status == STATUS_OK ? EXIT_DONE : cli_fail("%s", d.err.text);
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct config config;
    struct options options = {0};
    int result = options_read(argc, argv, &options);

    if (result == EXIT_DONE)
        result = options_check(verb, &options);
    if (result != EXIT_DONE)
        return result;
    if (!cli_config(&config))
        return EXIT_FAILED;
    PGconn *conn = cli_database(&config);

    if (!conn)
        result = EXIT_FAILED;
    else if (verb->change)
        result = change(&config, conn, verb, &options);
    else
        result = list(conn, &options);
    PQfinish(conn);
    config_fini(&config);
    return result;
}

int command_dkim(int argc, char **argv)
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
