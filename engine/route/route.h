/*
 * route/route - which destination a mail of a site is handed to.
 *
 * For now every site's mail goes to one relay: the configured host and port,
 * or the sandbox. The name is looked up without blocking and again every
 * minute; the last good answer stays in use. MX look-up and policies per site
 * belong here.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "base/config.h"
#include <sys/socket.h>
#include <uv.h>

struct route;

/* config must live. */
MUST_USE enum status route_new(uv_loop_t *loop, const struct config *config,
                               struct route **out, struct error *err);
void route_free(struct route *r);

/* The address for mail of the site, or false while it is not known. */
bool route_of_site(const struct route *r, const char *site,
                   struct sockaddr_storage *address, socklen_t *len);
#endif
