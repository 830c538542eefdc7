/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of keys: what may stand in a configuration, its type, range, default and place in
 * memory. Reading, printing and the defaults all follow from these tables.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/forms.h"
#include "config/reader.h"

enum key_type {
    KEY_INTEGER,
    KEY_BYTES, /* an integer that may be written as 64KiB, 10MiB, 1GiB */
    KEY_BOOLEAN,
    KEY_CHOICE, /* one of some words, stored as their number */
    KEY_TEXT,
    KEY_LIST,  /* of texts */
    KEY_CUSTOM /* `read` and `write` know */
};

struct key_choice {
    const char *word;
    int64_t value;
};

struct key_spec {
    const char *path; /* "http.max_body_bytes" */
    enum key_type type;
    size_t offset;            /* within the struct that the table describes */
    size_t width;             /* of numbers and choices: 1, 4 or 8 bytes */
    int64_t minimum, maximum; /* of numbers; of a list, `maximum` entries */
    int64_t initial;
    const char *text;                 /* initial value of KEY_TEXT, or NULL */
    const struct form *form;          /* of KEY_TEXT and the entries of KEY_LIST */
    const struct key_choice *choices; /* ends with a NULL word */
    void (*read)(struct reader *reader, void *member, const struct node *node, const char *shown);
    json_t *(*write)(const void *base, const void *member); /* NULL: out of memory; null: skip */
};

struct key_table {
    const struct key_spec *specs;
    size_t count;
};

extern const struct key_table key_table_config;  /* struct config */
extern const struct key_table key_table_key;     /* struct config_key */
extern const struct key_table key_table_profile; /* struct config_profile */
extern const struct key_table key_table_route;   /* struct config_route */

const struct key_spec *key_find(const struct key_table *table, const char *path);

/* True when some key's path begins with `path` and a dot. */
bool key_is_section(const struct key_table *table, const char *path);

/* What a wrong path may have meant: the full path of the known key or section that is nearest,
 * or NULL when none is near. `path` is copied from nowhere and freed by the caller. */
char *key_nearest(const struct key_table *table, const char *path);

int64_t key_load(const struct key_spec *spec, const void *base);
void key_store(const struct key_spec *spec, void *base, int64_t value);

/* Sets every member of a zeroed struct to its default. Returns 0, or -1: out of memory. */
int key_set_defaults(const struct key_table *table, void *base);

#endif
