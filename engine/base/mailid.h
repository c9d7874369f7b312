/*
 * base/mailid - the name of a mail: (batch, seq), and its public form.
 *
 * The public form is a UUID (version 8, RFC 9562 5.8) that carries the pair
 * and a MAC keyed by the installation's secret, so that no look-up table is
 * needed and none can be guessed. Message-IDs and list links use the same
 * 36 characters.
 *
 *     62 bits batch | 18 bits seq | 42 bits MAC   (+ 6 bits version, variant)
 */
#ifndef BASE_MAILID_H
#define BASE_MAILID_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MAILID_TEXT_MAX = 37, /* 36 characters and a NUL */
    MAILID_SECRET_BYTES = 32,
    MAILID_SEQ_MAX = (1 << 18) - 1,
};

struct mailid {
    int64_t batch; /* 1 .. 2^62 - 1 */
    int32_t seq;   /* 0 .. MAILID_SEQ_MAX */
};

/* Lower-case UUID into out (MAILID_TEXT_MAX bytes). No allocation.
 * Safe to call from several threads. */
void mailid_text(const unsigned char secret[MAILID_SECRET_BYTES],
                 struct mailid id, char *out);

/* False if text is no UUID, or not one that mailid_text made with this
 * secret. Upper case is accepted. */
bool mailid_parse(const unsigned char secret[MAILID_SECRET_BYTES],
                  const char *text, struct mailid *id);

/* A batch id made of the time and a number that no other batch of the same
 * millisecond has (of the sequence batch_number; its low 20 bits count).
 * The same arithmetic as batch_id_at() of migrations/0001. */
int64_t mailid_batch(int64_t wall_ms, int64_t number);
#endif
