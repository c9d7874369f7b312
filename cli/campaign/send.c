/* presort campaign send: makes a campaign, uploads its recipients, sends it. */
#include "cli/campaign/campaign.h"
#include "cli/cli.h"
#include "base/buf.h"
#include "base/clock.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONTENT_MAX = 16 << 20,
    READ_BYTES = 65536,
    REJECTS_SHOWN = 10,
    ID_MAX = 64,
    TEXT_MAX = 32,
};

struct send {
    const char *from, *subject, *html, *text, *template, *recipients, *name,
        *reply_to, *at;
    bool watch, strict, inline_css;
    int64_t shown_ms; /* when the upload's progress was last drawn */
};

static int options_read(int argc, char **argv, struct send *s)
{
    static const struct option known[] = {{"from", 1, NULL, 'f'},
                                          {"subject", 1, NULL, 's'},
                                          {"html", 1, NULL, 'h'},
                                          {"text", 1, NULL, 't'},
                                          {"recipients", 1, NULL, 'r'},
                                          {"name", 1, NULL, 'n'},
                                          {"reply-to", 1, NULL, 'y'},
                                          {"at", 1, NULL, 'a'},
                                          {"watch", 0, NULL, 'w'},
                                          {"template", 1, NULL, 'T'},
                                          {"strict", 0, NULL, 'S'},
                                          {"inline-css", 0, NULL, 'C'},
                                          {0}};
    int c;

    while ((c = cli_option(argc, argv, known)) != -1)
        switch (c) {
        case 'f': s->from = optarg; break;
        case 's': s->subject = optarg; break;
        case 'h': s->html = optarg; break;
        case 't': s->text = optarg; break;
        case 'r': s->recipients = optarg; break;
        case 'n': s->name = optarg; break;
        case 'y': s->reply_to = optarg; break;
        case 'a': s->at = optarg; break;
        case 'w': s->watch = true; break;
        case 'T': s->template = optarg; break;
        case 'S': s->strict = true; break;
        case 'C': s->inline_css = true; break;
        default: return EXIT_USAGE;
        }
    if (optind < argc)
        return cli_usage("what is %s?", argv[optind]);
    if (!s->recipients ||
        (!s->template && (!s->from || !s->subject || (!s->html && !s->text))))
        return cli_usage("--recipients and --template are wanted, or --from, "
                         "--subject, --recipients and one of --html and "
                         "--text");
    return EXIT_DONE;
}

/* A file's text as a member of the request. */
static enum status add_file(json_t *body, const char *member, const char *path,
                            struct error *err)
{
    struct buf content = {0};
    FILE *file = fopen(path, "re");
    size_t n = 1;

    if (!file)
        return fail(err, STATUS_INVALID, "%s: %s", path, strerror(errno));
    while (n && content.len <= CONTENT_MAX) {
        n = fread(buf_reserve(&content, READ_BYTES), 1, READ_BYTES, file);
        content.len += n;
    }
    bool failed = ferror(file);
    fclose(file);
    enum status status = STATUS_OK;
    json_t *text = json_stringn(content.data, content.len);
    if (failed)
        status = fail(err, STATUS_INVALID, "%s: can't be read", path);
    else if (content.len > CONTENT_MAX)
        status = fail(err, STATUS_TOO_BIG, "%s: larger than 16 MB", path);
    else if (!text || memchr(content.data, 0, content.len))
        status = fail(err, STATUS_INVALID, "%s: is no UTF-8 text", path);
    if (status == STATUS_OK)
        json_object_set(body, member, text);
    json_decref(text);
    buf_fini(&content);
    return status;
}

static void add_text(json_t *body, const char *member, const char *text)
{
    if (text)
        json_object_set_new(body, member, json_string(text));
}

static enum status create(struct client *client, const struct send *s, char *id,
                          struct error *err)
{
    json_t *body = json_object(), *answer;
    enum status status = STATUS_OK;

    add_text(body, "name", s->name ? s->name : s->subject);
    add_text(body, "template", s->template);
    if (s->strict)
        json_object_set_new(body, "strict_variables", json_true());
    if (s->inline_css)
        json_object_set_new(body, "inline_css", json_true());
    add_text(body, "from", s->from);
    add_text(body, "subject", s->subject);
    add_text(body, "reply_to", s->reply_to);
    if (s->html)
        status = add_file(body, "html", s->html, err);
    if (s->text && status == STATUS_OK)
        status = add_file(body, "text", s->text, err);
    if (status == STATUS_OK)
        status = client_call(client, "POST", "/campaigns", body, &answer, err);
    json_decref(body);
    if (status != STATUS_OK)
        return status;
    snprintf(id, ID_MAX, "%s", campaign_text(answer, "id"));
    json_decref(answer);
    return STATUS_OK;
}

/* --- recipients --- */

static void upload_progress(int64_t sent, int64_t size, void *owner)
{
    struct send *s = owner;
    int64_t now = clock_mono_ms();

    if (!isatty(STDOUT_FILENO) || now - s->shown_ms < PROGRESS_TERMINAL_MS ||
        size <= 0)
        return;
    s->shown_ms = now;
    printf("\r  uploading recipients: %d %%\033[K", (int)(sent * 100 / size));
    fflush(stdout);
}

static void print_accepted(const json_t *answer)
{
    const json_t *errors = json_object_get(answer, "rejected_lines");
    char accepted[TEXT_MAX];
    int64_t duplicates = campaign_number(answer, "duplicates");
    int64_t suppressed = campaign_number(answer, "suppressed");
    int64_t rejected = campaign_number(answer, "rejected");
    size_t i;
    json_t *error;

    printf("%s  %s recipients taken", isatty(STDOUT_FILENO) ? "\r\033[K" : "",
           progress_number(campaign_number(answer, "accepted"), accepted));
    if (duplicates)
        printf(", %" PRId64 " duplicates folded", duplicates);
    if (suppressed)
        printf(", %" PRId64 " of them suppressed", suppressed);
    if (rejected)
        printf(", %" PRId64 " lines rejected", rejected);
    putchar('\n');
    json_array_foreach(errors, i, error)
    {
        if (i == REJECTS_SHOWN)
            break;
        printf("    line %" PRId64 ": %s\n", campaign_number(error, "line"),
               campaign_text(error, "reason"));
    }
    fflush(stdout);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static const char *content_type(const char *path)
{
    if (ends_with(path, ".ndjson") || ends_with(path, ".ndjson.gz") ||
        ends_with(path, ".jsonl") || ends_with(path, ".jsonl.gz"))
        return "application/x-ndjson";
    return "text/csv";
}

static enum status upload(struct client *client, struct send *s, const char *id,
                          FILE *file, struct error *err)
{
    char path[CAMPAIGN_PATH_MAX];
    struct stat st;
    json_t *answer;

    if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode))
        return fail(err, STATUS_INVALID, "%s: is no file", s->recipients);
    struct client_upload what = {
        .file = file,
        .size = st.st_size,
        .type = content_type(s->recipients),
        .encoding = ends_with(s->recipients, ".gz") ? "gzip" : NULL,
        .progress = upload_progress,
        .owner = s,
    };
    enum status status = campaign_path(id, "/recipients", path, err);
    if (status == STATUS_OK)
        status = client_send_file(client, path, &what, &answer, err);
    if (status != STATUS_OK)
        return status;
    print_accepted(answer);
    if (!campaign_number(answer, "accepted"))
        status =
            fail(err, STATUS_INVALID, "%s: no recipient in it", s->recipients);
    json_decref(answer);
    return status;
}

/* --- the verb --- */

static enum status start(struct client *client, const struct send *s,
                         const char *id, struct error *err)
{
    char path[CAMPAIGN_PATH_MAX];
    json_t *body = json_object();
    enum status status = campaign_path(id, "/send", path, err);

    add_text(body, "scheduled_at", s->at);
    if (status == STATUS_OK)
        status = client_call(client, "POST", path, body, NULL, err);
    json_decref(body);
    return status;
}

/* A campaign without its recipients is nothing that anyone wants to find. */
static void forget(struct client *client, const char *id)
{
    char path[CAMPAIGN_PATH_MAX];
    struct error err;

    if (campaign_path(id, "", path, &err) != STATUS_OK ||
        client_call(client, "DELETE", path, NULL, NULL, &err) != STATUS_OK)
        fprintf(stderr, "presort: the draft %s stays: %s\n", id, err.text);
}

static int watch(struct client *client, const char *id)
{
    json_t *last = NULL;
    struct error err;

    if (campaign_watch(client, id, &last, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    campaign_print(last);
    int result = strcmp(campaign_text(last, "state"), "sent") == 0
                     ? EXIT_DONE
                     : EXIT_FAILED;
    json_decref(last);
    return result;
}

static int send_with(struct client *client, struct send *s, FILE *file)
{
    char id[ID_MAX];
    struct error err;

    if (create(client, s, id, &err) != STATUS_OK)
        return cli_fail("%s", err.text);
    if (upload(client, s, id, file, &err) != STATUS_OK) {
        forget(client, id);
        return cli_fail("%s", err.text);
    }
    if (start(client, s, id, &err) != STATUS_OK)
        return cli_fail("campaign %s is made, but not sent: %s", id, err.text);
    printf("  campaign %s %s\n", id, s->at ? "is scheduled" : "is being sent");
    fflush(stdout);
    return s->watch ? watch(client, id) : EXIT_DONE;
}

int campaign_send(int argc, char **argv)
{
    struct send s = {0};
    struct config config;
    struct error err;
    int result = options_read(argc, argv, &s);

    if (result != EXIT_DONE)
        return result;
    FILE *file = fopen(s.recipients, "re");
    if (!file)
        return cli_fail("%s: %s", s.recipients, strerror(errno));
    if (!cli_config(&config)) {
        fclose(file);
        return EXIT_FAILED;
    }
    struct client *client = client_new(&config, &err);
    result = client ? send_with(client, &s, file) : cli_fail("%s", err.text);
    client_free(client);
    config_fini(&config);
    fclose(file);
    return result;
}
