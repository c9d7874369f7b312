#include "bounce/mail.h"
#include "bounce/html.h"
#include <gmime/gmime.h>
#include <pthread.h>
#include <strings.h>

static void start_gmime(void)
{
    g_mime_init();
}

/* Each multipart declares a boundary, so this bounds how deep GMime goes. */
static bool nests_too_deep(struct span raw)
{
    int found = 0;

    for (size_t i = 0; i + 9 <= raw.len; i++) {
        const char *hit = memchr(raw.s + i, '=', raw.len - i);
        if (!hit)
            return false;
        i = (size_t)(hit - raw.s);
        size_t back = i;
        while (back > 0 && (raw.s[back - 1] == ' ' || raw.s[back - 1] == '\t'))
            back--;
        if (back >= 8 && strncasecmp(raw.s + back - 8, "boundary", 8) == 0 &&
            ++found > BOUNCE_MAIL_PARTS_MAX)
            return true;
    }
    return false;
}

/* How much of the bytes GMime is given: it makes a part of each line that may
 * be a boundary, and the first few are all that we look at. */
static size_t bounded_by_parts(struct span raw)
{
    int dashes = 0;

    for (size_t i = 0; i + 3 <= raw.len; i++) {
        const char *hit = memmem(raw.s + i, raw.len - i, "\n--", 3);
        if (!hit)
            break;
        i = (size_t)(hit - raw.s);
        if (++dashes > BOUNCE_MAIL_DASHES_MAX)
            return i;
    }
    return raw.len;
}

static void add_text(struct buf *out, const char *text, size_t len)
{
    if (out->len >= BOUNCE_MAIL_TEXT_MAX)
        return;
    if (len > BOUNCE_MAIL_TEXT_MAX - out->len)
        len = BOUNCE_MAIL_TEXT_MAX - out->len;
    buf_add(out, text, len);
    if (out->len && out->data[out->len - 1] != '\n')
        buf_add_char(out, '\n');
}

static bool is_plain_charset(const char *charset)
{
    return !charset || strcasecmp(charset, "utf-8") == 0 ||
           strcasecmp(charset, "us-ascii") == 0;
}

/* The part's text behind its transfer encoding; the caller frees it. */
static GByteArray *content_of(GMimePart *part)
{
    GByteArray *bytes = g_byte_array_new();
    GMimeDataWrapper *content = g_mime_part_get_content(part);

    if (!content)
        return bytes;
    GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(bytes);
    g_mime_stream_mem_set_owner((GMimeStreamMem *)stream, FALSE);
    g_mime_data_wrapper_write_to_stream(content, stream);
    g_object_unref(stream);
    return bytes;
}

static void take_part(GMimePart *part, struct buf *out)
{
    GMimeObject *object = GMIME_OBJECT(part);
    const char *charset =
        g_mime_object_get_content_type_parameter(object, "charset");

    if (GMIME_IS_TEXT_PART(part) && !is_plain_charset(charset)) {
        char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));
        if (text && *text) {
            add_text(out, text, strlen(text));
            g_free(text);
            return;
        }
        g_free(text);
    }
    GByteArray *bytes = content_of(part);
    add_text(out, (const char *)bytes->data, bytes->len);
    g_byte_array_unref(bytes);
}

static void take_html(GMimePart *part, struct bounce_mail *m)
{
    struct buf html = {0};

    take_part(part, &html);
    bounce_html_text(html.data, html.len, &m->html);
    buf_fini(&html);
}

static void take_headers(GMimeObject *message, struct buf *out)
{
    char *headers = message ? g_mime_object_get_headers(message, NULL) : NULL;

    if (headers)
        add_text(out, headers, strlen(headers));
    g_free(headers);
}

static bool is_blank(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if ((unsigned char)b->data[i] > ' ')
            return false;
    return true;
}

/* A text that hangs on another one is what came back, not what is said. */
static bool is_attached(const struct bounce_mail *m, GMimePart *part)
{
    const char *how = g_mime_object_get_disposition(GMIME_OBJECT(part));

    return how && strcasecmp(how, GMIME_DISPOSITION_ATTACHMENT) == 0 &&
           !is_blank(&m->human);
}

static void take_leaf(struct bounce_mail *m, GMimePart *part)
{
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    const char *main = g_mime_content_type_get_media_type(type);
    const char *sub = g_mime_content_type_get_media_subtype(type);

    main = main ? main : "text";
    sub = sub ? sub : "plain";
    if (strcasestr(sub, "disposition-notification"))
        m->receipt = true;
    else if (strcasestr(sub, "delivery-status"))
        take_part(part, &m->status);
    else if (strcasecmp(sub, "feedback-report") == 0)
        take_part(part, &m->feedback);
    else if (strcasestr(sub, "rfc822") || is_attached(m, part))
        take_part(part, &m->original);
    else if (strcasecmp(main, "text") == 0 && strcasecmp(sub, "html") == 0)
        take_html(part, m);
    else if (strcasecmp(main, "text") == 0 || strcasecmp(main, "message") == 0)
        take_part(part, &m->human);
}

/* A gateway that says nothing itself may have wrapped a whole report. */
static bool wraps_report(const struct bounce_mail *m, GMimeMessage *inner)
{
    GMimeObject *root = inner ? g_mime_message_get_mime_part(inner) : NULL;

    if (!root || m->status.len || m->feedback.len || !is_blank(&m->human))
        return false;
    const char *type =
        g_mime_object_get_content_type_parameter(root, "report-type");
    return type && strcasecmp(type, "delivery-status") == 0;
}

static void walk(struct bounce_mail *m, GMimeObject *object, int depth);

/* The message that came back is not entered: what it says was not said by
 * the server that returned it. */
static void take_message(struct bounce_mail *m, GMimeMessagePart *part,
                         int depth)
{
    GMimeMessage *inner = g_mime_message_part_get_message(part);
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    const char *sub = g_mime_content_type_get_media_subtype(type);
    bool status = sub && strcasestr(sub, "delivery-status");

    if (wraps_report(m, inner))
        walk(m, g_mime_message_get_mime_part(inner), depth + 1);
    else
        take_headers((GMimeObject *)inner, status ? &m->status : &m->original);
}

static void walk(struct bounce_mail *m, GMimeObject *object, int depth)
{
    if (!object || depth > BOUNCE_MAIL_NESTED_MAX ||
        ++m->parts > BOUNCE_MAIL_PARTS_MAX)
        return;
    if (GMIME_IS_MULTIPART(object)) {
        GMimeMultipart *multipart = GMIME_MULTIPART(object);
        int n = g_mime_multipart_get_count(multipart);
        for (int i = 0; i < n && m->parts < BOUNCE_MAIL_PARTS_MAX; i++)
            walk(m, g_mime_multipart_get_part(multipart, i), depth + 1);
    } else if (GMIME_IS_MESSAGE_PART(object)) {
        take_message(m, GMIME_MESSAGE_PART(object), depth);
    } else if (GMIME_IS_PART(object)) {
        take_leaf(m, GMIME_PART(object));
    }
}

static const char *keep(struct bounce_mail *m, const char *text)
{
    if (!text)
        return "";
    return arena_copy(&m->memory, text, strnlen(text, BOUNCE_MAIL_TEXT_MAX));
}

static void take_type(struct bounce_mail *m, GMimeObject *root)
{
    GMimeContentType *type = root ? g_mime_object_get_content_type(root) : NULL;
    if (!type)
        return;
    char *text = g_mime_content_type_get_mime_type(type);
    m->type = keep(m, text);
    g_free(text);
    m->report_type =
        keep(m, g_mime_content_type_get_parameter(type, "report-type"));
}

static void parse(struct bounce_mail *m)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start_gmime);
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(m->raw.s, bounded_by_parts(m->raw));
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_object_unref(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    if (!message)
        return;
    m->subject = keep(m, g_mime_message_get_subject(message));
    GMimeObject *root = g_mime_message_get_mime_part(message);
    take_type(m, root);
    walk(m, root, 0);
    g_object_unref(message);
}

/* Line ends as LF, and the mbox line before the header dropped. */
static struct span normalised(struct bounce_mail *m, const char *bytes,
                              size_t len)
{
    if (len > BOUNCE_MAIL_BYTES_MAX)
        len = BOUNCE_MAIL_BYTES_MAX;
    char *copy = arena_take(&m->memory, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\r') {
            copy[n++] = '\n';
            if (i + 1 < len && bytes[i + 1] == '\n')
                i++;
        } else {
            copy[n++] = bytes[i];
        }
    }
    copy[n] = '\0';
    struct span all = {copy, n}, line;
    while (all.len &&
           (all.s[0] == '\n' || scan_starts(all, "From ") ||
            scan_starts(all, ">From ")) &&
           scan_line(&all, &line))
        ;
    return all;
}

static struct span header_of(struct span raw)
{
    const char *end = memmem(raw.s, raw.len, "\n\n", 2);
    return (struct span){raw.s, end ? (size_t)(end - raw.s) + 1 : raw.len};
}

static const char *keep_header(struct bounce_mail *m, const char *name)
{
    struct span value = bounce_mail_header(m, name);
    return arena_copy(&m->memory, value.s, value.len);
}

/* Parts that declare what they are not, boundaries that never come: what is
 * left is the text as it stands. */
static void take_flat(struct bounce_mail *m)
{
    if (m->headers.len + 1 < m->raw.len)
        add_text(&m->human, m->raw.s + m->headers.len + 1,
                 m->raw.len - m->headers.len - 1);
}

void bounce_mail_open(struct bounce_mail *m, const char *bytes, size_t len)
{
    arena_reset(&m->memory);
    buf_reset(&m->human);
    buf_reset(&m->html);
    buf_reset(&m->status);
    buf_reset(&m->feedback);
    buf_reset(&m->original);
    m->parts = 0;
    m->receipt = false;
    m->subject = m->type = m->report_type = "";
    m->raw = normalised(m, bytes, len);
    m->headers = header_of(m->raw);
    m->from = keep_header(m, "From");
    m->to = keep_header(m, "To");
    if (!nests_too_deep(m->raw))
        parse(m);
    if (is_blank(&m->human) && !is_blank(&m->html)) {
        struct buf swap = m->human;
        m->human = m->html;
        m->html = swap;
    }
    if (is_blank(&m->human) && is_blank(&m->status) && is_blank(&m->feedback) &&
        !m->receipt)
        take_flat(m);
}

void bounce_mail_fini(struct bounce_mail *m)
{
    arena_fini(&m->memory);
    buf_fini(&m->human);
    buf_fini(&m->html);
    buf_fini(&m->status);
    buf_fini(&m->feedback);
    buf_fini(&m->original);
}

struct span bounce_mail_header(const struct bounce_mail *m, const char *name)
{
    struct span value = {"", 0};
    if (!scan_header(m->headers, name, &value))
        return (struct span){"", 0};
    return value;
}

struct span bounce_mail_original(const struct bounce_mail *m)
{
    if (!m->original.len)
        return (struct span){"", 0};
    return (struct span){m->original.data, m->original.len};
}
