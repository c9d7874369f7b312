/*
 * base/secret - a password or token from where a setting says that it is:
 * file:PATH (its first line) or env:NAME. What is read is never logged.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/status.h"
#include <stddef.h>

enum { SECRET_MAX = 6000 };

/* Into out, which the caller wipes. err says what is wrong with the place, and
 * nothing of what is there. */
MUST_USE enum status secret_read(const char *where, char out[SECRET_MAX],
                                 struct error *err);
#endif
