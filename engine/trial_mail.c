#include "trial_mail.h"
#include "base/clock.h"
#include "base/memory.h"
#include "mail/domain.h"
#include "render/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 37, US = 1000000 };

/* A random UUID (RFC 9562, 5.4): no batch has it. */
static void make_id(char out[ID_MAX])
{
    unsigned char b[16];

    arc4random_buf(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    for (size_t i = 0, at = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        at += (size_t)snprintf(out + at, ID_MAX - at, "%02x", (unsigned)b[i]);
    }
}

static enum status render(const struct trial_mail *mail, const char *text,
                          const char *id_domain, int64_t now_us,
                          struct buf *out, struct error *err)
{
    const struct message_source source = {
        .from = mail->from, .subject = "A test of Presort", .text = text};
    struct arena scratch = {0};
    struct message *message = NULL;
    char id[ID_MAX];
    enum status status = message_compile(&source, &message, err);

    make_id(id);
    if (status == STATUS_OK) {
        const struct message_recipient to = {
            .address = mail->to,
            .id = id,
            .id_domain = id_domain,
            .date_us = now_us,
            .headers = "Auto-Submitted: auto-generated\r\n"};

        status = message_render(message, &to, &scratch, out, err);
    }
    message_free(message);
    arena_fini(&scratch);
    return status;
}

enum status trial_mail_write(const struct trial_mail *mail, struct keys *keys,
                             struct buf *out, struct error *err)
{
    const int64_t now_us = clock_wall_us();
    char domain[DOMAIN_MAX], now[CLOCK_RFC3339_MAX];
    enum status status =
        domain_ascii(strrchr(mail->from, '@') + 1, domain, err);
    char *text;

    if (status != STATUS_OK)
        return status;
    clock_rfc3339(now_us, now);
    text = text_format("This is a test, asked for by whoever runs Presort on "
                       "%s:\nit came from %s to %s, sent at %s.\n\nNothing is "
                       "to be done about it.\n",
                       mail->hostname, mail->from, mail->to, now);
    status = render(mail, text, domain, now_us, out, err);
    free(text);
    if (status != STATUS_OK)
        return status;
    const struct keys_mail of = {mail->project, domain, now_us / US,
                                 mail->direct};

    return keys_sign(keys, &of, out, err);
}

size_t trial_mail_signatures(const struct buf *mail)
{
    static const char field[] = "DKIM-Signature:";
    const char *at = mail->data;
    size_t n = 0;

    while (at && strncmp(at, field, sizeof field - 1) == 0) {
        n++;
        do /* its folded lines */
            at = strchr(at, '\n'), at = at ? at + 1 : NULL;
        while (at && (*at == ' ' || *at == '\t'));
    }
    return n;
}
