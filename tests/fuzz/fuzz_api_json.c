/* Any bytes as the body of POST /emails: an email, or an error with a text.
 * What is accepted is JSON again, and its recipients are addresses. */
#include "api/email.h"
#include "api/json.h"
#include "base/bug.h"
#include "mail/address.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void check(const struct accept_email *email)
{
    JSON_DECREF json_t *content = NULL;
    struct address address;
    struct error err;

    if (json_parse(email->content, email->content_len, &content, &err) !=
        STATUS_OK)
        BUG("the content is no JSON");
    if (email->n_recipients < 1 || email->n_recipients > ACCEPT_RECIPIENTS_MAX)
        BUG("too few or too many recipients");
    for (size_t i = 0; i < email->n_recipients; i++)
        if (address_parse_spec(email->recipients[i],
                               strlen(email->recipients[i]), &address,
                               &err) != STATUS_OK)
            BUG("a recipient is no address");
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    JSON_DECREF json_t *item = NULL;
    struct arena arena = {0};
    struct buf scratch = {0};
    struct accept_email email = {0};
    struct email_error why;
    struct error err;

    if (json_parse((const char *)bytes, n, &item, &err) != STATUS_OK)
        return 0;
    if (email_read(item, &arena, &scratch, 1795412460000000, &email, &why))
        check(&email);
    else if (why.error.text[0] == 0)
        BUG("an error without a text");
    buf_fini(&scratch);
    arena_fini(&arena);
    return 0;
}
