/*
 * bounce/answer - what the outcome of an attempt means, as it is settled: its
 * category, and whether "for good" is to be believed.
 *
 * A 5xx that blames our address, our speed or a trouble of theirs says nothing
 * of the recipient, and passes: such a mail is deferred, as if it had been a
 * 4xx, while it may still be tried again. What is refused after all of its text
 * was seen may be refused for the text; that is believed at once. 530 to MAIL
 * asks us for a login: no mail is to blame, so each waits until it expires.
 * No I/O, no allocation.
 */
#ifndef BOUNCE_ANSWER_H
#define BOUNCE_ANSWER_H

#include "mail/outcome.h"

/* Sets s->category, where somebody else's answer or silence decided. tries:
 * attempts behind the mail before this one; tries_max: so many refusals of
 * that kind are taken for temporary. May turn BOUNCED into DEFERRED. */
void answer_judge(struct settled *s, int tries, int64_t tries_max);
#endif
