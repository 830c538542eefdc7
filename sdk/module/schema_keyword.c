/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keywords of JSON Schema, draft 4 to 2020-12, and what each may hold. The CLI refuses a whole
 * schema for one keyword that it does not know: what is not in this table never reaches it.
 */
#include "schema_internal.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Sorted by name, as bsearch needs it. `format`, `$schema` and `nullable` are missing on purpose:
 * the first two the CLI refuses, the third is told by `type`. */
static const struct schema_keyword keywords[] = {
    {"$comment", SCHEMA_STRING, SCHEMA_AS_IT_IS},
    {"$defs", SCHEMA_MAP, SCHEMA_AS_IT_IS},
    {"$dynamicRef", SCHEMA_UNSUPPORTED, SCHEMA_AS_IT_IS},
    {"$id", SCHEMA_NAME, SCHEMA_AS_IT_IS},
    {"$recursiveRef", SCHEMA_UNSUPPORTED, SCHEMA_AS_IT_IS},
    {"$ref", SCHEMA_REFERENCE, SCHEMA_AS_IT_IS},
    {"additionalItems", SCHEMA_SCHEMA, SCHEMA_ADDITIONAL_ITEMS},
    {"additionalProperties", SCHEMA_SCHEMA, SCHEMA_AS_IT_IS},
    {"allOf", SCHEMA_LIST, SCHEMA_AS_IT_IS},
    {"anyOf", SCHEMA_LIST, SCHEMA_AS_IT_IS},
    {"const", SCHEMA_ANY, SCHEMA_AS_IT_IS},
    {"contains", SCHEMA_SCHEMA, SCHEMA_CONTAINS},
    {"contentEncoding", SCHEMA_STRING, SCHEMA_AS_IT_IS},
    {"contentMediaType", SCHEMA_STRING, SCHEMA_AS_IT_IS},
    {"contentSchema", SCHEMA_SCHEMA, SCHEMA_AS_IT_IS},
    {"default", SCHEMA_ANY, SCHEMA_AS_IT_IS},
    {"definitions", SCHEMA_MAP, SCHEMA_AS_IT_IS},
    {"dependencies", SCHEMA_MAP_OF_EITHER, SCHEMA_DEPENDENCIES},
    {"dependentRequired", SCHEMA_MAP_OF_STRINGS, SCHEMA_DEPENDENCIES},
    {"dependentSchemas", SCHEMA_MAP, SCHEMA_DEPENDENCIES},
    {"deprecated", SCHEMA_BOOLEAN, SCHEMA_AS_IT_IS},
    {"description", SCHEMA_STRING, SCHEMA_AS_IT_IS},
    {"else", SCHEMA_SCHEMA, SCHEMA_THEN},
    {"enum", SCHEMA_ENUM, SCHEMA_AS_IT_IS},
    {"examples", SCHEMA_ARRAY, SCHEMA_AS_IT_IS},
    {"exclusiveMaximum", SCHEMA_BOUND, SCHEMA_EXCLUSIVE_MAXIMUM},
    {"exclusiveMinimum", SCHEMA_BOUND, SCHEMA_EXCLUSIVE_MINIMUM},
    {"if", SCHEMA_SCHEMA, SCHEMA_IF},
    {"items", SCHEMA_SCHEMA_OR_LIST, SCHEMA_ITEMS},
    {"maxContains", SCHEMA_COUNT, SCHEMA_CONTAINS_COUNT},
    {"maxItems", SCHEMA_COUNT, SCHEMA_AS_IT_IS},
    {"maxLength", SCHEMA_COUNT, SCHEMA_AS_IT_IS},
    {"maxProperties", SCHEMA_COUNT, SCHEMA_AS_IT_IS},
    {"maximum", SCHEMA_NUMBER, SCHEMA_MAXIMUM},
    {"minContains", SCHEMA_COUNT, SCHEMA_CONTAINS_COUNT},
    {"minItems", SCHEMA_COUNT, SCHEMA_AS_IT_IS},
    {"minLength", SCHEMA_COUNT, SCHEMA_AS_IT_IS},
    {"minProperties", SCHEMA_COUNT, SCHEMA_AS_IT_IS},
    {"minimum", SCHEMA_NUMBER, SCHEMA_MINIMUM},
    {"multipleOf", SCHEMA_POSITIVE_NUMBER, SCHEMA_AS_IT_IS},
    {"not", SCHEMA_SCHEMA, SCHEMA_AS_IT_IS},
    {"oneOf", SCHEMA_LIST, SCHEMA_AS_IT_IS},
    {"pattern", SCHEMA_STRING, SCHEMA_AS_IT_IS},
    {"patternProperties", SCHEMA_MAP, SCHEMA_AS_IT_IS},
    {"prefixItems", SCHEMA_LIST, SCHEMA_PREFIX_ITEMS},
    {"properties", SCHEMA_MAP, SCHEMA_AS_IT_IS},
    {"propertyNames", SCHEMA_SCHEMA, SCHEMA_AS_IT_IS},
    {"readOnly", SCHEMA_BOOLEAN, SCHEMA_AS_IT_IS},
    {"required", SCHEMA_STRINGS, SCHEMA_AS_IT_IS},
    {"then", SCHEMA_SCHEMA, SCHEMA_THEN},
    {"title", SCHEMA_STRING, SCHEMA_AS_IT_IS},
    {"type", SCHEMA_TYPE, SCHEMA_AS_IT_IS},
    {"unevaluatedItems", SCHEMA_SCHEMA, SCHEMA_UNEVALUATED_ITEMS},
    {"unevaluatedProperties", SCHEMA_SCHEMA, SCHEMA_UNEVALUATED_PROPERTIES},
    {"uniqueItems", SCHEMA_BOOLEAN, SCHEMA_AS_IT_IS},
    {"writeOnly", SCHEMA_BOOLEAN, SCHEMA_AS_IT_IS},
};

static int compare_name(const void *name, const void *keyword) {
    return strcmp(name, ((const struct schema_keyword *)keyword)->name);
}

const struct schema_keyword *schema_keyword_find(const char *name) {
    return bsearch(name, keywords, sizeof keywords / sizeof *keywords, sizeof *keywords,
                   compare_name);
}

/* ---- in the words of a person */

enum { SHOWN_BYTES = 64 };

struct schema_shown schema_show(const json_t *value) {
    struct schema_shown shown;
    const char *text = json_string_value(value);
    const size_t all = json_string_length(value);
    const size_t size = koine_text_front((struct koine_text){text, all}, SHOWN_BYTES).size;
    if (text)
        snprintf(shown.text, sizeof shown.text, "\"%.*s%s\"", (int)size, text,
                 size < all ? "…" : "");
    else if (json_is_number(value))
        snprintf(shown.text, sizeof shown.text, "%.15g", json_number_value(value));
    else if (json_is_array(value) && !json_array_size(value))
        snprintf(shown.text, sizeof shown.text, "an empty array");
    else
        snprintf(shown.text, sizeof shown.text, "%s", koine_json_kind(value));
    return shown;
}

void schema_problem(const struct schema_check *check, const struct schema_place *place,
                    const char *format, ...) {
    va_list arguments;
    if (check->naming)
        return;
    va_start(arguments, format);
    koine_body_vproblem_in(check->body, &place->at, format, arguments);
    va_end(arguments);
}

/* ---- values that hold no schema */

static bool is_type_name(const json_t *value) {
    static const char *const names[] = {"array",  "boolean", "integer", "null",
                                        "number", "object",  "string"};
    for (size_t i = 0; json_is_string(value) && i < sizeof names / sizeof *names; i++) {
        if (!strcmp(json_string_value(value), names[i]))
            return true;
    }
    return false;
}

bool schema_is_type(const json_t *value) {
    size_t index;
    json_t *name;
    json_array_foreach(value, index, name) {
        if (!is_type_name(name))
            return false;
    }
    return is_type_name(value) || json_array_size(value) > 0;
}

static void check_type_name(const struct schema_check *check, const struct schema_place *place,
                            const json_t *value) {
    if (!is_type_name(value))
        schema_problem(check, place,
                       "must be one of \"array\", \"boolean\", \"integer\", \"null\", \"number\", "
                       "\"object\", \"string\", got %s",
                       schema_show(value).text);
}

enum { FEW = 8 }; /* so few values are compared with each other */

/* Whether the value has been seen. The same value has the same text, but for the order of members,
 * which is set right. */
static bool seen_text(const struct schema_check *check, json_t *seen, const json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    bool found = text && json_object_get(seen, text);
    if (!text || (!found && json_object_set_new_nocheck(seen, text, json_true())))
        check->body->no_memory = true;
    free(text);
    return found;
}

static bool seen_before(const json_t *array, size_t index) {
    const json_t *value = json_array_get(array, index);
    while (index--) {
        if (json_equal(json_array_get(array, index), value))
            return true;
    }
    return false;
}

static void check_element(const struct schema_check *check, const struct schema_place *place,
                          enum schema_kind kind, const json_t *value, bool repeated) {
    if (kind == SCHEMA_TYPE && !is_type_name(value))
        check_type_name(check, place, value);
    else if (kind == SCHEMA_STRINGS && !json_is_string(value))
        schema_problem(check, place, "must be a string, got %s", schema_show(value).text);
    else if (repeated)
        schema_problem(check, place, "stands in this array twice: %s", schema_show(value).text);
}

/* Each value once, and, as `kind` says, of one type. */
static void check_elements(const struct schema_check *check, const struct schema_place *place,
                           enum schema_kind kind, const json_t *array) {
    size_t index;
    json_t *value;
    json_t *seen = json_array_size(array) > FEW ? json_object() : NULL;
    if (json_array_size(array) > FEW && !seen)
        check->body->no_memory = true;
    json_array_foreach(array, index, value) {
        struct schema_place element = {{&place->at, NULL, index}, place, place->depth, place->base};
        bool repeated =
            seen ? seen_text(check, seen, value) : index < FEW && seen_before(array, index);
        check_element(check, &element, kind, value, repeated);
    }
    json_decref(seen);
}

static void check_array(const struct schema_check *check, const struct schema_place *place,
                        enum schema_kind kind, const json_t *value) {
    bool may_be_empty = kind == SCHEMA_STRINGS || kind == SCHEMA_ARRAY;
    if (!json_is_array(value))
        schema_problem(check, place, "must be an array%s, got %s",
                       kind == SCHEMA_STRINGS ? " of strings" : "", schema_show(value).text);
    else if (!json_array_size(value) && !may_be_empty)
        schema_problem(check, place, "must hold at least one value, got an empty array");
    else if (kind != SCHEMA_ARRAY)
        check_elements(check, place, kind, value);
}

static void check_pointer(const struct schema_check *check, const struct schema_place *place,
                          const json_t *value) {
    const char *reference = json_string_value(value);
    enum schema_followed followed = SCHEMA_FOUND;
    if (reference[1] && reference[1] != '/')
        schema_problem(check, place,
                       "must be a pointer such as \"#/$defs/name\", got %s: anchors are not "
                       "supported",
                       schema_show(value).text);
    else if (place->base != place->up->base) /* the CLI's validator would follow it for ever */
        schema_problem(check, place, "is not supported beside \"$id\": put it into allOf");
    else
        followed = schema_reference_follow(place->base, reference, NULL);
    if (followed == SCHEMA_NOWHERE)
        schema_problem(check, place, "leads to no schema %s: %s",
                       place->base == check->root ? "in this document"
                                                  : "below the nearest \"$id\", where it begins",
                       schema_show(value).text);
    check->body->no_memory = check->body->no_memory || followed == SCHEMA_NO_MEMORY;
}

static void check_reference(const struct schema_check *check, const struct schema_place *place,
                            const json_t *value) {
    const char *reference = json_string_value(value);
    if (schema_reference_is_root(check->root, place->base, reference))
        *check->to_root = true;
    if (*reference == '#')
        check_pointer(check, place, value);
    else if (!json_object_get(check->names, reference))
        schema_problem(check, place,
                       "must be a pointer such as \"#/$defs/name\", or an \"$id\" of this schema "
                       "as it is written there, got %s: nothing is fetched",
                       schema_show(value).text);
}

/* Beyond 2^53 there are no others. */
static bool is_whole(double number) {
    return number >= 9007199254740992.0 || (double)(long long)number == number;
}

static const char *demand_of(enum schema_kind kind, const json_t *value) {
    double number = json_number_value(value);
    switch (kind) {
    case SCHEMA_STRING:
    case SCHEMA_NAME:
    case SCHEMA_REFERENCE:
        return json_is_string(value) ? NULL : "must be a string";
    case SCHEMA_BOOLEAN:
        return json_is_boolean(value) ? NULL : "must be true or false";
    case SCHEMA_NUMBER:
        return json_is_number(value) ? NULL : "must be a number";
    case SCHEMA_BOUND:
        return json_is_number(value) || json_is_boolean(value) ? NULL : "must be a number";
    case SCHEMA_POSITIVE_NUMBER:
        return number > 0 ? NULL : "must be a number above 0";
    case SCHEMA_COUNT:
        return json_is_number(value) && number >= 0 && is_whole(number)
                   ? NULL
                   : "must be an integer of 0 or more";
    default:
        return NULL;
    }
}

void schema_check_value(const struct schema_check *check, const struct schema_place *place,
                        enum schema_kind kind, json_t *value) {
    const char *demand = demand_of(kind, value);
    if (demand)
        schema_problem(check, place, "%s, got %s", demand, schema_show(value).text);
    else if (kind == SCHEMA_REFERENCE)
        check_reference(check, place, value);
    else if (kind == SCHEMA_UNSUPPORTED)
        schema_problem(check, place, "is not supported: use $ref");
    else if (kind == SCHEMA_TYPE && !json_is_array(value))
        check_type_name(check, place, value);
    else if (kind >= SCHEMA_TYPE && kind <= SCHEMA_ARRAY)
        check_array(check, place, kind, value);
}
