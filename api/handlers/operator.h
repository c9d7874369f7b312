/* handlers/operator - what concerns the whole installation, sites, limits,
 * routes, is the operator's: the project that was there first. */
#ifndef API_HANDLERS_OPERATOR_H
#define API_HANDLERS_OPERATOR_H

#include "api/request.h"

/* Does the caller's key belong to it? False: the reply is set (403). */
MUST_USE bool operator_asks(struct request *request, struct reply *reply);
#endif
