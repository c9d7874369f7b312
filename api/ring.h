/*
 * api/ring - bytes on their way between the HTTP thread, which must not
 * wait, and a handler thread, which may: bounded, so that neither side can
 * outrun the other by more than RING_BYTES_MAX.
 *
 * One writer, one reader. The _try calls never block: one that can't go on
 * leaves a mark, and the other side's next call runs `wake` once (with the
 * ring locked: it may resume a connection, not call the ring).
 */
#ifndef API_RING_H
#define API_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { RING_BYTES_MAX = 1024 * 1024 };

struct ring;
typedef void ring_wake_fn(void *context);

/* `park` is run by a _try call that can't go on, `wake` later by the other
 * side, exactly once for each park. */
struct ring *ring_new(ring_wake_fn *park, ring_wake_fn *wake, void *context);
void ring_free(struct ring *r);

/* As many bytes as there is room for; 0: parked. Once broken, all bytes are
 * taken and forgotten. */
size_t ring_try_write(struct ring *r, const void *bytes, size_t n);
/* RING_PARKED, 0 at the orderly end, -1 if the writer broke off. */
enum { RING_PARKED = -2 };
ssize_t ring_try_read(struct ring *r, void *bytes, size_t n);

/* The blocking sides. Write: false once broken. Read: at least one byte, 0 at
 * the end, -1 once broken. */
bool ring_write(struct ring *r, const void *bytes, size_t n);
ssize_t ring_read(struct ring *r, void *bytes, size_t n);

/* No more bytes will be written. */
void ring_end(struct ring *r);
/* Either side gives up: the other side's calls fail from now on. */
void ring_break(struct ring *r);
#endif
