/*
 * cli/client - the command line's way to the HTTP API: api_listen of the
 * configuration, with the key in PRESORT_API_KEY or else in
 * <state_dir>/cli.key, which `presort up` makes. Blocks.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/config.h"
#include "base/net.h"
#include <jansson.h>
#include <stdio.h>

struct client;

/* NULL with err filled if there is no key. */
struct client *client_new(const struct config *config, struct error *err);
void client_free(struct client *client);

/* Where it calls: "http://127.0.0.1:8025". */
const char *client_url(const struct client *client);

/* One request; body may be NULL (it is kept). *answer is to be freed with
 * json_decref, also NULL if the caller wants none. STATUS_UNAVAILABLE: nobody
 * answered or 5xx; STATUS_NOT_FOUND: 404; STATUS_INVALID: another refusal.
 * The error's text is the API's. */
MUST_USE enum status client_call(struct client *client, const char *method,
                                 const char *path, const json_t *body,
                                 json_t **answer, struct error *err);

/* GET of something that is no JSON, or long, into a file. STATUS_UNAVAILABLE
 * also where the answer broke off: then a part of it is in the file. */
MUST_USE enum status client_save(struct client *client, const char *path,
                                 FILE *file, struct error *err);

struct client_upload {
    FILE *file;
    int64_t size;         /* bytes */
    const char *type;     /* Content-Type */
    const char *encoding; /* Content-Encoding, or NULL */
    void (*progress)(int64_t sent, int64_t size, void *owner); /* or NULL */
    void *owner;
};

/* POST of a file, streamed. */
MUST_USE enum status client_send_file(struct client *client, const char *path,
                                      const struct client_upload *upload,
                                      json_t **answer, struct error *err);
#endif
