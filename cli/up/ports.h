/*
 * cli/up/ports - is somebody else listening where we want to? Asked before
 * anything starts, so that a taken port is one clear error and not a child
 * that dies again and again.
 */
#ifndef CLI_UP_PORTS_H
#define CLI_UP_PORTS_H

#include "base/config.h"

/* STATUS_CONFLICT names the setting whose address is taken. Addresses that
 * are no numbers are left to whoever listens. */
MUST_USE enum status ports_check(const struct config *config, unsigned workers,
                                 struct error *err);
#endif
