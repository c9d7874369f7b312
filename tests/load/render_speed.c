/*
 * render_speed [MAILS] - what one message_render costs, warm: 4 KB of
 * personalised HTML and a short text. Prints "name value unit" lines.
 */
#include "base/clock.h"
#include "render/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char PARAGRAPH[] =
    "<tr><td style=\"padding: 12px 24px; font-family: Arial, sans-serif\">\n"
    "<p>Dear {{ name }}, your order {{ order.number }} of 23 November left "
    "our warehouse today and should reach {{ city }} within two days.</p>\n"
    "<a href=\"https://shop.example/orders/{{ order.number }}?c=mail\">"
    "Follow your parcel</a></td></tr>\n";

static const char TEXT[] =
    "Dear {{ name }},\n\nyour order {{ order.number }} left our warehouse.\n"
    "It should reach {{ city }} within two days.\n\n-- \nThe shop\n";

enum { HTML_BYTES = 4096, DISTINCT = 64 };

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int main(int argc, char **argv)
{
    long mails = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
    struct buf html = {0}, out = {0};
    struct arena scratch = {0};
    json_t *people[DISTINCT];
    struct message *m;
    struct error err;
    size_t bytes = 0;

    while (html.len < HTML_BYTES)
        buf_add_text(&html, PARAGRAPH);
    struct message_source source = {
        .from = "The Shop <shop@example.com>",
        .subject = "{{ name }}, your order is on its way",
        .html = html.data,
        .text = TEXT,
        .templates = true,
    };
    if (message_compile(&source, &m, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 0; i < DISTINCT; i++)
        people[i] =
            json_pack("{s:s, s:s, s:{s:i}}", "name", "Mary O'Neil", "city",
                      "Springfield", "order", "number", 100000 + i);
    struct message_recipient to = {
        .address = "mary.oneil@example.net",
        .id = "01234567-0123-8123-8123-0123456789ab",
        .id_domain = "mail.example.com",
        .date_us = clock_wall_us(),
    };
    int64_t start = 0;
    for (long i = -1000; i < mails; i++) {
        if (i == 0) { /* warm from here on */
            start = cpu_ns();
            bytes = 0;
        }
        to.variables = people[(i + 1000) % DISTINCT];
        buf_reset(&out);
        arena_reset(&scratch);
        if (message_render(m, &to, &scratch, &out, &err) != STATUS_OK)
            return 1;
        bytes += out.len;
    }
    int64_t spent = cpu_ns() - start;

    printf("render_us_per_mail %.2f us\n",
           (double)spent / 1000 / (double)mails);
    printf("render_bytes_per_mail %zu bytes\n", bytes / (size_t)mails);
    for (int i = 0; i < DISTINCT; i++)
        json_decref(people[i]);
    message_free(m);
    arena_fini(&scratch);
    buf_fini(&html);
    buf_fini(&out);
    return 0;
}
