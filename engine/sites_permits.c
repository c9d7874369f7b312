#include "sites_permits.h"
#include "loop/pg.h"
#include "sites.h"
#include <string.h>

bool sites_permits_args(struct pace *pace, int worker, int64_t lease_s,
                        struct args *args)
{
    struct pace_permits list[SITES_PERMITS_MAX];
    int64_t now_us = sites_now_us();
    size_t n = 0, at = 0;

    while (n < SITES_PERMITS_MAX &&
           pace_permits_ask(pace, &at, now_us, &list[n]))
        n++;
    if (n == 0)
        return false;
    args_reset(args);
    args_int(args, worker);
    args_int(args, (int32_t)lease_s);
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++) {
        const char *scope = pace_scope_text(list[i].scope);

        args_element_text(args, scope, strlen(scope));
    }
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_TEXT);
    for (size_t i = 0; i < n; i++)
        args_element_text(args, list[i].name, strlen(list[i].name));
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_BIGINT);
    for (size_t i = 0; i < n; i++)
        args_element_bigint(args, list[i].limit);
    args_array_end(args);
    args_array_start(args, ARGS_ELEMENT_INT);
    for (size_t i = 0; i < n; i++)
        args_element_int(args, (int32_t)list[i].want);
    args_array_end(args);
    return true;
}

void sites_permits_read(struct pace *pace, const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        enum pace_scope scope;

        if (pace_scope_named(PQgetvalue(rows, row, 0), &scope))
            pace_permits_told(pace, scope, PQgetvalue(rows, row, 1),
                              (unsigned)pg_int(rows, row, 2),
                              *PQgetvalue(rows, row, 3) != 0, sites_now_us());
    }
}
