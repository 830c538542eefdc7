/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry's fields, for metrics.c and metrics_render.c alone.
 */
#ifndef OPS_METRICS_INTERNAL_H
#define OPS_METRICS_INTERNAL_H

#include "ops/metric_family.h"

struct metric_prefix {
    char *text;
    size_t series_count;
};

struct metrics {
    struct metric_family *first, *last; /* in the order of their definition */
    struct metric_prefix *prefixes;     /* one a module: few */
    size_t prefix_count;
    struct metric_series **series; /* borrowed from the families; index 1 is series[0] */
    size_t series_count;
    size_t series_capacity;
    uint32_t *table; /* open addressing by name and labels: index of a series, 0 for a free place */
    size_t table_size; /* a power of two, at most half full */
};

#endif
