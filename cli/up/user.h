/*
 * cli/up/user - whom the children run as. PostgreSQL refuses to run as root
 * and nothing else of ours needs to; so a supervisor started as root runs its
 * children as an unprivileged user, and any other as itself.
 */
#ifndef CLI_UP_USER_H
#define CLI_UP_USER_H

#include "base/status.h"
#include <stdbool.h>
#include <sys/types.h>

enum { USER_NAME_MAX = 64 };

struct user {
    uid_t uid;
    gid_t gid;
    char name[USER_NAME_MAX];
    bool drop; /* we are root and the children shall not be */
};

/* The owner of an existing state directory, so that it keeps its owner; else
 * the first of presort, postgres and nobody that the machine has. */
MUST_USE enum status user_choose(struct user *user, const char *state_dir,
                                 struct error *err);

/* For good, in a child. False if the system refuses. */
bool user_drop(const struct user *user);

/* Calls work as the user (in a child, if that is someone else), and returns
 * what it did. Root writes nothing into a directory that the user owns: it
 * could be led elsewhere by a link. Blocks. */
MUST_USE enum status user_run(const struct user *user,
                              enum status (*work)(void *owner,
                                                  struct error *err),
                              void *owner, struct error *err);

/* Can the user open path in this mode (of access(2))? Asked in a child. */
bool user_reaches(const struct user *user, const char *path, int mode);
#endif
