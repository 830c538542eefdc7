/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When JSON Schema takes two values for the same, and which number is the larger. Changes nothing.
 */
#ifndef MODULES_SCHEMA_VALUE_H
#define MODULES_SCHEMA_VALUE_H

#include <jansson.h>
#include <stdbool.h>

/* Unlike json_equal: 1 and 1.0 are one number. */
bool schema_equal(const json_t *a, const json_t *b);

/* Below, equal or above: -1, 0, 1. Both are numbers. */
int schema_compare_numbers(const json_t *a, const json_t *b);

#endif
