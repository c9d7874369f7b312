#include "cli/sink/http.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 8192, BACKLOG = 64, REQUEST_TIMEOUT_MS = 10000 };

struct request {
    const struct sink_ledger *ledger;
    uv_tcp_t tcp;
    uv_timer_t timeout;
    uv_write_t write;
    int handles_open;
    struct buf answer;
    size_t len;
    char bytes[REQUEST_MAX + 1];
};

static void request_free(uv_handle_t *handle)
{
    struct request *request = handle->data;
    if (--request->handles_open > 0)
        return;
    buf_fini(&request->answer);
    free(request);
}

static void request_close(struct request *request)
{
    if (uv_is_closing((uv_handle_t *)&request->tcp))
        return;
    uv_close((uv_handle_t *)&request->tcp, request_free);
    uv_close((uv_handle_t *)&request->timeout, request_free);
}

static void on_timeout(uv_timer_t *timer)
{
    request_close(timer->data);
}

static void on_answered(uv_write_t *write, int status)
{
    (void)status;
    request_close(write->handle->data);
}

static bool asks_for(const struct request *request, const char *path)
{
    size_t n = strlen(path);
    return strncmp(request->bytes, "GET ", 4) == 0 &&
           strncmp(request->bytes + 4, path, n) == 0 &&
           request->bytes[4 + n] == ' ';
}

static void answer(struct request *request)
{
    struct buf body = {0};
    const char *status = "200 OK";
    if (asks_for(request, "/")) {
        sink_ledger_totals(request->ledger, &body);
    } else if (asks_for(request, "/recipients")) {
        sink_ledger_recipients(request->ledger, &body);
    } else {
        status = "404 Not Found";
        buf_add_text(&body, "{\"message\": \"GET / or GET /recipients\"}");
    }
    buf_addf(&request->answer,
             "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n",
             status, body.len);
    buf_add(&request->answer, body.data, body.len);
    buf_fini(&body);
    uv_buf_t whole =
        uv_buf_init(request->answer.data, (unsigned)request->answer.len);
    uv_read_stop((uv_stream_t *)&request->tcp);
    if (uv_write(&request->write, (uv_stream_t *)&request->tcp, &whole, 1,
                 on_answered) != 0)
        request_close(request);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
    (void)wanted;
    struct request *request = handle->data;
    *out = uv_buf_init(request->bytes + request->len,
                       (unsigned)(REQUEST_MAX - request->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct request *request = stream->data;
    if (n < 0) {
        request_close(request);
        return;
    }
    request->len += (size_t)n;
    request->bytes[request->len] = '\0';
    if (strstr(request->bytes, "\r\n\r\n"))
        answer(request);
    else if (request->len == REQUEST_MAX)
        request_close(request);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct sink_http *http = listener->data;
    if (status < 0)
        return;
    struct request *request = memory_new(1, sizeof *request);
    request->ledger = http->ledger;
    request->tcp.data = request->timeout.data = request;
    request->handles_open = 2;
    uv_tcp_init(listener->loop, &request->tcp);
    uv_timer_init(listener->loop, &request->timeout);
    if (uv_accept(listener, (uv_stream_t *)&request->tcp) != 0) {
        request_close(request);
        return;
    }
    uv_timer_start(&request->timeout, on_timeout, REQUEST_TIMEOUT_MS, 0);
    uv_read_start((uv_stream_t *)&request->tcp, on_alloc, on_read);
}

enum status sink_http_start(struct sink_http *http, uv_loop_t *loop,
                            const struct sockaddr_storage *address,
                            const struct sink_ledger *ledger, struct error *err)
{
    const void *any = address;
    http->ledger = ledger;
    http->listener.data = http;
    uv_tcp_init(loop, &http->listener);
    int wrong = uv_tcp_bind(&http->listener, any, 0);
    if (wrong == 0)
        wrong =
            uv_listen((uv_stream_t *)&http->listener, BACKLOG, on_connection);
    if (wrong != 0)
        return fail(err, STATUS_FAILED, "--stats: %s", uv_strerror(wrong));
    return STATUS_OK;
}

void sink_http_stop(struct sink_http *http)
{
    uv_close((uv_handle_t *)&http->listener, NULL);
}
