/*
 * egress/warmup - how many mails a provider gets from a source address on each
 * day of its warm-up, by a schedule like "50,100,500". No I/O.
 */
#ifndef EGRESS_WARMUP_H
#define EGRESS_WARMUP_H

#include <stdbool.h>
#include <stdint.h>

/* Is it a schedule: numbers from 1 on, separated by commas? */
bool warmup_is_valid(const char *schedule);

/* Mails on that day, the first being 1: 0 (no bound) on the days after the
 * schedule, on day 0, and where it can't be read. */
int64_t warmup_per_day(const char *schedule, int day);
#endif
