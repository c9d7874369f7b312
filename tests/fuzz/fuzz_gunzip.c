/* Any bytes as the body of an upload, gzip or not, within limits. */
#include "api/upload/upload.h"
#include "upload.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n);

enum { UNPACKED_MAX = 1024 * 1024 };

static void run(const char *bytes, size_t n, size_t piece, struct buf *said)
{
    struct upload_sink sink = {
        .take = fuzz_take, .reject = fuzz_reject, .context = said};
    struct upload *u = upload_new(
        (struct upload_form){UPLOAD_UNKNOWN, UPLOAD_ANY}, UNPACKED_MAX, &sink);
    enum status st = STATUS_OK;
    struct error err;

    for (size_t at = 0; at < n && st == STATUS_OK; at += piece)
        st = upload_feed(u, bytes + at, n - at < piece ? n - at : piece, &err);
    if (st == STATUS_OK)
        st = upload_end(u, &err);
    /* The taken lines before a damage depend on the pieces; its text may, too,
     * as zlib looks ahead. */
    if (st != STATUS_OK)
        buf_reset(said);
    upload_free(u);
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
