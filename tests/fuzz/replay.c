/* Runs each file named on the command line through a fuzz target once: the
 * seeds, and every finding that was mended, as a test without a fuzzer. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_BYTES_MAX = 4 * 1024 * 1024 };

static int replay(const char *path)
{
    static uint8_t seed[SEED_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t size = fread(seed, 1, sizeof seed, file);
    fclose(file);
    /* Named before it runs, so that a crash says whose it is. */
    fprintf(stderr, "%s: %zu bytes\n", path, size);
    /* A copy of its very size, so that ASan sees a read past the end. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        return 1;
    memcpy(exact, seed, size);
    int failed = LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return failed;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (replay(argv[i]) != 0)
            return 1;
    return 0;
}
