#include "api/track/page.h"

static const char HEAD[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<meta name=\"robots\" content=\"noindex\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;"
    "margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.5rem "
    "1.5rem}</style>\n<title>";

static void add_escaped(struct buf *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': buf_add_text(out, "&amp;"); break;
        case '<': buf_add_text(out, "&lt;"); break;
        case '>': buf_add_text(out, "&gt;"); break;
        case '"': buf_add_text(out, "&quot;"); break;
        default: buf_add_char(out, *text);
        }
}

void page_write(struct reply *reply, int status, const char *title,
                const char *text, const char *ask)
{
    struct buf *out = &reply->body;

    reply_reset(reply);
    reply->status = status;
    reply->content_type = "text/html; charset=utf-8";
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; "
                 "form-action 'self'");
    buf_add_text(out, HEAD);
    add_escaped(out, title);
    buf_add_text(out, "</title>\n</head>\n<body>\n<h1>");
    add_escaped(out, title);
    buf_add_text(out, "</h1>\n<p>");
    add_escaped(out, text);
    buf_add_text(out, "</p>\n");
    if (ask) {
        buf_add_text(out, "<p><strong>");
        add_escaped(out, ask);
        buf_add_text(out, "</strong></p>\n<form method=\"post\"><input "
                          "type=\"hidden\" name=\"List-Unsubscribe\" "
                          "value=\"One-Click\"><button "
                          "type=\"submit\">Unsubscribe</button></form>\n");
    }
    buf_add_text(out, "</body>\n</html>\n");
}

void page_unavailable(struct reply *reply)
{
    page_write(reply, 503, "Not just now",
               "This could not be done at the moment. Please try again in a "
               "minute.",
               NULL);
    reply_header(reply, "Retry-After", "%d", REPLY_RETRY_SECONDS);
}

bool page_ascii(const char *value, char *out, size_t max)
{
    size_t n = 0;

    for (; value && *value && n + 1 < max; value++)
        if (*value >= ' ' && *value < 127)
            out[n++] = *value;
    out[n] = 0;
    return n > 0;
}
