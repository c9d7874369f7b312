#include "cli/up/postgres.h"
#include "cli/up/orphan.h"
#include "cli/up/spawn.h"
#include "base/log.h"
#include "base/memory.h"
#include "queue/db.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEBIAN_DIR "/usr/lib/postgresql"

enum { REMOVE_DEPTH = 16, BUFFERS_MOST_MB = 512, BUFFERS_LEAST_MB = 16 };

/* One line of a file as a number; 0 if there is none. */
static unsigned number_in(const char *path)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static bool has_programs(const char *bin_dir)
{
    char *postgres = text_format("%s/postgres", bin_dir);
    char *initdb = text_format("%s/initdb", bin_dir);
    bool has = !access(postgres, X_OK) && !access(initdb, X_OK);

    free(postgres);
    free(initdb);
    return has;
}

/* Debian keeps versions side by side: the wanted one, or (0) the newest. */
static unsigned installed_version(unsigned wanted)
{
    DIR *d = opendir(DEBIAN_DIR);
    unsigned best = 0;

    if (!d)
        return 0;
    for (const struct dirent *e; (e = readdir(d));) {
        unsigned version = (unsigned)strtoul(e->d_name, NULL, 10);
        char *bin = text_format(DEBIAN_DIR "/%u/bin", version);

        if (version >= POSTGRES_VERSION_LEAST && version > best &&
            (!wanted || version == wanted) && has_programs(bin))
            best = version;
        free(bin);
    }
    closedir(d);
    return best;
}

/* "postgres (PostgreSQL) 15.9 (Debian ...)" says which the programs are. */
static unsigned version_of(const char *bin_dir)
{
    char *command = text_format("'%s/postgres' --version", bin_dir);
    char line[128] = "";
    FILE *out = strchr(bin_dir, '\'') ? NULL : popen(command, "re");
    const char *number = NULL;

    free(command);
    if (!out)
        return 0;
    if (fgets(line, sizeof line, out))
        number = strstr(line, "(PostgreSQL) ");
    pclose(out);
    return number ? (unsigned)strtoul(number + 13, NULL, 10) : 0;
}

static enum status find_configured(struct postgres *pg, unsigned cluster,
                                   const char *bin_dir, struct error *err)
{
    if (!has_programs(bin_dir))
        return fail(err, STATUS_INVALID,
                    "postgres_bin_dir %s: no postgres and initdb in it",
                    bin_dir);
    pg->version = version_of(bin_dir);
    if (pg->version < POSTGRES_VERSION_LEAST)
        return fail(err, STATUS_INVALID,
                    "postgres_bin_dir %s: version %u, 14 or later is wanted",
                    bin_dir, pg->version);
    if (cluster && cluster != pg->version)
        return fail(err, STATUS_CONFLICT,
                    "the database in %s was made by PostgreSQL %u, and "
                    "postgres_bin_dir %s has version %u: point it at version "
                    "%u, or move the data with pg_upgrade first",
                    pg->data_dir, cluster, bin_dir, pg->version, cluster);
    pg->bin_dir = realpath(bin_dir, NULL);
    return pg->bin_dir ? STATUS_OK
                       : fail(err, STATUS_INVALID, "postgres_bin_dir %s: %s",
                              bin_dir, strerror(errno));
}

static enum status find_installed(struct postgres *pg, unsigned cluster,
                                  struct error *err)
{
    unsigned newest = installed_version(0);

    if (!newest)
        return fail(err, STATUS_NOT_FOUND,
                    "no PostgreSQL 14 or later in " DEBIAN_DIR ": install "
                    "postgresql, or set postgres_bin_dir or DATABASE_URL");
    pg->version = installed_version(cluster);
    if (!pg->version)
        return fail(err, STATUS_CONFLICT,
                    "the database in %s was made by PostgreSQL %u, and version "
                    "%u is installed: install postgresql-%u, or move the data "
                    "with pg_upgrade first",
                    pg->data_dir, cluster, newest, cluster);
    pg->bin_dir = text_format(DEBIAN_DIR "/%u/bin", pg->version);
    return STATUS_OK;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static enum status remove_fresh(void *owner, struct error *err)
{
    (void)err;
    nftw(owner, remove_one, REMOVE_DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return STATUS_OK;
}

static enum status move_fresh(void *owner, struct error *err)
{
    const struct postgres *pg = owner;
    char *fresh = text_format("%s.new", pg->data_dir);
    enum status status = STATUS_OK;

    if (rename(fresh, pg->data_dir))
        status = fail(err, STATUS_FAILED, "%s: %s", fresh, strerror(errno));
    free(fresh);
    return status;
}

/* Made beside its place and moved there when it is whole, so that a killed
 * initdb leaves nothing that looks like a database. */
static enum status make_cluster(struct postgres *pg, const struct state *state,
                                struct error *err)
{
    char *fresh = text_format("%s.new", pg->data_dir);
    char *program = text_format("%s/initdb", pg->bin_dir);
    const char *argv[] = {program,
                          "--pgdata",
                          fresh,
                          "--username",
                          DB_PRIVATE_USER,
                          "--auth=trust",
                          "--encoding=UTF8",
                          "--locale=C.UTF-8",
                          "--no-instructions",
                          NULL};
    struct spawn what = {.state = state,
                         .program = program,
                         .argv = argv,
                         .death_signal = SIGKILL,
                         .quiet = true};

    log_event(LOG_INFO, "initdb", "version=%u dir=%s", pg->version,
              pg->data_dir);
    enum status status = user_run(&state->user, remove_fresh, fresh, err);
    if (status == STATUS_OK)
        status = spawn_wait(&what, err);
    if (status == STATUS_OK)
        status = user_run(&state->user, move_fresh, pg, err);
    free(fresh);
    free(program);
    return status;
}

static long buffers_mb(void)
{
    long mb = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024 / 8;

    if (mb > BUFFERS_MOST_MB)
        return BUFFERS_MOST_MB;
    return mb > BUFFERS_LEAST_MB ? mb : BUFFERS_LEAST_MB;
}

/* Ours come in place of postgresql.conf; an operator's own in local.conf. */
static void write_settings(FILE *out, const struct state *state)
{
    fprintf(out,
            "# Written by `presort up` at each start. Put changes in "
            "local.conf.\n"
            "listen_addresses = ''\n"
            "unix_socket_directories = '%s/run'\n"
            "unix_socket_permissions = 0700\n"
            "port = 5432\n"
            "max_connections = 200\n"
            "shared_buffers = %ldMB\n"
            "huge_pages = try\n"
            "dynamic_shared_memory_type = posix\n"
            "max_wal_size = 4GB\n"
            "min_wal_size = 256MB\n"
            "wal_compression = on\n"
            "checkpoint_timeout = 15min\n"
            "synchronous_commit = on\n"
            "random_page_cost = 1.1\n"
            "autovacuum_naptime = 15s\n"
            "jit = off\n"
            "timezone = 'UTC'\n"
            "log_timezone = 'UTC'\n"
            "datestyle = 'iso, mdy'\n"
            "lc_messages = 'C.UTF-8'\n"
            "lc_monetary = 'C.UTF-8'\n"
            "lc_numeric = 'C.UTF-8'\n"
            "lc_time = 'C.UTF-8'\n"
            "default_text_search_config = 'pg_catalog.simple'\n"
            "logging_collector = on\n"
            "log_directory = '%s/log'\n"
            "log_filename = 'postgresql-%%a.log'\n"
            "log_rotation_age = 1d\n"
            "log_truncate_on_rotation = on\n"
            "log_line_prefix = '%%m [%%p] %%a '\n"
            "include = 'local.conf'\n",
            state->dir, buffers_mb(), state->dir);
}

struct settings {
    const struct postgres *pg;
    const struct state *state;
};

static enum status make_settings(void *owner, struct error *err)
{
    const struct settings *s = owner;
    char *path = text_format("%s/presort.conf", s->pg->data_dir);
    char *local_path = text_format("%s/local.conf", s->pg->data_dir);
    FILE *out = fopen(path, "we");
    FILE *local = fopen(local_path, "wxe"); /* never over one that is there */
    enum status status = STATUS_OK;

    if (out)
        write_settings(out, s->state);
    if (local) {
        fputs("# Settings here win over those in presort.conf.\n", local);
        fclose(local);
    }
    if (!out || fclose(out))
        status = fail(err, STATUS_FAILED, "%s: %s", path, strerror(errno));
    free(path);
    free(local_path);
    return status;
}

enum status postgres_prepare(struct postgres *pg, const struct state *state,
                             const struct config *config, struct error *err)
{
    *pg = (struct postgres){.data_dir = state_path(state, "postgres")};
    char *version_path = text_format("%s/PG_VERSION", pg->data_dir);
    unsigned cluster = number_in(version_path);

    free(version_path);
    enum status status =
        *config->postgres_bin_dir
            ? find_configured(pg, cluster, config->postgres_bin_dir, err)
            : find_installed(pg, cluster, err);
    if (status == STATUS_OK)
        status = cluster ? orphan_stop_postgres(pg->data_dir, err)
                         : make_cluster(pg, state, err);
    if (status == STATUS_OK)
        status = user_run(&state->user, make_settings,
                          &(struct settings){pg, state}, err);
    if (status != STATUS_OK) {
        postgres_fini(pg);
        return status;
    }
    pg->program = text_format("%s/postgres", pg->bin_dir);
    pg->config_argument =
        text_format("config_file=%s/presort.conf", pg->data_dir);
    const char *argv[POSTGRES_ARGS_MAX] = {
        pg->program, "-D", pg->data_dir, "-c", pg->config_argument, NULL};
    memcpy(pg->argv, argv, sizeof argv);
    return STATUS_OK;
}

void postgres_fini(struct postgres *pg)
{
    free(pg->bin_dir);
    free(pg->data_dir);
    free(pg->program);
    free(pg->config_argument);
    *pg = (struct postgres){0};
}
