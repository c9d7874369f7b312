/*
 * render/links - the links of an HTML part, rewritten for click tracking, and
 * the pixel that tells that a mail was opened.
 *
 * Found once, when the content is compiled: the href of a and area elements
 * that is an http(s) URL, or may become one because a template writes it.
 * data-track="off" leaves one alone. The author's bytes stay as they are but
 * for these values: in the source marks stand for them (control characters
 * that no HTML has), which links_fill replaces in what was rendered for a
 * recipient.
 *
 * A link that is the same for all becomes PUBLIC/c/TOKEN; where it leads is
 * known from the content and its number. One that a template writes becomes
 * PUBLIC/c/TOKEN?u=TARGET: its target travels along, and the token signs it.
 * Hostile HTML costs bounded time and memory (render/html_tree).
 */
#ifndef RENDER_LINKS_H
#define RENDER_LINKS_H

#include "base/buf.h"
#include "base/mailid.h"
#include <stdbool.h>
#include <stddef.h>

enum {
    LINKS_MAX = 2000,        /* further ones stay as they are */
    LINKS_TARGET_MAX = 2000, /* a longer URL stays as it is */
    LINKS_NONCE_LEN = 8,
};

struct link {
    size_t start, end; /* its value in the source, without quotes */
    char *url;         /* as a browser reads it; NULL: a template writes it */
    char *raw;         /* as the author wrote it: end - start bytes */
};

struct links {
    struct link *all; /* in the order of the source; {0} has none */
    size_t n;
    size_t pixel_at; /* in the source: before </body>, or its end */
    char nonce[LINKS_NONCE_LEN + 1]; /* in each mark: what a recipient brings
                                        along in a variable makes none */
};

/* False: beyond a limit, or with characters that marks are made of; then there
 * are none. templates: source is one. */
bool links_find(struct links *l, const char *source, size_t len,
                bool templates);
void links_fini(struct links *l);

/* Appends the source with marks in it. */
void links_mark(const struct links *l, const char *source, size_t len,
                struct buf *out);

/* Whose mail, and what of it is to be tracked. */
struct links_track {
    const unsigned char *secret; /* the installation's */
    const char *public_url;      /* "https://t.example.com"; no slash at its
                                    end; "": nothing is tracked */
    struct mailid mail;
    bool clicks, opens;
};

/* Appends what was rendered from the marked source, with its marks replaced;
 * without tracking they become what the author wrote. */
void links_fill(const struct links *l, const struct links_track *track,
                const char *rendered, size_t len, struct buf *out);
#endif
