/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the CLI can be used, from a probe that runs now and then, never for a request: asking
 * costs nothing. Does not judge the API behind the CLI.
 */
#ifndef OPS_HEALTH_H
#define OPS_HEALTH_H

#include "worker.h"

struct health;
/* Starts the first probe at once. NULL when memory is short. */
struct health *health_create(struct worker *worker);
void health_destroy(struct health *health); /* takes NULL; before the runner's processes */

/* Writes the contract's JSON; returns 200 or 503. */
int health_json(struct health *health, char *out, size_t size);

#endif
