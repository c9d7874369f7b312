/*
 * pipeline - the path of a mail through one worker. The only file that knows
 * the order of the stages is pipeline.c.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "base/config.h"
#include "metrics.h"
#include <uv.h>

struct pipeline;

/* Starts to work. dir is the worker's own: the journal is there. config must
 * live, and may change between loop turns (reload). drained is called once,
 * after pipeline_drain, when nothing is left to be done. On failure nothing is
 * to be freed. */
MUST_USE enum status pipeline_new(uv_loop_t *loop, const struct config *config,
                                  const char *dir, const char *slot,
                                  struct metrics *metrics,
                                  void (*drained)(void *owner), void *owner,
                                  struct pipeline **out, struct error *err);

/* Claim nothing more, finish open transactions, hand back the rest, settle. */
void pipeline_drain(struct pipeline *p);

/* At once: what is under way on connections stays in doubt. The memory goes
 * with libuv's close callbacks: run the loop once more. */
void pipeline_free(struct pipeline *p);
#endif
