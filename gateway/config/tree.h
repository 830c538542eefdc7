/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML document as a tree of nodes that know their line.
 * Takes the part of YAML that a configuration needs; does not know what any key means.
 */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "config/problems.h"
#include "config/scalar.h"

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

/* How it was written, for who writes it again. */
enum node_style {
    STYLE_BLOCK, /* a sequence or mapping of a line or more an entry; a scalar on one line */
    STYLE_FLOW,  /* in brackets or braces */
    STYLE_SINGLE_QUOTED,
    STYLE_DOUBLE_QUOTED,
    STYLE_LITERAL,
    STYLE_FOLDED
};

struct node {
    enum node_kind kind;
    enum node_style style;
    bool plain;    /* a scalar without quotes, so "5" and "true" may mean more than text */
    bool marked;   /* for who goes through a tree; false at first */
    unsigned line; /* of its name within a mapping, else of its first character; from 1 */
    char *name;    /* within a mapping, else NULL */
    char *text;    /* of a scalar; holds no NUL */
    struct node *children;
    size_t count;
    size_t capacity;
};

/*
 * Reads one document. Anchors, aliases, merge keys, tags, duplicate names, a second document and
 * nesting deeper than 64 are refused.
 * Returns a tree that tree_destroy frees; NULL with a problem added; or NULL without a problem
 * when the document is empty.
 */
struct node *tree_read(const char *text, size_t size, struct problems *problems);

/* The same for text of others: one with more nodes, or more entries in a place, is refused. */
struct tree_limits {
    size_t nodes, entries;
};
struct node *tree_read_within(const char *text, size_t size, const struct tree_limits *limits,
                              struct problems *problems);
void tree_destroy(struct node *root); /* takes NULL */

/* Frees what a node holds; it is not on the heap by itself. */
void node_finish(struct node *node);

/* The child of that name, or NULL; also NULL when `mapping` is NULL or no mapping. */
const struct node *node_child(const struct node *mapping, const char *name);

/* The child at that place of a sequence, or NULL as above. */
const struct node *node_item(const struct node *sequence, size_t index);

/* What a scalar means; quoted ones are text. The node must be a scalar. */
struct scalar node_scalar(const struct node *node);

/* True for a missing value: `name:` with nothing behind it, `~` or `null`. */
bool node_is_null(const struct node *node);

/* "a list", "nothing", "the number 5" … for messages about a wrong type. */
struct found {
    char text[80];
};
struct found node_found(const struct node *node);

#endif
