/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guesses which key a person meant who wrote one that does not exist.
 * A guess only shapes a message; nothing is ever read under a guessed name.
 */
#include "config/keys.h"
#include "config/nearest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SECTION = 48 };

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
        char section[LONGEST_SECTION] = "";
        consider(&guess, known, strlen(known), path_distance(known, path));
        if (dot == NULL && section_size > 0 && section_size < sizeof section) {
            memcpy(section, known, section_size);
            consider(&guess, known, section_size, nearest_distance(section, path));
        }
    }
    return guess.path != NULL ? strndup(guess.path, guess.size) : NULL;
}
