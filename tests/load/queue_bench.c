/*
 * queue_bench DIR CAMPAIGN WARM MAILS - what the queue costs a worker, without
 * SMTP.
 *
 * Claims batches of a campaign, reads their mails and settles each as
 * delivered, by the engine's own queue/queue and settle/settle, until MAILS
 * are committed; and WARM before that, so that statements are prepared and
 * caches filled. Its journal is in DIR. The database is that of the settings,
 * as for presort-engine.
 *
 * Warm, it says "ready" and waits for a line; then it works, says "MAILS
 * WALL_US CPU_US" (its own CPU), and waits for a line again: so that whoever
 * started it can look at the server's processes before and after.
 */
#include "base/clock.h"
#include "base/log.h"
#include "queue/db.h"
#include "queue/queue.h"
#include "settle/settle.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCHES_AHEAD = 8,  /* held at once; asked for when half are gone */
    BATCH_MAILS = 1000, /* batch_mails_max */
    NAME_HEX_DIGITS = 32,
    TICK_MS = 50, /* as the engine's own */
};

struct bench {
    uv_loop_t loop;
    uv_prepare_t turn_end;
    uv_timer_t tick;
    struct config config;
    struct queue *queue;
    struct settle *settle;
    unsigned char campaign[UUID_BYTES];
    long warm, wanted; /* mails */
    long settled, settled_warm, until;
    int held;
    bool asked, started;
    int64_t wall_us, cpu_us;
};

static int64_t own_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void wait_line(void)
{
    char line[16];

    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        exit(1);
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "queue_bench: %s: %s\n", what, why);
    exit(1);
}

static void ask(struct bench *b)
{
    /* Batches in hand are taken for full ones; if they aren't, more is asked
     * for when they are settled. */
    long left =
        (b->until - b->settled + BATCH_MAILS - 1) / BATCH_MAILS - b->held;
    int room = BATCHES_AHEAD - b->held;

    if (b->asked || b->held > BATCHES_AHEAD / 2 || left <= 0)
        return;
    b->asked = true;
    struct queue_offer offer = {.class = BATCH_CAMPAIGN, .site = ""};

    memcpy(offer.campaign, b->campaign, UUID_BYTES);
    queue_claim(b->queue, &offer, left < room ? (int)left : room, b);
}

static void on_registered(void *owner, int worker, const unsigned char *secret)
{
    struct bench *b = owner;

    (void)secret;
    settle_replay(b->settle, worker);
}

static void on_replayed(void *owner)
{
    struct bench *b = owner;

    queue_start(b->queue);
    if (b->started)
        return;
    b->started = true;
    b->until = b->warm;
    ask(b);
}

static void settle_mail(struct bench *b, const struct batch *batch,
                        const struct mail *mail)
{
    struct settled outcome = {
        .mail = mail->id,
        .attempt = batch->tries + 1,
        .at_us = clock_wall_us(),
        .verdict = VERDICT_DELIVERED,
        .final = true,
        .code = 250,
        .claimed_ms = 1,
        .waited_ms = 2,
        .took_ms = 3,
        .site = batch->site,
        .enhanced = "2.0.0",
        .step = "final dot",
        .reply = "2.0.0 Ok: queued as 4XbT2N0Q1Yz3kQ",
        .mx = "127.0.0.1:2525",
        .source = "127.0.0.1",
    };
    memcpy(outcome.campaign, batch->campaign, UUID_BYTES);
    settle_add(b->settle, &outcome, 0, NULL);
}

static void on_claimed(void *owner, struct batch *batch)
{
    struct bench *b = owner;
    struct mail *mail;

    while ((mail = batch_next(batch))) {
        settle_mail(b, batch, mail);
        batch->n_out--;
    }
    settle_finish(b->settle, batch);
}

static void reached(struct bench *b)
{
    if (b->until > b->warm) {
        uv_stop(&b->loop);
        return;
    }
    puts("ready");
    wait_line();
    b->until = b->settled + b->wanted;
    b->settled_warm = b->settled;
    b->wall_us = clock_wall_us();
    b->cpu_us = own_cpu_us();
}

static void on_finished(void *owner, struct batch *batch)
{
    struct bench *b = owner;

    b->held--;
    b->settled += (long)batch->n_mails;
    batch_free(batch);
    if (b->settled >= b->until && b->held == 0)
        reached(b);
    ask(b);
}

static void on_answered(void *owner, void *asked, int n)
{
    struct bench *b = owner;

    (void)asked;
    b->asked = false;
    if (n > 0)
        b->held += n;
    if (n <= 0 && b->held == 0 && b->settled < b->until)
        die("claim",
            n < 0 ? "failed" : "fewer mails are queued than asked for");
    ask(b);
}

static void on_offers(void *owner, const struct queue_offer *offers, size_t n)
{
    (void)owner, (void)offers, (void)n;
}

static void on_woken(void *owner, bool campaigns, bool transactional)
{
    (void)owner, (void)campaigns, (void)transactional;
}

static void on_control(void *owner, const unsigned char *campaign)
{
    (void)owner, (void)campaign;
}

static void on_kept(void *owner, const int64_t *ids, size_t n, int64_t sent_ms)
{
    (void)owner, (void)ids, (void)n, (void)sent_ms;
}

static void on_tick(uv_timer_t *tick)
{
    (void)tick; /* the turn that it makes is all that is wanted */
}

static void on_turn_end(uv_prepare_t *prepare)
{
    struct bench *b = prepare->data;
    struct error err;

    if (settle_write(b->settle, &err) != STATUS_OK)
        die("journal", err.text);
    settle_flush(b->settle, false);
}

static void parse_campaign(const char *text, unsigned char *out)
{
    int n = 0;

    for (const char *at = text; *at && n < NAME_HEX_DIGITS; at++) {
        const char digit[2] = {*at, 0};
        char *end;
        unsigned long value = strtoul(digit, &end, 16);
        if (*at == '-')
            continue;
        if (*end)
            break;
        out[n / 2] = (unsigned char)(out[n / 2] << 4 | value);
        n++;
    }
    if (n != NAME_HEX_DIGITS)
        die("campaign", "not a UUID");
}

static void open_store(struct bench *b, const char *journal_dir)
{
    static const struct queue_events queue_events = {
        .registered = on_registered,
        .claimed = on_claimed,
        .answered = on_answered,
        .offers = on_offers,
        .woken = on_woken,
        .control = on_control,
        .kept = on_kept,
    };
    static const struct settle_events settle_events = {
        .replayed = on_replayed,
        .finished = on_finished,
    };
    struct error err;
    char *conninfo;

    if (config_load(&b->config, NULL, &err) != STATUS_OK ||
        db_conninfo(&b->config, "queue_bench", &conninfo, &err) != STATUS_OK)
        die("settings", err.text);
    if (settle_new(&b->loop, &b->config, conninfo, journal_dir, &settle_events,
                   b, &b->settle, &err) != STATUS_OK)
        die("journal", err.text);
    b->queue = queue_new(&b->loop, &b->config, conninfo, journal_dir,
                         &queue_events, b);
    free(conninfo);
}

int main(int argc, char **argv)
{
    static struct bench b;

    if (argc != 5)
        die("usage", "queue_bench DIR CAMPAIGN WARM MAILS");
    parse_campaign(argv[2], b.campaign);
    b.warm = strtol(argv[3], NULL, 10);
    b.wanted = strtol(argv[4], NULL, 10);
    log_open("queue_bench", LOG_WARN);
    uv_loop_init(&b.loop);
    uv_prepare_init(&b.loop, &b.turn_end);
    uv_timer_init(&b.loop, &b.tick);
    b.turn_end.data = &b;
    uv_prepare_start(&b.turn_end, on_turn_end);
    uv_timer_start(&b.tick, on_tick, TICK_MS, TICK_MS);
    open_store(&b, argv[1]);

    uv_run(&b.loop, UV_RUN_DEFAULT);
    printf("%ld %lld %lld\n", b.settled - b.settled_warm,
           (long long)(clock_wall_us() - b.wall_us),
           (long long)(own_cpu_us() - b.cpu_us));
    wait_line();
    return 0;
}
