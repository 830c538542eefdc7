/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families and series: making, comparing, freeing. Does not know the registry that holds them.
 */
#include "ops/metric_family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prometheus' text form of help: backslash and newline are escaped. */
static char *escape_help(const char *help) {
    char *text = malloc(strlen(help) * 2 + 1);
    if (text == NULL) {
        return NULL;
    }
    char *out = text;
    for (; *help != '\0'; help++) {
        if (*help == '\\' || *help == '\n') {
            *out++ = '\\';
        }
        *out++ = *help == '\n' ? 'n' : *help;
    }
    *out = '\0';
    return text;
}

static char *join(const char *prefix, const char *name) {
    char *text = NULL;
    return asprintf(&text, "%s%s", prefix, name) < 0 ? NULL : text;
}

struct metric_family *metric_family_create(const char *prefix,
                                           const struct koine_metric_options *options) {
    struct metric_family *family = calloc(1, sizeof(*family));
    if (family == NULL) {
        return NULL;
    }
    family->type = options->type;
    family->prefix_size = strlen(prefix);
    family->name = join(prefix, options->name);
    family->help = escape_help(options->help);
    if (family->name == NULL || family->help == NULL) {
        goto error;
    }
    if (options->type == KOINE_METRIC_HISTOGRAM) {
        family->buckets = calloc(options->bucket_count, sizeof(double));
        if (family->buckets == NULL) {
            goto error;
        }
        memcpy(family->buckets, options->buckets, options->bucket_count * sizeof(double));
        family->bucket_count = options->bucket_count;
    }
    return family;
error:
    metric_family_destroy(family);
    return NULL;
}

struct metric_series *metric_series_create(struct metric_family *family, const char *labels) {
    struct metric_series *series =
        calloc(1, sizeof(*series) + family->bucket_count * sizeof(series->bucket_counts[0]));
    if (series == NULL) {
        return NULL;
    }
    series->family = family;
    series->labels = strdup(labels);
    if (series->labels == NULL) {
        free(series);
        return NULL;
    }
    return series;
}

void metric_family_append(struct metric_family *family, struct metric_series *series) {
    if (family->last != NULL) {
        family->last->next = series;
    } else {
        family->first = series;
    }
    family->last = series;
}

void metric_family_destroy(struct metric_family *family) {
    if (family == NULL) {
        return;
    }
    struct metric_series *next;
    for (struct metric_series *series = family->first; series != NULL; series = next) {
        next = series->next;
        free(series->labels);
        free(series);
    }
    free(family->name);
    free(family->help);
    free(family->buckets);
    free(family);
}

bool metric_family_fits(const struct metric_family *family,
                        const struct koine_metric_options *options) {
    if (family->type != options->type) {
        return false;
    }
    if (family->type != KOINE_METRIC_HISTOGRAM) {
        return true;
    }
    if (family->bucket_count != options->bucket_count) {
        return false;
    }
    for (size_t i = 0; i < family->bucket_count; i++) {
        if (family->buckets[i] != options->buckets[i]) {
            return false;
        }
    }
    return true;
}

/* Whether `name` is one of the names that a histogram called `histogram` writes. */
static bool is_part_of(const char *name, const char *histogram) {
    size_t size = strlen(histogram);
    if (strncmp(name, histogram, size) != 0) {
        return false;
    }
    const char *rest = name + size;
    return strcmp(rest, "_bucket") == 0 || strcmp(rest, "_sum") == 0 || strcmp(rest, "_count") == 0;
}

bool metric_families_collide(const struct metric_family *family, const char *name, uint32_t type) {
    return (family->type == KOINE_METRIC_HISTOGRAM && is_part_of(name, family->name)) ||
           (type == KOINE_METRIC_HISTOGRAM && is_part_of(family->name, name));
}
