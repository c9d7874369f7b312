/*
 * Any bytes as a content: from, subject, header value, text, html, variable,
 * divided by NUL. Refused, or rendered to bytes that no server can take for
 * anything but one mail.
 */
#include "base/bug.h"
#include "base/memory.h"
#include "render/message.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { PIECES = 6, LINE_MAX_BYTES = 998 };

static void check_lines(const struct buf *mail)
{
    const char *end = mail->data + mail->len;

    for (const char *p = mail->data, *lf; p < end; p = lf + 1) {
        lf = memchr(p, '\n', (size_t)(end - p));
        if (!lf || lf == p || lf[-1] != '\r')
            BUG("a line without CRLF");
        if (lf - 1 - p > LINE_MAX_BYTES)
            BUG("a line of more than 998 bytes");
        if (memchr(p, '\r', (size_t)(lf - 1 - p)))
            BUG("a bare CR");
        if (*p == '.' && (lf - 1 - p < 2 || p[1] != '.'))
            BUG("a dot that is not stuffed");
    }
}

/* Each field once, and the header ends where it should. */
static void check_header(const struct buf *mail)
{
    const char *end = strstr(mail->data, "\r\n\r\n");
    size_t subjects = 0;

    if (!end)
        BUG("no end of the header");
    for (const char *p = mail->data; p < end; p = strchr(p, '\n') + 1) {
        subjects += strncmp(p, "Subject:", 8) == 0;
        if (strncmp(p, "Bcc:", 4) == 0)
            BUG("a field that nobody asked for");
    }
    if (subjects != 1)
        BUG("not one subject");
}

static void render(const struct message *m, const char *variable)
{
    json_t *variables = json_pack("{s:s}", "v", variable);
    struct message_recipient to = {
        .address = "ann@example.net",
        .variables = variables,
        .id = "01234567-0123-8123-8123-0123456789ab",
        .id_domain = "example.com",
    };
    struct arena scratch = {0};
    struct buf out = {0};
    struct error err;

    if (message_render(m, &to, &scratch, &out, &err) == STATUS_OK) {
        check_lines(&out);
        check_header(&out);
    }
    arena_fini(&scratch);
    buf_fini(&out);
    json_decref(variables);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    char *copy = text_copy_n((const char *)bytes, n);
    const char *piece[PIECES] = {copy, "", "", "", "", ""};
    struct message *m;
    struct error err = {0};
    size_t pieces = 1;

    for (size_t i = 0; i < n && pieces < PIECES; i++)
        if (!copy[i])
            piece[pieces++] = copy + i + 1;
    const struct message_header header = {"X-Fuzz", piece[2]};
    struct message_source source = {
        .from = piece[0],
        .subject = piece[1],
        .text = piece[3],
        .html = pieces > 4 ? piece[4] : NULL,
        .headers = &header,
        .n_headers = 1,
        .templates = true,
    };
    if (message_compile(&source, &m, &err) == STATUS_OK) {
        render(m, piece[5]);
        message_free(m);
    } else if (!err.text[0]) {
        BUG("a refusal without a reason");
    }
    free(copy);
    return 0;
}
