/* Any bytes as a CSV file: what is taken is an address and JSON, and how the
 * bytes are cut into pieces (by the first one of them) changes nothing. */
#include "api/upload/csv.h"
#include "upload.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

static void run(const char *bytes, size_t n, size_t piece, struct buf *said)
{
    struct upload_sink sink = {
        .take = fuzz_take, .reject = fuzz_reject, .context = said};
    struct csv *parser = csv_new(&sink);
    enum status st = STATUS_OK;
    struct error err;

    for (size_t at = 0; at < n && st == STATUS_OK; at += piece)
        st =
            csv_feed(parser, bytes + at, n - at < piece ? n - at : piece, &err);
    if (st == STATUS_OK)
        st = csv_end(parser, &err);
    if (st != STATUS_OK)
        buf_add_text(said, err.text);
    csv_free(parser);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    struct buf whole = {0}, pieces = {0};

    if (n == 0)
        return 0;
    run((const char *)bytes + 1, n - 1, SIZE_MAX / 2, &whole);
    run((const char *)bytes + 1, n - 1, bytes[0] ? bytes[0] : 1, &pieces);
    fuzz_same(&whole, &pieces);
    return 0;
}
