/*
 * pace/amend - a change of limits: what it names becomes so, the rest stays.
 *
 *     connections=5 burst=default
 *
 * Words as of pace/limits, or NAME=default: no more said of it than who comes
 * before says. No I/O.
 */
#ifndef PACE_AMEND_H
#define PACE_AMEND_H

#include "pace/limits.h"

/* Each name once. Of two waits that contradict, the one that is named wins.
 * limits is changed wholly, or untouched; err names the word. */
MUST_USE enum status limits_amend(struct limits *limits, const char *words,
                                  struct error *err);

/* Of limits as limits_text writes them: the changed ones into out, which has
 * LIMITS_TEXT_MAX bytes and may be was; "" if none is left. */
MUST_USE enum status limits_amend_text(const char *was, const char *words,
                                       char *out, struct error *err);
#endif
