/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as text: YAML in the style in which its parts were written, or JSON. */
#ifndef OPENAPI_WRITE_H
#define OPENAPI_WRITE_H

#include "config/tree.h"

/* Terminated text that the caller frees; its size in `*size`, which may be NULL. NULL when memory
 * is short. */
char *openapi_yaml(const struct node *root, size_t *size);
char *openapi_json(const struct node *root, size_t *size);

/* Whether JSON has such a value: it has no infinity. */
bool openapi_scalar_is_json(const struct node *scalar);

#endif
