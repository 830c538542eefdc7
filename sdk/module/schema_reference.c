/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a $ref within the document leads. Only through keywords that schemas stand in: what else a
 * pointer could reach is no schema, or is not in the text that the CLI is given.
 */
#include "schema_internal.h"
#include <stdlib.h>
#include <string.h>

/* What the next step of a pointer is: a keyword, the name of a schema, or its number. */
enum standing { AT_SCHEMA, AT_MAP, AT_LIST };

struct walk {
    const json_t *at;
    enum standing standing;
    const char *written; /* the step as it is in the prepared text; NULL: as it is here */
};

static int hexadecimal(char digit) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)((found - digits) % 16) : -1;
}

/* One byte of a step, "%41" and "~1" undone; moves `*at` behind it. 0: no such byte. */
static char next_byte(const char **at) {
    int byte = (unsigned char)*(*at)++;
    if (byte == '%') {
        int high = hexadecimal((*at)[0]);
        int low = high < 0 ? -1 : hexadecimal((*at)[1]);
        if (low < 0)
            return 0;
        byte = high * 16 + low;
        *at += 2;
    }
    if (byte == '~') {
        char which = **at;
        if (which != '0' && which != '1')
            return 0;
        ++*at;
        byte = which == '0' ? '~' : '/';
    }
    return (char)byte;
}

/* The step in front of `at`, undone into `step`; returns its end, NULL: it is none. */
static const char *undo_step(const char *at, char *step) {
    while (*at && *at != '/') {
        char byte = next_byte(&at);
        if (!byte)
            return NULL;
        *step++ = byte;
    }
    *step = '\0';
    return at;
}

static void take_keyword(struct walk *walk, const char *step) {
    const struct schema_keyword *keyword = schema_keyword_find(step);
    const json_t *schema = walk->at;
    walk->at = keyword && keyword->kind >= SCHEMA_SCHEMA ? json_object_get(schema, step) : NULL;
    if (!walk->at)
        return;
    walk->written = schema_keyword_written(keyword, schema);
    if (!walk->written)
        walk->at = NULL; /* left out, and what stands in it too */
    else if (keyword->kind >= SCHEMA_MAP)
        walk->standing = AT_MAP;
    else if (json_is_array(walk->at))
        walk->standing = AT_LIST;
}

static void take_number(struct walk *walk, const char *step) {
    char *end;
    bool plain = *step >= '0' && *step <= '9' && (*step != '0' || !step[1]);
    unsigned long index = plain ? strtoul(step, &end, 10) : 0;
    walk->at = plain && !*end ? json_array_get(walk->at, index) : NULL;
}

static void take_step(struct walk *walk, const char *step) {
    enum standing standing = walk->standing;
    walk->written = NULL;
    walk->standing = AT_SCHEMA;
    if (standing == AT_SCHEMA)
        take_keyword(walk, step);
    else if (standing == AT_MAP)
        walk->at = json_object_get(walk->at, step);
    else
        take_number(walk, step);
}

static bool is_schema(const struct walk *walk) {
    return walk->standing == AT_SCHEMA && (json_is_object(walk->at) || json_is_boolean(walk->at));
}

/* An $id that is only a fragment names its schema and nothing else. */
const json_t *schema_base(const json_t *schema, const json_t *outer) {
    const char *id = json_string_value(json_object_get(schema, "$id"));
    return id && *id && *id != '#' ? schema : outer;
}

bool schema_reference_is_root(const json_t *root, const json_t *base, const char *reference) {
    const char *id = json_string_value(json_object_get(root, "$id"));
    return *reference == '#' ? base == root && !reference[1] : id && !strcmp(id, reference);
}

enum schema_followed schema_reference_follow(const json_t *base, const char *reference, FILE *out) {
    struct walk walk = {base, AT_SCHEMA, NULL};
    const char *at = reference + 1;
    char *step = malloc(strlen(reference) + 1);
    if (!step)
        return SCHEMA_NO_MEMORY;
    while (walk.at && *at == '/') {
        const char *from = at + 1;
        const char *end = undo_step(from, step);
        if (end)
            take_step(&walk, step);
        else
            walk.at = NULL;
        if (out && walk.at) {
            fputc('/', out);
            fwrite(walk.written ? walk.written : from, 1,
                   walk.written ? strlen(walk.written) : (size_t)(end - from), out);
        }
        at = end;
    }
    free(step);
    return walk.at && !*at && is_schema(&walk) ? SCHEMA_FOUND : SCHEMA_NOWHERE;
}
