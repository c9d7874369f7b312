#include "queue/db.h"
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* What libpq understands of the conninfo: keyword's value, "" if unset. */
static char *understood(const char *conninfo, const char *keyword)
{
    char *why = NULL, *value = NULL;
    PQconninfoOption *all = PQconninfoParse(conninfo, &why);

    if (!all)
        fail_msg("%s: %s", conninfo, why);
    for (const PQconninfoOption *o = all; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            value = text_copy(o->val ? o->val : "");
    PQconninfoFree(all);
    assert_non_null(value);
    return value;
}

static void check(const struct config *config, const char *keyword,
                  const char *wanted)
{
    struct error err;
    char *conninfo;

    assert_int_equal(db_conninfo(config, "a test", &conninfo, &err), STATUS_OK);
    char *value = understood(conninfo, keyword);
    assert_string_equal(value, wanted);
    free(value);
    free(conninfo);
}

static void the_private_one(void **state)
{
    struct config config = {.database_url = text_copy(""),
                            .state_dir = text_copy("/srv/it's a \\ dir")};

    (void)state;
    check(&config, "host", "/srv/it's a \\ dir/run");
    check(&config, "dbname", "presort");
    check(&config, "user", "presort");
    check(&config, "application_name", "a test");
    free(config.state_dir);
    config.state_dir = text_copy("here");
    char *dir = getcwd(NULL, 0);
    char *host = text_format("%s/here/run", dir);
    check(&config, "host", host);
    free(host);
    free(dir);
    free(config.state_dir);
    free(config.database_url);
}

static void a_url_keeps_what_it_says(void **state)
{
    struct config config = {
        .state_dir = text_copy("/srv"),
        .database_url = text_copy(
            "postgres://me:p%27w@db.example:6543/mail?sslmode=require&"
            "options=-c%20work_mem%3D1MB&application_name=x&"
            "client_encoding=LATIN1"),
    };

    (void)state;
    check(&config, "host", "db.example");
    check(&config, "port", "6543");
    check(&config, "password", "p'w");
    check(&config, "sslmode", "require");
    check(&config, "application_name", "a test");
    check(&config, "client_encoding", "UTF8");
    check(&config, "options",
          "-c work_mem=1MB -c timezone=UTC -c client_min_messages=warning");
    free(config.database_url);
    config.database_url = text_copy("host=/run/x dbname=mail");
    check(&config, "host", "/run/x");
    check(&config, "options", "-c timezone=UTC -c client_min_messages=warning");
    free(config.database_url);
    free(config.state_dir);
}

static void no_password_in_an_error(void **state)
{
    static const char *const urls[] = {
        "me:hunter2@db", "postgres://me:hunter2@db/x?hunter2",
        "host=db password='hunter2", "postgres://me:hunter2@[::1/x"};
    struct config config = {.state_dir = text_copy("/srv")};
    struct error err;
    char *conninfo;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        config.database_url = text_copy(urls[i]);
        assert_int_equal(db_conninfo(&config, "a test", &conninfo, &err),
                         STATUS_INVALID);
        assert_null(strstr(err.text, "hunter2"));
        assert_null(db_connect(&config, "a test", &err));
        assert_null(strstr(err.text, "hunter2"));
        free(config.database_url);
    }
    config.database_url =
        text_copy("postgres://me:hunter2@127.0.0.1:1/x?connect_timeout=2");
    assert_null(db_connect(&config, "a test", &err));
    assert_null(strstr(err.text, "hunter2"));
    assert_null(strchr(err.text, '\n'));
    assert_non_null(strstr(err.text, "127.0.0.1"));
    free(config.database_url);
    free(config.state_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_private_one),
        cmocka_unit_test(a_url_keeps_what_it_says),
        cmocka_unit_test(no_password_in_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
