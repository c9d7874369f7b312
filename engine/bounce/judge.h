/*
 * bounce/judge - from what a report says of a recipient to a category: the
 * diagnostic first, then what the text says about the address, then all of
 * the text.
 */
#ifndef BOUNCE_JUDGE_H
#define BOUNCE_JUDGE_H

#include "bounce/report.h"
#include "bounce/scan.h"

/* Fill in category, hard, reach, follow and, where the report left them open,
 * status, code and diagnostic. text is what is written for people, without
 * the returned message. alone: the report names nobody else. What is said
 * somewhere in a text about several makes none of them hard. */
void bounce_judge(struct bounce_recipient *to, struct span text, bool alone);
#endif
