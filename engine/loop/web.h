/*
 * loop/web - libcurl's transfers on the loop, without blocking it.
 *
 * The caller makes the easy handle, with its own limits of time and size, and
 * cleans it up. A name that libcurl would have to look up may block the loop
 * where the transfer is given up: addresses are better given with
 * CURLOPT_RESOLVE.
 */
#ifndef LOOP_WEB_H
#define LOOP_WEB_H

#include <curl/curl.h>
#include <uv.h>

struct web;

/* The caller's memory; it must stay until done is called or it is stopped. */
struct web_transfer {
    CURL *curl; /* CURLOPT_PRIVATE of it is ours */
    /* The transfer is over, and the handle the caller's alone again. Called
     * from the loop, never from within web_start. */
    void (*done)(struct web_transfer *t, CURLcode code);
    void *owner;
};

/* at_once_max: connections; further transfers wait. */
struct web *web_new(uv_loop_t *loop, unsigned at_once_max);

/* When no transfer is under way. NULL is taken. */
void web_free(struct web *w);

void web_start(struct web *w, struct web_transfer *t);

/* It is given up: done will not be called. */
void web_stop(struct web *w, struct web_transfer *t);
#endif
