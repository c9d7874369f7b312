#include "api/upload/upload.h"
#include "transcript.h"

static void form_of_headers(void **state)
{
    static const struct {
        const char *type, *coding;
        struct upload_form form;
    } cases[] = {
        {NULL, NULL, {UPLOAD_UNKNOWN, UPLOAD_ANY}},
        {"text/csv; charset=utf-8", "", {UPLOAD_CSV, UPLOAD_ANY}},
        {"Text/CSV", "identity", {UPLOAD_CSV, UPLOAD_ANY}},
        {"application/x-ndjson", "GZIP", {UPLOAD_NDJSON, UPLOAD_GZIP}},
        {"application/gzip", NULL, {UPLOAD_UNKNOWN, UPLOAD_GZIP}},
        {"application/octet-stream", NULL, {UPLOAD_UNKNOWN, UPLOAD_ANY}},
    };
    struct upload_form form;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            upload_form_of(cases[i].type, cases[i].coding, &form, &err),
            STATUS_OK);
        assert_int_equal(form.format, cases[i].form.format);
        assert_int_equal(form.packing, cases[i].form.packing);
    }
    assert_int_equal(upload_form_of("image/png", NULL, &form, &err),
                     STATUS_INVALID);
    assert_int_equal(upload_form_of("text/cs", NULL, &form, &err),
                     STATUS_INVALID);
    assert_int_equal(upload_form_of("text/csv", "br", &form, &err),
                     STATUS_INVALID);
}

/* gzip -n of "email\na@b.example\n" */
static const char packed[] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xcd\x4d\xcc\xcc\xe1\x4a\x74"
    "\x48\xd2\x4b\xad\x48\xcc\x2d\xc8\x49\xe5\x02\x00\x1e\xab\xd6\xf7\x12\x00"
    "\x00\x00";

#define BYTES(text) text, sizeof(text) - 1

static void tells_by_the_first_bytes(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *bytes;
        size_t n;
        struct upload_form form;
        const char *says;
    } cases[] = {
        {"csv", BYTES("email\na@b.example\n"), {0}, "a@b.example -\n"},
        {"ndjson", BYTES("{\"email\":\"a@b.example\"}"), {0},
         "a@b.example -\n"},
        {"marked", BYTES("\xef\xbb\xbf{\"email\":\"a@b.example\"}"), {0},
         "a@b.example -\n"},
        {"gzip", BYTES(packed), {0}, "a@b.example -\n"},
        {"gzip, said", BYTES(packed), {UPLOAD_CSV, UPLOAD_GZIP},
         "a@b.example -\n"},
        {"half", packed, 20, {0},
         "error: the gzip stream ends in the middle, after 20 bytes\n"},
        {"no gzip", BYTES("email\n"), {0, UPLOAD_GZIP},
         "error: the gzip stream is damaged near byte 2: incorrect header "
         "check\n"},
        {"list", BYTES("[{\"email\":\"a@b.example\"}]"), {0},
         "error: the upload is a JSON array: send one object a line\n"},
        {"UTF-16", BYTES("\xff\xfe" "e\0m\0a\0i\0l\0"), {0},
         "error: the upload is UTF-16: save it as UTF-8\n"},
        {"empty", "", 0, {0}, "error: the upload is empty: its first line must "
         "name the columns, one of them email\n"},
        {"short", BYTES("{}"), {0}, "!1 email is missing [{}]\n"},
        {"too big", BYTES("email\na@b.example\nb@b.example\nc@b.example\n"),
         {0}, "error: the upload has more than 40 bytes\n"},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t cut = 0; cut <= cases[i].n; cut++) {
            struct buf said = {0};
            struct upload_sink sink = transcript_sink(&said);
            struct upload *u = upload_new(cases[i].form, 40, &sink);
            struct error err;
            enum status st = upload_feed(u, cases[i].bytes, cut, &err);

            if (st == STATUS_OK)
                st = upload_feed(u, cases[i].bytes + cut, cases[i].n - cut,
                                 &err);
            if (st == STATUS_OK)
                st = upload_end(u, &err);
            /* What came before the limit is not what is tested. */
            if (strcmp(cases[i].name, "too big") == 0)
                buf_reset(&said);
            transcript_is(&said, st, &err, cases[i].name, cut, cases[i].says);
            upload_free(u);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_of_headers),
        cmocka_unit_test(tells_by_the_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
