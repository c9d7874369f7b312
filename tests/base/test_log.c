#include "base/log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { SAID_MAX = 8192 };

/* What one event writes to stderr. */
static const char *said(enum log_level level, const char *text)
{
    static char out[SAID_MAX];
    int fds[2], kept = dup(STDERR_FILENO);

    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    log_event(level, "happened", "text=%s", text);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(fds[1]);
    close(kept);
    ssize_t n = read(fds[0], out, sizeof out - 1);

    close(fds[0]);
    out[n > 0 ? n : 0] = 0;
    return out;
}

static void writes_a_line(void **state)
{
    (void)state;
    log_open("tester", LOG_INFO);
    const char *line = said(LOG_WARN, "x");

    /* 2026-11-23T05:41:00.123Z warn tester happened text=x */
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[23], 'Z');
    assert_string_equal(line + 24, " warn tester happened text=x\n");
    assert_string_equal(said(LOG_DEBUG, "x"), "");
    log_open("tester", LOG_ERROR);
    assert_string_equal(said(LOG_WARN, "x"), "");
}

static void cuts_what_is_too_long(void **state)
{
    char longer[SAID_MAX];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    log_open("tester", LOG_INFO);
    const char *line = said(LOG_INFO, longer);
    size_t len = strlen(line);

    assert_true(len > 2000 && len <= 2048);
    assert_int_equal(line[len - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + len - 1);
}

static void quotes(void **state)
{
    char out[LOG_QUOTE_MAX], longer[2 * LOG_QUOTE_MAX];

    (void)state;
    assert_string_equal(log_quote("", out), "\"\"");
    assert_string_equal(log_quote("a \"b\" \\", out), "\"a \\\"b\\\" \\\\\"");
    assert_string_equal(log_quote("one\nlevel=error\r\x7f", out),
                        "\"one?level=error??\"");
    for (size_t len = LOG_QUOTE_MAX - 8; len < sizeof longer; len++) {
        memset(longer, '"', len);
        longer[len] = 0;
        assert_true(strlen(log_quote(longer, out)) < LOG_QUOTE_MAX);
        assert_int_equal(out[strlen(out) - 1], '"');
        /* The closing quote is not an escaped one. */
        assert_int_equal(strlen(out) % 2, 0);
    }
}

static void knows_its_levels(void **state)
{
    enum log_level level = LOG_ERROR;

    (void)state;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_parse("ERROR", &level));
    assert_false(log_level_parse("", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_line),
        cmocka_unit_test(cuts_what_is_too_long),
        cmocka_unit_test(quotes),
        cmocka_unit_test(knows_its_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
