#include "render/list.h"

enum { CAMPAIGN_SHOWN_BYTES = 8 };

/* Unlike the campaign's id in the API, which nobody else has to know. */
static void add_campaign(struct buf *out, const unsigned char *campaign)
{
    for (int i = 0; i < CAMPAIGN_SHOWN_BYTES; i++)
        buf_addf(out, "%02x", campaign[i]);
}

void list_fields(struct buf *out, const struct list_of *of)
{
    const struct message *m = of->message;

    if (of->unsubscribe_url[0] && !message_has_field(m, "List-Unsubscribe")) {
        buf_addf(out, "List-Unsubscribe: <%s>\r\n", of->unsubscribe_url);
        if (!message_has_field(m, "List-Unsubscribe-Post"))
            buf_add_text(
                out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    }
    if (!message_has_field(m, "List-Id"))
        buf_addf(out, "List-Id: <project-%lld.%s>\r\n", (long long)of->project,
                 of->sender_domain);
    if (!message_has_field(m, "Feedback-ID")) {
        buf_add_text(out, "Feedback-ID: ");
        add_campaign(out, of->campaign);
        buf_addf(out, ":%lld:campaign:presort\r\n", (long long)of->project);
    }
}
