#include "cli/fault.h"
#include "cli/cli.h"
#include "queue/db.h"
#include <stdio.h>
#include <string.h>

enum { OPTION_MAX = 32 };

static bool is_word(const char *field, const char *words)
{
    size_t len = strlen(field);

    for (; words; words = strchr(words, ' ')) {
        words += *words == ' ';
        if (strncmp(words, field, len) == 0 &&
            (words[len] == ' ' || words[len] == 0))
            return true;
    }
    return false;
}

/* "--warm-up" */
static void name_of(const char *field, const char *words, char *out)
{
    snprintf(out, OPTION_MAX, "%s%s", is_word(field, words) ? "" : "--", field);
    for (; *out; out++)
        if (*out == '_')
            *out = '-';
}

int cli_fault(const struct egress_fault *fault, const char *words)
{
    char name[OPTION_MAX];

    name_of(fault->field, words, name);
    return cli_usage("%s: %s", name, fault->error.text);
}

int cli_fault_asked(PGconn *conn, const char *sql, int n,
                    const char *const *params, const char *words)
{
    char name[OPTION_MAX];
    struct error err;
    DB_RESULT *r = db_query(conn, &err, sql, n, params);

    if (!r)
        return cli_fail("%s", err.text);
    if (PQntuples(r) == 0)
        return EXIT_DONE;
    name_of(PQgetvalue(r, 0, 0), words, name);
    return cli_fail("%s: %s", name, PQgetvalue(r, 0, 1));
}
