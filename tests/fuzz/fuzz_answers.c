/* Any bytes as what a mailbox server answers: what is taken from it are numbers
 * and printable ids, no more than asked for. */
#include "base/bug.h"
#include "inbound/answers.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void check_number(const char *text)
{
    size_t len = strspn(text, "0123456789");

    if (!len || len > 10 || text[len] || text[0] == '0')
        BUG("no number");
}

static bool no_skip(const void *arg, const char *id)
{
    (void)arg;
    return id[0] == 'x';
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    static struct mailbox_id ids[MAILBOX_ROUND_MAX];
    const char *text = (const char *)bytes;
    char validity[24];
    size_t found = answers_search(text, n, ids, MAILBOX_ROUND_MAX);

    if (found > MAILBOX_ROUND_MAX)
        BUG("too many");
    for (size_t i = 0; i < found; i++)
        check_number(ids[i].id);
    if (answers_validity(text, n, validity, sizeof validity))
        check_number(validity);
    found = answers_uidl(text, n, ids, MAILBOX_ROUND_MAX, no_skip, NULL);
    if (found > MAILBOX_ROUND_MAX)
        BUG("too many");
    for (size_t i = 0; i < found; i++)
        for (const char *c = ids[i].id; *c; c++)
            if (*c < '!' || *c > '~')
                BUG("an id that is none");
    return 0;
}
