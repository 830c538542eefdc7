/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.metrics/1": counters, gauges and histograms in the manner of Prometheus.
 * A name gets the prefix koine_ and the module's name: "rows_total" of the module sql becomes
 * koine_sql_rows_total. All functions are [loop], from init on.
 */
#ifndef KOINE_METRICS_H
#define KOINE_METRICS_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_METRICS "koine.metrics/1"

enum {
    KOINE_METRIC_COUNTER = 0, /* only grows; the name ends in _total */
    KOINE_METRIC_GAUGE = 1,
    KOINE_METRIC_HISTOGRAM = 2
};

struct koine_label {
    struct koine_text name; /* [a-z_][a-z0-9_]* */
    struct koine_text value;
};

struct koine_metric_options {
    uint32_t size;                    /* sizeof(struct koine_metric_options) */
    uint32_t type;                    /* KOINE_METRIC_… */
    const char *name;                 /* [a-z][a-z0-9_]*, with its unit: "wait_seconds" */
    const char *help;                 /* one line */
    const struct koine_label *labels; /* of this series; few values, never a client's input */
    size_t label_count;               /* at most 8 */
    const double *buckets;            /* histogram: upper bounds, ascending, without +Inf */
    size_t bucket_count;              /* 1 … 32 */
};

struct koine_metrics {
    uint32_t size;
    uint32_t reserved;

    /*
     * Makes a series, or finds the one of the same name and labels. All is copied.
     * KOINE_OK, KOINE_INVALID, KOINE_EXISTS (same name, other type), KOINE_NO_MEMORY,
     * KOINE_REFUSED (more than 1,000 series of this module: a label takes too many values).
     */
    int32_t (*define)(const struct koine_host *host, const struct koine_metric_options *options,
                      koine_metric *metric);

    /* Counter: adds (not below 0). Gauge: adds. Histogram: observes the value.
     * KOINE_OK, KOINE_GONE, KOINE_INVALID. */
    int32_t (*add)(const struct koine_host *host, koine_metric metric, double value);

    /* Gauge: sets. KOINE_OK, KOINE_GONE, KOINE_INVALID. */
    int32_t (*set)(const struct koine_host *host, koine_metric metric, double value);
};

KOINE_PIN(koine_metric_options, name, 8);
KOINE_PIN(koine_metric_options, help, 16);
KOINE_PIN(koine_metric_options, labels, 24);
KOINE_PIN(koine_metric_options, label_count, 32);
KOINE_PIN(koine_metric_options, buckets, 40);
KOINE_PIN(koine_metric_options, bucket_count, 48);
KOINE_PIN(koine_metrics, define, 8);
KOINE_PIN(koine_metrics, add, 16);
KOINE_PIN(koine_metrics, set, 24);

#ifdef __cplusplus
}
#endif
#endif
