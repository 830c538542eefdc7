/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files that prepare a schema: schema.c (the walk), schema_keyword.c (what each keyword
 * may hold), schema_reference.c (where a $ref leads), schema_write.c (the text). Not for modules.
 */
#ifndef KOINE_MODULE_SCHEMA_INTERNAL_H
#define KOINE_MODULE_SCHEMA_INTERNAL_H

#include "body_internal.h"
#include <stdio.h>

/* What a keyword may hold. */
enum schema_kind {
    SCHEMA_ANY,
    SCHEMA_STRING,
    SCHEMA_BOOLEAN,
    SCHEMA_NUMBER,
    SCHEMA_POSITIVE_NUMBER,
    SCHEMA_COUNT, /* an integer of 0 or more */
    SCHEMA_BOUND, /* a number, in draft 4 a boolean that belongs to minimum or maximum */
    SCHEMA_TYPE,
    SCHEMA_STRINGS, /* each once */
    SCHEMA_ENUM,
    SCHEMA_ARRAY,
    SCHEMA_NAME,        /* $id */
    SCHEMA_REFERENCE,   /* $ref */
    SCHEMA_UNSUPPORTED, /* what cannot be told to the CLI in any other way */
    /* From here on: what schemas stand in. */
    SCHEMA_SCHEMA,
    SCHEMA_SCHEMA_OR_LIST,
    SCHEMA_LIST,
    SCHEMA_MAP,
    SCHEMA_MAP_OF_STRINGS,
    SCHEMA_MAP_OF_EITHER /* dependencies: a schema or strings */
};

/* A keyword that stands and falls with the ones beside it, or that the CLI knows by another name:
 * its validator knows draft 7 and refuses a schema for one keyword that it does not know. */
enum schema_rule {
    SCHEMA_AS_IT_IS,
    SCHEMA_ITEMS,
    SCHEMA_PREFIX_ITEMS,
    SCHEMA_ADDITIONAL_ITEMS,
    SCHEMA_DEPENDENCIES,
    SCHEMA_MINIMUM,
    SCHEMA_MAXIMUM,
    SCHEMA_EXCLUSIVE_MINIMUM,
    SCHEMA_EXCLUSIVE_MAXIMUM,
    SCHEMA_CONTAINS,
    SCHEMA_CONTAINS_COUNT,
    SCHEMA_IF,
    SCHEMA_THEN,
    SCHEMA_UNEVALUATED_ITEMS,
    SCHEMA_UNEVALUATED_PROPERTIES
};

struct schema_keyword {
    const char *name;
    enum schema_kind kind;
    enum schema_rule rule;
};

/* A place in the schema, which is one in the body. */
struct schema_place {
    struct koine_body_place at;
    const struct schema_place *up;
    size_t depth;       /* of schemas */
    const json_t *base; /* where "#" begins: the root, or the nearest schema with an $id */
};

struct schema_check {
    struct koine_body *body;
    const json_t *root;
    json_t *names; /* the values of $id, as keys */
    bool naming;   /* they are being gathered, nothing else is looked at */
    bool *to_root; /* set when a reference leads to the root itself */
};

/* ---- schema.c */

/* What koine_schema_prepare does with an object at `field`; `*schema` is its text at first. */
void schema_prepare(struct koine_body *body, const struct koine_body_place *field, json_t *root,
                    struct koine_text *schema);

/* NULL: no keyword that the CLI has to be told of. */
const struct schema_keyword *schema_keyword_find(const char *name);

/* What to call a keyword of `schema` in the prepared text, NULL: it is left out. */
const char *schema_keyword_written(const struct schema_keyword *keyword, const json_t *schema);

/* ---- schema_keyword.c: each adds what is wrong. */

/* The keyword together with those beside it in `schema`. */
void schema_check_beside(const struct schema_check *check, const struct schema_place *place,
                         const struct schema_keyword *keyword, const json_t *schema);
/* A value that holds no schema. */
void schema_check_value(const struct schema_check *check, const struct schema_place *place,
                        enum schema_kind kind, json_t *value);
bool schema_is_type(const json_t *value); /* a name of a type or an array of such */
void schema_problem(const struct schema_check *check, const struct schema_place *place,
                    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "got …" for people, bounded. */
struct schema_shown {
    char text[96];
};
struct schema_shown schema_show(const json_t *value);

/* ---- schema_reference.c */

enum schema_followed { SCHEMA_FOUND, SCHEMA_NOWHERE, SCHEMA_NO_MEMORY };

/* Where "#" begins within `schema`, which stands where it begins at `outer`. */
const json_t *schema_base(const json_t *schema, const json_t *outer);

/* Follows "#/…" from `base` through keywords that schemas stand in. Writes to `out`, unless NULL,
 * the same steps, behind the "#", as they are in the prepared text. */
enum schema_followed schema_reference_follow(const json_t *base, const char *reference, FILE *out);

/* Whether a reference that counts from `base` leads to the root itself. */
bool schema_reference_is_root(const json_t *root, const json_t *base, const char *reference);

/* ---- schema_write.c */

/* The prepared text, malloc'd; NULL when memory is short. `to_root`: a reference leads to the root
 * itself. */
char *schema_write(const json_t *root, bool to_root, struct koine_text written, size_t *size);

#endif
