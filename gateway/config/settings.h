/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of modules: any YAML to the JSON that a module is given, and back for printing.
 * What the settings mean is the module's affair.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "config/reader.h"

/* A new reference, or NULL with a problem added. */
json_t *settings_from_node(struct reader *reader, const struct node *node, const char *shown);

/* A copy in which values with secret names are masked. A new reference; NULL: out of memory. */
json_t *settings_masked(const json_t *settings);

#endif
