#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status check(const char *where, const char *secret,
                         struct error *err)
{
    return *secret ? STATUS_OK : fail(err, STATUS_INVALID, "%s: empty", where);
}

static enum status read_file(const char *where, const char *path, char *out,
                             struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, out, SECRET_MAX);
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return fail(err, STATUS_FAILED, "%s: %s", where, strerror(error));
    if (n == SECRET_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d bytes", where,
                    SECRET_MAX - 1);
    out[n] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return check(where, out, err);
}

static enum status read_environment(const char *where, const char *name,
                                    char *out, struct error *err)
{
    const char *value = getenv(name);

    if (!value)
        return fail(err, STATUS_NOT_FOUND, "%s: not set", where);
    if (strlen(value) >= SECRET_MAX)
        return fail(err, STATUS_TOO_BIG, "%s: more than %d bytes", where,
                    SECRET_MAX - 1);
    memcpy(out, value, strlen(value) + 1);
    return check(where, out, err);
}

enum status secret_read(const char *where, char out[SECRET_MAX],
                        struct error *err)
{
    out[0] = 0;
    if (strncmp(where, "file:", 5) == 0)
        return read_file(where, where + 5, out, err);
    if (strncmp(where, "env:", 4) == 0)
        return read_environment(where, where + 4, out, err);
    return fail(err, STATUS_INVALID, "secret: file: or env: is expected");
}
