/*
 * api/keeper - the thread that keeps what the process knows in memory true:
 * reads the installation's secret once, the API keys every second, and writes
 * down when keys were used. Away from the database it goes on with what it
 * has.
 */
#ifndef API_KEEPER_H
#define API_KEEPER_H

#include "api/api.h"

struct keeper;
struct keeper *keeper_new(struct api *api);
void keeper_free(struct keeper *k);
#endif
