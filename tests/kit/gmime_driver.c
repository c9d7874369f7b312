/*
 * gmime_driver DIRECTORY N - for tests/path/test_mime_readback.py: what GMime
 * makes of 0.eml to N-1.eml: a line for each leaf of the tree: number, type,
 * MD5 of the decoded content, file name (in hex); and two like it for the
 * subject and the name of the sender.
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 4096 };

static void line(int number, const char *kind, const char *digest,
                 const char *text)
{
    printf("%d\t%s\t%s\t", number, kind, digest);
    for (; text && *text; text++)
        printf("%02x", (unsigned)(unsigned char)*text);
    putchar('\n');
}

static GByteArray *decoded(GMimePart *part)
{
    GMimeStream *out = g_mime_stream_mem_new();
    GByteArray *bytes = g_byte_array_new();

    g_mime_stream_mem_set_byte_array((GMimeStreamMem *)out, bytes);
    g_mime_stream_mem_set_owner((GMimeStreamMem *)out, FALSE);
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(part), out);
    g_object_unref(out);
    return bytes;
}

static void leaf(GMimeObject *parent, GMimeObject *object, gpointer number)
{
    (void)parent;
    if (!GMIME_IS_PART(object))
        return;
    GMimePart *part = (GMimePart *)object;
    GByteArray *bytes = decoded(part);
    char *type = g_mime_content_type_get_mime_type(
        g_mime_object_get_content_type(object));
    char *digest =
        g_compute_checksum_for_data(G_CHECKSUM_MD5, bytes->data, bytes->len);

    line(*(int *)number, type, digest, g_mime_part_get_filename(part));
    g_free(digest);
    g_free(type);
    g_byte_array_free(bytes, TRUE);
}

/* Dots that SMTP doubled. */
static char *undotted(const char *path, gsize *len)
{
    char *bytes = NULL, *to;

    if (!g_file_get_contents(path, &bytes, len, NULL))
        exit(2);
    to = bytes;
    for (gsize i = 0; i < *len; i++)
        if (bytes[i] != '.' || (i > 0 && bytes[i - 1] != '\n'))
            *to++ = bytes[i];
        else
            *to++ = bytes[++i];
    *len = (gsize)(to - bytes);
    return bytes;
}

static void read_mail(const char *dir, int number)
{
    char path[PATH_ROOM];
    gsize len;

    snprintf(path, sizeof path, "%s/%d.eml", dir, number);
    char *bytes = undotted(path, &len);
    GMimeStream *in = g_mime_stream_mem_new_with_buffer(bytes, len);
    GMimeParser *parser = g_mime_parser_new_with_stream(in);
    GMimeMessage *mail = g_mime_parser_construct_message(parser, NULL);
    InternetAddressList *from = g_mime_message_get_from(mail);

    line(number, "subject", "", g_mime_message_get_subject(mail));
    line(number, "from", "",
         internet_address_get_name(internet_address_list_get_address(from, 0)));
    g_mime_message_foreach(mail, leaf, &number);
    g_object_unref(mail);
    g_object_unref(parser);
    g_object_unref(in);
    g_free(bytes);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    g_mime_init();
    for (int i = 0; i < (int)strtol(argv[2], NULL, 10); i++)
        read_mail(argv[1], i);
    g_mime_shutdown();
    return 0;
}
