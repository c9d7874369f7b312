/* What recipients come to by the links of a mail: /c/ a tracked link, /o/ the
 * open pixel, /u/ unsubscribing. No API key: the token says whose mail it is
 * and what it is for, and nobody can make one up. */
#include "api/api.h"
#include "api/request.h"
#include "api/track/follow.sql.h"
#include "api/track/page.h"
#include "api/track/targets.h"
#include "api/track/tracker.h"
#include "base/memory.h"
#include "mail/token.h"
#include "render/links.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 24, PAGE_TEXT_MAX = 512 };

/* A transparent pixel: GIF89a, 1 x 1. */
static const unsigned char PIXEL[] = {
    'G', 'I',  'F',  '8',  '9',  'a',  1, 0, 1, 0,    0x80, 0, 0,    0, 0,
    0,   0xff, 0xff, 0xff, 0x21, 0xf9, 4, 1, 0, 0,    0,    0, 0x2c, 0, 0,
    0,   0,    1,    0,    1,    0,    0, 2, 2, 0x44, 1,    0, 0x3b};

static void no_such_link(struct reply *reply)
{
    page_write(reply, 404, "This link does not work",
               "It may have been cut off on its way, or it is too old.", NULL);
}

static void note(struct request *request, const struct token *token,
                 enum track_kind kind, const char *url)
{
    const char *agent = request->headers[HEADER_USER_AGENT];
    const struct track_event event = {
        .mail = token->mail,
        .kind = kind,
        .link = kind == TRACK_CLICKED ? (int)token->link : -1,
        .url = url,
        .agent = agent,
        .machine = request->head || track_agent_is_machine(agent, kind),
    };

    tracker_add(request->api->tracker, &event);
}

/* ---- /c/ ---- */

/* A URL as a browser sends it: line breaks and tabs are no part of it, blanks
 * and, behind the host, what is not ASCII are escaped. Nothing ends the header
 * field early. */
static void add_location(struct buf *out, const char *url)
{
    size_t host = strcspn(url, ":") + strspn(url + strcspn(url, ":"), ":/");
    size_t path = host + strcspn(url + host, "/?#"), len = strlen(url);

    while (len > 0 && (unsigned char)url[len - 1] <= ' ')
        len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)url[i];

        if (c == '\t' || c == '\r' || c == '\n')
            continue;
        if (c <= ' ' || c == 0x7f || (c >= 0x80 && i >= path))
            buf_addf(out, "%%%02X", c);
        else
            buf_add_char(out, url[i]);
    }
}

static void redirect(struct reply *reply, const char *url)
{
    reply->status = 302;
    reply->content_type = "text/plain; charset=utf-8";
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "Referrer-Policy", "no-referrer");
    buf_reset(&reply->location);
    add_location(&reply->location, url);
    buf_add(&reply->body, reply->location.data, reply->location.len);
    buf_add_char(&reply->body, '\n');
}

/* Its target stands beside the token, which signs it. */
static bool follow_target(struct request *request, struct reply *reply)
{
    const char *text = request->args[0], *query = request_query(request, "u");
    size_t len = query ? strlen(query) : 0;
    unsigned char target[LINKS_TARGET_MAX + 4];
    struct token token;
    long n;

    if (!query || len > token_base64_len(LINKS_TARGET_MAX) ||
        (n = token_unbase64(query, len, target)) < 0 ||
        !token_parse(request->api->secret, text, strlen(text),
                     (const char *)target, (size_t)n, &token) ||
        token.purpose != TOKEN_CLICK_TARGET || memchr(target, 0, (size_t)n))
        return false;
    target[n] = 0;
    note(request, &token, TRACK_CLICKED, (const char *)target);
    redirect(reply, (const char *)target);
    return true;
}

/* The HTML that the links were numbered in; the caller frees it. */
static char *html_of(const PGresult *row, bool *templates)
{
    *templates = !PQgetisnull(row, 0, 1);
    if (*templates)
        return text_copy(PQgetvalue(row, 0, 1));
    json_t *content = json_loads(PQgetvalue(row, 0, 2), JSON_ALLOW_NUL, NULL);
    char *html = text_copy(json_string_value(json_object_get(content, "html")));

    json_decref(content);
    return html;
}

/* Content that holds no link at all is remembered like any other. */
static void learn(struct targets *targets, const PGresult *row, size_t number,
                  char **url)
{
    struct links links = {0};
    bool templates;
    char *html = html_of(row, &templates);

    if (html && !links_find(&links, html, strlen(html), templates))
        links = (struct links){0};
    targets_keep(targets, PQgetvalue(row, 0, 0), &links);
    if (number < links.n)
        *url = text_copy(links.all[number].url);
    links_fini(&links);
    free(html);
}

static enum status link_url(struct request *request, const struct token *token,
                            char **url, struct error *err)
{
    struct targets *targets = request->api->targets;
    char batch[NUMBER_MAX], seq[NUMBER_MAX];
    const char *params[] = {batch, seq};
    DB_RESULT *key = NULL, *row = NULL;

    *url = NULL;
    snprintf(batch, sizeof batch, "%lld", (long long)token->mail.batch);
    snprintf(seq, sizeof seq, "%d", (int)token->mail.seq);
    enum status status =
        session_run(request->session, SQL_FOLLOW_KEY, params, 2, &key, err);

    if (status != STATUS_OK || PQntuples(key) == 0 || PQgetisnull(key, 0, 0) ||
        targets_find(targets, PQgetvalue(key, 0, 0), token->link, url))
        return status;
    status =
        session_run(request->session, SQL_FOLLOW_CONTENT, params, 2, &row, err);
    if (status != STATUS_OK || PQntuples(row) == 0 || PQgetisnull(row, 0, 0))
        return status;
    learn(targets, row, token->link, url);
    return STATUS_OK;
}

void follow_click_handle(struct request *request, struct reply *reply)
{
    const char *text = request->args[0];
    struct token token;
    struct error err;
    char *url = NULL;

    if (follow_target(request, reply))
        return;
    if (!token_parse(request->api->secret, text, strlen(text), NULL, 0,
                     &token) ||
        token.purpose != TOKEN_CLICK) {
        no_such_link(reply);
        return;
    }
    if (link_url(request, &token, &url, &err) != STATUS_OK) {
        page_unavailable(reply);
    } else if (url) {
        note(request, &token, TRACK_CLICKED, url);
        redirect(reply, url);
    } else {
        no_such_link(reply);
    }
    free(url);
}

/* ---- /o/ ---- */

/* Who asks for a picture gets one, whatever the token is worth. */
void follow_open_handle(struct request *request, struct reply *reply)
{
    const char *text = request->args[0];
    size_t len = strcspn(text, ".");
    struct token token;

    if (request->api->ready &&
        token_parse(request->api->secret, text, len, NULL, 0, &token) &&
        token.purpose == TOKEN_OPEN)
        note(request, &token, TRACK_OPENED, NULL);
    reply->status = 200;
    reply->content_type = "image/gif";
    reply_header(reply, "Cache-Control", "no-store, no-cache, private");
    buf_add(&reply->body, PIXEL, sizeof PIXEL);
}

/* ---- /u/ ---- */

static bool unsubscribe_token(struct request *request, struct reply *reply,
                              struct token *token)
{
    const char *text = request->args[0];

    if (token_parse(request->api->secret, text, strlen(text), NULL, 0, token) &&
        token->purpose == TOKEN_UNSUBSCRIBE)
        return true;
    no_such_link(reply);
    return false;
}

/* A page that asks; programs that follow links unsubscribe nobody. */
void follow_ask_handle(struct request *request, struct reply *reply)
{
    char batch[NUMBER_MAX], seq[NUMBER_MAX];
    const char *params[] = {batch, seq};
    struct token token;
    DB_RESULT *row = NULL;
    struct error err;

    if (!unsubscribe_token(request, reply, &token))
        return;
    snprintf(batch, sizeof batch, "%lld", (long long)token.mail.batch);
    snprintf(seq, sizeof seq, "%d", (int)token.mail.seq);
    if (session_run(request->session, SQL_FOLLOW_WHOM, params, 2, &row, &err) !=
        STATUS_OK) {
        page_unavailable(reply);
    } else if (PQntuples(row) == 0) {
        no_such_link(reply);
    } else {
        char text[PAGE_TEXT_MAX];

        snprintf(text, sizeof text,
                 "No more mails of %s will be sent to this address:",
                 PQgetvalue(row, 0, 1));
        page_write(reply, 200, "Unsubscribe", text, PQgetvalue(row, 0, 0));
    }
}

/* RFC 8058: one request, without a look at its answer. The body says
 * List-Unsubscribe=One-Click, in one of two encodings; that it is a POST is
 * enough for us. Answered only once it is committed. */
void follow_unsubscribe_handle(struct request *request, struct reply *reply)
{
    char batch[NUMBER_MAX], seq[NUMBER_MAX], agent[TRACKER_AGENT_MAX];
    const char *params[] = {batch, seq, NULL};
    struct token token;
    DB_RESULT *row = NULL;
    struct error err;

    if (!unsubscribe_token(request, reply, &token))
        return;
    snprintf(batch, sizeof batch, "%lld", (long long)token.mail.batch);
    snprintf(seq, sizeof seq, "%d", (int)token.mail.seq);
    if (page_ascii(request->headers[HEADER_USER_AGENT], agent, sizeof agent))
        params[2] = agent;
    if (session_run(request->session, SQL_FOLLOW_UNSUBSCRIBE, params, 3, &row,
                    &err) != STATUS_OK)
        page_unavailable(reply);
    else if (strcmp(PQgetvalue(row, 0, 0), "0") == 0)
        no_such_link(reply);
    else
        page_write(reply, 200, "You are unsubscribed",
                   "No more of these mails will be sent to you.", NULL);
}
