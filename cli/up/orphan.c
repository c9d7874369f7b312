#include "cli/up/orphan.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ORPHAN_LOOK_MS = 50,
    ORPHAN_KILLED_MS = 5000,
    POSTGRES_FAST_MS = 60000,
    POSTGRES_QUIT_MS = 15000,
    ARGUMENTS_MAX = 512,
};

typedef bool orphan_test(const char *pid);

static bool works_in(const char *pid, const char *dir)
{
    char link[64], target[PATH_MAX];

    snprintf(link, sizeof link, "/proc/%s/cwd", pid);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = 0;
    return !strcmp(target, dir);
}

/* The first two words of its command line, the second may be "". */
static bool arguments(const char *pid, char *bytes, const char **second)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, bytes, ARGUMENTS_MAX - 2);
    close(fd);
    if (n <= 0)
        return false;
    bytes[n] = bytes[n + 1] = 0;
    *second = bytes + strlen(bytes) + 1;
    return true;
}

static bool is_child(const char *pid)
{
    char bytes[ARGUMENTS_MAX];
    const char *second;

    if (!arguments(pid, bytes, &second))
        return false;
    const char *slash = strrchr(bytes, '/');
    const char *name = slash ? slash + 1 : bytes;
    return !strcmp(name, "presort-api") || !strcmp(name, "presort-engine") ||
           (!strcmp(name, "presort") && !strcmp(second, "sink"));
}

/* "/usr/lib/.../postgres", or "postgres: checkpointer". */
static bool is_postgres(const char *pid)
{
    char bytes[ARGUMENTS_MAX];
    const char *second;

    if (!arguments(pid, bytes, &second))
        return false;
    const char *slash = strrchr(bytes, '/');
    return !strncmp(bytes, "postgres:", 9) ||
           !strcmp(slash ? slash + 1 : bytes, "postgres");
}

/* Sends signal (0: none) to each; returns how many there are. */
static unsigned each_in(const char *dir, orphan_test *test, int signal)
{
    DIR *proc = opendir("/proc");
    unsigned n = 0;

    if (!proc)
        return 0;
    for (const struct dirent *e; (e = readdir(proc));) {
        if (!isdigit((unsigned char)e->d_name[0]) ||
            !works_in(e->d_name, dir) || !test(e->d_name))
            continue;
        long pid = strtol(e->d_name, NULL, 10);
        if (pid == getpid())
            continue;
        n++;
        if (signal)
            kill((pid_t)pid, signal);
    }
    closedir(proc);
    return n;
}

static bool gone_within(const char *dir, orphan_test *test, int64_t limit_ms)
{
    int64_t end = clock_mono_ms() + limit_ms;

    while (each_in(dir, test, 0)) {
        if (clock_mono_ms() >= end)
            return false;
        usleep(ORPHAN_LOOK_MS * 1000);
    }
    return true;
}

enum status orphan_wait(const char *dir, int64_t limit_ms, struct error *err)
{
    unsigned n = each_in(dir, is_child, SIGTERM);

    if (!n)
        return STATUS_OK;
    log_event(LOG_WARN, "orphans", "processes=%u dir=%s", n, dir);
    if (gone_within(dir, is_child, limit_ms))
        return STATUS_OK;
    each_in(dir, is_child, SIGKILL);
    if (gone_within(dir, is_child, ORPHAN_KILLED_MS))
        return STATUS_OK;
    return fail(err, STATUS_FAILED,
                "%s: processes of an earlier presort don't end", dir);
}

/* Its backends end with it; they don't know what a fast shutdown is. */
static void stop_postmaster(const char *pid_path, const char *data_dir,
                            int signal)
{
    char pid[16] = "";
    int fd = open(pid_path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    ssize_t n = read(fd, pid, sizeof pid - 1);
    close(fd);
    if (n <= 0)
        return;
    pid[strspn(pid, "0123456789")] = 0;
    if (*pid && works_in(pid, data_dir))
        kill((pid_t)strtol(pid, NULL, 10), signal);
}

enum status orphan_stop_postgres(const char *data_dir, struct error *err)
{
    char *pid_path = text_format("%s/postmaster.pid", data_dir);
    enum status status = STATUS_OK;
    unsigned n = each_in(data_dir, is_postgres, 0);

    if (n) {
        log_event(LOG_WARN, "orphaned_postgres", "processes=%u", n);
        stop_postmaster(pid_path, data_dir, SIGINT);
        if (!gone_within(data_dir, is_postgres, POSTGRES_FAST_MS)) {
            each_in(data_dir, is_postgres, SIGQUIT);
            if (!gone_within(data_dir, is_postgres, POSTGRES_QUIT_MS))
                status =
                    fail(err, STATUS_FAILED,
                         "%s: an earlier PostgreSQL doesn't end", data_dir);
        }
    }
    if (status == STATUS_OK && unlink(pid_path) && errno != ENOENT)
        status = fail(err, STATUS_FAILED, "%s: %s", pid_path, strerror(errno));
    free(pid_path);
    return status;
}
