/* SPDX-License-Identifier: Apache-2.0 */
/* The modules of a set as text for people: what is loaded, what is refused and why. */
#ifndef MODULES_LISTING_H
#define MODULES_LISTING_H

#include "modules/module.h"
#include <stdio.h>

/*
 * Writes each module with its routes, then each refusal, then a sum. Lines begin with "loaded",
 * "refused", "problem", or nine blanks for more about the one above.
 */
void listing_write(const struct module_set *set, FILE *out);

/* Writes the refusals alone, a line each. */
void listing_write_refusals(const struct module_set *set, FILE *out);

#endif
