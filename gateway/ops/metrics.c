/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: finds a series by name and labels or makes it, and changes its value.
 * Handlers define a series anew for each request, so finding must not depend on how many there are.
 */
#include "ops/metrics.h"

#include "ops/metrics_internal.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_TABLE_SIZE = 64 };

struct metrics *metrics_create(void) {
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics == NULL) {
        return NULL;
    }
    metrics->table_size = FIRST_TABLE_SIZE;
    metrics->table = calloc(metrics->table_size, sizeof(metrics->table[0]));
    if (metrics->table == NULL) {
        free(metrics);
        return NULL;
    }
    return metrics;
}

void metrics_destroy(struct metrics *metrics) {
    if (metrics == NULL) {
        return;
    }
    struct metric_family *next;
    for (struct metric_family *family = metrics->first; family != NULL; family = next) {
        next = family->next;
        metric_family_destroy(family);
    }
    for (size_t i = 0; i < metrics->prefix_count; i++) {
        free(metrics->prefixes[i].text);
    }
    free(metrics->prefixes);
    free(metrics->series);
    free(metrics->table);
    free(metrics);
}

/* FNV-1a; the names come from modules, which are trusted. */
static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3U;
    }
    return hash;
}

static uint64_t hash_series(const char *prefix, const char *name, const char *labels) {
    uint64_t hash = hash_text(0xCBF29CE484222325U, prefix);
    hash = hash_text(hash, name);
    return hash_text(hash_text(hash, "{"), labels);
}

/* Whether the family's name is prefix and name put together. */
static bool family_has_name(const struct metric_family *family, const char *prefix,
                            const char *name) {
    size_t size = strlen(prefix);
    return strncmp(family->name, prefix, size) == 0 && strcmp(family->name + size, name) == 0;
}

/* Its index, or 0. */
static size_t find_series(const struct metrics *metrics, const char *prefix, const char *name,
                          const char *labels) {
    uint64_t hash = hash_series(prefix, name, labels);
    size_t mask = metrics->table_size - 1;
    for (size_t at = hash & mask; metrics->table[at] != 0; at = (at + 1) & mask) {
        const struct metric_series *series = metrics->series[metrics->table[at] - 1];
        if (strcmp(series->labels, labels) == 0 && family_has_name(series->family, prefix, name)) {
            return metrics->table[at];
        }
    }
    return 0;
}

static void table_put(struct metrics *metrics, uint64_t hash, size_t index) {
    size_t mask = metrics->table_size - 1;
    size_t at = hash & mask;
    while (metrics->table[at] != 0) {
        at = (at + 1) & mask;
    }
    metrics->table[at] = (uint32_t)index;
}

static int grow_table(struct metrics *metrics) {
    uint32_t *table = calloc(metrics->table_size * 2, sizeof(table[0]));
    if (table == NULL) {
        return KOINE_NO_MEMORY;
    }
    free(metrics->table);
    metrics->table = table;
    metrics->table_size *= 2;
    for (size_t i = 0; i < metrics->series_count; i++) {
        const struct metric_series *series = metrics->series[i];
        table_put(metrics, hash_series("", series->family->name, series->labels), i + 1);
    }
    return KOINE_OK;
}

/* Room for one more series, so that adding it cannot fail. */
static int reserve_series(struct metrics *metrics) {
    if (metrics->series_count == metrics->series_capacity) {
        if (metrics->series_capacity >= UINT32_MAX / 4) {
            return KOINE_NO_MEMORY;
        }
        size_t capacity = metrics->series_capacity == 0 ? 32 : metrics->series_capacity * 2;
        struct metric_series **grown =
            reallocarray(metrics->series, capacity, sizeof(struct metric_series *));
        if (grown == NULL) {
            return KOINE_NO_MEMORY;
        }
        metrics->series = grown;
        metrics->series_capacity = capacity;
    }
    if ((metrics->series_count + 1) * 2 > metrics->table_size) {
        return grow_table(metrics);
    }
    return KOINE_OK;
}

static struct metric_prefix *find_prefix(struct metrics *metrics, const char *text) {
    for (size_t i = 0; i < metrics->prefix_count; i++) {
        if (strcmp(metrics->prefixes[i].text, text) == 0) {
            return &metrics->prefixes[i];
        }
    }
    return NULL;
}

/* Finds or makes it. The pointer holds until the next call. */
static struct metric_prefix *obtain_prefix(struct metrics *metrics, const char *text) {
    struct metric_prefix *found = find_prefix(metrics, text);
    if (found != NULL) {
        return found;
    }
    struct metric_prefix *grown =
        reallocarray(metrics->prefixes, metrics->prefix_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return NULL;
    }
    metrics->prefixes = grown;
    struct metric_prefix *prefix = &grown[metrics->prefix_count];
    *prefix = (struct metric_prefix){.text = strdup(text)};
    if (prefix->text == NULL) {
        return NULL;
    }
    metrics->prefix_count++;
    return prefix;
}

static struct metric_family *find_family(const struct metrics *metrics, const char *prefix,
                                         const char *name) {
    for (struct metric_family *family = metrics->first; family != NULL; family = family->next) {
        if (family_has_name(family, prefix, name)) {
            return family;
        }
    }
    return NULL;
}

/* Whether the options may have a series of this family. The prefix too: module "a-b" with "c" and
 * module "a" with "b_c" are strangers that share a name. */
static bool may_join(const struct metric_family *family, const char *prefix,
                     const struct koine_metric_options *options) {
    return family->prefix_size == strlen(prefix) && metric_family_fits(family, options);
}

static bool collides(const struct metrics *metrics, const struct metric_family *candidate) {
    for (const struct metric_family *family = metrics->first; family != NULL;
         family = family->next) {
        if (metric_families_collide(family, candidate->name, candidate->type)) {
            return true;
        }
    }
    return false;
}

static void append_family(struct metrics *metrics, struct metric_family *family) {
    if (metrics->last != NULL) {
        metrics->last->next = family;
    } else {
        metrics->first = family;
    }
    metrics->last = family;
}

/* A family of its own with its first series. */
static int add_family(struct metrics *metrics, const char *prefix,
                      const struct koine_metric_options *options, const char *labels,
                      struct metric_series **series) {
    struct metric_family *family = metric_family_create(prefix, options);
    if (family == NULL) {
        return KOINE_NO_MEMORY;
    }
    if (collides(metrics, family)) {
        metric_family_destroy(family);
        return KOINE_EXISTS;
    }
    *series = metric_series_create(family, labels);
    if (*series == NULL) {
        metric_family_destroy(family);
        return KOINE_NO_MEMORY;
    }
    append_family(metrics, family);
    metric_family_append(family, *series);
    return KOINE_OK;
}

static int add_to_family(struct metric_family *family, const char *labels,
                         struct metric_series **series) {
    *series = metric_series_create(family, labels);
    if (*series == NULL) {
        return KOINE_NO_MEMORY;
    }
    metric_family_append(family, *series);
    return KOINE_OK;
}

static int add_series(struct metrics *metrics, const char *prefix_text, size_t max_series,
                      const struct koine_metric_options *options, const char *labels,
                      uint64_t *index) {
    struct metric_family *family = find_family(metrics, prefix_text, options->name);
    if (family != NULL && !may_join(family, prefix_text, options)) {
        return KOINE_EXISTS;
    }
    struct metric_prefix *prefix = obtain_prefix(metrics, prefix_text);
    if (prefix == NULL || reserve_series(metrics) != KOINE_OK) {
        return KOINE_NO_MEMORY;
    }
    if (prefix->series_count >= max_series) {
        return KOINE_REFUSED;
    }
    struct metric_series *series = NULL;
    int result = family != NULL ? add_to_family(family, labels, &series)
                                : add_family(metrics, prefix_text, options, labels, &series);
    if (result != KOINE_OK) {
        return result;
    }
    prefix->series_count++;
    metrics->series[metrics->series_count++] = series;
    *index = metrics->series_count;
    table_put(metrics, hash_series(prefix_text, options->name, labels), metrics->series_count);
    return KOINE_OK;
}

void metrics_module_prefix(const char *module, char *out, size_t size) {
    snprintf(out, size, "koine_%s_", module);
    for (char *dash = strchr(out, '-'); dash != NULL; dash = strchr(dash, '-')) {
        *dash = '_';
    }
}

int metrics_define(struct metrics *metrics, const char *prefix, size_t max_series,
                   const struct koine_metric_options *options, uint64_t *index) {
    assert(prefix != NULL && index != NULL);
    if (!metric_options_valid(options)) {
        return KOINE_INVALID;
    }
    char *labels = metric_labels_text(options->labels, options->label_count);
    if (labels == NULL) {
        return KOINE_NO_MEMORY;
    }
    int result = KOINE_OK;
    size_t found = find_series(metrics, prefix, options->name, labels);
    if (found == 0) {
        result = add_series(metrics, prefix, max_series, options, labels, index);
    } else if (may_join(metrics->series[found - 1]->family, prefix, options)) {
        *index = found;
    } else {
        result = KOINE_EXISTS;
    }
    free(labels);
    return result;
}

static struct metric_series *series_at(const struct metrics *metrics, uint64_t index) {
    return index == 0 || index > metrics->series_count ? NULL : metrics->series[index - 1];
}

static void observe(struct metric_series *series, double value) {
    const struct metric_family *family = series->family;
    series->count++;
    series->value += value;
    for (size_t i = 0; i < family->bucket_count; i++) {
        if (value <= family->buckets[i]) {
            series->bucket_counts[i]++;
            break;
        }
    }
}

int metrics_add(struct metrics *metrics, uint64_t index, double value) {
    struct metric_series *series = series_at(metrics, index);
    if (series == NULL) {
        return KOINE_GONE;
    }
    bool counter = series->family->type == KOINE_METRIC_COUNTER;
    if (!isfinite(value) || (counter && value < 0)) {
        return KOINE_INVALID;
    }
    if (series->family->type == KOINE_METRIC_HISTOGRAM) {
        observe(series, value);
    } else {
        series->value += value;
    }
    return KOINE_OK;
}

int metrics_set(struct metrics *metrics, uint64_t index, double value) {
    struct metric_series *series = series_at(metrics, index);
    if (series == NULL) {
        return KOINE_GONE;
    }
    if (series->family->type != KOINE_METRIC_GAUGE) {
        return KOINE_INVALID;
    }
    series->value = value;
    return KOINE_OK;
}
