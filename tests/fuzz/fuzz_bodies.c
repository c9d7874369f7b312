/* Any bytes as the body of POST /campaigns and of POST /templates: read, or an
 * error with a text; what is read compiles, or says why not. */
#include "api/campaign.h"
#include "api/dsn.h"
#include "api/json.h"
#include "api/stored.h"
#include "base/bug.h"
#include "render/message.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void said(const struct email_error *why)
{
    if (!*why->error.text)
        BUG("an error without a text");
}

static void try_campaign(json_t *body)
{
    JSON_DECREF json_t *partials = json_object();
    JSON_DECREF json_t *defaults = json_object();
    const struct campaign_stored stored = {NULL, partials, defaults};
    struct campaign_content content = {0};
    struct message *message = NULL;
    struct email_error why;

    if (!campaign_read(body, &stored, &content, &why) ||
        !campaign_compile(body, &content, &message, &why))
        said(&why);
    message_free(message);
    campaign_fini(&content);
}

static void try_template(json_t *body)
{
    JSON_DECREF json_t *partials = json_object();
    const char *sources[STORED_SOURCES];
    struct stored_content content = {0};
    struct email_error why;

    stored_sources(body, sources);
    if (!stored_read(body, partials, &content, &why))
        said(&why);
    else if (!content.params[STORED_NAME])
        BUG("a template without a name");
    stored_fini(&content);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    JSON_DECREF json_t *one = NULL, *other = NULL;
    struct error err;

    if (json_parse((const char *)bytes, n, &one, &err) != STATUS_OK ||
        json_parse((const char *)bytes, n, &other, &err) != STATUS_OK)
        return 0;
    try_campaign(one);
    try_template(other);
    return 0;
}
