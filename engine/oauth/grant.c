#include "oauth/grant.h"
#include <stdio.h>
#include <string.h>

static enum status read_refresh(struct oauth_grant *g, const char *place,
                                struct error *err)
{
    char found[SECRET_MAX];
    enum status status = secret_read(place, found, err);

    if (status == STATUS_OK && strcmp(found, g->placed) != 0) {
        memcpy(g->placed, found, sizeof g->placed);
        explicit_bzero(g->newer, sizeof g->newer);
    }
    explicit_bzero(found, sizeof found);
    return status;
}

enum status oauth_grant_read(struct oauth_grant *g,
                             const struct oauth_settings *s, struct error *err)
{
    enum status status = STATUS_OK;

    explicit_bzero(g->client_secret, sizeof g->client_secret);
    if (*s->client_secret)
        status = secret_read(s->client_secret, g->client_secret, err);
    return status == STATUS_OK ? read_refresh(g, s->refresh_token, err)
                               : status;
}

const char *oauth_grant_refresh(const struct oauth_grant *g)
{
    return g->newer[0] ? g->newer : g->placed;
}

bool oauth_grant_take(struct oauth_grant *g, const struct oauth_answer *answer)
{
    if (!answer->refresh[0] ||
        strcmp(answer->refresh, oauth_grant_refresh(g)) == 0)
        return false;
    memcpy(g->newer, answer->refresh, sizeof g->newer);
    return true;
}

static bool tells(const char *text, const char *secret)
{
    return *secret && strstr(text, secret);
}

void oauth_grant_fail(struct oauth_grant *g, const char *said,
                      char why[OAUTH_WHY_MAX])
{
    bool secret = tells(said, g->client_secret) || tells(said, g->placed) ||
                  tells(said, g->newer);

    snprintf(why, OAUTH_WHY_MAX, "the token endpoint: %.160s",
             secret ? "an error that can't be shown" : said);
    if (strstr(said, "invalid_grant")) /* perhaps the other is good again */
        explicit_bzero(g->newer, sizeof g->newer);
}

void oauth_grant_fini(struct oauth_grant *g)
{
    explicit_bzero(g, sizeof *g);
}
