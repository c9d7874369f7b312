/* Any bytes as a configuration file: read or refused, nothing else. */
#include "base/config.h"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static int file = -1;
    char path[32];
    struct config config;
    struct error err;

    if (file < 0)
        file = memfd_create("conf", 0);
    if (ftruncate(file, 0) || pwrite(file, bytes, n, 0) != (ssize_t)n)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (config_load(&config, path, &err) == STATUS_OK)
        config_fini(&config);
    return 0;
}
