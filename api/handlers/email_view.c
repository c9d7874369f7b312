#include "api/handlers/email_view.h"
#include "api/json.h"
#include "mail/outcome.h"
#include <stdlib.h>
#include <string.h>

/* How many recipients have come to what. */
struct tally {
    size_t verdicts[VERDICTS], waiting, all;
    bool complained, bounced_later;
};

static void hear_later(struct tally *t, const json_t *later)
{
    for (size_t i = 0; i < json_array_size(later); i++) {
        const char *event = json_string_value(
            json_object_get(json_array_get(later, i), "event"));

        t->complained |= event && strcmp(event, "complained") == 0;
        t->bounced_later |= event && strcmp(event, "bounced") == 0;
    }
}

static struct tally count(json_t *recipients)
{
    struct tally t = {.all = json_array_size(recipients)};

    for (size_t i = 0; i < t.all; i++) {
        const char *text = json_string_value(
            json_object_get(json_array_get(recipients, i), "outcome"));
        size_t v = 0;

        hear_later(&t, json_object_get(json_array_get(recipients, i), "later"));
        while (v < VERDICTS &&
               (!text || strcmp(text, verdict_text((enum verdict)v)) != 0))
            v++;
        if (v < VERDICTS)
            t.verdicts[v]++;
        else
            t.waiting++;
    }
    return t;
}

/* The worst that happened to anybody; good news only if it holds for all. */
const char *email_view_last_event(json_t *recipients, const char *state,
                                  bool due_later, const char *reaction)
{
    struct tally t = count(recipients);

    if (strcmp(state, "cancelled") == 0)
        return "canceled";
    if (t.complained)
        return "complained";
    if (t.verdicts[VERDICT_BOUNCED] || t.bounced_later)
        return "bounced";
    if (t.verdicts[VERDICT_EXPIRED])
        return "failed";
    if (t.verdicts[VERDICT_SUPPRESSED])
        return "suppressed";
    if (t.verdicts[VERDICT_CANCELLED])
        return "canceled";
    if (t.verdicts[VERDICT_DEFERRED])
        return "delivery_delayed";
    if (t.all > 0 && t.verdicts[VERDICT_DELIVERED] == t.all)
        return reaction ? reaction : "delivered";
    if (t.waiting < t.all)
        return "sent";
    return due_later ? "scheduled" : "queued";
}

/* absent: what is said where there is none, as JSON. */
static void add_or(struct buf *out, json_t *content, const char *name,
                   const char *absent)
{
    json_t *value = json_object_get(content, name);

    buf_addf(out, ",\"%s\":", name);
    if (value)
        json_add_value(out, value);
    else
        buf_add_text(out, absent);
}

static int64_t number(const PGresult *rows, int row, enum email_column column)
{
    return strtoll(PQgetvalue(rows, row, (int)column), NULL, 10);
}

static const char *text(const PGresult *rows, int row, enum email_column column)
{
    return PQgetvalue(rows, row, (int)column);
}

static void add_content(struct buf *out, json_t *content)
{
    static const char *const members[] = {"from", "to",       "cc",
                                          "bcc",  "reply_to", "subject",
                                          "html", "text",     "headers"};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        add_or(out, content, members[i], "null");
    add_or(out, content, "tags", "[]");
    add_or(out, content, "metadata", "{}");
    add_or(out, content, "dsn", "null");
    add_or(out, content, "require_tls", "false");
}

static void add_times(struct buf *out, const PGresult *rows, int row,
                      json_t *content)
{
    buf_add_text(out, ",\"created_at\":");
    json_add_time(out, number(rows, row, EMAIL_CREATED));
    buf_add_text(out, ",\"scheduled_at\":");
    if (json_object_get(content, "scheduled_at"))
        json_add_time(out, number(rows, row, EMAIL_DUE));
    else
        buf_add_text(out, "null");
}

void email_view_add(struct buf *out, const struct request *request,
                    const PGresult *rows, int row, int64_t now_us)
{
    JSON_DECREF json_t *content =
        json_loads(text(rows, row, EMAIL_CONTENT), 0, NULL);
    JSON_DECREF json_t *recipients =
        json_loads(text(rows, row, EMAIL_RECIPIENTS), 0, NULL);
    struct mailid id = {number(rows, row, EMAIL_BATCH),
                        (int32_t)number(rows, row, EMAIL_SEQ)};
    char name[MAILID_TEXT_MAX];

    request_mailid_text(request, id, name);
    buf_addf(out, "{\"object\":\"email\",\"id\":\"%s\"", name);
    add_content(out, content);
    add_times(out, rows, row, content);
    buf_addf(out, ",\"last_event\":\"%s\"",
             email_view_last_event(recipients, text(rows, row, EMAIL_STATE),
                                   number(rows, row, EMAIL_DUE) > now_us,
                                   PQgetisnull(rows, row, (int)EMAIL_REACTION)
                                       ? NULL
                                       : text(rows, row, EMAIL_REACTION)));
    buf_add_text(out, ",\"campaign_id\":");
    if (PQgetisnull(rows, row, (int)EMAIL_CAMPAIGN))
        buf_add_text(out, "null");
    else
        json_add_text(out, text(rows, row, EMAIL_CAMPAIGN));
    buf_add_text(out, ",\"recipients\":");
    buf_add_text(out, text(rows, row, EMAIL_RECIPIENTS));
    if (!PQgetisnull(rows, row, (int)EMAIL_EVENTS)) {
        buf_add_text(out, ",\"events\":");
        buf_add_text(out, text(rows, row, EMAIL_EVENTS));
    }
    buf_add_char(out, '}');
}
