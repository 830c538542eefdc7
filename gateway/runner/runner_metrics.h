/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's figures for operators: processes by state, hits and misses, starts, kills, strays.
 */
#ifndef RUNNER_RUNNER_METRICS_H
#define RUNNER_RUNNER_METRICS_H

#include <stdint.h>

struct runner;
struct runner_metrics;

struct runner_metrics *runner_metrics_create(struct runner *runner); /* NULL: memory is short */
void runner_metrics_destroy(struct runner_metrics *metrics);         /* takes NULL */

/* A process of the CLI has answered for the first time. */
void runner_metrics_note_start(struct runner *runner, uint64_t took_ms);
/* Brings what is counted elsewhere up to date; called before the metrics are read. */
void runner_metrics_update(struct runner *runner);

#endif
