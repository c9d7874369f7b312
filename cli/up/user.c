#include "cli/up/user.h"
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
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
