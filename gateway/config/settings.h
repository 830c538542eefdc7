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

/*
 * Where each member and element stands in the file: an object from its place within the section,
 * "limits.rows[2].name", to its line. A new reference; NULL: out of memory.
 */
json_t *settings_lines(const struct node *node);

/* The line of a place, or of the nearest around it that is known; else that of the section. */
unsigned settings_line(const struct config_module *section, const char *place);

/* A copy in which values with secret names are masked. A new reference; NULL: out of memory. */
json_t *settings_masked(const json_t *settings);

#endif
