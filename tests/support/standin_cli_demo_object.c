/* SPDX-License-Identifier: Apache-2.0 */
/* A value that fits a JSON Schema, draft-07 as the gateway gives it or 2020-12, and looks like one
 * that somebody has thought of. It knows no `not`, `if` and `patternProperties`. */
#include "standin_cli_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 24,
    USUAL_ITEMS = 3,
    MOST_ITEMS = 1000,
    MOST_VALUES = 20000,
    UNIQUE_TRIES = 200,
    BYTES_OF_VALUE = 64
};

static json_t *sample(struct demo_sampler *sampler, const json_t *schema,
                      const struct demo_place *place);

/* ---- which type */

static bool has_any(const json_t *schema, const char *const *keywords) {
    for (; *keywords; keywords++)
        if (json_object_get(schema, *keywords))
            return true;
    return false;
}

static const char *implied_type(const json_t *schema) {
    static const char *const object[] = {"properties", "required", "additionalProperties",
                                         "minProperties", NULL};
    static const char *const array[] = {"items", "prefixItems", "minItems", "contains", NULL};
    static const char *const number[] = {"minimum",          "maximum",    "exclusiveMinimum",
                                         "exclusiveMaximum", "multipleOf", NULL};
    return has_any(schema, object)   ? "object"
           : has_any(schema, array)  ? "array"
           : has_any(schema, number) ? "number"
                                     : "string";
}

static const char *type_of(const json_t *schema, bool null_wanted) {
    const json_t *type = json_object_get(schema, "type"), *one;
    const char *chosen = json_string_value(type);
    size_t i;
    json_array_foreach(type, i, one) {
        const char *name = json_string_value(one);
        bool is_null = name && strcmp(name, "null") == 0;
        if (name && (!chosen || (is_null && null_wanted) ||
                     (!is_null && !null_wanted && strcmp(chosen, "null") == 0)))
            chosen = name;
    }
    return chosen ? chosen : implied_type(schema);
}

/* ---- objects and arrays */

static bool is_required(const json_t *schema, const char *name) {
    const json_t *required = json_object_get(schema, "required"), *one;
    size_t i;
    json_array_foreach(required, i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

static void add_property(struct demo_sampler *sampler, json_t *object, const json_t *schema,
                         const char *name, const struct demo_place *place) {
    struct demo_place inside = {name, place->count, place->depth + 1};
    if (!json_object_get(object, name))
        json_object_set_new(object, name, sample(sampler, schema, &inside));
}

/* Those that must be there and are not described, and as many as must be. */
static void add_undescribed(struct demo_sampler *sampler, json_t *object, const json_t *schema,
                            const struct demo_place *place) {
    const json_t *more = json_object_get(schema, "additionalProperties"), *one;
    size_t i, least = demo_count(schema, "minProperties", 0);
    char name[32];
    json_array_foreach(json_object_get(schema, "required"), i, one) {
        if (json_is_string(one))
            add_property(sampler, object, more, json_string_value(one), place);
    }
    if (json_is_object(more) && least < 1 && json_object_size(object) == 0 &&
        !demo_is_enough(sampler, place))
        least = 2; /* a map: an empty one shows nothing */
    for (i = 1; json_object_size(object) < least && i <= MOST_ITEMS; i++) {
        snprintf(name, sizeof name, "madeUp%zu", i);
        struct demo_place its = {place->name, (unsigned)i - 1, place->depth};
        add_property(sampler, object, more, name, &its);
    }
}

static json_t *sample_object(struct demo_sampler *sampler, const json_t *schema,
                             const struct demo_place *place) {
    json_t *object = standin_must(json_object()), *property;
    size_t most = demo_count(schema, "maxProperties", DEMO_MOST);
    size_t must = json_array_size(json_object_get(schema, "required"));
    size_t optional = most > must ? most - must : 0;
    const char *name;
    json_object_foreach(json_object_get(schema, "properties"), name, property) {
        bool required = is_required(schema, name);
        if (!required &&
            (optional == 0 || json_is_false(property) || demo_is_enough(sampler, place)))
            continue;
        optional -= required ? 0 : 1;
        add_property(sampler, object, property, name, place);
    }
    add_undescribed(sampler, object, schema, place);
    return object;
}

/* What the `index`-th item is to fit. Borrowed; NULL: anything; false: there is none. */
static const json_t *item_schema(const json_t *schema, size_t index) {
    const json_t *items = json_object_get(schema, "items");
    const json_t *first = json_object_get(schema, "prefixItems");
    const json_t *rest = items;
    if (json_is_array(items)) {
        first = items;
        rest = json_object_get(schema, "additionalItems");
    }
    return index < json_array_size(first) ? json_array_get(first, index) : rest;
}

static json_t *all_of(json_t *schema, const json_t *another) {
    return standin_must(json_pack("{s[OO*]}", "allOf", schema, (json_t *)(uintptr_t)another));
}

static size_t described_items(const json_t *schema) {
    const json_t *items = json_object_get(schema, "items");
    size_t first = json_array_size(json_object_get(schema, "prefixItems"));
    return json_is_array(items) ? json_array_size(items) : first;
}

static size_t item_count(const json_t *schema, const struct demo_place *place, bool enough) {
    size_t least = demo_count(schema, "minItems", 0);
    size_t most = demo_count(schema, "maxItems", MOST_ITEMS);
    size_t described = described_items(schema);
    size_t count = described ? described : enough ? 0 : USUAL_ITEMS;
    if (place->depth > 2 && count > 2 && !described)
        count = 2;
    if (count < least)
        count = least;
    if (json_object_get(schema, "contains") && count < 1)
        count = 1;
    if (count > most)
        count = most;
    return count < MOST_ITEMS ? count : MOST_ITEMS;
}

static bool holds(const json_t *array, const json_t *value) {
    const json_t *item;
    size_t i;
    json_array_foreach(array, i, item) {
        if (json_equal(item, value))
            return true;
    }
    return false;
}

/* One that is not there yet, where that is wanted and can be. */
static json_t *sample_item(struct demo_sampler *sampler, const json_t *schema, const json_t *array,
                           const struct demo_place *place, bool unique) {
    json_t *item = NULL;
    for (unsigned i = 0; i < (unique ? UNIQUE_TRIES : 1); i++) {
        struct demo_place another = {place->name, place->count + i, place->depth};
        json_decref(item);
        item = sample(sampler, schema, &another);
        if (!holds(array, item) || sampler->made > MOST_VALUES)
            break;
    }
    return item;
}

static json_t *sample_array(struct demo_sampler *sampler, const json_t *schema,
                            const struct demo_place *place) {
    json_t *array = standin_must(json_array());
    json_t *contained = json_object_get(schema, "contains");
    size_t least = demo_count(schema, "minItems", 0);
    size_t containing = contained ? demo_count(schema, "minContains", 1) : 0;
    bool unique = json_is_true(json_object_get(schema, "uniqueItems"));
    size_t count = item_count(schema, place, demo_is_enough(sampler, place));
    for (size_t i = 0; i < (count > containing ? count : containing); i++) {
        const json_t *described = item_schema(schema, i);
        struct demo_place inside = {place->name, (unsigned)i, place->depth + 1};
        if (json_is_false(described) || sampler->made > MOST_VALUES)
            break;
        json_t *both = i < containing ? all_of(contained, described) : NULL;
        json_t *item = sample_item(sampler, both ? both : described, array, &inside, unique);
        json_decref(both);
        if (unique && i >= least && holds(array, item)) {
            json_decref(item);
            break;
        }
        json_array_append_new(array, item);
    }
    return array;
}

/* ---- any value */

/* One of those that are named, if the schema names any. A new reference, or NULL. */
static json_t *named_value(const json_t *schema, const struct demo_place *place) {
    json_t *fixed = json_object_get(schema, "const");
    const json_t *choices = json_object_get(schema, "enum");
    size_t count = json_array_size(choices);
    if (!fixed && count > 0) {
        fixed = json_array_get(choices, place->count % count);
        if (json_is_null(fixed) && count > 1)
            fixed = json_array_get(choices, (place->count + 1) % count);
    }
    return fixed ? json_deep_copy(fixed) : NULL;
}

static json_t *value_of_type(struct demo_sampler *sampler, const json_t *schema,
                             const struct demo_place *place) {
    const char *type = type_of(schema, demo_is_enough(sampler, place));
    if (strcmp(type, "object") == 0)
        return sample_object(sampler, schema, place);
    if (strcmp(type, "array") == 0)
        return sample_array(sampler, schema, place);
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return demo_number(schema, place, *type == 'i');
    if (strcmp(type, "boolean") == 0)
        return json_boolean(place->count % 2 == 0);
    if (strcmp(type, "null") == 0)
        return json_null();
    json_t *text = demo_string(schema, place->name, place->count);
    sampler->made += (unsigned)(json_string_length(text) / BYTES_OF_VALUE); /* a long one is many */
    return text;
}

static json_t *sample(struct demo_sampler *sampler, const json_t *schema,
                      const struct demo_place *place) {
    if (place->depth > DEEPEST || ++sampler->made > MOST_VALUES)
        return json_null();
    struct demo_place here = *place;
    json_t *whole = demo_plain(sampler, schema, &here);
    json_t *value = named_value(whole, &here);
    if (!value)
        value = value_of_type(sampler, whole, &here);
    json_decref(whole);
    return standin_must(value);
}

json_t *demo_object(const json_t *schema) {
    struct demo_sampler sampler = {schema, 0};
    struct demo_place place = {0};
    return sample(&sampler, schema, &place);
}
