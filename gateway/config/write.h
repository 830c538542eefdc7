/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configured struct as JSON, as its table of keys says, and JSON as YAML.
 * Leaves out members that were not given and have no default.
 */
#ifndef CONFIG_WRITE_H
#define CONFIG_WRITE_H

#include "config/keys.h"

/* A new reference, or NULL: out of memory. */
json_t *write_table(const struct key_table *table, const void *base);

/* Returns 0, or -1 when `out` fails or memory is short. */
int write_yaml(const json_t *value, FILE *out);

#endif
