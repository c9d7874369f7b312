#include "templates/date.h"
#include "templates/liquid.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* Two hours east from 2024-03-31T01:00:00Z on, one before. */
static int32_t berlin(void *context, int64_t seconds, const char **name)
{
    bool summer = seconds >= 1711846800;

    (void)context;
    *name = summer ? "CEST" : "CET";
    return summer ? 7200 : 3600;
}

static void check(const char *text, const char *format, const char *want,
                  template_zone_function *zone)
{
    struct template_values values = {.zone = zone, .now_us = LIQUID_NOW_US};
    struct buf out = {0};
    struct date d;

    buf_add(&out, "", 0);
    if (!date_parse(&d, text, strlen(text), &values))
        buf_add_text(&out, "no date");
    else if (!date_format(&d, format, strlen(format), &out))
        buf_add_text(&out, "no format");
    if (strcmp(out.data, want) != 0)
        fail_msg("%s, %s: %s, not %s", text, format, out.data, want);
    buf_fini(&out);
}

static void reading(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"2026-11-23", "2026-11-23 00:00:00 +0000"},
        {"2026-11-23 05:41", "2026-11-23 05:41:00 +0000"},
        {"2026-11-23T05:41:09Z", "2026-11-23 05:41:09 +0000"},
        {"2026-11-23T05:41:09.250+02:00", "2026-11-23 05:41:09 +0200"},
        {"2026-11-23 05:41:09 -0530", "2026-11-23 05:41:09 -0530"},
        {"20261123T054109", "2026-11-23 05:41:09 +0000"},
        {"March 14, 2016", "2016-03-14 00:00:00 +0000"},
        {"14 Mar 2016 5pm", "2016-03-14 17:00:00 +0000"},
        {"14-Mar-2016 12:05 AM", "2016-03-14 00:05:00 +0000"},
        {"Fri Jul 16 01:00:00 2004", "2004-07-16 01:00:00 +0000"},
        {"Mon, 23 Nov 2026 05:41:00 GMT", "2026-11-23 05:41:00 +0000"},
        {"Mon, 23 Nov 2026 05:41:00 EST", "2026-11-23 05:41:00 -0500"},
        {"2016/3/14", "2016-03-14 00:00:00 +0000"},
        {"10:30", "2024-01-01 10:30:00 +0000"},
        {"March 2016", "2016-03-01 00:00:00 +0000"},
        {"2026-02-29", "2026-03-01 00:00:00 +0000"}, /* as Ruby */
        {"2026-02-32", "no date"},
        {"05/03/2024", "2024-03-05 00:00:00 +0000"},
        {"1.5.2024", "2024-05-01 00:00:00 +0000"},
        {"5.3.24", "2005-03-24 00:00:00 +0000"},
        {"99-03-05", "1999-03-05 00:00:00 +0000"},
        {"12/25/2024", "no date"},
        {"2024-065", "2024-03-05 00:00:00 +0000"},
        {"2024-367", "no date"},
        {"2024-03", "no date"},
        {"-5", "no date"},
        {"2026-13-01", "no date"},
        {"2026-11-23 25:00", "no date"},
        {"999999999999999999 amber 10", "no date"},
        {"hello", "no date"},
        {"", "no date"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].text, "%Y-%m-%d %H:%M:%S %z", cases[i].want, NULL);
}

static void formats(void **state)
{
    static const char TEXT[] = "2026-01-03 09:05:07.25";
    static const struct {
        const char *format, *want;
    } cases[] = {
        {"%y %C %b %h %B %^b %#B", "26 20 Jan Jan January JAN JANUARY"},
        {"%e|%-d|%_m|%03d|%j", " 3|3| 1|003|003"},
        {"%H %k %I %l %p %P %#p", "09  9 09  9 AM am am"},
        {"%L %N %3N %6N", "250 250000000 250 250000"},
        {"%a %A %u %w", "Sat Saturday 6 6"},
        {"%G-W%V %U %W %g", "2026-W01 00 00 26"},
        {"%s %z %:z %::z %Z", "1767431107 +0000 +00:00 +00:00:00 UTC"},
        {"%D %x %F %T %X %R",
         "01/03/26 01/03/26 2026-01-03 09:05:07 09:05:07 09:05"},
        {"%r|%c|%v", "09:05:07 AM|Sat Jan  3 09:05:07 2026| 3-JAN-2026"},
        {"%10Y|%-5H|%^10a|%_10z", "0000002026|9|       SAT|      +000"},
        {"%%%n%t%Q", "%\n\t%Q"},
        {"%_z|%:::z|%::::z|%Ey|%Od|%+|%#c",
         " +000|+00|%::::z|26|03|%+|Sat Jan  3 09:05:07 2026"},
        {"%5", "no format"},
        {"a%", "no format"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(TEXT, cases[i].format, cases[i].want, NULL);
    check("2024-12-30", "%G-W%V-%u", "2025-W01-1", NULL);
    check("2021-01-03", "%G-W%V-%u", "2020-W53-7", NULL);
    check("1900-01-01", "%s %A", "-2208988800 Monday", NULL);
}

static void zones(void **state)
{
    static const struct liquid_case now = {
        "{{ 'now' | date: '%F %T %Z' }} {{ 1711846800 | date: '%H %Z' }}"
        " {{ 'x' | date: '%Y' }} {{ nope | date: '%Y' }}",
        NULL, "2024-01-01 01:01:58 CET 03 CEST x "};
    struct buf out = {0};

    (void)state;
    check("2024-03-31 01:30", "%s %z %Z", "1711845000 +0100 CET", berlin);
    check("2024-03-31 03:30", "%s %z %Z", "1711848600 +0200 CEST", berlin);
    check("2024-03-31 03:30 UTC", "%s %z %Z", "1711855800 +0000 UTC", berlin);
    assert_int_equal(liquid_render(&now, (struct template_options){0},
                                   (struct template_values){.zone = berlin},
                                   &out),
                     STATUS_OK);
    assert_string_equal(out.data, now.want);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(formats),
        cmocka_unit_test(zones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
