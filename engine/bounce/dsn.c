#include "bounce/dsn.h"
#include <string.h>
#include <strings.h>

/* A group of per-recipient fields as it is collected. */
struct group {
    struct span original, final, other; /* addresses; s NULL: none */
    struct span action, status, diagnostic, remote;
};

/* Field, and where in the group its value belongs. X-Actual-Recipient and
 * X-Supplementary-Info are Sendmail's and Exchange's. */
#define FIELD_TABLE(X)                                                         \
    X("Original-Recipient", original)                                          \
    X("Final-Recipient", final)                                                \
    X("X-Actual-Recipient", other)                                             \
    X("Action", action)                                                        \
    X("Status", status)                                                        \
    X("Diagnostic-Code", diagnostic)                                           \
    X("Remote-MTA", remote)

static struct span *field_of(struct group *g, struct span name)
{
#define X_(text, member)                                                       \
    if (scan_is(name, text))                                                   \
        return &g->member;
    FIELD_TABLE(X_)
#undef X_
    return NULL;
}

static bool names_recipient(const struct group *g)
{
    return g->original.s || g->final.s || g->other.s;
}

/* "smtp; 550 5.1.1 ...": what follows the type. */
static struct span without_type(struct span value)
{
    const char *end = memchr(value.s, ';', value.len);
    size_t n = end ? (size_t)(end - value.s) : value.len;

    for (size_t i = 0; i < n; i++)
        if (value.s[i] == ' ' || value.s[i] == '@' || value.s[i] == '<')
            return value;
    if (!end)
        return value;
    return scan_trim((struct span){end + 1, value.len - n - 1});
}

/* "rfc822; user@example.com": the address, or what follows the type where it
 * is only a local part. */
static bool address_in(struct span value, struct span *address)
{
    if (!value.s)
        return false;
    if (scan_address(value, address, NULL))
        return true;
    /* However malformed, what stands there is what they call it. */
    *address = without_type(value);
    const char *at = memchr(address->s, '@', address->len);
    return at && at > address->s && !memchr(address->s, ' ', address->len) &&
           address->len < ADDRESS_MAX &&
           !memmem(address->s, address->len, "...", 3);
}

static bool chosen_address(const struct group *g, struct span *address)
{
    return address_in(g->original, address) || address_in(g->final, address) ||
           address_in(g->other, address);
}

static void take_action(struct bounce_recipient *to, struct span action)
{
    static const struct {
        const char *word;
        enum bounce_action action;
    } words[] = {
        {"failed", BOUNCE_ACTION_FAILED},
        {"failure", BOUNCE_ACTION_FAILED},
        {"delayed", BOUNCE_ACTION_DELAYED},
        {"delivered", BOUNCE_ACTION_DELIVERED},
        {"relayed", BOUNCE_ACTION_DELIVERED},
        {"expanded", BOUNCE_ACTION_DELIVERED},
        {"deliverable", BOUNCE_ACTION_DELIVERED},
    };

    for (size_t i = 0; action.s && i < sizeof words / sizeof *words; i++)
        if (scan_starts(action, words[i].word)) {
            to->action = words[i].action;
            to->has_action = true;
            return;
        }
}

static void take_status(struct bounce_recipient *to, struct span status)
{
    size_t n = status.s ? bounce_status_length(status.s, status.len) : 0;

    if (!n || n >= sizeof to->status)
        return;
    memcpy(to->status, status.s, n);
    to->status[n] = '\0';
}

static void take_diagnostic(struct bounce_recipient *to, struct span value)
{
    struct bounce_reply reply;

    if (!value.s)
        return;
    value = without_type(value);
    bounce_reply_find(value.s, value.len, &reply);
    if (reply.code)
        to->code = reply.code;
    if (reply.status[0] && bounce_status_says_little(to->status))
        memcpy(to->status, reply.status, sizeof to->status);
    if (!to->diagnostic[0])
        bounce_report_say(to, value.s, value.len);
}

static size_t finish(struct group *g, struct bounce_report *report)
{
    struct span address;
    struct bounce_recipient *to = NULL;

    if (names_recipient(g) && chosen_address(g, &address))
        to = bounce_report_add(report, address.s, address.len);
    if (to) {
        take_action(to, g->action);
        take_status(to, g->status);
        take_diagnostic(to, g->diagnostic);
        /* Some put the sentence behind the status. */
        if (!to->diagnostic[0] && g->status.s)
            bounce_report_say(to, g->status.s, g->status.len);
    }
    *g = (struct group){0};
    return to ? 1 : 0;
}

/* A recipient's field seen twice, or one after the fields that follow it,
 * starts the next group. Final-Recipient after Original-Recipient does not. */
static bool starts_group(const struct group *g, const struct span *field)
{
    if (field != &g->original && field != &g->final)
        return false;
    if (field->s)
        return true;
    if (!names_recipient(g))
        return false;
    return field == &g->original && (g->action.s || g->status.s);
}

size_t bounce_dsn_read(struct span text, struct bounce_report *report)
{
    struct group group = {0};
    struct span line, name, value, *field, *folds = NULL;
    size_t found = 0;

    while (scan_line(&text, &line)) {
        if (line.len && (line.s[0] == ' ' || line.s[0] == '\t') && folds &&
            scan_trim(line).len) {
            folds->len = (size_t)(line.s + line.len - folds->s);
            continue;
        }
        folds = NULL;
        if (!scan_field(scan_trim(line), &name, &value))
            continue;
        field = field_of(&group, name);
        if (!field)
            continue;
        if (starts_group(&group, field))
            found += finish(&group, report);
        if (!field->s)
            *field = value;
        folds = field;
    }
    return found + finish(&group, report);
}
