/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the registry and its text form share: families, their series, and the names a series has.
 * Nothing outside ops/metrics*.c and ops/metric_*.c includes this.
 */
#ifndef OPS_METRIC_FAMILY_H
#define OPS_METRIC_FAMILY_H

#include <koine/metrics.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { METRIC_LABELS_MAX = 8, METRIC_BUCKETS_MAX = 32 };

struct metric_family;

struct metric_series {
    struct metric_series *next; /* of the same family, in the order of their definition */
    struct metric_family *family;
    char *labels;             /* `a="x",b="y"`, sorted by name, escaped; "" without labels */
    double value;             /* counter and gauge; histogram: sum of what was observed */
    uint64_t count;           /* histogram: observations */
    uint64_t bucket_counts[]; /* histogram: per bucket, not cumulative; above the last: in count */
};

/* Everything of one name: series with different labels, but one type and one set of buckets. */
struct metric_family {
    struct metric_family *next;
    char *name; /* with the prefix */
    size_t prefix_size;
    char *help; /* escaped */
    uint32_t type;
    double *buckets;
    size_t bucket_count;
    struct metric_series *first, *last;
};

/* Whether these options describe a metric at all; does not look at what is already defined. */
bool metric_options_valid(const struct koine_metric_options *options);

/* The labels as they stand between the braces, malloc'd; NULL when memory is short. */
char *metric_labels_text(const struct koine_label *labels, size_t count);

/* malloc'd; NULL when memory is short. */
struct metric_family *metric_family_create(const char *prefix,
                                           const struct koine_metric_options *options);
struct metric_series *metric_series_create(struct metric_family *family, const char *labels);
void metric_family_destroy(struct metric_family *family); /* with its series; takes NULL */

/* Adds what metric_series_create made to the end of its family. */
void metric_family_append(struct metric_family *family, struct metric_series *series);

/* Whether the family is of the type and the buckets that the options ask for. */
bool metric_family_fits(const struct metric_family *family,
                        const struct koine_metric_options *options);

/* Whether two families would write a line of the same name: "x_count" of a histogram "x". */
bool metric_families_collide(const struct metric_family *family, const char *name, uint32_t type);

#endif
