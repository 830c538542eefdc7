/* SPDX-License-Identifier: Apache-2.0 */
/* The distance of two short words. */
#include "config/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 48 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b) {
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0];
    size_t *previous = rows[1];
    size_t *current = rows[2];
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);
    if (a_size > LONGEST || b_size > LONGEST) {
        return SIZE_MAX;
    }
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j <= b_size; j++) {
        previous[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = smaller(replaced, smaller(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = smaller(current[j], before[j - 2] + 1);
            }
        }
        size_t *unused = before;
        before = previous;
        previous = current;
        current = unused;
    }
    return previous[b_size];
}

size_t nearest_limit(const char *text) {
    return strlen(text) / 3 + 2;
}
