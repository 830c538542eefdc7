/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits and the user of the CLI's processes, from the configuration. What they do is
 * process_limits.h.
 */
#ifndef RUNNER_CLI_LIMITS_H
#define RUNNER_CLI_LIMITS_H

#include "worker.h"

/*
 * Before the first worker is forked: moves this process where cgroups can be made, if the limits
 * need any. Nobody else may live there then, so a worker that moves alone would be too late. What
 * cannot be done the worker says.
 */
void cli_limits_prepare(const struct config *config);

/* Sets worker->limits, and worker->environment where the CLI has a user of its own: nobody may have
 * read it before. Logs what an operator should know. 0, or -1 with `message`. */
int cli_limits_create(struct worker *worker, char *message, size_t size);
/* When no process of the CLI is left. */
void cli_limits_destroy(struct worker *worker);

#endif
