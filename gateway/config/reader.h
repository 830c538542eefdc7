/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lays a tree of nodes into a struct as its table of keys says.
 * Finds wrong types, unknown keys and values out of range; not contradictions between keys.
 */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/forms.h"
#include "config/tree.h"

struct key_table;

struct reader {
    struct config *config;
    struct problems *problems;
};

/* Lays `mapping` (or null) into `base`. `shown` stands before each key in messages: "" or
 * "keys[0]". Problems go to reader->problems. */
void reader_lay(struct reader *reader, const struct key_table *table, void *base,
                const struct node *mapping, const char *shown);

/* False, with a problem added, when the node is no sequence or longer than `maximum`. */
bool reader_expect_list(struct reader *reader, const struct node *node, const char *shown,
                        size_t maximum);

/* False, with a problem added, when the node is neither a mapping nor null. */
bool reader_expect_mapping(struct reader *reader, const struct node *node, const char *shown);

/* The text of a scalar that has the form, for the caller to free; NULL with a problem added. */
char *reader_text(struct reader *reader, const struct node *node, const char *shown,
                  const struct form *form);

/* An integer within the range; false with a problem added. */
bool reader_integer(struct reader *reader, const struct node *node, const char *shown,
                    int64_t minimum, int64_t maximum, int64_t *value);

/* Replaces `list` by a list of texts; on a problem it may be left half filled. */
void reader_list(struct reader *reader, struct config_list *list, const struct node *node,
                 const char *shown, const struct form *form, size_t maximum);

/* True, with a problem added, when the value is what config_print shows instead of a secret. */
bool reader_is_masked(struct reader *reader, const struct node *node, const char *shown);

#endif
