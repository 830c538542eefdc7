/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry as Prometheus text, version 0.0.4: each family once, its series below it.
 */
#include "ops/metrics.h"

#include "ops/metrics_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_SIZE = 40 };

/* The shortest text that reads back as the same double: scrapers compare bounds as text. */
static const char *number(double value, char text[NUMBER_SIZE]) {
    if (isnan(value)) {
        return "NaN";
    }
    if (isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return text;
}

static void write_value(FILE *out, const struct metric_series *series, const char *suffix,
                        double value) {
    char text[NUMBER_SIZE];
    const char *labels = series->labels;
    const char *open = labels[0] != '\0' ? "{" : "";
    const char *close = labels[0] != '\0' ? "}" : "";
    fprintf(out, "%s%s%s%s%s %s\n", series->family->name, suffix, open, labels, close,
            number(value, text));
}

static void write_bucket(FILE *out, const struct metric_series *series, double bound,
                         uint64_t count) {
    char text[NUMBER_SIZE];
    const char *comma = series->labels[0] != '\0' ? "," : "";
    fprintf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", series->family->name, series->labels, comma,
            number(bound, text), (unsigned long long)count);
}

static void write_histogram(FILE *out, const struct metric_series *series) {
    uint64_t below = 0;
    for (size_t i = 0; i < series->family->bucket_count; i++) {
        below += series->bucket_counts[i];
        write_bucket(out, series, series->family->buckets[i], below);
    }
    write_bucket(out, series, (double)INFINITY, series->count);
    write_value(out, series, "_sum", series->value);
    write_value(out, series, "_count", (double)series->count);
}

static void write_family(FILE *out, const struct metric_family *family) {
    static const char *const types[] = {
        [KOINE_METRIC_COUNTER] = "counter",
        [KOINE_METRIC_GAUGE] = "gauge",
        [KOINE_METRIC_HISTOGRAM] = "histogram",
    };
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
            types[family->type]);
    for (const struct metric_series *series = family->first; series != NULL;
         series = series->next) {
        if (family->type == KOINE_METRIC_HISTOGRAM) {
            write_histogram(out, series);
        } else {
            write_value(out, series, "", series->value);
        }
    }
}

char *metrics_render(const struct metrics *metrics, size_t *size) {
    char *text = NULL;
    *size = 0;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        return NULL;
    }
    for (const struct metric_family *family = metrics->first; family != NULL;
         family = family->next) {
        write_family(out, family);
    }
    int failed = ferror(out);
    if (fclose(out) != 0 || failed != 0) {
        free(text);
        *size = 0;
        return NULL;
    }
    return text;
}
