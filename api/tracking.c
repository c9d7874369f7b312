#include "api/tracking.h"
#include <stdio.h>
#include <string.h>

static bool refuse(struct email_error *why, const char *text)
{
    snprintf(why->error.text, sizeof why->error.text,
             "Invalid `tracking` field: %s.", text);
    why->name = API_VALIDATION_ERROR;
    return false;
}

bool tracking_read(json_t *item, struct email_error *why)
{
    json_t *tracking = json_object_get(item, "tracking"), *value;
    const char *name;

    if (!tracking || json_is_null(tracking)) {
        json_object_del(item, "tracking");
        return true;
    }
    if (!json_is_object(tracking))
        return refuse(why, "it is to be an object with `clicks` and `opens`");
    json_object_foreach(tracking, name, value)
    {
        if (strcmp(name, "clicks") != 0 && strcmp(name, "opens") != 0)
            return refuse(why, "it has only `clicks` and `opens`");
        if (!json_is_boolean(value))
            return refuse(why, "`clicks` and `opens` are to be true or false");
    }
    return true;
}

bool tracking_possible(const json_t *item, const struct config *config,
                       struct email_error *why)
{
    const json_t *tracking = json_object_get(item, "tracking");

    if (config->public_url[0] ||
        (!json_is_true(json_object_get(tracking, "clicks")) &&
         !json_is_true(json_object_get(tracking, "opens"))))
        return true;
    return refuse(why, "links can't be tracked, because the setting "
                       "public_url is empty");
}
