#include "egress/here.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

bool egress_address(const char *text, struct sockaddr_storage *out,
                    socklen_t *len)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        memcpy(out, &in, sizeof in);
        *len = sizeof in;
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
        return false;
    memcpy(out, &in6, sizeof in6);
    *len = sizeof in6;
    return true;
}

int egress_here(const struct sockaddr_storage *address, socklen_t len)
{
    const void *any = address;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error = fd >= 0 && bind(fd, any, len) == 0 ? 0 : errno;

    if (fd >= 0)
        close(fd);
    return error;
}
