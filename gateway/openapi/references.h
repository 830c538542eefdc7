/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places of an OpenAPI document that refer to one of its components: $ref, the mapping of a
 * discriminator, security requirements. What stands in examples, defaults and constants is data
 * and no reference. Judges nothing.
 */
#ifndef OPENAPI_REFERENCES_H
#define OPENAPI_REFERENCES_H

#include "config/tree.h"

struct reference {
    const char *section; /* "schemas"; NULL: it is no component of a document */
    char **text;         /* where it stands; may be replaced by another malloc'd text */
    size_t begin, size;  /* of the component's name in it */
    bool loose;          /* it may mean something else as well */
    unsigned line;
};

/* Calls `visit` for each reference of `part`, an object of OpenAPI of whatever kind, until it
 * answers false. Returns what the last visit did. */
typedef bool reference_visit(void *data, const struct reference *reference);
bool references_walk(struct node *part, reference_visit *visit, void *data);

/* The name that a component has, or NULL: there are no components of this kind. */
const char *references_section(const char *name);

/* The component that is meant, or NULL. `components` may be NULL. */
struct node *references_find(struct node *components, const struct reference *reference);

/* Refers to another name from now on. False: memory is short. */
bool reference_replace(const struct reference *reference, const char *name);

#endif
