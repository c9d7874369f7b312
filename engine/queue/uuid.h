/* queue/uuid - a campaign's id from its text. */
#ifndef QUEUE_UUID_H
#define QUEUE_UUID_H

#include "queue/batch.h"

/* False if text does not begin with 32 lower-case hexadecimal digits, dashes
 * between them not counted: what PostgreSQL writes. */
bool uuid_parse(const char *text, unsigned char uuid[UUID_BYTES]);

/* As PostgreSQL writes it, into out (UUID_TEXT_MAX bytes). */
void uuid_text(const unsigned char uuid[UUID_BYTES], char *out);
#endif
