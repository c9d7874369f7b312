#include "cli/sink/maildir.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 96, HEAD_SIZE = 1024 + 2 * SINK_LINE_MAX };

static int open_sub(int dir_fd, const char *name)
{
    if (mkdirat(dir_fd, name, 0777) != 0 && errno != EEXIST)
        return -1;
    return openat(dir_fd, name, O_DIRECTORY | O_CLOEXEC);
}

enum status sink_maildir_open(struct sink_maildir *maildir, const char *dir,
                              struct error *err)
{
    *maildir = (struct sink_maildir){.tmp_fd = -1, .new_fd = -1};
    int dir_fd = open_sub(AT_FDCWD, dir);
    int cur_fd = dir_fd < 0 ? -1 : open_sub(dir_fd, "cur");
    if (cur_fd >= 0) {
        maildir->tmp_fd = open_sub(dir_fd, "tmp");
        maildir->new_fd = open_sub(dir_fd, "new");
        close(cur_fd);
    }
    int wrong = errno;
    if (dir_fd >= 0)
        close(dir_fd);
    if (maildir->tmp_fd >= 0 && maildir->new_fd >= 0)
        return STATUS_OK;
    sink_maildir_close(maildir);
    return fail(err, STATUS_FAILED, "--maildir %s: %s", dir, strerror(wrong));
}

void sink_maildir_close(struct sink_maildir *maildir)
{
    if (maildir->tmp_fd >= 0)
        close(maildir->tmp_fd);
    if (maildir->new_fd >= 0)
        close(maildir->new_fd);
    maildir->tmp_fd = maildir->new_fd = -1;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes += done;
        n -= (size_t)done;
    }
    return true;
}

static size_t write_head(const struct sink_envelope *e, char head[HEAD_SIZE])
{
    int n = snprintf(head, HEAD_SIZE,
                     "Return-Path: <%s>\r\nX-Original-To: %s\r\n"
                     "Delivered-To: %s\r\n",
                     e->sender, e->recipient, e->recipient);
    if (*e->mail_parameters)
        n += snprintf(head + n, HEAD_SIZE - (size_t)n,
                      "X-Mail-Parameters: %s\r\n", e->mail_parameters);
    if (*e->rcpt_parameters)
        n += snprintf(head + n, HEAD_SIZE - (size_t)n,
                      "X-Rcpt-Parameters: %s\r\n", e->rcpt_parameters);
    return (size_t)n;
}

enum status sink_maildir_write(struct sink_maildir *maildir,
                               const struct sink_envelope *envelope,
                               const char *message, size_t len,
                               struct error *err)
{
    char name[NAME_SIZE], head[HEAD_SIZE];
    size_t head_len = write_head(envelope, head);
    int64_t now_us = clock_wall_us();
    snprintf(name, sizeof name, "%" PRId64 ".M%" PRId64 "P%dQ%" PRIu64 ".sink",
             now_us / 1000000, now_us % 1000000, (int)getpid(),
             ++maildir->written);
    int fd = openat(maildir->tmp_fd, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write_all(fd, head, head_len) &&
              write_all(fd, message, len) &&
              renameat(maildir->tmp_fd, name, maildir->new_fd, name) == 0;
    int wrong = errno;
    if (fd >= 0)
        close(fd);
    if (ok)
        return STATUS_OK;
    unlinkat(maildir->tmp_fd, name, 0);
    return fail(err, STATUS_FAILED, "--maildir: %s", strerror(wrong));
}
