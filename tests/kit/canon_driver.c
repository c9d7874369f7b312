/*
 * canon_driver - for tests/sign/test_vectors.py: relaxed canonical forms, by
 * sign/canon. Reads "h N" (a header field) or "b N" (a body), each a line with
 * N bytes behind it, again and again; answers "N" and N bytes to each.
 */
#include "base/memory.h"
#include "sign/canon.h"
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_MAX = 64 * 1024 * 1024 };

int main(void)
{
    char what;
    size_t n;

    while (scanf("%c %zu%*1[\n]", &what, &n) == 2) {
        char *bytes = n < BYTES_MAX ? memory_new(n + 1, 1) : NULL;
        struct buf out = {0};

        if (!bytes || fread(bytes, 1, n, stdin) != n)
            return 2;
        if (what == 'h')
            canon_header(bytes, n, &out);
        else
            canon_body(bytes, n, false, &out);
        printf("%zu\n", out.len);
        fwrite(out.data ? out.data : "", 1, out.len, stdout);
        fflush(stdout);
        buf_fini(&out);
        free(bytes);
    }
    return 0;
}
