/* SPDX-License-Identifier: Apache-2.0 */
/* Children lie in their parent's array, by value: moving one is copying a struct. */
#include "openapi/nodes.h"
#include <stdlib.h>
#include <string.h>

struct node *nodes_find(struct node *mapping, const char *name) {
    return (struct node *)(uintptr_t)node_child(mapping, name);
}

bool node_is(const struct node *node, enum node_kind kind) {
    return node && node->kind == kind;
}

const char *node_text(const struct node *node) {
    return node_is(node, NODE_SCALAR) && node_scalar(node).type == SCALAR_TEXT ? node->text : NULL;
}

/* ---- adding */

static struct node *add(struct node *parent, const char *name, enum node_kind kind) {
    if (!parent)
        return NULL;
    if (parent->count == parent->capacity) {
        size_t capacity = parent->capacity ? parent->capacity * 2 : 4;
        struct node *grown = reallocarray(parent->children, capacity, sizeof(*grown));
        if (!grown)
            return NULL;
        parent->children = grown;
        parent->capacity = capacity;
    }
    struct node *child = &parent->children[parent->count];
    *child = (struct node){.kind = kind};
    if (name && !(child->name = strdup(name)))
        return NULL;
    parent->count++;
    return child;
}

struct node *nodes_add_mapping(struct node *parent, const char *name) {
    return add(parent, name, NODE_MAPPING);
}

struct node *nodes_add_sequence(struct node *parent, const char *name) {
    return add(parent, name, NODE_SEQUENCE);
}

static struct node *add_scalar(struct node *parent, const char *name, const char *text,
                               bool plain) {
    char *copy = strdup(text);
    struct node *child = copy ? add(parent, name, NODE_SCALAR) : NULL;
    if (!child) {
        free(copy);
        return NULL;
    }
    child->text = copy;
    child->plain = plain;
    return child;
}

struct node *nodes_add_text(struct node *parent, const char *name, const char *text) {
    return add_scalar(parent, name, text, false);
}

struct node *nodes_add_true(struct node *parent, const char *name) {
    return add_scalar(parent, name, "true", true);
}

static bool copy(struct node *to, const struct node *from) {
    char *name = to->name;
    *to = *from;
    to->name = name;
    to->text = NULL;
    to->children = NULL;
    to->count = to->capacity = 0;
    if (from->text && !(to->text = strdup(from->text)))
        return false;
    if (from->count && !(to->children = calloc(from->count, sizeof(*to->children))))
        return false;
    to->capacity = from->count;
    for (; to->count < from->count; to->count++) {
        struct node *child = &to->children[to->count];
        const struct node *other = &from->children[to->count];
        if ((other->name && !(child->name = strdup(other->name))) || !copy(child, other)) {
            node_finish(child);
            return false;
        }
    }
    return true;
}

struct node *nodes_add_copy(struct node *parent, const char *name, const struct node *from) {
    struct node *child = add(parent, name, from->kind);
    if (child && copy(child, from))
        return child;
    if (child)
        nodes_remove(parent, child);
    return NULL;
}

struct node *nodes_move(struct node *parent, const char *name, struct node *from) {
    struct node *child = add(parent, name, from->kind);
    if (!child)
        return NULL;
    char *own = child->name, *other = from->name;
    *child = *from;
    child->name = own;
    *from = (struct node){.kind = NODE_MAPPING, .name = other, .line = child->line};
    return child;
}

/* ---- changing */

void nodes_remove(struct node *parent, struct node *child) {
    const size_t index = (size_t)(child - parent->children);
    node_finish(child);
    parent->count--;
    memmove(child, child + 1, (parent->count - index) * sizeof(*child));
}

static bool replace(char **text, const char *with) {
    char *fresh = strdup(with);
    if (!fresh)
        return false;
    free(*text);
    *text = fresh;
    return true;
}

bool nodes_rename(struct node *child, const char *name) {
    return replace(&child->name, name);
}

bool nodes_set_text(struct node *scalar, const char *text) {
    scalar->plain = false;
    return replace(&scalar->text, text);
}

/* ---- comparing */

static bool scalars_equal(const struct node *a, const struct node *b) {
    const struct scalar left = node_scalar(a), right = node_scalar(b);
    if (left.type != right.type)
        return false;
    if (left.type == SCALAR_NULL || left.type == SCALAR_BOOLEAN)
        return left.boolean == right.boolean;
    return strcmp(a->text, b->text) == 0;
}

bool nodes_equal(const struct node *a, const struct node *b) {
    if (a->kind != b->kind || a->count != b->count)
        return false;
    if (a->kind == NODE_SCALAR)
        return scalars_equal(a, b);
    for (size_t i = 0; i < a->count; i++) {
        const struct node *child = &a->children[i];
        const struct node *other =
            a->kind == NODE_MAPPING ? node_child(b, child->name) : &b->children[i];
        if (!other || !nodes_equal(child, other))
            return false;
    }
    return true;
}
