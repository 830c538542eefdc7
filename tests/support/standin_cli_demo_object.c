/* SPDX-License-Identifier: Apache-2.0 */
/* A value that fits a JSON Schema, draft-07 as the gateway gives it or 2020-12, and looks like one
 * that somebody has thought of. It knows no `not`, `if` and `patternProperties`. */
#include "standin_cli_demo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 24,
    ALL_PROPERTIES_DEPTH = 6, /* deeper only what is required: a schema may hold itself */
    USUAL_ITEMS = 3,
    MOST_ITEMS = 1000,
    DEPTH_OF_REFERENCE = 2,
    ALL_PROPERTIES_VALUES = 200, /* likewise: it may hold itself several times */
    MOST_VALUES = 20000,
    REFERENCES = 32, /* that lead to one another */
    UNIQUE_TRIES = 200
};

struct sampler {
    const json_t *root;
    unsigned made; /* values so far */
};

/* What is known about the place of a value. */
struct place {
    const char *name; /* of the property that it belongs to, or NULL */
    unsigned count;   /* it is that of several */
    int depth;
};

static json_t *sample(struct sampler *sampler, const json_t *schema, const struct place *place);

/* From here on only what must be. */
static bool is_enough(const struct sampler *sampler, const struct place *place) {
    return place->depth >= ALL_PROPERTIES_DEPTH || sampler->made > ALL_PROPERTIES_VALUES;
}

/* ---- one schema out of several that all hold */

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
static const json_t *resolve(const struct sampler *sampler, const char *reference) {
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
static json_t *choose(const struct sampler *sampler, const json_t *choices,
                      const struct place *place) {
    json_t *choice, *chosen = NULL;
    size_t i;
    json_array_foreach(choices, i, choice) {
        bool wanted = is_null_only(choice) == is_enough(sampler, place);
        if (wanted && !json_is_false(choice) && !chosen)
            chosen = choice;
    }
    return chosen ? chosen : json_array_get(choices, 0);
}

static void follow_reference(const struct sampler *sampler, json_t *schema, struct place *place) {
    json_t *reference = json_incref(json_object_get(schema, "$ref"));
    json_object_del(schema, "$ref");
    if (json_is_string(reference))
        narrow(schema, (json_t *)(uintptr_t)resolve(sampler, json_string_value(reference)));
    place->depth += DEPTH_OF_REFERENCE;
    json_decref(reference);
}

static void combine(const struct sampler *sampler, json_t *schema, const char *combination,
                    const struct place *place) {
    json_t *parts = json_incref(json_object_get(schema, combination)), *part;
    size_t i;
    json_object_del(schema, combination);
    if (strcmp(combination, "allOf") != 0)
        narrow(schema, choose(sampler, parts, place));
    else
        json_array_foreach(parts, i, part) narrow(schema, part);
    json_decref(parts);
}

/* The schema without references and combinations: a new object. */
static json_t *plain(const struct sampler *sampler, const json_t *schema, struct place *place) {
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

/* ---- numbers */

struct range {
    double low, high; /* both included when `step` is given */
    bool open_low, open_high;
    double step; /* 0: none */
};

static void read_bound(const json_t *schema, const char *name, const char *exclusive_name,
                       double *bound, bool *open, double sign) {
    const json_t *value = json_object_get(schema, name);
    const json_t *exclusive = json_object_get(schema, exclusive_name);
    if (json_is_number(value)) {
        *bound = json_number_value(value);
        *open = json_is_true(exclusive); /* draft-04 */
    }
    if (json_is_number(exclusive) && sign * json_number_value(exclusive) >= sign * *bound) {
        *bound = json_number_value(exclusive);
        *open = true;
    }
}

static struct range range_of(const json_t *schema, bool whole) {
    struct range range = {-HUGE_VAL, HUGE_VAL, false, false, 0};
    const json_t *multiple = json_object_get(schema, "multipleOf");
    read_bound(schema, "minimum", "exclusiveMinimum", &range.low, &range.open_low, 1);
    read_bound(schema, "maximum", "exclusiveMaximum", &range.high, &range.open_high, -1);
    range.step = json_is_number(multiple) ? json_number_value(multiple) : whole ? 1 : 0;
    if (whole && range.step != floor(range.step))
        range.step = ceil(range.step) == 1 ? 1 : range.step * 10;
    return range;
}

static bool is_within(const struct range *range, double value) {
    return (range->open_low ? value > range->low : value >= range->low) &&
           (range->open_high ? value < range->high : value <= range->high);
}

/* The `count`-th multiple from a bound on, from the start again behind the other. */
static double stepped(const struct range *range, double hint, unsigned count) {
    double step = range->step;
    double from = isfinite(range->low) ? ceil(range->low / step) * step : -HUGE_VAL;
    double to = isfinite(range->high) ? floor(range->high / step) * step : HUGE_VAL;
    if (range->open_low && from <= range->low)
        from += step;
    if (range->open_high && to >= range->high)
        to -= step;
    double start = ceil(hint / step) * step;
    if (start + count * step <= to && start >= from)
        return start + count * step;
    if (!isfinite(from))
        return to - count * step;
    return isfinite(to) && to >= from ? from + fmod(count, (to - from) / step + 1) * step
                                      : from + count * step;
}

static double between(const struct range *range, double hint, unsigned count) {
    double value = hint + count;
    if (is_within(range, value))
        return value;
    if (isfinite(range->low) && isfinite(range->high))
        value = range->low + (range->high - range->low) * (count % 9 + 1) / 10;
    else
        value = isfinite(range->low) ? range->low + 1 + count : range->high - 1 - count;
    double rounded = round(value * 100) / 100;
    return is_within(range, rounded) ? rounded : value;
}

static json_t *sample_number(const json_t *schema, const struct place *place, bool whole) {
    struct range range = range_of(schema, whole);
    double hint = whole ? 7 : 4.2;
    demo_number_hint(place->name, &hint);
    double value =
        range.step > 0 ? stepped(&range, hint, place->count) : between(&range, hint, place->count);
    bool is_integer = value == floor(value) && fabs(value) < 9e15;
    return is_integer && (whole || range.step >= 1) ? json_integer((json_int_t)value)
                                                    : json_real(value);
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

static void add_property(struct sampler *sampler, json_t *object, const json_t *schema,
                         const char *name, const struct place *place) {
    struct place inside = {name, place->count, place->depth + 1};
    if (!json_object_get(object, name))
        json_object_set_new(object, name, sample(sampler, schema, &inside));
}

/* Those that must be there and are not described, and as many as must be. */
static void add_undescribed(struct sampler *sampler, json_t *object, const json_t *schema,
                            const struct place *place) {
    const json_t *more = json_object_get(schema, "additionalProperties"), *one;
    size_t i, least = (size_t)json_number_value(json_object_get(schema, "minProperties"));
    char name[32];
    json_array_foreach(json_object_get(schema, "required"), i, one) {
        if (json_is_string(one))
            add_property(sampler, object, more, json_string_value(one), place);
    }
    if (json_is_object(more) && least < 1 && json_object_size(object) == 0 &&
        !is_enough(sampler, place))
        least = 2; /* a map: an empty one shows nothing */
    for (i = 1; json_object_size(object) < least && i <= MOST_ITEMS; i++) {
        snprintf(name, sizeof name, "madeUp%zu", i);
        struct place its = {place->name, (unsigned)i - 1, place->depth};
        add_property(sampler, object, more, name, &its);
    }
}

static json_t *sample_object(struct sampler *sampler, const json_t *schema,
                             const struct place *place) {
    json_t *object = standin_must(json_object()), *property;
    const json_t *limit = json_object_get(schema, "maxProperties");
    size_t most = limit ? (size_t)json_number_value(limit) : SIZE_MAX;
    size_t must = json_array_size(json_object_get(schema, "required"));
    size_t optional = most > must ? most - must : 0;
    const char *name;
    json_object_foreach(json_object_get(schema, "properties"), name, property) {
        bool required = is_required(schema, name);
        if (!required && (optional == 0 || json_is_false(property) || is_enough(sampler, place)))
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

static size_t item_count(const json_t *schema, const struct place *place, bool enough) {
    const json_t *least = json_object_get(schema, "minItems");
    const json_t *most = json_object_get(schema, "maxItems");
    size_t described = described_items(schema);
    size_t count = described ? described : enough ? 0 : USUAL_ITEMS;
    if (place->depth > 2 && count > 2 && !described)
        count = 2;
    if (least && count < json_number_value(least))
        count = (size_t)json_number_value(least);
    if (json_object_get(schema, "contains") && count < 1)
        count = 1;
    if (most && count > json_number_value(most))
        count = (size_t)json_number_value(most);
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
static json_t *sample_item(struct sampler *sampler, const json_t *schema, const json_t *array,
                           const struct place *place, bool unique) {
    json_t *item = NULL;
    for (unsigned i = 0; i < (unique ? UNIQUE_TRIES : 1); i++) {
        struct place another = {place->name, place->count + i, place->depth};
        json_decref(item);
        item = sample(sampler, schema, &another);
        if (!holds(array, item))
            break;
    }
    return item;
}

static json_t *sample_array(struct sampler *sampler, const json_t *schema,
                            const struct place *place) {
    json_t *array = standin_must(json_array());
    json_t *contained = json_object_get(schema, "contains");
    const json_t *must = json_object_get(schema, "minContains");
    size_t least = (size_t)json_number_value(json_object_get(schema, "minItems"));
    size_t containing = !contained ? 0 : must ? (size_t)json_number_value(must) : 1;
    bool unique = json_is_true(json_object_get(schema, "uniqueItems"));
    size_t count = item_count(schema, place, is_enough(sampler, place));
    for (size_t i = 0; i < (count > containing ? count : containing); i++) {
        const json_t *described = item_schema(schema, i);
        struct place inside = {place->name, (unsigned)i, place->depth + 1};
        json_t *both = i < containing ? all_of(contained, described) : NULL;
        if (json_is_false(described))
            break;
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
static json_t *named_value(const json_t *schema, const struct place *place) {
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

static json_t *value_of_type(struct sampler *sampler, const json_t *schema,
                             const struct place *place) {
    const char *type = type_of(schema, is_enough(sampler, place));
    if (strcmp(type, "object") == 0)
        return sample_object(sampler, schema, place);
    if (strcmp(type, "array") == 0)
        return sample_array(sampler, schema, place);
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        return sample_number(schema, place, *type == 'i');
    if (strcmp(type, "boolean") == 0)
        return json_boolean(place->count % 2 == 0);
    return strcmp(type, "null") == 0 ? json_null() : demo_string(schema, place->name, place->count);
}

static json_t *sample(struct sampler *sampler, const json_t *schema, const struct place *place) {
    if (place->depth > DEEPEST || ++sampler->made > MOST_VALUES)
        return json_null();
    struct place here = *place;
    json_t *whole = plain(sampler, schema, &here);
    json_t *value = named_value(whole, &here);
    if (!value)
        value = value_of_type(sampler, whole, &here);
    json_decref(whole);
    return standin_must(value);
}

json_t *demo_object(const json_t *schema) {
    struct sampler sampler = {schema, 0};
    struct place place = {0};
    return sample(&sampler, schema, &place);
}
