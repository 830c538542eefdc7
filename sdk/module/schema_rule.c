/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keywords that mean something only together with those beside them: which are refused, which are
 * left out, and by which name of draft 7 the CLI knows the rest.
 */
#include "schema_internal.h"

static bool has(const json_t *schema, const char *name) {
    return json_object_get(schema, name) != NULL;
}

/* Keywords that apply other schemas to the same value: what those have looked at is not known. */
static bool applies_others(const json_t *schema) {
    static const char *const names[] = {
        "$ref",         "allOf", "anyOf",       "oneOf", "not", "if", "dependentSchemas",
        "dependencies", "then",  "$dynamicRef", "else"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (has(schema, names[i]))
            return true;
    }
    return false;
}

static bool says_nothing(const json_t *schema) {
    return json_is_true(schema) || (json_is_object(schema) && !json_object_size(schema));
}

static bool counts_one(const json_t *schema) {
    const json_t *least = json_object_get(schema, "minContains");
    return !has(schema, "contains") ||
           (!has(schema, "maxContains") && (!least || json_number_value(least) <= 1));
}

static size_t dependencies_of(const json_t *schema) {
    return (size_t)has(schema, "dependencies") + has(schema, "dependentRequired") +
           has(schema, "dependentSchemas");
}

/* NULL: nothing is wrong. */
static const char *trouble_with(const struct schema_keyword *keyword, const json_t *schema) {
    const json_t *value = json_object_get(schema, keyword->name);
    switch (keyword->rule) {
    case SCHEMA_ITEMS:
        return json_is_array(value) && has(schema, "prefixItems")
                   ? "must be a schema beside prefixItems, got an array"
                   : NULL;
    case SCHEMA_EXCLUSIVE_MINIMUM:
        return json_is_true(value) && !has(schema, "minimum")
                   ? "must be a number, or stand beside minimum: got true"
                   : NULL;
    case SCHEMA_EXCLUSIVE_MAXIMUM:
        return json_is_true(value) && !has(schema, "maximum")
                   ? "must be a number, or stand beside maximum: got true"
                   : NULL;
    case SCHEMA_CONTAINS_COUNT:
        return counts_one(schema) ? NULL
                                  : "is not supported: contains can be asked for one value only";
    case SCHEMA_DEPENDENCIES:
        return dependencies_of(schema) > 1 ? "must be the only one of dependencies, "
                                             "dependentRequired and dependentSchemas here"
                                           : NULL;
    case SCHEMA_UNEVALUATED_PROPERTIES:
        return applies_others(schema) && !says_nothing(value)
                   ? "is not supported beside keywords such as allOf and $ref: use "
                     "additionalProperties"
                   : NULL;
    case SCHEMA_UNEVALUATED_ITEMS:
        return (applies_others(schema) || has(schema, "contains")) && !says_nothing(value)
                   ? "is not supported beside keywords such as allOf and $ref: use items"
                   : NULL;
    default:
        return NULL;
    }
}

void schema_check_beside(const struct schema_check *check, const struct schema_place *place,
                         const struct schema_keyword *keyword, const json_t *schema) {
    const char *trouble = keyword->rule == SCHEMA_AS_IT_IS ? NULL : trouble_with(keyword, schema);
    if (trouble)
        schema_problem(check, place, "%s", trouble);
}

/* ---- the names of draft 7 */

static const char *unevaluated_items(const json_t *schema) {
    const json_t *items = json_object_get(schema, "items");
    if (says_nothing(json_object_get(schema, "unevaluatedItems")) ||
        (json_is_array(items) && has(schema, "additionalItems")))
        return NULL;
    if (json_is_array(items))
        return "additionalItems";
    if (items)
        return NULL;
    return has(schema, "prefixItems") ? "additionalItems" : "items";
}

static const char *unevaluated_properties(const json_t *schema) {
    return says_nothing(json_object_get(schema, "unevaluatedProperties")) ||
                   has(schema, "additionalProperties")
               ? NULL
               : "additionalProperties";
}

static bool asks_for_none(const json_t *schema) {
    const json_t *least = json_object_get(schema, "minContains");
    return least && json_number_value(least) == 0;
}

const char *schema_keyword_written(const struct schema_keyword *keyword, const json_t *schema) {
    const json_t *value = json_object_get(schema, keyword->name);
    switch (keyword->rule) {
    case SCHEMA_ITEMS:
        return has(schema, "prefixItems") ? "additionalItems" : "items";
    case SCHEMA_PREFIX_ITEMS:
        return "items";
    case SCHEMA_ADDITIONAL_ITEMS: /* of draft 7, where items has to be an array */
        return json_is_array(json_object_get(schema, "items")) ? keyword->name : NULL;
    case SCHEMA_DEPENDENCIES:
        return "dependencies";
    case SCHEMA_MINIMUM: /* of draft 4, where the bound is one and its kind the other */
        return json_is_true(json_object_get(schema, "exclusiveMinimum")) ? "exclusiveMinimum"
                                                                         : "minimum";
    case SCHEMA_MAXIMUM:
        return json_is_true(json_object_get(schema, "exclusiveMaximum")) ? "exclusiveMaximum"
                                                                         : "maximum";
    case SCHEMA_EXCLUSIVE_MINIMUM:
    case SCHEMA_EXCLUSIVE_MAXIMUM:
        return json_is_boolean(value) ? NULL : keyword->name;
    case SCHEMA_CONTAINS:
        return asks_for_none(schema) ? NULL : keyword->name;
    case SCHEMA_CONTAINS_COUNT:
        return NULL;
    case SCHEMA_IF:
        return has(schema, "then") || has(schema, "else") ? keyword->name : NULL;
    case SCHEMA_THEN:
        return has(schema, "if") ? keyword->name : NULL;
    case SCHEMA_UNEVALUATED_ITEMS:
        return unevaluated_items(schema);
    case SCHEMA_UNEVALUATED_PROPERTIES:
        return unevaluated_properties(schema);
    case SCHEMA_AS_IT_IS:
        break;
    }
    return keyword->name;
}
