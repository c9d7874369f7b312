/*
 * liquid_bench TEMPLATE DATA.json [RENDERS] - what one render of a compiled
 * template costs, warm. Prints "name value" lines; the heap is watched after
 * the first render: rendering takes nothing from it.
 */
#include "base/clock.h"
#include "templates/template.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");

    if (!f) {
        perror(path);
        exit(1);
    }
    while (!feof(f) && !ferror(f)) {
        char *to = buf_reserve(out, 65536);

        out->len += fread(to, 1, 65536, f);
    }
    fclose(f);
}

static void check(enum status st, const struct error *err)
{
    if (st == STATUS_OK)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    long renders = argc > 3 ? strtol(argv[3], NULL, 10) : 200000;
    struct buf source = {0}, out = {0};
    struct arena scratch = {0};
    struct template *t;
    struct error err;

    if (argc < 3) {
        fprintf(stderr, "usage: liquid_bench TEMPLATE DATA.json [RENDERS]\n");
        return 2;
    }
    read_file(argv[1], &source);
    json_t *data = json_load_file(argv[2], 0, NULL);
    struct template_values values = {.object = data, .now_us = clock_wall_us()};
    check(template_compile(source.data, source.len, TEMPLATE_HTML, &t, &err),
          &err);
    int64_t start = 0;
    size_t heap = 0;
    for (long i = -1000; i < renders; i++) {
        if (i == 0) {
            start = cpu_ns();
            heap = mallinfo2().uordblks;
        }
        buf_reset(&out);
        arena_reset(&scratch);
        check(template_render(t, &values, &scratch, &out, &err), &err);
    }
    int64_t spent = cpu_ns() - start;

    heap = mallinfo2().uordblks - heap; /* before printf takes its buffer */
    printf("render_us %.3f\n", (double)spent / 1000 / (double)renders);
    printf("render_bytes %zu\n", out.len);
    printf("render_heap_bytes %zu\n", heap);
    json_decref(data);
    template_free(t);
    arena_fini(&scratch);
    buf_fini(&source);
    buf_fini(&out);
    return 0;
}
