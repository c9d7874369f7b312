/*
 * cli/campaign/campaign - what the API says of a campaign, as the command line
 * needs it.
 */
#ifndef CLI_CAMPAIGN_CAMPAIGN_H
#define CLI_CAMPAIGN_CAMPAIGN_H

#include "cli/campaign/progress.h"
#include "cli/client.h"

enum { CAMPAIGN_PATH_MAX = 160 };

/* /campaigns/<id><more> into out (CAMPAIGN_PATH_MAX); id is foreign text. */
MUST_USE enum status campaign_path(const char *id, const char *more, char *out,
                                   struct error *err);

/* A member as a number, 0 if there is none. */
int64_t campaign_number(const json_t *object, const char *name);
/* ... as a text, "" if there is none. */
const char *campaign_text(const json_t *object, const char *name);

/* From the answer to GET /campaigns/{id}; state points into it. */
struct progress_counts campaign_counts(const json_t *campaign);

/* Shows progress until the campaign is sent or cancelled; the answer of that
 * moment goes to *last. A service that is away is waited for, a minute at
 * most. STATUS_CONFLICT: the user pressed Ctrl-C; the campaign goes on. */
MUST_USE enum status campaign_watch(struct client *client, const char *id,
                                    json_t **last, struct error *err);

/* The answer to GET /campaigns/{id} for people, on stdout. */
void campaign_print(const json_t *campaign);

/* presort campaign send ... */
int campaign_send(int argc, char **argv);
#endif
