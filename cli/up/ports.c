#include "cli/up/ports.h"
#include "base/net.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum status check_bind(const char *setting, const struct net_address *at,
                              const struct addrinfo *a, struct error *err)
{
    char text[NET_TEXT_MAX];
    int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return STATUS_OK;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int failed = bind(fd, a->ai_addr, a->ai_addrlen);
    close(fd);
    if (!failed)
        return STATUS_OK;
    return fail(err, STATUS_CONFLICT,
                "%s %s: %s; end what has it, or set %s to another one", setting,
                net_text(at, text), strerror(errno), setting);
}

static enum status check(const char *setting, const char *listen, unsigned more,
                         struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM},
                    *found;
    struct net_address at;
    char port[8];
    enum status status = net_parse(listen, &at, err);

    if (status != STATUS_OK)
        return status;
    at.port = (uint16_t)(at.port + more);
    snprintf(port, sizeof port, "%u", (unsigned)at.port);
    if (getaddrinfo(at.host, port, &hints, &found))
        return STATUS_OK;
    status = check_bind(setting, &at, found, err);
    freeaddrinfo(found);
    return status;
}

enum status ports_check(const struct config *config, unsigned workers,
                        struct error *err)
{
    enum status status = check("api_listen", config->api_listen, 0, err);

    if (status == STATUS_OK && !strcmp(config->relay, "sandbox"))
        status = check("sandbox_listen", config->sandbox_listen, 0, err);
    if (status == STATUS_OK && *config->inbound_listen)
        status = check("inbound_listen", config->inbound_listen, 0, err);
    for (unsigned i = 0; i < workers && status == STATUS_OK; i++)
        status = check("engine_metrics_listen", config->engine_metrics_listen,
                       i, err);
    return status;
}
