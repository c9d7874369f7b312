#include "cli/up/user.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void user_set(struct user *user, const struct passwd *pw, bool drop)
{
    user->uid = pw->pw_uid;
    user->gid = pw->pw_gid;
    user->drop = drop;
    snprintf(user->name, sizeof user->name, "%s", pw->pw_name);
}

enum status user_choose(struct user *user, const char *state_dir,
                        struct error *err)
{
    static const char *const names[] = {"presort", "postgres", "nobody"};
    struct stat st;
    const struct passwd *pw;

    if (geteuid()) {
        *user = (struct user){.uid = geteuid(), .gid = getegid()};
        snprintf(user->name, sizeof user->name, "uid %u", (unsigned)user->uid);
        return STATUS_OK;
    }
    if (!stat(state_dir, &st) && st.st_uid && (pw = getpwuid(st.st_uid))) {
        user_set(user, pw, true);
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((pw = getpwnam(names[i])) && pw->pw_uid) {
            user_set(user, pw, true);
            return STATUS_OK;
        }
    return fail(err, STATUS_FAILED,
                "started as root, and there is no user presort, postgres or "
                "nobody to run as");
}

bool user_drop(const struct user *user)
{
    if (!user->drop)
        return true;
    return !initgroups(user->name, user->gid) && !setgid(user->gid) &&
           !setuid(user->uid) && geteuid() == user->uid;
}

bool user_reaches(const struct user *user, const char *path, int mode)
{
    int status = 0;
    pid_t pid = fork();

    if (pid < 0)
        return false;
    if (!pid)
        _exit(user_drop(user) && !access(path, mode) ? 0 : 1);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* What the child did, as it stands in the pipe: nothing if it died. */
struct report {
    enum status status;
    struct error err;
};

static void report_work(const struct user *user, int to,
                        enum status (*work)(void *owner, struct error *err),
                        void *owner)
{
    struct report report = {.status = STATUS_OK};

    if (user_drop(user))
        report.status = work(owner, &report.err);
    else
        report.status = fail(&report.err, STATUS_FAILED, "can't become user %s",
                             user->name);
    _exit(write(to, &report, sizeof report) == sizeof report ? 0 : 1);
}

enum status user_run(const struct user *user,
                     enum status (*work)(void *owner, struct error *err),
                     void *owner, struct error *err)
{
    struct report report = {.status = STATUS_FAILED};
    int ends[2];

    if (!user->drop)
        return work(owner, err);
    if (pipe2(ends, O_CLOEXEC))
        return fail(err, STATUS_FAILED, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (!pid)
        report_work(user, ends[1], work, owner);
    close(ends[1]);
    ssize_t n = pid < 0 ? 0 : read(ends[0], &report, sizeof report);
    close(ends[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (n != sizeof report)
        return fail(err, STATUS_FAILED, "the work as user %s failed",
                    user->name);
    return report.status == STATUS_OK
               ? STATUS_OK
               : fail(err, report.status, "%s", report.err.text);
}
