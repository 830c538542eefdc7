/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a module's JSON Schema keeps to what config_schema.c can check: a keyword that nobody
 * looks at would be a rule that silently does not hold.
 */
#include "modules/config_schema.h"

#include "modules/schema_place.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int check_schema(const json_t *schema, const struct schema_place *place,
                        struct schema_message *message);

static int refuse(const struct schema_place *place, struct schema_message *message,
                  const char *expected) {
    schema_say_place(message, place, "the schema");
    schema_say(message, ": expected %s", expected);
    return -1;
}

static bool is_type_name(const json_t *value) {
    static const char *const names[] = {"null",   "boolean", "object", "array",
                                        "number", "integer", "string"};
    for (size_t i = 0; json_is_string(value) && i < COUNT(names); i++) {
        if (strcmp(json_string_value(value), names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int check_type(const json_t *value, const struct schema_place *place,
                      struct schema_message *message) {
    static const char expected[] = "null, boolean, object, array, number, integer or string, or a "
                                   "non-empty array of these";
    if (!json_is_array(value)) {
        return is_type_name(value) ? 0 : refuse(place, message, expected);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!is_type_name(json_array_get(value, i))) {
            struct schema_place element = {place, NULL, i};
            return refuse(&element, message, expected);
        }
    }
    return json_array_size(value) > 0 ? 0 : refuse(place, message, expected);
}

static int check_properties(const json_t *value, const struct schema_place *place,
                            struct schema_message *message) {
    if (!json_is_object(value)) {
        return refuse(place, message, "an object whose members are schemas");
    }
    const char *name;
    json_t *schema;
    json_object_foreach(schema_members(value), name, schema) {
        struct schema_place member = {place, name, 0};
        if (check_schema(schema, &member, message) != 0) {
            return -1;
        }
    }
    return 0;
}

static int check_required(const json_t *value, const struct schema_place *place,
                          struct schema_message *message) {
    static const char expected[] = "an array of names";
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            struct schema_place element = {place, NULL, i};
            return refuse(&element, message, "the name of a member");
        }
    }
    return json_is_array(value) ? 0 : refuse(place, message, expected);
}

static int check_enum(const json_t *value, const struct schema_place *place,
                      struct schema_message *message) {
    return json_array_size(value) > 0 ? 0 : refuse(place, message, "a non-empty array of values");
}

static int check_number(const json_t *value, const struct schema_place *place,
                        struct schema_message *message) {
    return json_is_number(value) ? 0 : refuse(place, message, "a number");
}

static int check_length(const json_t *value, const struct schema_place *place,
                        struct schema_message *message) {
    bool fits = json_is_integer(value) && json_integer_value(value) >= 0;
    return fits ? 0 : refuse(place, message, "an integer from 0");
}

static int check_text(const json_t *value, const struct schema_place *place,
                      struct schema_message *message) {
    return json_is_string(value) ? 0 : refuse(place, message, "a string");
}

static int check_examples(const json_t *value, const struct schema_place *place,
                          struct schema_message *message) {
    return json_is_array(value) ? 0 : refuse(place, message, "an array");
}

static int check_nothing(const json_t *value, const struct schema_place *place,
                         struct schema_message *message) {
    (void)value;
    (void)place;
    (void)message;
    return 0;
}

static const struct keyword {
    const char *name;
    int (*check)(const json_t *value, const struct schema_place *place,
                 struct schema_message *message);
} keywords[] = {
    {"type", check_type},         {"properties", check_properties},
    {"required", check_required}, {"additionalProperties", check_schema},
    {"items", check_schema},      {"enum", check_enum},
    {"const", check_nothing},     {"minimum", check_number},
    {"maximum", check_number},    {"minLength", check_length},
    {"maxLength", check_length},  {"minItems", check_length},
    {"maxItems", check_length},   {"title", check_text},
    {"description", check_text},  {"default", check_nothing},
    {"examples", check_examples}, {"$schema", check_text},
    {"$id", check_text},          {"$comment", check_text},
};

static int refuse_keyword(const struct schema_place *place, struct schema_message *message) {
    schema_say_place(message, place, "the schema");
    schema_say(message, ": this keyword of JSON Schema is not supported, use");
    for (size_t i = 0; i < COUNT(keywords); i++) {
        schema_say(message, "%s %s",
                   i == 0                    ? ""
                   : i + 1 < COUNT(keywords) ? ","
                                             : " or",
                   keywords[i].name);
    }
    return -1;
}

static int check_keyword(const char *name, const json_t *value, const struct schema_place *place,
                         struct schema_message *message) {
    for (size_t i = 0; i < COUNT(keywords); i++) {
        if (strcmp(name, keywords[i].name) == 0) {
            return keywords[i].check(value, place, message);
        }
    }
    return refuse_keyword(place, message);
}

/* A schema within the schema; true and false are schemas too: "anything" and "nothing". */
static int check_schema(const json_t *schema, const struct schema_place *place,
                        struct schema_message *message) {
    if (json_is_boolean(schema)) {
        return 0;
    }
    if (!json_is_object(schema)) {
        return refuse(place, message, "a schema: an object, true or false");
    }
    const char *name;
    json_t *value;
    json_object_foreach(schema_members(schema), name, value) {
        struct schema_place member = {place, name, 0};
        if (check_keyword(name, value, &member, message) != 0) {
            return -1;
        }
    }
    return 0;
}

int config_schema_check(const json_t *schema, char *text, size_t size) {
    struct schema_place root = {NULL, NULL, 0};
    struct schema_message message = {text, size, 0};
    if (!json_is_object(schema)) {
        return refuse(&root, &message, "an object"); /* a section is one, so is its schema */
    }
    return check_schema(schema, &root, &message);
}
