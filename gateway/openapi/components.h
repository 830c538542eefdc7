/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The components of the merged document: those of a fragment are added, under another name where
 * one of that name says something else; those that nothing refers to are dropped.
 */
#ifndef OPENAPI_COMPONENTS_H
#define OPENAPI_COMPONENTS_H

#include "openapi/part.h"

/* Adds what the part has to `components`, taking it out of the part, and makes the part's
 * references, those in its paths too, lead there. False: memory is short. */
bool components_add(struct node *components, struct openapi_part *part, const char *module);

/* Drops what neither `paths` nor `security` (a list of requirements, or NULL) leads to. False:
 * memory is short. */
bool components_drop_unused(struct node *components, struct node *paths, struct node *security);

#endif
