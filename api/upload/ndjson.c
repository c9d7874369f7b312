#include "api/upload/ndjson.h"
#include "api/json.h"
#include "base/memory.h"
#include <jansson.h>
#include <stdlib.h>

enum { REAL_DIGITS = 15 }; /* 9.99 stays 9.99 */

struct ndjson {
    const struct upload_sink *sink;
    struct buf in; /* from the current line on */
    size_t scanned;
    bool skipping; /* the rest of a line too long */
    bool begun;    /* behind the byte order mark */
    uint64_t line;
    struct buf variables;
};

struct ndjson *ndjson_new(const struct upload_sink *sink)
{
    struct ndjson *j = memory_new(1, sizeof *j);

    j->sink = sink;
    j->line = 1;
    return j;
}

void ndjson_free(struct ndjson *j)
{
    if (!j)
        return;
    buf_fini(&j->in);
    buf_fini(&j->variables);
    free(j);
}

/* Levels of brackets, without building anything: jansson would follow a line
 * of nothing but opening ones all the way down. */
static size_t depth_of(const char *text, size_t len)
{
    size_t depth = 0, most = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > most)
            most = depth;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return most;
}

static int add_bytes(const char *bytes, size_t n, void *context)
{
    buf_add(context, bytes, n);
    return 0;
}

static const char *names_flaw(json_t *variables)
{
    const char *name;
    json_t *value;

    if (json_object_size(variables) > UPLOAD_VARIABLES_MAX)
        return "has too many variables";
    json_object_foreach(variables, name, value) if (
        strlen(name) >
        UPLOAD_NAME_MAX) return "has a variable whose name is too long";
    return NULL;
}

/* Takes email out of the object; what is left are the variables, or holds
 * them. On a flaw *flaw says it. Borrowed from object. */
static json_t *variables_of(json_t *object, const char **flaw)
{
    json_t *nested = json_object_get(object, "variables");

    *flaw = NULL;
    json_object_del(object, "email");
    if (json_is_object(nested) && json_object_size(object) > 1)
        *flaw = "has variables both in \"variables\" and beside it";
    else if (nested && !json_is_object(nested) && !json_is_null(nested))
        *flaw = "variables is no object";
    if (!*flaw && json_is_null(nested))
        json_object_del(object, "variables");
    json_t *variables = json_is_object(nested) ? nested : object;
    if (!*flaw)
        *flaw = names_flaw(variables);
    return variables;
}

static enum status take_object(struct ndjson *j, json_t *object,
                               const char *text, size_t len, struct error *err)
{
    json_t *email = json_object_get(object, "email");
    const char *flaw;

    if (!json_is_string(email)) {
        recipient_reject(j->sink, j->line, text, len,
                         email ? "email is no string" : "email is missing");
        return STATUS_OK;
    }
    json_incref(email);
    json_t *variables = variables_of(object, &flaw);
    buf_reset(&j->variables);
    if (!flaw && json_object_size(variables) > 0)
        json_dump_callback(variables, add_bytes, &j->variables,
                           JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
    enum status st = STATUS_OK;
    if (flaw)
        recipient_reject(j->sink, j->line, text, len, "%s", flaw);
    else
        st = recipient_offer(j->sink, j->line, json_string_value(email),
                             json_string_length(email),
                             j->variables.len ? j->variables.data : NULL,
                             j->variables.len, err);
    json_decref(email);
    return st;
}

/* A whole line without its end. */
static enum status take_line(struct ndjson *j, const char *text, size_t len,
                             struct error *err)
{
    const char *flaw = recipient_text_flaw(text, len);
    json_error_t why;

    if (!flaw && depth_of(text, len) > NDJSON_DEPTH_MAX)
        flaw = "nests too deep";
    if (flaw) {
        recipient_reject(j->sink, j->line, text, len, "%s", flaw);
        return STATUS_OK;
    }
    json_t *value =
        json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    enum status st = STATUS_OK;
    if (json_is_object(value))
        st = take_object(j, value, text, len, err);
    else if (value)
        recipient_reject(j->sink, j->line, text, len, "is no JSON object");
    else
        recipient_reject(j->sink, j->line, text, len,
                         "is no JSON, at byte %d: %s", why.position,
                         json_why(&why));
    json_decref(value);
    return st;
}

static bool is_blank(const char *text, size_t len)
{
    return strspn(text, " \t\r\n") >= len;
}

static enum status end_line(struct ndjson *j, size_t from, size_t len,
                            struct error *err)
{
    const char *text = j->in.data + from;
    enum status st = STATUS_OK;

    if (j->skipping)
        j->skipping = false;
    else if (len > UPLOAD_LINE_MAX)
        recipient_reject(j->sink, j->line, text, UPLOAD_LINE_MAX,
                         "the line is too long");
    else if (!is_blank(text, len))
        st = take_line(j, text, len, err);
    j->line++;
    return st;
}

static void skip_mark(struct ndjson *j)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (!j->begun && j->in.len >= 3 && memcmp(j->in.data, mark, 3) == 0)
        buf_drop(&j->in, 3);
    j->begun = true;
}

static enum status take_lines(struct ndjson *j, struct error *err)
{
    size_t from = 0;
    enum status st = STATUS_OK;

    while (st == STATUS_OK) {
        size_t start = j->scanned > from ? j->scanned : from;
        const char *feed = memchr(j->in.data + start, '\n', j->in.len - start);

        if (!feed)
            break;
        size_t len = (size_t)(feed - j->in.data) - from;
        st = end_line(j, from, len, err);
        from += len + 1;
    }
    buf_drop(&j->in, from);
    if (j->skipping || j->in.len > UPLOAD_LINE_MAX) {
        if (!j->skipping)
            recipient_reject(j->sink, j->line, j->in.data, UPLOAD_LINE_MAX,
                             "the line is too long");
        j->skipping = true;
        buf_reset(&j->in);
    }
    j->scanned = j->in.len;
    return st;
}

enum status ndjson_feed(struct ndjson *j, const char *bytes, size_t n,
                        struct error *err)
{
    buf_add(&j->in, bytes, n);
    if (!j->begun && j->in.len < 3)
        return STATUS_OK;
    skip_mark(j);
    return take_lines(j, err);
}

/* The last line may lack its end. */
enum status ndjson_end(struct ndjson *j, struct error *err)
{
    buf_add_char(&j->in, '\n');
    skip_mark(j);
    return take_lines(j, err);
}
