/*
 * presort bounce [--ndjson] FILE...: prints what each bounce, complaint or
 * reply in a file says. "-" is the standard input. Touches nothing else.
 */
#include "base/memory.h"
#include "bounce/read.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_NAME_MAX = 4096 };

struct printer {
    bool ndjson;
    struct bounce_reader reader;
    struct bounce_report *report;
    char *bytes; /* BOUNCE_MAIL_BYTES_MAX; more of a file is not read */
};

static int help(void)
{
    puts("usage: presort bounce [--ndjson] FILE...\n\n"
         "Prints what each mail says: bounce, complaint, auto_reply, "
         "delivered or other,\nand for each recipient what happened and why. "
         "`-` is the standard input.\n\n"
         "  --ndjson  one JSON object a line and file, in order");
    return EXIT_DONE;
}

/* Status EXIT_FAILED leaves errno. */
static int slurp(const char *path, char *bytes, size_t *len)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");

    if (!file)
        return EXIT_FAILED;
    errno = 0;
    *len = fread(bytes, 1, BOUNCE_MAIL_BYTES_MAX, file);
    int failed = ferror(file) ? errno : 0;
    if (!standard)
        fclose(file);
    errno = failed;
    return failed ? EXIT_FAILED : EXIT_DONE;
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *recipient_json(const struct bounce_report *report,
                              const struct bounce_recipient *to)
{
    json_t *object = json_object();

    json_object_set_new(object, "address", text_or_null(to->address));
    json_object_set_new(object, "category",
                        json_string(category_text(to->category)));
    json_object_set_new(object, "hard", json_boolean(to->hard));
    json_object_set_new(object, "status", text_or_null(to->status));
    json_object_set_new(object, "code",
                        to->code ? json_integer(to->code) : json_null());
    json_object_set_new(object, "diagnostic", text_or_null(to->diagnostic));
    json_object_set_new(object, "token", text_or_null(report->token));
    json_object_set_new(object, "action",
                        json_string(bounce_action_text(to->action)));
    json_object_set_new(object, "follow",
                        json_string(bounce_follow_text(to->follow)));
    return object;
}

static void print_json(const char *path, const struct bounce_report *report,
                       const char *error)
{
    char name[FILE_NAME_MAX];
    json_t *object = json_object(), *recipients = json_array();

    bounce_clean(name, sizeof name, path, strlen(path));
    for (size_t i = 0; i < report->n; i++)
        json_array_append_new(recipients,
                              recipient_json(report, &report->recipients[i]));
    json_object_set_new(object, "file", json_string(name));
    json_object_set_new(object, "kind",
                        json_string(bounce_kind_text(report->kind)));
    json_object_set_new(object, "recipients", recipients);
    json_object_set_new(object, "token", text_or_null(report->token));
    if (report->feedback[0])
        json_object_set_new(object, "feedback", json_string(report->feedback));
    if (report->message_id[0])
        json_object_set_new(object, "message_id",
                            json_string(report->message_id));
    if (error)
        json_object_set_new(object, "error", json_string(error));
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

static void print_text(const char *path, const struct bounce_report *report)
{
    printf("%s: %s%s%s", path, bounce_kind_text(report->kind),
           report->feedback[0] ? ", " : "", report->feedback);
    if (report->token[0])
        printf(", mail %s", report->token);
    putchar('\n');
    for (size_t i = 0; i < report->n; i++) {
        const struct bounce_recipient *to = &report->recipients[i];
        printf("  %s: %s %s, %s, then %s\n",
               to->address[0] ? to->address : "(by its token)",
               to->hard ? "hard" : "soft", bounce_action_text(to->action),
               category_text(to->category), bounce_follow_text(to->follow));
        if (to->diagnostic[0])
            printf("    %s\n", to->diagnostic);
    }
}

static int print_file(struct printer *p, const char *path)
{
    size_t len;

    if (slurp(path, p->bytes, &len) != EXIT_DONE) {
        const char *why = strerror(errno);
        bounce_report_reset(p->report);
        if (p->ndjson)
            print_json(path, p->report, why);
        return cli_fail("%s: %s", path, why);
    }
    bounce_read(&p->reader, p->bytes, len, p->report);
    if (p->ndjson)
        print_json(path, p->report, NULL);
    else
        print_text(path, p->report);
    return EXIT_DONE;
}

int command_bounce(int argc, char **argv)
{
    struct printer p = {0};
    int status = EXIT_DONE, files = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help();
        if (strcmp(argv[i], "--ndjson") == 0)
            p.ndjson = true;
        else if (argv[i][0] == '-' && argv[i][1])
            return cli_usage("unknown option %s", argv[i]);
        else
            argv[files++] = argv[i];
    }
    if (!files)
        return cli_usage("which FILE? `-` is the standard input");
    p.report = memory_new(1, sizeof *p.report);
    p.bytes = memory_new(1, BOUNCE_MAIL_BYTES_MAX);
    for (int i = 0; i < files; i++)
        if (print_file(&p, argv[i]) != EXIT_DONE)
            status = EXIT_FAILED;
    bounce_reader_fini(&p.reader);
    free(p.report);
    free(p.bytes);
    return status;
}
