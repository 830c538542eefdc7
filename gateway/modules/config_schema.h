/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a module's section of the config against the JSON Schema that the module brings: the part
 * of JSON Schema that extension.h lists; any other keyword is an error of the module.
 */
#ifndef MODULES_CONFIG_SCHEMA_H
#define MODULES_CONFIG_SCHEMA_H

#include <jansson.h>
#include <stddef.h>

/* Whether the schema itself can be used. 0, or -1 with `message`: which keyword, where, and what
 * may stand there. */
int config_schema_check(const json_t *schema, char *message, size_t size);

/* Checks a value. 0, or -1 with `message`: path of the first member that does not fit ("a.b[2]"),
 * what was found, what is expected; for an unknown member the known ones. "integer" is stricter
 * than in JSON Schema: 4.0 is none, since a module that asks for its integer would read 0. */
int config_schema_validate(const json_t *schema, const json_t *value, char *message, size_t size);

#endif
