/*
 * cli/keys - makes API keys. A key is `re_`, 8 letters or digits, `_` and 24
 * more (190 random bits in all); the database keeps its SHA-256 and its first
 * 11 characters, so it can be shown only once.
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "base/status.h"
#include <libpq-fe.h>

enum { KEY_TEXT_MAX = 3 + 8 + 1 + 24 + 1, KEY_PREFIX_LEN = 11 };

/* scope: "full" or "sending". The key goes to key (KEY_TEXT_MAX bytes).
 * STATUS_NOT_FOUND: no such project. */
MUST_USE enum status keys_create(PGconn *conn, const char *project,
                                 const char *name, const char *scope, char *key,
                                 struct error *err);
#endif
