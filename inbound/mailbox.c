#include "inbound/mailbox.h"
#include "base/memory.h"
#include "bounce/mail.h"
#include "inbound/answers.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_SECONDS = 30,
    REQUEST_SECONDS = 600,
    SILENCE_SECONDS = 60,
};

#define DONE_FLAG "Presort" /* a keyword of those that stay */
/* And of those that we delete, beside \Deleted, which anybody may set. */
#define DELETED_FLAG "PresortDeleted"

/* ---- The session ---- */

static size_t on_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct mailbox *m = arg;
    size_t room = m->got_max - m->got.len;

    n *= size;
    buf_add(&m->got, bytes, n < room ? n : room);
    return n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c,
                       curl_off_t d)
{
    const struct mailbox *m = arg;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return atomic_load(m->stop);
}

/* The first line of what a file or a command says. */
static enum status read_secret(FILE *from, const char *what, char *out,
                               struct error *err)
{
    if (!from)
        return fail(err, STATUS_FAILED, "%s: %s", what, strerror(errno));
    if (!fgets(out, MAILBOX_SECRET_MAX, from))
        out[0] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return STATUS_OK;
}

static enum status set_token(struct mailbox *m, struct error *err)
{
    const char *text;
    enum status status = mailbox_token_get(m->token, &text, err);

    if (status == STATUS_OK)
        curl_easy_setopt(m->curl, CURLOPT_XOAUTH2_BEARER, text);
    return status;
}

static enum status set_secret(struct mailbox *m, struct error *err)
{
    const struct mailbox_settings *s = m->settings;

    if (m->token)
        return set_token(m, err);
    bool token = *s->token_command;
    char *secret = memory_new(1, MAILBOX_SECRET_MAX);
    FILE *from =
        token ? popen(s->token_command, "re") : fopen(s->password_file, "re");
    enum status status = read_secret(
        from, token ? "token_command" : s->password_file, secret, err);
    int ended = from ? (token ? pclose(from) : fclose(from)) : 0;

    if (status == STATUS_OK && (ended || !*secret))
        status = fail(err, STATUS_FAILED, "%s gives no secret",
                      token ? "token_command" : s->password_file);
    if (status == STATUS_OK)
        curl_easy_setopt(
            m->curl, token ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, secret);
    explicit_bzero(secret, MAILBOX_SECRET_MAX);
    free(secret);
    return status;
}

static enum status open_session(struct mailbox *m, struct error *err)
{
    const struct mailbox_settings *s = m->settings;
    CURL *curl = m->curl = curl_easy_init();

    if (!curl)
        return fail(err, STATUS_FAILED, "libcurl can't start");
    m->validity[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "imap,imaps,pop3,pop3s");
    /* Never in the clear, whatever the server offers or leaves out. */
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (*s->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, s->ca_file);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REQUEST_SECONDS);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                     (long)SILENCE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, m);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, m);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, m->why);
    curl_easy_setopt(curl, CURLOPT_USERNAME, s->user);
    enum status status = set_secret(m, err);

    if (status != STATUS_OK)
        mailbox_close(m);
    return status;
}

void mailbox_close(struct mailbox *m)
{
    curl_easy_cleanup(m->curl);
    m->curl = NULL;
}

/* One command, or with command NULL the transfer that path names. Only the
 * first of a session may connect: the numbers of POP3, and what was said
 * before, hold for one connection. */
static enum status ask(struct mailbox *m, const char *path, const char *command,
                       bool first, struct error *err)
{
    const char *base = m->settings->url;
    size_t host_len = strcspn(base + strcspn(base, ":") + 3, "/");
    char *url = text_format("%.*s/%s", (int)(strcspn(base, ":") + 3 + host_len),
                            base, path);
    long connects = 0;

    buf_reset(&m->got);
    m->why[0] = '\0';
    curl_easy_setopt(m->curl, CURLOPT_URL, url);
    curl_easy_setopt(m->curl, CURLOPT_CUSTOMREQUEST, command);
    curl_easy_setopt(m->curl, CURLOPT_NOBODY,
                     (long)(command && strncmp(command, "DELE", 4) == 0));
    CURLcode code = curl_easy_perform(m->curl);

    free(url);
    curl_easy_getinfo(m->curl, CURLINFO_NUM_CONNECTS, &connects);
    if (code == CURLE_LOGIN_DENIED && m->token)
        mailbox_token_refused(m->token);
    if (code != CURLE_OK)
        return fail(err,
                    code == CURLE_QUOTE_ERROR ? STATUS_INVALID : STATUS_FAILED,
                    "%.20s: %s", command ? command : "fetch",
                    m->why[0] ? m->why : curl_easy_strerror(code));
    if (connects && !first)
        return fail(err, STATUS_FAILED, "the connection was lost");
    return STATUS_OK;
}

/* ---- IMAP ---- */

static char *quoted(const char *text)
{
    struct buf b = {0};

    buf_add_char(&b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_char(&b, '\\');
        buf_add_char(&b, *text);
    }
    buf_add_char(&b, '"');
    return b.data;
}

static enum status imap_command(struct mailbox *m, char *command,
                                struct error *err)
{
    char *path = text_format("%s;UIDVALIDITY=%s", m->path, m->validity);
    enum status status = ask(m, path, command, false, err);

    free(path);
    free(command);
    return status;
}

static enum status imap_list(struct mailbox *m, struct error *err)
{
    if (!m->validity[0]) {
        char *name = quoted(m->folder);
        char *command = text_format("STATUS %s (UIDVALIDITY)", name);
        enum status status = ask(m, "", command, true, err);

        free(name);
        free(command);
        if (status != STATUS_OK)
            return status;
        if (!answers_validity(m->got.data ? m->got.data : "", m->got.len,
                              m->validity, sizeof m->validity))
            return fail(err, STATUS_FAILED, "no UIDVALIDITY of %s", m->folder);
    }
    enum status status = imap_command(
        m, text_copy("UID SEARCH UNDELETED UNKEYWORD " DONE_FLAG), err);

    if (status == STATUS_OK)
        m->n = answers_search(m->got.data ? m->got.data : "", m->got.len,
                              m->list, MAILBOX_ROUND_MAX);
    return status;
}

static enum status imap_fetch(struct mailbox *m, size_t i, struct error *err)
{
    char *path = text_format("%s;UIDVALIDITY=%s/;UID=%s", m->path, m->validity,
                             m->list[i].id);
    enum status status = ask(m, path, NULL, false, err);

    free(path);
    return status;
}

/* "3,5,9": those of the list that are so. NULL: none. */
static char *id_set(const struct mailbox *m, const bool *is, bool wanted)
{
    struct buf b = {0};

    for (size_t i = 0; i < m->n; i++)
        if (is[i] == wanted)
            buf_addf(&b, "%s%s", b.len ? "," : "", m->list[i].id);
    return b.data;
}

static enum status imap_delete(struct mailbox *m, const char *ids,
                               struct error *err)
{
    enum status status = imap_command(
        m,
        text_format("UID STORE %s +FLAGS.SILENT (\\Deleted " DELETED_FLAG ")",
                    ids),
        err);

    if (status == STATUS_INVALID) /* a server without keywords */
        status = imap_command(
            m, text_format("UID STORE %s +FLAGS.SILENT (\\Deleted)", ids), err);
    if (status != STATUS_OK)
        return status;
    /* Without UIDPLUS the marks stay: a plain EXPUNGE would take along what
     * somebody else has marked. */
    status = imap_command(m, text_format("UID EXPUNGE %s", ids), err);
    return status == STATUS_INVALID ? STATUS_OK : status;
}

/* Those that a session marked and did not come to expunge. */
static enum status imap_tidy(struct mailbox *m, struct error *err)
{
    static const bool all[MAILBOX_ROUND_MAX];
    enum status status = imap_command(
        m, text_copy("UID SEARCH DELETED KEYWORD " DELETED_FLAG), err);

    if (status != STATUS_OK)
        return status;
    m->n = answers_search(m->got.data ? m->got.data : "", m->got.len, m->list,
                          MAILBOX_ROUND_MAX);
    m->tidy = m->n < MAILBOX_ROUND_MAX;
    char *ids = id_set(m, all, false);

    m->n = 0;
    if (ids)
        status = imap_command(m, text_format("UID EXPUNGE %s", ids), err);
    free(ids);
    if (status == STATUS_OK || status == STATUS_INVALID) {
        /* Without UIDPLUS, asking again would lead nowhere. */
        m->tidy |= status == STATUS_INVALID;
        return STATUS_OK;
    }
    m->tidy = false;
    return status;
}

/* MOVE (RFC 6851), or what it stands for. */
static enum status imap_move(struct mailbox *m, const char *ids,
                             struct error *err)
{
    char *folder = quoted(m->settings->done);
    struct error ignored;

    if (!m->folder_made)
        (void)!imap_command(m, text_format("CREATE %s", folder), &ignored);
    m->folder_made = true;
    enum status status =
        imap_command(m, text_format("UID MOVE %s %s", ids, folder), err);

    if (status == STATUS_INVALID) {
        status =
            imap_command(m, text_format("UID COPY %s %s", ids, folder), err);
        if (status == STATUS_OK)
            status = imap_delete(m, ids, err);
    }
    free(folder);
    return status;
}

static enum status imap_flag(struct mailbox *m, const char *ids,
                             struct error *err)
{
    return imap_command(
        m, text_format("UID STORE %s +FLAGS.SILENT (" DONE_FLAG ")", ids), err);
}

static enum status imap_put_away(struct mailbox *m, const bool *understood,
                                 struct error *err)
{
    char *ids = id_set(m, understood, true);
    char *others = id_set(m, understood, false);
    enum status status = STATUS_OK;

    if (others)
        status = imap_flag(m, others, err);
    if (ids && status == STATUS_OK) {
        if (strcmp(m->settings->done, "leave") == 0)
            status = imap_flag(m, ids, err);
        else if (strcmp(m->settings->done, "delete") == 0)
            status = imap_delete(m, ids, err);
        else
            status = imap_move(m, ids, err);
    }
    free(ids);
    free(others);
    return status;
}

/* ---- POP3 ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_left(const void *arg, const char *id)
{
    const struct mailbox *m = arg;

    return m->n_left &&
           bsearch(id, m->left, m->n_left, MAILBOX_ID_MAX, compare);
}

static enum status pop3_list(struct mailbox *m, struct error *err)
{
    enum status status = ask(m, "", "UIDL", true, err);

    if (status == STATUS_OK)
        m->n = answers_uidl(m->got.data ? m->got.data : "", m->got.len, m->list,
                            MAILBOX_ROUND_MAX, is_left, m);
    return status;
}

static enum status pop3_fetch(struct mailbox *m, size_t i, struct error *err)
{
    char path[24];

    snprintf(path, sizeof path, "%lu", m->list[i].number);
    return ask(m, path, NULL, false, err);
}

static void leave(struct mailbox *m, const char *id)
{
    if (m->n_left == MAILBOX_LEFT_MAX)
        m->n_left = 0; /* they are read again, and known as processed */
    m->left = memory_resize(m->left, m->n_left + 1, MAILBOX_ID_MAX);
    snprintf(m->left[m->n_left++], MAILBOX_ID_MAX, "%s", id);
}

/* The session ends with it, since only its end (QUIT) deletes anything: should
 * it break off before, nothing is deleted and all is read again. */
static enum status pop3_put_away(struct mailbox *m, const bool *understood,
                                 struct error *err)
{
    bool remove = strcmp(m->settings->done, "delete") == 0;
    enum status status = STATUS_OK;
    char path[24];

    for (size_t i = 0; i < m->n && status == STATUS_OK; i++) {
        if (!remove || !understood[i]) {
            leave(m, m->list[i].id);
            continue;
        }
        snprintf(path, sizeof path, "%lu", m->list[i].number);
        status = ask(m, path, "DELE", false, err);
    }
    if (m->n_left)
        qsort(m->left, m->n_left, MAILBOX_ID_MAX, compare);
    /* On another connection the numbers may be other messages': take it all
     * back. */
    struct error ignored;

    if (status != STATUS_OK)
        (void)!ask(m, "", "RSET", true, &ignored);
    mailbox_close(m);
    return status;
}

/* ---- Both ---- */

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static enum status init_token(struct mailbox *m, struct error *err)
{
    const struct mailbox_settings *s = m->settings;
    const char *field;
    struct error why;

    m->oauth =
        (struct oauth_settings){s->token_url, s->client_id, s->client_secret,
                                s->refresh_token, s->token_scope};
    if (oauth_settings_check(&m->oauth, &field, &why) != STATUS_OK)
        return fail(err, STATUS_INVALID, "%s: %.200s", field, why.text);
    m->token = mailbox_token_new(&m->oauth, s->ca_file, m->stop);
    return STATUS_OK;
}

enum status mailbox_init(struct mailbox *m,
                         const struct mailbox_settings *settings,
                         const atomic_bool *stop, struct error *err)
{
    const char *url = settings->url;

    *m = (struct mailbox){.settings = settings, .stop = stop};
    m->imap = starts(url, "imap://") || starts(url, "imaps://");
    if (!m->imap && !starts(url, "pop3://") && !starts(url, "pop3s://"))
        return fail(err, STATUS_INVALID,
                    "url: imaps://HOST, imap://HOST, pop3s://HOST or "
                    "pop3://HOST is wanted");
    if (strpbrk(url, "@;?# \r\n"))
        return fail(err, STATUS_INVALID,
                    "url: only a host, a port and a folder: the user is an "
                    "option of its own");
    if (!m->imap && strcmp(settings->done, "delete") != 0 &&
        strcmp(settings->done, "leave") != 0)
        return fail(err, STATUS_INVALID, "done: POP3 has no folders");
    if (!*settings->password_file + !*settings->token_command +
            !*settings->token_url !=
        2)
        return fail(err, STATUS_INVALID,
                    "one of password_file, token_command and token_url is "
                    "wanted");
    if (*settings->token_url && init_token(m, err) != STATUS_OK)
        return STATUS_INVALID;
    const char *path = strchr(strstr(url, "://") + 3, '/');

    m->path = text_copy(path && path[1] ? path + 1 : "INBOX");
    char *folder = curl_easy_unescape(NULL, m->path, 0, NULL);

    m->folder = text_copy(folder ? folder : "");
    curl_free(folder);
    if (!*m->folder || strpbrk(m->folder, "\r\n") ||
        strpbrk(settings->done, "\r\n"))
        return fail(err, STATUS_INVALID, "url: no folder's name");
    return STATUS_OK;
}

void mailbox_fini(struct mailbox *m)
{
    mailbox_close(m);
    mailbox_token_free(m->token);
    buf_fini(&m->got);
    free(m->path);
    free(m->folder);
    free(m->left);
    *m = (struct mailbox){0};
}

enum status mailbox_list(struct mailbox *m, struct error *err)
{
    enum status status = STATUS_OK;

    m->n = 0;
    m->got_max = MAILBOX_LIST_MAX;
    if (!m->curl)
        status = open_session(m, err);
    if (status != STATUS_OK)
        return status;
    status = m->imap ? imap_list(m, err) : pop3_list(m, err);
    if (status != STATUS_OK)
        mailbox_close(m);
    return status;
}

enum status mailbox_fetch(struct mailbox *m, size_t i, struct error *err)
{
    m->got_max = BOUNCE_MAIL_BYTES_MAX;
    enum status status =
        m->imap ? imap_fetch(m, i, err) : pop3_fetch(m, i, err);

    if (status != STATUS_OK)
        mailbox_close(m);
    return status;
}

enum status mailbox_put_away(struct mailbox *m, const bool *understood,
                             struct error *err)
{
    m->got_max = MAILBOX_LIST_MAX;
    enum status status = m->imap ? imap_put_away(m, understood, err)
                                 : pop3_put_away(m, understood, err);

    if (status != STATUS_OK) {
        m->tidy = false;
        mailbox_close(m);
    }
    return status;
}

enum status mailbox_tidy(struct mailbox *m, struct error *err)
{
    if (!m->imap || m->tidy)
        return STATUS_OK;
    m->got_max = MAILBOX_LIST_MAX;
    enum status status = imap_tidy(m, err);

    if (status != STATUS_OK)
        mailbox_close(m);
    return status;
}
