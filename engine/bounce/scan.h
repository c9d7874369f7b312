/*
 * bounce/scan - lines, header fields and addresses in foreign text.
 *
 * Spans point into the text; nothing is copied or allocated. Generous: an
 * address is what other programs took for one, so a bare "user@host" and
 * local parts that RFC 5322 refuses ("a..b") are taken.
 */
#ifndef BOUNCE_SCAN_H
#define BOUNCE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *s;
    size_t len;
};

/* The next line of *rest, without its end, which *rest loses with it. False
 * where *rest is empty. */
bool scan_line(struct span *rest, struct span *line);

struct span scan_trim(struct span s);

/* ASCII case is ignored. */
bool scan_starts(struct span s, const char *prefix);
bool scan_is(struct span s, const char *text);

/* "Name: value" at the start of a line: the name and the value's start. */
bool scan_field(struct span line, struct span *name, struct span *value);

/* The first field of that name in a block of header lines, its folded lines
 * included (line ends are inside the value). */
bool scan_header(struct span block, const char *name, struct span *value);

/* The first address in text; what comes after it in *behind (may be NULL). */
bool scan_address(struct span text, struct span *address, struct span *behind);
#endif
