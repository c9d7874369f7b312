#include "cli/client.h"
#include "base/buf.h"
#include "base/memory.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CLIENT_KEY_MAX = 256,
    CLIENT_ANSWER_MAX = 64 << 20,
    CLIENT_CONNECT_SECONDS = 10,
    CLIENT_SECONDS = 60, /* for a call; an upload takes what it takes */
};

struct client {
    CURL *curl;
    char url[NET_TEXT_MAX + 8];
    char authorization[CLIENT_KEY_MAX + 32];
    struct buf answer;
    FILE *file; /* what an answer goes into; NULL: answer */
};

/* The key of the environment, or of the state directory's file. */
static enum status find_key(const struct config *config, char *key,
                            struct error *err)
{
    const char *given = getenv("PRESORT_API_KEY");

    if (given && *given && strlen(given) < CLIENT_KEY_MAX) {
        snprintf(key, CLIENT_KEY_MAX, "%s", given);
        return STATUS_OK;
    }
    char *path = text_format("%s/cli.key", config->state_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, key, CLIENT_KEY_MAX - 1);
    enum status status = STATUS_OK;

    if (n <= 0)
        status = fail(err, STATUS_INVALID,
                      "no API key: %s: %s; set PRESORT_API_KEY, or state_dir "
                      "to that of the running `presort up`",
                      path, n ? strerror(errno) : "it is empty");
    else
        key[strcspn((key[n] = 0, key), "\r\n")] = 0;
    if (fd >= 0)
        close(fd);
    free(path);
    return status;
}

static void find_url(const struct config *config, char *url)
{
    char text[NET_TEXT_MAX];

    snprintf(url, NET_TEXT_MAX + 8, "http://%s",
             net_reach(config->api_listen, text));
}

struct client *client_new(const struct config *config, struct error *err)
{
    char key[CLIENT_KEY_MAX];

    if (find_key(config, key, err) != STATUS_OK)
        return NULL;
    struct client *client = memory_new(1, sizeof *client);
    find_url(config, client->url);
    snprintf(client->authorization, sizeof client->authorization,
             "Authorization: Bearer %s", key);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->curl = curl_easy_init();
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    buf_fini(&client->answer);
    free(client);
}

const char *client_url(const struct client *client)
{
    return client->url;
}

static size_t take_answer(char *bytes, size_t size, size_t n, void *owner)
{
    struct client *client = owner;

    if (client->answer.len + size * n > CLIENT_ANSWER_MAX)
        return 0;
    buf_add(&client->answer, bytes, size * n);
    return size * n;
}

/* The answer's `message`, or what else there is to say. */
static enum status refusal(const struct client *client, long code,
                           const json_t *json, struct error *err)
{
    const char *message = json_string_value(json_object_get(json, "message"));
    enum status status = code >= 500   ? STATUS_UNAVAILABLE
                         : code == 404 ? STATUS_NOT_FOUND
                                       : STATUS_INVALID;

    if (message)
        return fail(err, status, "%s", message);
    return fail(err, status, "%s answered with status %ld", client->url, code);
}

/* Only what was asked for goes into the file, not a refusal. */
static size_t take_file(char *bytes, size_t size, size_t n, void *owner)
{
    struct client *client = owner;
    long code = 0;

    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code < 200 || code > 299)
        return take_answer(bytes, size, n, owner);
    return fwrite(bytes, size, n, client->file);
}

static enum status perform(struct client *client, const char *path,
                           struct curl_slist *headers, json_t **answer,
                           struct error *err)
{
    char *url = text_format("%s%s", client->url, path);
    char why[CURL_ERROR_SIZE] = "";
    long code = 0;

    buf_reset(&client->answer);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION,
                     client->file ? take_file : take_answer);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT,
                     (long)CLIENT_CONNECT_SECONDS);
    /* The API is near: a proxy of the environment is not meant for it. */
    curl_easy_setopt(client->curl, CURLOPT_NOPROXY, "*");
    CURLcode result = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &code);
    /* The handle keeps its connection; the options were for this call. */
    curl_easy_reset(client->curl);
    free(url);
    if (result != CURLE_OK && !code)
        return fail(err, STATUS_UNAVAILABLE, "%s: %s; is `presort up` running?",
                    client->url, *why ? why : curl_easy_strerror(result));
    json_t *json = client->answer.len ? json_loadb(client->answer.data,
                                                   client->answer.len, 0, NULL)
                                      : NULL;
    enum status status = STATUS_OK;
    if (code < 200 || code > 299)
        status = refusal(client, code, json, err);
    else if (result != CURLE_OK)
        status = fail(err, STATUS_UNAVAILABLE, "%s: %s", client->url,
                      *why ? why : curl_easy_strerror(result));
    else if (!json && !client->file)
        status = fail(err, STATUS_UNAVAILABLE, "%s: the answer is no JSON",
                      client->url);
    if (status == STATUS_OK && answer)
        *answer = json;
    else
        json_decref(json);
    return status;
}

enum status client_call(struct client *client, const char *method,
                        const char *path, const json_t *body, json_t **answer,
                        struct error *err)
{
    struct curl_slist *headers = curl_slist_append(NULL, client->authorization);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long)CLIENT_SECONDS);
    if (strcmp(method, "GET") != 0) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text ? text : "{}");
    }
    enum status status = perform(client, path, headers, answer, err);
    curl_slist_free_all(headers);
    free(text);
    return status;
}

enum status client_save(struct client *client, const char *path, FILE *file,
                        struct error *err)
{
    struct curl_slist *headers = curl_slist_append(NULL, client->authorization);

    client->file = file;
    enum status status = perform(client, path, headers, NULL, err);
    client->file = NULL;
    curl_slist_free_all(headers);
    return status;
}

static size_t give_file(char *to, size_t size, size_t n, void *owner)
{
    const struct client_upload *upload = owner;

    return fread(to, size, n, upload->file);
}

static int tell_progress(void *owner, curl_off_t down_total, curl_off_t down,
                         curl_off_t up_total, curl_off_t up)
{
    const struct client_upload *upload = owner;

    (void)down_total, (void)down, (void)up_total;
    upload->progress(up, upload->size, upload->owner);
    return 0;
}

enum status client_send_file(struct client *client, const char *path,
                             const struct client_upload *upload,
                             json_t **answer, struct error *err)
{
    struct curl_slist *headers = curl_slist_append(NULL, client->authorization);
    char *type = text_format("Content-Type: %s", upload->type);
    char *encoding = text_format("Content-Encoding: %s",
                                 upload->encoding ? upload->encoding : "");

    headers = curl_slist_append(headers, type);
    if (upload->encoding)
        headers = curl_slist_append(headers, encoding);
    curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)upload->size);
    curl_easy_setopt(client->curl, CURLOPT_READFUNCTION, give_file);
    curl_easy_setopt(client->curl, CURLOPT_READDATA, upload);
    if (upload->progress) {
        curl_easy_setopt(client->curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(client->curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
        curl_easy_setopt(client->curl, CURLOPT_XFERINFODATA, upload);
    }
    enum status status = perform(client, path, headers, answer, err);
    curl_slist_free_all(headers);
    free(type);
    free(encoding);
    return status;
}
