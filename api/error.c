#include "api/error.h"

const char *api_error_text(enum api_error error)
{
    switch (error) {
#define X_(member, name, http)                                                 \
    case member: return name;
        API_ERROR_TABLE(X_)
#undef X_
    }
    return "application_error";
}

int api_error_status(enum api_error error)
{
    switch (error) {
#define X_(member, name, http)                                                 \
    case member: return http;
        API_ERROR_TABLE(X_)
#undef X_
    }
    return 500;
}
