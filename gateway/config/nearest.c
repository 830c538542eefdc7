/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guesses which key a person meant who wrote one that does not exist.
 * A guess only shapes a message; nothing is ever read under a guessed name.
 */
#include "config/nearest.h"

#include "config/keys.h"

#include <stdlib.h>
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

/* How far a wrong path is from a known one. Names in the same section count as they are; the
 * right name in the wrong section counts as one mistake. */
static size_t path_distance(const char *known, const char *path) {
    const char *known_dot = strrchr(known, '.');
    const char *path_dot = strrchr(path, '.');
    size_t known_section = known_dot != NULL ? (size_t)(known_dot - known) : 0;
    size_t path_section = path_dot != NULL ? (size_t)(path_dot - path) : 0;
    const char *known_name = known_dot != NULL ? known_dot + 1 : known;
    const char *path_name = path_dot != NULL ? path_dot + 1 : path;
    if (known_section == path_section && strncmp(known, path, known_section) == 0) {
        return nearest_distance(known_name, path_name);
    }
    return strcmp(known_name, path_name) == 0 ? 1 : SIZE_MAX;
}

struct guess {
    const char *path; /* not terminated: `size` bytes count */
    size_t size;
    size_t away;
};

static void consider(struct guess *guess, const char *path, size_t size, size_t away) {
    if (away < guess->away) {
        *guess = (struct guess){path, size, away};
    }
}

char *key_nearest(const struct key_table *table, const char *path) {
    const char *dot = strrchr(path, '.');
    struct guess guess = {.away = nearest_limit(dot != NULL ? dot + 1 : path)};
    for (size_t i = 0; i < table->count; i++) {
        const char *known = table->specs[i].path;
        const char *known_dot = strchr(known, '.');
        size_t section_size = known_dot != NULL ? (size_t)(known_dot - known) : 0;
        char section[LONGEST] = "";
        consider(&guess, known, strlen(known), path_distance(known, path));
        if (dot == NULL && section_size > 0 && section_size < sizeof section) {
            memcpy(section, known, section_size);
            consider(&guess, known, section_size, nearest_distance(section, path));
        }
    }
    return guess.path != NULL ? strndup(guess.path, guess.size) : NULL;
}
