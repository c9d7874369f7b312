#include "cli/up/spawn.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SPAWN_FAILED = 127 };

static void die(const char *what, const char *path)
{
    log_event(LOG_ERROR, "spawn_failed", "step=%s path=%s error=\"%s\"", what,
              path ? path : "-", strerror(errno));
    _exit(SPAWN_FAILED);
}

/* Of root's powers, the one to listen below port 1024, over the exec. */
static bool keep_low_ports(void)
{
    struct __user_cap_header_struct header = {.version =
                                                  _LINUX_CAPABILITY_VERSION_3};
    const uint32_t bit = 1U << CAP_NET_BIND_SERVICE;
    struct __user_cap_data_struct one[2] = {
        {.effective = bit, .permitted = bit, .inheritable = bit}};

    return syscall(SYS_capset, &header, one) == 0 &&
           prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0,
                 0) == 0;
}

static void become_child(const struct spawn *what, pid_t supervisor)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    /* For port 25, and nothing else. The child gives it back. */
    bool low_ports = what->low_ports && what->state->user.drop;
    if (low_ports)
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    if (!user_drop(&what->state->user))
        die("user", what->state->user.name);
    if (low_ports && !keep_low_ports())
        die("capability", "CAP_NET_BIND_SERVICE");
    /* After the change of user, which forgets it. */
    prctl(PR_SET_PDEATHSIG, what->death_signal);
    if (getppid() != supervisor)
        _exit(SPAWN_FAILED);
    if (chdir(what->state->dir))
        die("chdir", what->state->dir);
    umask(077);
    char *config = state_path(what->state, STATE_CONFIG);
    if (setenv("PRESORT_STATE_DIR", what->state->dir, 1) ||
        setenv("PRESORT_CONFIG", config, 1))
        die("setenv", config);
    free(config);
    if (what->quiet) {
        int null = open("/dev/null", O_WRONLY);

        if (null >= 0)
            dup2(null, STDOUT_FILENO);
    }
}

pid_t spawn(const struct spawn *what)
{
    pid_t supervisor = getpid();
    /* Opened by us: the unprivileged user may not reach the folder of the
     * program (a checkout under /root), while it may run the program. */
    int fd = what->program ? open(what->program, O_PATH | O_CLOEXEC) : -1;
    pid_t pid = fork();

    if (pid) {
        if (fd >= 0)
            close(fd);
        return pid;
    }
    become_child(what, supervisor);
    if (!what->program)
        _exit(what->run(what->owner));
    execv(what->program, (char *const *)(const void *)what->argv);
    if (errno == EACCES && fd >= 0)
        fexecve(fd, (char *const *)(const void *)what->argv, environ);
    die("exec", what->program);
    return -1;
}

enum status spawn_wait(const struct spawn *what, struct error *err)
{
    int status;
    pid_t pid = spawn(what);

    if (pid < 0)
        return fail(err, STATUS_FAILED, "fork: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail(err, STATUS_FAILED, "waitpid: %s", strerror(errno));
    if (!status)
        return STATUS_OK;
    return fail(err, STATUS_FAILED, "%s failed with status %d", what->argv[0],
                WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}
