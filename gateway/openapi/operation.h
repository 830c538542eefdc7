/* SPDX-License-Identifier: Apache-2.0 */
/* One operation and its route: what the route says is made true in the document. */
#ifndef OPENAPI_OPERATION_H
#define OPENAPI_OPERATION_H

#include "openapi/merge.h"

/* Corrects an operation of a fragment whose root requires `security` (NULL: nothing). False:
 * memory is short, here and below. */
bool operation_fit(struct node *operation, const struct route *route, const char *module,
                   const struct node *security);

/* Fills in what is known of a route that its module does not describe. */
bool operation_make(struct node *operation, const struct route *route, const char *module);

/* Adds the parameters of a path item (NULL: it has none) that the operation does not have itself.
 */
bool operation_add_parameters(struct node *operation, const struct node *parameters);

#endif
