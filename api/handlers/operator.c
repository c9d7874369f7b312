#include "api/handlers/operator.h"
#include "api/handlers/operator.sql.h"
#include <stdio.h>

enum { NUMBER_MAX = 24 };

bool operator_asks(struct request *request, struct reply *reply)
{
    char project[NUMBER_MAX];
    const char *params[] = {project};
    DB_RESULT *row = NULL;
    struct error err;

    snprintf(project, sizeof project, "%lld",
             (long long)request->caller.project);
    enum status status = session_run(request->session, SQL_OPERATOR_PROJECT,
                                     params, 1, &row, &err);

    if (status != STATUS_OK)
        reply_status(reply, status, &err);
    else if (PQntuples(row) == 0 || *PQgetvalue(row, 0, 0) != 't')
        reply_error_as(reply, 403, API_INVALID_ACCESS,
                       "This is the operator's: a key of the first project is "
                       "needed.");
    return reply->status == 0;
}
