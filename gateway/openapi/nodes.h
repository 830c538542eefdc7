/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and changes what config/tree.h reads: values are added, moved, copied, compared.
 * Knows nothing of OpenAPI. A parent that is NULL, and memory that is short, give NULL or false;
 * adding to a parent moves its other children in memory.
 */
#ifndef OPENAPI_NODES_H
#define OPENAPI_NODES_H

#include "config/tree.h"

/* The child of that name, or NULL; the mapping may be NULL. */
struct node *nodes_find(struct node *mapping, const char *name);

/* Adds a child: to a mapping with a name, which is copied, to a sequence without one. */
struct node *nodes_add_mapping(struct node *parent, const char *name);
struct node *nodes_add_sequence(struct node *parent, const char *name);
struct node *nodes_add_text(struct node *parent, const char *name, const char *text);
struct node *nodes_add_true(struct node *parent, const char *name);
struct node *nodes_add_copy(struct node *parent, const char *name, const struct node *from);

/* Moves what `from` holds, but for its name, into a new child; `from` is empty afterwards. */
struct node *nodes_move(struct node *parent, const char *name, struct node *from);

/* Both for a child of `parent`. */
void nodes_remove(struct node *parent, struct node *child);
bool nodes_rename(struct node *child, const char *name);
/* The scalar says this text from now on. */
bool nodes_set_text(struct node *scalar, const char *text);

/* Whether both mean the same; names within mappings have no order. */
bool nodes_equal(const struct node *a, const struct node *b);

bool node_is(const struct node *node, enum node_kind kind); /* false for NULL */
/* A scalar's text when it is one and means text, or NULL; also for NULL. */
const char *node_text(const struct node *node);

#endif
