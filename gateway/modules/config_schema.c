/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a value against a schema that config_schema_check has accepted; stops at the first
 * member that does not fit. A value is quoted only where the schema lists or bounds the values:
 * anything else may be a secret.
 */
#include "modules/config_schema.h"

#include "modules/schema_place.h"
#include "modules/schema_value.h"

#include <string.h>

static int validate(const json_t *schema, const json_t *value, const struct schema_place *place,
                    struct schema_message *message);

/* Begins the sentence about a place. */
static void say_where(struct schema_message *message, const struct schema_place *place) {
    schema_say_place(message, place, "the section");
    schema_say(message, ": ");
}

static bool is_of_type(const json_t *value, const char *type) {
    const char *name = schema_type_name(value);
    return strcmp(name, type) == 0 || (json_is_integer(value) && strcmp(type, "number") == 0);
}

/* "string", or "integer or null". */
static void say_types(struct schema_message *message, const json_t *type) {
    if (json_is_string(type)) {
        schema_say(message, "%s", json_string_value(type));
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *separator = i + 1 < json_array_size(type) ? ", " : " or ";
        schema_say(message, "%s%s", i == 0 ? "" : separator,
                   json_string_value(json_array_get(type, i)));
    }
}

static int validate_type(const json_t *type, const json_t *value, const struct schema_place *place,
                         struct schema_message *message) {
    bool fits =
        type == NULL || (json_is_string(type) && is_of_type(value, json_string_value(type)));
    for (size_t i = 0; !fits && i < json_array_size(type); i++) {
        fits = is_of_type(value, json_string_value(json_array_get(type, i)));
    }
    if (fits) {
        return 0;
    }
    say_where(message, place);
    schema_say(message, "found %s, expected ", schema_type_name(value));
    say_types(message, type);
    return -1;
}

static int validate_choice(const json_t *choices, const json_t *value,
                           const struct schema_place *place, struct schema_message *message) {
    for (size_t i = 0; i < json_array_size(choices); i++) {
        if (schema_equal(json_array_get(choices, i), value)) {
            return 0;
        }
    }
    if (choices == NULL) {
        return 0;
    }
    say_where(message, place);
    schema_say(message, "found ");
    schema_say_value(message, value);
    schema_say(message, ", expected one of");
    for (size_t i = 0; i < json_array_size(choices); i++) {
        schema_say(message, i == 0 ? " " : ", ");
        schema_say_value(message, json_array_get(choices, i));
    }
    return -1;
}

static int validate_const(const json_t *constant, const json_t *value,
                          const struct schema_place *place, struct schema_message *message) {
    if (constant == NULL || schema_equal(constant, value)) {
        return 0;
    }
    say_where(message, place);
    schema_say(message, "found ");
    schema_say_value(message, value);
    schema_say(message, ", expected ");
    schema_say_value(message, constant);
    return -1;
}

static int validate_number(const json_t *schema, const json_t *value,
                           const struct schema_place *place, struct schema_message *message) {
    const json_t *minimum = json_object_get(schema, "minimum");
    const json_t *maximum = json_object_get(schema, "maximum");
    bool below = minimum != NULL && schema_compare_numbers(value, minimum) < 0;
    bool above = maximum != NULL && schema_compare_numbers(value, maximum) > 0;
    if (!below && !above) {
        return 0;
    }
    say_where(message, place);
    schema_say(message, "found ");
    schema_say_value(message, value);
    schema_say(message, ", expected %s ", below ? "at least" : "at most");
    schema_say_value(message, below ? minimum : maximum);
    return -1;
}

/* `unit` in the plural: "characters". */
static int validate_size(const json_t *least, const json_t *most, size_t size, const char *unit,
                         const struct schema_place *place, struct schema_message *message) {
    bool below = least != NULL && size < (size_t)json_integer_value(least);
    bool above = most != NULL && size > (size_t)json_integer_value(most);
    if (!below && !above) {
        return 0;
    }
    say_where(message, place);
    schema_say(message, "found %zu %s, expected at %s %lld", size, unit, below ? "least" : "most",
               (long long)json_integer_value(below ? least : most));
    return -1;
}

/* Code points: every byte of UTF-8 but the continuation bytes. */
static size_t count_characters(const json_t *string) {
    const char *text = json_string_value(string);
    size_t count = 0;
    for (size_t i = 0; i < json_string_length(string); i++) {
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    }
    return count;
}

static int validate_array(const json_t *schema, const json_t *value,
                          const struct schema_place *place, struct schema_message *message) {
    const json_t *items = json_object_get(schema, "items");
    if (validate_size(json_object_get(schema, "minItems"), json_object_get(schema, "maxItems"),
                      json_array_size(value), "elements", place, message) != 0) {
        return -1;
    }
    for (size_t i = 0; items != NULL && i < json_array_size(value); i++) {
        struct schema_place element = {place, NULL, i};
        if (validate(items, json_array_get(value, i), &element, message) != 0) {
            return -1;
        }
    }
    return 0;
}

static int refuse_unknown(const json_t *properties, const struct schema_place *place,
                          struct schema_message *message) {
    const char *separator = " ";
    const char *name;
    json_t *schema;
    say_where(message, place);
    if (json_object_size(properties) == 0) {
        schema_say(message, "unknown, no member is expected here");
        return -1;
    }
    schema_say(message, "unknown, expected one of");
    json_object_foreach(schema_members(properties), name, schema) {
        schema_say(message, "%s%s", separator, name);
        separator = ", ";
    }
    return -1;
}

static int validate_member(const json_t *schema, const json_t *value,
                           const struct schema_place *place, struct schema_message *message) {
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *member = json_object_get(properties, place->name);
    if (member == NULL) {
        member = json_object_get(schema, "additionalProperties");
        if (json_is_false(member)) {
            return refuse_unknown(properties, place, message);
        }
    }
    return member == NULL ? 0 : validate(member, value, place, message);
}

static int refuse_missing(const json_t *schema, const struct schema_place *place,
                          struct schema_message *message) {
    const json_t *member = json_object_get(json_object_get(schema, "properties"), place->name);
    const json_t *type = json_object_get(member, "type");
    const json_t *description = json_object_get(member, "description");
    say_where(message, place);
    schema_say(message, "missing, expected ");
    if (type != NULL) {
        say_types(message, type);
    } else {
        schema_say(message, "a value");
    }
    if (description != NULL) {
        schema_say(message, " (%s)", json_string_value(description));
    }
    return -1;
}

static int validate_object(const json_t *schema, const json_t *value,
                           const struct schema_place *place, struct schema_message *message) {
    const char *name;
    json_t *member;
    json_object_foreach(schema_members(value), name, member) {
        struct schema_place at = {place, name, 0};
        if (validate_member(schema, member, &at, message) != 0) {
            return -1;
        }
    }
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        struct schema_place at = {place, json_string_value(json_array_get(required, i)), 0};
        if (json_object_get(value, at.name) == NULL) {
            return refuse_missing(schema, &at, message);
        }
    }
    return 0;
}

/* What the keywords of the value's own type say. */
static int validate_content(const json_t *schema, const json_t *value,
                            const struct schema_place *place, struct schema_message *message) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return validate_object(schema, value, place, message);
    case JSON_ARRAY:
        return validate_array(schema, value, place, message);
    case JSON_STRING:
        return validate_size(json_object_get(schema, "minLength"),
                             json_object_get(schema, "maxLength"), count_characters(value),
                             "characters", place, message);
    case JSON_INTEGER:
    case JSON_REAL:
        return validate_number(schema, value, place, message);
    default:
        return 0;
    }
}

static int validate(const json_t *schema, const json_t *value, const struct schema_place *place,
                    struct schema_message *message) {
    if (json_is_false(schema)) {
        say_where(message, place);
        schema_say(message, "found %s, expected nothing here", schema_type_name(value));
        return -1;
    }
    if (validate_type(json_object_get(schema, "type"), value, place, message) != 0 ||
        validate_choice(json_object_get(schema, "enum"), value, place, message) != 0 ||
        validate_const(json_object_get(schema, "const"), value, place, message) != 0) {
        return -1;
    }
    return validate_content(schema, value, place, message);
}

int config_schema_validate(const json_t *schema, const json_t *value, char *text, size_t size) {
    struct schema_place root = {NULL, NULL, 0};
    struct schema_message message = {text, size, 0};
    return validate(schema, value, &root, &message);
}
