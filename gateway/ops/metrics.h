/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry of counters, gauges and histograms, and their text form (Prometheus exposition 0.0.4).
 * Loop thread only. Knows nothing of what is measured.
 */
#ifndef OPS_METRICS_H
#define OPS_METRICS_H

#include <koine/base.h>
#include <koine/metrics.h>

struct metrics;
struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics); /* takes NULL */

/* What the names of a module's metrics begin with: "koine_NAME_", '_' for each '-' of its name. */
void metrics_module_prefix(const char *module, char *out, size_t size);

/* As koine_metrics.define. `prefix`: "koine_", or a module's; at most `max_series` series of one
 * prefix. `*index` is from 1 and never reused. */
int metrics_define(struct metrics *metrics, const char *prefix, size_t max_series,
                   const struct koine_metric_options *options, uint64_t *index);
/* As koine_metrics.add and .set; an unknown index is KOINE_GONE. */
int metrics_add(struct metrics *metrics, uint64_t index, double value);
int metrics_set(struct metrics *metrics, uint64_t index, double value);

/* The exposition text, malloc'd (free it), its length in *size; NULL when memory is short. */
char *metrics_render(const struct metrics *metrics, size_t *size);

#endif
