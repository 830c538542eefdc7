/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand in the options of a metric, and the canonical text of its labels.
 * Does not know what is already defined.
 */
#include "ops/metric_family.h"
#include "ops/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_name_rest(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (!is_lower(text[i]) && !(text[i] >= '0' && text[i] <= '9') && text[i] != '_') {
            return false;
        }
    }
    return true;
}

static bool name_valid(const char *name, uint32_t type) {
    static const char total[] = "_total";
    if (name == NULL || !is_lower(name[0]) || !is_name_rest(name, strlen(name))) {
        return false;
    }
    size_t size = strlen(name);
    size_t total_size = sizeof(total) - 1;
    return type != KOINE_METRIC_COUNTER ||
           (size > total_size && strcmp(name + size - total_size, total) == 0);
}

/* "le" carries a histogram's bounds, and names that begin with "__" are Prometheus' own. */
static bool label_name_valid(struct koine_text name) {
    if (name.data == NULL || name.size == 0 || !(is_lower(name.data[0]) || name.data[0] == '_') ||
        !is_name_rest(name.data, name.size)) {
        return false;
    }
    bool is_le = name.size == 2 && memcmp(name.data, "le", 2) == 0;
    return !is_le && !(name.size >= 2 && memcmp(name.data, "__", 2) == 0);
}

static bool label_value_valid(struct koine_text value) {
    if (value.data == NULL) {
        return value.size == 0;
    }
    for (size_t at = 0; at < value.size;) {
        size_t bytes = utf8_sequence_bytes(value.data + at, value.size - at);
        if (bytes == 0 || value.data[at] == '\0') {
            return false;
        }
        at += bytes;
    }
    return true;
}

static bool same_text(struct koine_text a, struct koine_text b) {
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool labels_valid(const struct koine_label *labels, size_t count) {
    if (count > METRIC_LABELS_MAX || (count > 0 && labels == NULL)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!label_name_valid(labels[i].name) || !label_value_valid(labels[i].value)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (same_text(labels[i].name, labels[j].name)) {
                return false;
            }
        }
    }
    return true;
}

static bool buckets_valid(const double *buckets, size_t count) {
    if (buckets == NULL || count == 0 || count > METRIC_BUCKETS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(buckets[i]) || (i > 0 && buckets[i] <= buckets[i - 1])) {
            return false;
        }
    }
    return true;
}

bool metric_options_valid(const struct koine_metric_options *options) {
    if (options == NULL || options->size < sizeof(*options) ||
        options->type > KOINE_METRIC_HISTOGRAM) {
        return false;
    }
    return name_valid(options->name, options->type) && options->help != NULL &&
           labels_valid(options->labels, options->label_count) &&
           (options->type != KOINE_METRIC_HISTOGRAM ||
            buckets_valid(options->buckets, options->bucket_count));
}

static int compare_labels(const void *a, const void *b) {
    const struct koine_label *left = a;
    const struct koine_label *right = b;
    size_t size = left->name.size < right->name.size ? left->name.size : right->name.size;
    int order = memcmp(left->name.data, right->name.data, size);
    if (order != 0) {
        return order;
    }
    return (left->name.size > right->name.size) - (left->name.size < right->name.size);
}

static char *write_value(char *out, struct koine_text value) {
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '\\' || c == '"' || c == '\n') {
            *out++ = '\\';
        }
        *out++ = c;
        if (c == '\n') {
            out[-1] = 'n';
        }
    }
    return out;
}

char *metric_labels_text(const struct koine_label *labels, size_t count) {
    struct koine_label sorted[METRIC_LABELS_MAX];
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = labels[i];
        size += labels[i].name.size + labels[i].value.size * 2 + sizeof(",=\"\"");
    }
    char *text = malloc(size);
    if (text == NULL) {
        return NULL;
    }
    qsort(sorted, count, sizeof(sorted[0]), compare_labels);
    char *out = text;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            *out++ = ',';
        }
        memcpy(out, sorted[i].name.data, sorted[i].name.size);
        out += sorted[i].name.size;
        *out++ = '=';
        *out++ = '"';
        out = write_value(out, sorted[i].value);
        *out++ = '"';
    }
    *out = '\0';
    return text;
}
