/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a word is from another one, for "did you mean …?". Knows no list of words.
 */
#ifndef CONFIG_NEAREST_H
#define CONFIG_NEAREST_H

#include <stddef.h>

/* Insertions, deletions, replacements and swaps of neighbours that turn one into the other;
 * SIZE_MAX when one has more than 48 bytes. */
size_t nearest_distance(const char *a, const char *b);

/* What is meant by a wrong word is nearer than this. */
size_t nearest_limit(const char *text);

#endif
