/*
 * The published address vectors that a checkout may have beside it. Each case
 * must end as its source says, or be in the table of those where this parser
 * knowingly decides otherwise, with the reason.
 */
#include "mail/address.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#define CORPUS "../shared/corpora/addresses/"

struct exception {
    const char *input, *reason;
};

static const struct exception exceptions[] = {
    {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghiklmn@iana"
     ".org",
     "RFC 5321 4.5.3.1: limits are to be avoided, and X.400 needs more"},
    {"bob@under_scope", "RFC 5321 4.1.2: no underscore in a domain"},
    {"Bill Gates <\"billy\"@retired.Micr!osoft99.com>",
     "RFC 5321 4.1.2: letters, digits and hyphens in a domain"},
    {"John (middle) Doe <jdoe@machine.example>",
     "comments are dropped from names"},
    {"group1: groupaddr1@example.com;", "groups are not mailboxes"},
    {"asjo@example.com (Adam\t=?utf-8?Q?Sj=C3=B8gren?=)",
     "a comment is no name"},
    {"<A@b@c@example.com>", "source lists it as invalid: two @"},
    {"<just\"not\"right@example.com>",
     "source lists it as invalid: a quotation mark in a dot-atom"},
    {"<this is\"not\\allowed@example.com>",
     "source lists it as invalid: a space in a dot-atom"},
    {"<john..doe@example.com>",
     "source lists it as invalid: empty part between dots"},
    {"<john.doe@example..com>",
     "source lists it as invalid: empty part between dots"},
    {"<john.doe.@example.com>",
     "source lists it as invalid: empty part between dots"},
    {"<john.doe.@.example.com>",
     "source lists it as invalid: empty part between dots"},
    {"<@example.com>", "source lists it as invalid: no local part"},
    {"< @example.com>", "source lists it as invalid: no local part"},
    {"<\"\"test\"\"blah\"\"@example.com>",
     "source lists it as invalid: text behind a quoted string"},
};

static bool excepted[sizeof exceptions / sizeof *exceptions];
static int disagreements;

static void judge(const char *input, const char *complaint)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(exceptions[i].input, input) == 0) {
            excepted[i] = true;
            return;
        }
    print_error("%s: %s\n", input, complaint);
    disagreements++;
}

static void judge_validity(const char *input, bool want, enum status st,
                           const struct error *err)
{
    if (want && st != STATUS_OK)
        judge(input, err->text);
    else if (!want && st == STATUS_OK)
        judge(input, "accepted");
}

static const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* "smtp_usable" is the question: may it go into RCPT TO? */
static void isemail(const json_t *c)
{
    const json_t *input = json_object_get(c, "input");
    struct address a;
    struct error err;
    enum status st = address_parse_spec(json_string_value(input),
                                        json_string_length(input), &a, &err);

    judge_validity(json_string_value(input),
                   json_is_true(json_object_get(c, "smtp_usable")), st, &err);
}

static void flanker(const json_t *c)
{
    const char *input = text_of(c, "input");
    bool local = strcmp(text_of(c, "kind"), "localpart") == 0;
    char text[4096];
    struct address a;
    struct error err;
    int n =
        snprintf(text, sizeof text, "%s%s", input, local ? "@example.com" : "");

    judge_validity(input, json_is_true(json_object_get(c, "valid")),
                   address_parse(text, (size_t)n, &a, &err), &err);
}

/* Lists of one are ours; none and several must be refused. */
static void go_netmail(const json_t *c)
{
    const char *input = text_of(c, "input");
    const json_t *list = json_object_get(c, "addresses");
    const json_t *one = json_array_get(list, 0);
    bool want = json_array_size(list) == 1;
    struct address a;
    struct error err;
    enum status st = address_parse(input, strlen(input), &a, &err);

    judge_validity(input, want, st, &err);
    if (want && st == STATUS_OK &&
        (strcmp(a.name, text_of(one, "name")) != 0 ||
         strcmp(a.spec, text_of(one, "address")) != 0))
        judge(input, "read otherwise");
}

/* The file does not tell its invalid forms from its valid ones: those that
 * are refused stand in the table. */
static void go_format(const json_t *c)
{
    const char *input = text_of(c, "input");
    struct address a;
    struct error err;

    if (input)
        judge_validity(input, true,
                       address_parse(input, strlen(input), &a, &err), &err);
}

static size_t run_file(const char *name, void (*run)(const json_t *))
{
    char path[256], *line = NULL;
    size_t room = 0, cases = 0;

    snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    while (getline(&line, &room, f) > 0) {
        json_t *c = json_loads(line, JSON_ALLOW_NUL, NULL);

        assert_non_null(c);
        run(c);
        json_decref(c);
        cases++;
    }
    free(line);
    fclose(f);
    return cases;
}

static void corpus(void **state)
{
    size_t cases = 0;

    (void)state;
    cases += run_file("isemail.jsonl", isemail);
    cases += run_file("flanker.jsonl", flanker);
    cases += run_file("go-netmail.jsonl", go_netmail);
    cases += run_file("go-netmail-format.jsonl", go_format);
    if (cases == 0) {
        print_message("no " CORPUS " here: skipped\n");
        skip();
    }
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (!excepted[i]) {
            print_error("%s: no exception any more\n", exceptions[i].input);
            disagreements++;
        }
    print_message("%zu cases\n", cases);
    assert_int_equal(disagreements, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(corpus)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
