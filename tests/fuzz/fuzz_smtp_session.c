/* Any bytes as a server's side of a session. Bytes below 8 steer the driver
 * instead: a mail is given whenever it is taken, what is said is taken whole,
 * in part or not at all, the session is ended. Every mail must be settled
 * exactly once, none delivered before its dot or its chunk was said. A first
 * byte above 127 says whether STARTTLS and a login are wanted: then nothing of
 * a mail is said before they are had. */
#include "base/bug.h"
#include "smtp/session.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAILS_MAX = 1000, SESSION_STEERING = 8 };

struct fate {
    unsigned results;
};

struct drive {
    struct smtp_session s;
    struct fate fates[MAILS_MAX];
    size_t n_mails;
    unsigned dots;   /* lines of one dot that were taken */
    unsigned chunks; /* "LAST" CRLF */
    unsigned delivered;
    bool must, secured, login;
    char last[6]; /* bytes taken */
};

static void count_dot(struct drive *d, char c)
{
    memmove(d->last, d->last + 1, sizeof d->last - 1);
    d->last[sizeof d->last - 1] = c;
    d->dots += memcmp(d->last + 1, "\r\n.\r\n", sizeof d->last - 1) == 0;
    d->chunks += memcmp(d->last, "LAST\r\n", sizeof d->last) == 0;
    if (memcmp(d->last, "\nMAIL ", sizeof d->last) == 0 &&
        ((d->must && !d->secured) || (d->login && d->s.auth)))
        BUG("a mail before TLS or login");
}

static void take(struct drive *d, size_t n)
{
    struct iovec iov[SMTP_IOV_MAX];

    for (; n > 0 && smtp_said_pending(&d->s.said, iov) > 0; n--) {
        count_dot(d, *(const char *)iov[0].iov_base);
        smtp_said_taken(&d->s.said, 1);
    }
}

static void collect(struct drive *d)
{
    struct smtp_result r;

    while (smtp_session_result(&d->s, &r)) {
        struct fate *fate = r.tag;

        if (++fate->results != 1)
            BUG("a mail settled twice");
        if (!r.text || !r.enhanced || strlen(r.text) >= SMTP_REPLY_TEXT_MAX)
            BUG("a result without texts");
        d->delivered += r.verdict == VERDICT_DELIVERED;
        if (d->delivered > d->dots + d->chunks)
            BUG("delivered before it was said");
        if (r.untried && r.verdict != VERDICT_DEFERRED)
            BUG("untried and yet something");
    }
}

static void give(struct drive *d)
{
    static const char *const to[] = {"b@y", "j\xc3\xb6@y", "b\r\n@y", "c@y"};
    static const char *const data[] = {"Hi\r\n", "", "\xc3\xa4\r\n"};

    while (smtp_session_takes(&d->s) && d->n_mails < MAILS_MAX) {
        size_t i = d->n_mails++;
        struct smtp_message m = {.from = i % 5 ? "a@x" : "",
                                 .to = to[i % 4],
                                 .data = data[i % 3],
                                 .data_len = strlen(data[i % 3]),
                                 .tag = &d->fates[i]};

        smtp_session_send(&d->s, &m);
        collect(d);
    }
}

static void steer(struct drive *d, unsigned how)
{
    switch (how) {
    case 0: take(d, SIZE_MAX); break;
    case 1: take(d, 1); break;
    case 2: take(d, 5); break;
    case 3: give(d); break;
    case 4: smtp_session_quit(&d->s); break;
    case 5: smtp_session_lost(&d->s, SMTP_LOSS_TIMEOUT, "timeout"); break;
    case 6: smtp_session_lost(&d->s, SMTP_LOSS_OWNER, "ended"); break;
    default:
        take(d, SIZE_MAX);
        give(d);
        take(d, SIZE_MAX);
        if (smtp_session_waits(&d->s) == STEP_HANDSHAKE) {
            smtp_session_secured(&d->s);
            d->secured = true;
        }
    }
    collect(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct smtp_login login = {.mechs = SMTP_MECH_PLAIN |
                                                     SMTP_MECH_LOGIN,
                                            .user = "user",
                                            .secret = "pencil",
                                            .in_clear = true};
    static struct drive d;
    struct smtp_auth *auth = NULL;
    size_t run;

    memset(&d, 0, sizeof d);
    smtp_session_init(&d.s, "me.example");
    if (size > 0 && data[0] > 127) {
        d.must = data[0] & 1;
        d.login = data[0] & 2;
        auth = smtp_auth_new(&login);
        smtp_session_want(&d.s, d.must ? SMTP_STARTTLS_MUST : SMTP_STARTTLS_MAY,
                          false, d.login ? auth : NULL);
        data++;
        size--;
    }
    for (size_t at = 0; at < size; at += run) {
        run = 1;
        if (data[at] < SESSION_STEERING) {
            steer(&d, data[at]);
            continue;
        }
        while (at + run < size && data[at + run] >= SESSION_STEERING)
            run++;
        run = smtp_session_receive(&d.s, (const char *)data + at, run);
        collect(&d);
    }
    smtp_session_lost(&d.s, SMTP_LOSS_SERVER, "closed");
    collect(&d);
    if (smtp_session_waits(&d.s) != STEP_OVER || smtp_session_takes(&d.s))
        BUG("over, and yet not");
    for (size_t i = 0; i < d.n_mails; i++)
        if (d.fates[i].results != 1)
            BUG("a mail forgotten");
    smtp_auth_free(auth);
    return 0;
}
