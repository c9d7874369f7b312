/*
 * inbound/answers - what mailbox servers answer, parsed. Hostile until then;
 * no I/O, no allocation.
 */
#ifndef INBOUND_ANSWERS_H
#define INBOUND_ANSWERS_H

#include "inbound/mailbox.h"

/* "* SEARCH 2 84 882": the first UIDs, most of them, into out. A UID is a
 * number from 1 to 2^32 - 1 (RFC 9051, 2.3.1.1). Returns how many. */
size_t answers_search(const char *text, size_t len, struct mailbox_id *out,
                      size_t most);

/* "* STATUS x (UIDVALIDITY 3857529045)" into out. */
bool answers_validity(const char *text, size_t len, char *out, size_t size);

/* "1 QhdPYR:00WBw1Ph7x7" a line (RFC 1939, 7), less those that skip() says. */
size_t answers_uidl(const char *text, size_t len, struct mailbox_id *out,
                    size_t most, bool (*skip)(const void *arg, const char *id),
                    const void *arg);
#endif
