#include "cli/up/state.h"
#include "cli/up/orphan.h"
#include "base/memory.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* sun_path has 108 bytes, and the socket is DIR/run/.s.PGSQL.5432 */
    STATE_DIR_MAX = 107 - (int)sizeof "/run/.s.PGSQL.5432",
    COPY_BYTES = 65536,
};

char *state_path(const struct state *state, const char *name)
{
    return text_format("%s/%s", state->dir, name);
}

static enum status failed(struct error *err, const char *path)
{
    return fail(err, STATUS_FAILED, "%s: %s", path, strerror(errno));
}

/* Parents as everyone has them, the last one closed. */
static enum status make_path(const char *path, struct error *err)
{
    char *copy = text_copy(path);
    enum status status = STATUS_OK;

    for (char *p = copy + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(copy, 0755);
            *p = '/';
        }
    if (mkdir(copy, 0700) && errno != EEXIST)
        status = fail(err, STATUS_FAILED,
                      "state_dir %s: %s; set state_dir or PRESORT_STATE_DIR",
                      path, strerror(errno));
    free(copy);
    return status;
}

/* Ours is one that we have locked before, or an empty one. */
static bool is_ours(const char *dir)
{
    DIR *d = opendir(dir);
    bool empty = true, locked = false;

    if (!d)
        return false;
    for (const struct dirent *e; (e = readdir(d));) {
        locked = locked || !strcmp(e->d_name, "lock");
        empty = empty && e->d_name[0] == '.' &&
                (!e->d_name[1] || !strcmp(e->d_name, ".."));
    }
    closedir(d);
    return empty || locked;
}

static enum status check_path(const char *dir, struct error *err)
{
    if (strlen(dir) > STATE_DIR_MAX)
        return fail(err, STATUS_INVALID,
                    "state_dir %s: too long for a Unix socket in it, %d bytes "
                    "are possible",
                    dir, STATE_DIR_MAX);
    if (strpbrk(dir, "'\",\\\n"))
        return fail(err, STATUS_INVALID,
                    "state_dir %s: quotes, commas and backslashes are not "
                    "possible",
                    dir);
    if (!is_ours(dir))
        return fail(err, STATUS_INVALID,
                    "state_dir %s: it is not empty and no presort has run in "
                    "it; choose another",
                    dir);
    return STATUS_OK;
}

static enum status take_lock(struct state *state, struct error *err)
{
    char *path = state_path(state, "lock"), pid[16] = "";

    state->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum status status = state->lock < 0 ? failed(err, path) : STATUS_OK;
    free(path);
    if (status != STATUS_OK)
        return status;
    if (flock(state->lock, LOCK_EX | LOCK_NB)) {
        ssize_t n = read(state->lock, pid, sizeof pid - 1);

        pid[n > 0 ? strcspn(pid, "\n") : 0] = 0;
        return fail(err, STATUS_CONFLICT,
                    "presort is already running on %s (pid %s)", state->dir,
                    *pid ? pid : "unknown");
    }
    int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
    if (ftruncate(state->lock, 0) || pwrite(state->lock, pid, (size_t)n, 0) < n)
        return failed(err, "lock");
    return STATUS_OK;
}

/* The directory itself is ours to give away; its path is nobody else's. */
static enum status give_to_user(const struct state *state, struct error *err)
{
    int fd = open(state->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum status status = STATUS_OK;

    if (fd < 0 || fchmod(fd, 0700) ||
        (state->user.drop && fchown(fd, state->user.uid, state->user.gid)))
        status = failed(err, state->dir);
    if (fd >= 0)
        close(fd);
    if (status == STATUS_OK && !user_reaches(&state->user, state->dir, X_OK))
        status = fail(err, STATUS_FAILED,
                      "user %s, as whom the database runs, can't reach %s: a "
                      "folder above it is closed (chmod o+x), or choose "
                      "another state_dir",
                      state->user.name, state->dir);
    return status;
}

static enum status make_folders(void *owner, struct error *err)
{
    static const char *const names[] = {"run", "log"};
    const struct state *state = owner;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        char *path = state_path(state, names[i]);

        if ((mkdir(path, 0700) && errno != EEXIST) || chmod(path, 0700))
            status = failed(err, path);
        free(path);
    }
    return status;
}

enum status state_open(struct state *state, const struct config *config,
                       struct error *err)
{
    *state = (struct state){.lock = -1};
    enum status status = user_choose(&state->user, config->state_dir, err);
    if (status == STATUS_OK)
        status = make_path(config->state_dir, err);
    if (status != STATUS_OK)
        return status;
    state->dir = realpath(config->state_dir, NULL);
    if (!state->dir)
        return failed(err, config->state_dir);
    status = check_path(state->dir, err);
    if (status == STATUS_OK)
        status = take_lock(state, err);
    if (status == STATUS_OK)
        status = give_to_user(state, err);
    if (status == STATUS_OK)
        status = user_run(&state->user, make_folders, state, err);
    if (status == STATUS_OK)
        status = orphan_wait(state->dir, config->drain_seconds * 1000, err);
    if (status != STATUS_OK)
        state_close(state);
    return status;
}

void state_close(struct state *state)
{
    if (state->lock >= 0)
        close(state->lock);
    free(state->dir);
    *state = (struct state){.lock = -1};
}

void state_dir_set(const struct state *state, struct config *config)
{
    free(config->state_dir);
    config->state_dir = text_copy(state->dir);
}

static enum status copy_bytes(int from, int to)
{
    char bytes[COPY_BYTES];
    ssize_t n;

    while ((n = read(from, bytes, sizeof bytes)) > 0)
        if (write(to, bytes, (size_t)n) != n)
            return STATUS_FAILED;
    return n ? STATUS_FAILED : STATUS_OK;
}

struct copy {
    const struct state *state;
    int from;
};

static enum status write_copy(void *owner, struct error *err)
{
    const struct copy *copy = owner;
    char *path = state_path(copy->state, STATE_CONFIG);
    char *fresh = state_path(copy->state, STATE_CONFIG ".new");
    int to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum status status = STATUS_OK;

    if (to < 0 || copy_bytes(copy->from, to) != STATUS_OK ||
        rename(fresh, path))
        status = failed(err, fresh);
    if (to >= 0)
        close(to);
    free(path);
    free(fresh);
    return status;
}

enum status state_config_copy(const struct state *state, struct error *err)
{
    const char *path = config_path() ? config_path() : "/dev/null";
    struct copy copy = {.state = state,
                        .from = open(path, O_RDONLY | O_CLOEXEC)};

    if (copy.from < 0)
        return failed(err, path);
    enum status status = user_run(&state->user, write_copy, &copy, err);
    close(copy.from);
    return status;
}
