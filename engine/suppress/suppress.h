/*
 * suppress/suppress - whom not to write to, known by each worker without a
 * query: the store's list, read at the start and kept current.
 *
 * It is read page by page on a connection of its own. Then NOTIFY
 * presort_control says "suppressions" when there is something new, and it is
 * asked for every second besides. What is new is told by transactions, not by
 * a number: of two writers the one that began first may commit last, and none
 * is missed. After a lost connection it is read again from the start; the old
 * one serves meanwhile.
 */
#ifndef SUPPRESS_SUPPRESS_H
#define SUPPRESS_SUPPRESS_H

#include "base/config.h"
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct suppress;

/* config must live. Connects at once. */
struct suppress *suppress_new(uv_loop_t *loop, const struct config *config,
                              const char *conninfo);
void suppress_free(struct suppress *s);

/* It was read at least once: before that nothing may be sent. */
bool suppress_is_known(const struct suppress *s);

/* Why the project does not write to the address now, as the table `suppression`
 * names it; NULL: it may. campaign: else the mail is transactional, which an
 * unsubscription does not stop unless the setting says so. */
const char *suppress_why(const struct suppress *s, int64_t project,
                         const char *address, bool campaign);
#endif
