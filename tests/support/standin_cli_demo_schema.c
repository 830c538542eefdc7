/* SPDX-License-Identifier: Apache-2.0 */
/* One schema for a demo's value out of several that all hold: what a reference leads to, and the
 * parts of allOf, anyOf and oneOf. Chooses; makes no value. */
#include "standin_cli_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_OF_REFERENCE = 2, /* a schema may hold itself */
    REFERENCES = 32,        /* that lead to one another */
    ALL_PROPERTIES_DEPTH = 6,
    ALL_PROPERTIES_VALUES = 200
};

bool demo_is_enough(const struct demo_sampler *sampler, const struct demo_place *place) {
    return place->depth >= ALL_PROPERTIES_DEPTH || sampler->made > ALL_PROPERTIES_VALUES;
}

static json_t *member(const json_t *value, const char *pointer, size_t size) {
    char name[256];
    size_t length = 0;
    for (size_t i = 0; i < size && length + 1 < sizeof name; i++) {
        unsigned code = 0;
        if (pointer[i] == '~' && i + 1 < size)
            name[length++] = pointer[++i] == '1' ? '/' : '~';
        else if (pointer[i] == '%' && i + 2 < size && sscanf(pointer + i + 1, "%2x", &code) == 1) {
            name[length++] = (char)code;
            i += 2;
        } else {
            name[length++] = pointer[i];
        }
    }
    name[length] = '\0';
    return json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                : json_object_get(value, name);
}

/* Where a local reference leads; NULL: nowhere. */
static const json_t *resolve(const struct demo_sampler *sampler, const char *reference) {
    const json_t *at = sampler->root;
    if (*reference != '#')
        return NULL;
    for (const char *part = reference + 1; at && *part == '/'; part += strcspn(part, "/")) {
        part++;
        at = member(at, part, strcspn(part, "/"));
    }
    return at;
}

static bool is_lower_bound(const char *name) {
    return strncmp(name, "min", 3) == 0 || strcmp(name, "exclusiveMinimum") == 0;
}

static bool is_upper_bound(const char *name) {
    return strncmp(name, "max", 3) == 0 || strcmp(name, "exclusiveMaximum") == 0;
}

static json_t *common_of(const json_t *a, const json_t *b) {
    json_t *common = standin_must(json_array()), *value, *other;
    size_t i, j;
    json_array_foreach(a, i, value) {
        json_array_foreach(b, j, other) {
            if (json_equal(value, other))
                json_array_append(common, value);
        }
    }
    return common;
}

static json_t *as_list(const json_t *type) {
    return standin_must(json_is_array(type) ? json_deep_copy(type)
                                            : json_pack("[O]", (json_t *)(uintptr_t)type));
}

/* Properties that both describe must fit both. */
static void narrow_properties(json_t *mine, json_t *others) {
    const char *name;
    json_t *other;
    json_object_foreach(others, name, other) {
        json_t *own = json_object_get(mine, name);
        if (own)
            json_object_set_new(mine, name, json_pack("{s[OO]}", "allOf", own, other));
        else
            json_object_set(mine, name, other);
    }
}

/* A keyword that both have. */
static void narrow_keyword(json_t *schema, const char *name, json_t *own, json_t *other) {
    if (strcmp(name, "properties") == 0) {
        json_t *mine = json_copy(own);
        narrow_properties(mine, other);
        json_object_set_new(schema, name, mine);
    } else if (strcmp(name, "required") == 0) {
        json_t *both = json_copy(own);
        json_array_extend(both, other);
        json_object_set_new(schema, name, both);
    } else if (strcmp(name, "enum") == 0) {
        json_object_set_new(schema, name, common_of(own, other));
    } else if (strcmp(name, "type") == 0) {
        json_t *one = as_list(own), *two = as_list(other), *common = common_of(one, two);
        if (json_array_size(common) > 0) /* integer and number have no word in common */
            json_object_set(schema, name, common);
        else if (json_is_string(other) && strcmp(json_string_value(other), "integer") == 0)
            json_object_set(schema, name, other);
        json_decref(one);
        json_decref(two);
        json_decref(common);
    } else if (strcmp(name, "items") == 0) {
        json_object_set_new(schema, name, json_pack("{s[OO]}", "allOf", own, other));
    } else if ((is_lower_bound(name) && json_number_value(other) > json_number_value(own)) ||
               (is_upper_bound(name) && json_number_value(other) < json_number_value(own)) ||
               json_is_false(other)) {
        json_object_set(schema, name, other);
    }
}

static void narrow(json_t *schema, json_t *other) {
    const char *name;
    json_t *value;
    json_object_foreach(other, name, value) {
        json_t *own = json_object_get(schema, name);
        if (own)
            narrow_keyword(schema, name, own, value);
        else
            json_object_set(schema, name, value);
    }
}

static bool is_null_only(const json_t *schema) {
    const char *type = json_string_value(json_object_get(schema, "type"));
    const json_t *fixed = json_object_get(schema, "const");
    return (type && strcmp(type, "null") == 0) || json_is_null(fixed);
}

/* Of the choices that are left one that says something; deep down the first that is null. */
static json_t *choose(const struct demo_sampler *sampler, const json_t *choices,
                      const struct demo_place *place) {
    json_t *choice, *chosen = NULL;
    size_t i;
    json_array_foreach(choices, i, choice) {
        bool wanted = is_null_only(choice) == demo_is_enough(sampler, place);
        if (wanted && !json_is_false(choice) && !chosen)
            chosen = choice;
    }
    return chosen ? chosen : json_array_get(choices, 0);
}

static void follow_reference(const struct demo_sampler *sampler, json_t *schema,
                             struct demo_place *place) {
    json_t *reference = json_incref(json_object_get(schema, "$ref"));
    json_object_del(schema, "$ref");
    if (json_is_string(reference))
        narrow(schema, (json_t *)(uintptr_t)resolve(sampler, json_string_value(reference)));
    place->depth += DEPTH_OF_REFERENCE;
    json_decref(reference);
}

static void combine(const struct demo_sampler *sampler, json_t *schema, const char *combination,
                    const struct demo_place *place) {
    json_t *parts = json_incref(json_object_get(schema, combination)), *part;
    size_t i;
    json_object_del(schema, combination);
    if (strcmp(combination, "allOf") != 0)
        narrow(schema, choose(sampler, parts, place));
    else
        json_array_foreach(parts, i, part) narrow(schema, part);
    json_decref(parts);
}

json_t *demo_plain(const struct demo_sampler *sampler, const json_t *schema,
                   struct demo_place *place) {
    static const char *const combinations[] = {"allOf", "anyOf", "oneOf"};
    json_t *whole = standin_must(json_is_object(schema) ? json_copy((json_t *)(uintptr_t)schema)
                                                        : json_object());
    bool more = true;
    for (int i = 0; more && i < REFERENCES; i++) {
        more = json_object_get(whole, "$ref");
        if (more)
            follow_reference(sampler, whole, place);
        for (size_t c = 0; c < sizeof combinations / sizeof *combinations; c++) {
            if (!json_object_get(whole, combinations[c]))
                continue;
            combine(sampler, whole, combinations[c], place);
            more = true;
        }
    }
    return whole;
}
