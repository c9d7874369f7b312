#include "base/files.h"
#include "base/log.h"
#include <sys/resource.h>

void files_allow(unsigned long wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        log_event(LOG_WARN, "few_files", "limit=%llu wanted=%lu",
                  (unsigned long long)limit.rlim_cur, wanted);
}
