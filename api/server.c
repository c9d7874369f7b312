#include "api/server.h"
#include "api/exchange.h"
#include "api/metrics.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/net.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

struct server {
    struct MHD_Daemon *daemon;
    int listener;
};

static void *begin(void *context, const char *target,
                   struct MHD_Connection *connection)
{
    (void)connection;
    return exchange_new(context, target);
}

static enum MHD_Result step(void *context, struct MHD_Connection *connection,
                            const char *path, const char *method,
                            const char *version, const char *data, size_t *len,
                            void **exchange)
{
    (void)context;
    (void)path;
    (void)version;
    return exchange_step(*exchange, connection, method, data, len);
}

static void over(void *context, struct MHD_Connection *connection,
                 void **exchange, enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    (void)how;
    if (*exchange)
        exchange_over(*exchange);
    *exchange = NULL;
}

static void count(void *context, struct MHD_Connection *connection,
                  void **socket_context,
                  enum MHD_ConnectionNotificationCode what)
{
    (void)context;
    (void)connection;
    (void)socket_context;
    metric_add(METRIC_CONNECTIONS,
               what == MHD_CONNECTION_NOTIFY_STARTED ? 1 : -1);
}

/* Paths and queries are decoded by api/route, after splitting. */
static size_t leave(void *context, struct MHD_Connection *connection, char *s)
{
    (void)context;
    (void)connection;
    return strlen(s);
}

PRINTF(2, 0)
static void complain(void *context, const char *fmt, va_list ap)
{
    char text[LOG_QUOTE_MAX], quoted[LOG_QUOTE_MAX];

    (void)context;
    vsnprintf(text, sizeof text, fmt, ap);
    log_event(LOG_DEBUG, "http", "text=%s", log_quote(text, quoted));
}

static int bind_one(const struct addrinfo *a)
{
    int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    a->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static enum status listen_at(const char *where, int *fd, struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM},
                    *found;
    struct net_address address;
    char port[8];
    enum status status = net_parse(where, &address, err);

    if (status != STATUS_OK)
        return status;
    snprintf(port, sizeof port, "%u", address.port);
    int why = getaddrinfo(address.host, port, &hints, &found);
    if (why != 0)
        return fail(err, STATUS_INVALID, "api_listen %s: %s", where,
                    gai_strerror(why));
    *fd = bind_one(found);
    freeaddrinfo(found);
    if (*fd < 0)
        return fail(err, STATUS_FAILED, "api_listen %s: %s", where,
                    strerror(errno));
    return STATUS_OK;
}

/* Where it listens, with the port that was given for port 0. */
static void announce(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
        getnameinfo((struct sockaddr *)&address, len, host, sizeof host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        log_event(LOG_INFO, "listening", "host=%s port=%s", host, port);
}

struct server *server_new(struct api *api, struct error *err)
{
    int fd = -1;

    if (listen_at(api->config->api_listen, &fd, err) != STATUS_OK)
        return NULL;
    struct server *s = memory_new(1, sizeof *s);

    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ERROR_LOG | MHD_USE_ITC,
        0, NULL, NULL, step, api, MHD_OPTION_EXTERNAL_LOGGER, complain, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, begin, api,
        MHD_OPTION_NOTIFY_COMPLETED, over, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        count, NULL, MHD_OPTION_UNESCAPE_CALLBACK, leave, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_MEMORY_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)api->config->api_idle_timeout_seconds, MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        free(s);
        snprintf(err->text, sizeof err->text, "the HTTP server does not start");
        return NULL;
    }
    announce(fd);
    return s;
}

void server_quiesce(struct server *s)
{
    s->listener = MHD_quiesce_daemon(s->daemon);
    if (s->listener >= 0)
        close(s->listener);
}

void server_free(struct server *s)
{
    MHD_stop_daemon(s->daemon);
    free(s);
}
