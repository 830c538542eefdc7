/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in CLI as a demo shows it: the same protocol, with answers that are worth looking at.
 * What a prompt says is text to it, never a scenario: who may use a demo is not known. */
#ifndef TESTS_SUPPORT_STANDIN_CLI_DEMO_H
#define TESTS_SUPPORT_STANDIN_CLI_DEMO_H

#include "standin_cli.h"

/* standin_cli_demo.c */
bool demo_is_on(void);
json_t *demo_scenario(struct standin *s, const struct turn *t); /* of this turn */
char *demo_answer(struct standin *s, const struct turn *t);     /* once its tools have run */

/* standin_cli_demo_tools.c: what to use, as `tools` of a scenario. Both may be empty. */
json_t *demo_tools(struct standin *s, const struct turn *t);
/* The names of the client's functions, "a, b"; NULL: there are none. */
char *demo_functions(const struct standin *s);
bool demo_has_results(const struct turn *t); /* the prompt brings what functions gave */

/* standin_cli_demo_object.c: a value that fits the JSON Schema. */
json_t *demo_object(const json_t *schema);

/* standin_cli_demo_string.c: one that fits, for a property of that name. No two of different
 * `count` are alike, where that can be. */
json_t *demo_string(const json_t *schema, const char *name, unsigned count);
/* A plausible number for a property of that name; false: none is known. */
bool demo_number_hint(const char *name, double *value);

/* standin_cli_demo_pattern.c: a text that matches the regular expression, of the characters of
 * ASCII; NULL: it holds what is not known here. */
char *demo_pattern(const char *pattern, unsigned variant);

#endif
