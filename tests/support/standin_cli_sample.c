/* SPDX-License-Identifier: Apache-2.0 */
/* A small value that fits a JSON Schema, so that the stand-in CLI answers object requests without a
 * scenario. It knows the common keywords, not patterns, formats or exclusions. */
#include "standin_cli.h"

#include <string.h>

enum { DEPTH_LIMIT = 16, ITEMS_LIMIT = 1000 };

/* Enough for a pattern that no language takes. */
static bool is_balanced(const char *pattern) {
    int open = 0;
    for (; *pattern && open >= 0; pattern++) {
        if (*pattern == '\\' && pattern[1])
            pattern++;
        else if (*pattern == '(' || *pattern == ')')
            open += *pattern == '(' ? 1 : -1;
    }
    return open == 0;
}

/* Like the real CLI, which drops a schema that it cannot compile and says nothing. Of what it
 * cannot compile this knows the kinds that tests send. */
bool schema_is_taken(const json_t *schema) {
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    const char *dialect = json_string_value(json_object_get(schema, "$schema")), *name;
    json_t *property;
    if (!json_is_object(schema) || json_is_string(json_object_get(schema, "format")) ||
        (pattern && !is_balanced(pattern)) || (dialect && !strstr(dialect, "/draft-07/")))
        return false;
    json_object_foreach(json_object_get(schema, "properties"), name, property) {
        if (json_is_object(property) && !schema_is_taken(property))
            return false;
    }
    return true;
}

static json_t *resolve(const json_t *root, const json_t *schema) {
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    const json_t *at = root;
    char name[256];
    if (!reference || *reference != '#')
        return NULL;
    for (const char *part = reference + 1; *part == '/'; part += strcspn(part, "/")) {
        size_t bytes = strcspn(++part, "/");
        if (bytes >= sizeof name)
            return NULL;
        memcpy(name, part, bytes);
        name[bytes] = '\0';
        at = json_object_get(at, name);
    }
    return (json_t *)at;
}

static json_t *sample_object(const json_t *root, const json_t *schema, int depth) {
    json_t *object = standin_must(json_object()), *property;
    const char *name;
    json_object_foreach(json_object_get(schema, "properties"), name, property) {
        json_object_set_new(object, name, sample_of_schema(root, property, depth));
    }
    return object;
}

static json_t *sample_array(const json_t *root, const json_t *schema, int depth) {
    const json_t *least = json_object_get(schema, "minItems");
    json_int_t count = least ? json_integer_value(least) : 1;
    json_t *array = standin_must(json_array());
    for (json_int_t i = 0; i < count && i < ITEMS_LIMIT; i++)
        json_array_append_new(array,
                              sample_of_schema(root, json_object_get(schema, "items"), depth));
    return array;
}

static json_t *sample_string(const json_t *schema) {
    json_int_t least = json_integer_value(json_object_get(schema, "minLength"));
    json_t *most = json_object_get(schema, "maxLength");
    static const char text[] = "stand-in";
    if (least > (json_int_t)sizeof text - 1) {
        json_t *long_text =
            json_sprintf("%-*s", (int)(least < ITEMS_LIMIT ? least : ITEMS_LIMIT), text);
        return long_text;
    }
    size_t bytes = sizeof text - 1;
    if (most && json_integer_value(most) < (json_int_t)bytes)
        bytes = (size_t)json_integer_value(most);
    return json_stringn(text, bytes);
}

static json_t *sample_number(const json_t *schema) {
    const json_t *least = json_object_get(schema, "minimum"),
                 *most = json_object_get(schema, "maximum");
    if (least)
        return json_deep_copy(least);
    if (most && json_number_value(most) < 1)
        return json_deep_copy(most);
    return json_integer(1);
}

static const json_t *first_choice(const json_t *root, const json_t *schema) {
    static const char *const keys[] = {"anyOf", "oneOf", "allOf"};
    json_t *target = resolve(root, schema);
    for (size_t i = 0; !target && i < sizeof keys / sizeof *keys; i++)
        target = json_array_get(json_object_get(schema, keys[i]), 0);
    return target;
}

json_t *sample_of_schema(const json_t *root, const json_t *schema, int depth) {
    const json_t *fixed = json_object_get(schema, "const"), *choice;
    const json_t *type = json_object_get(schema, "type");
    if (depth > DEPTH_LIMIT)
        return json_null();
    if (!fixed)
        fixed = json_array_get(json_object_get(schema, "enum"), 0);
    if (!fixed)
        fixed = json_object_get(schema, "default");
    if (fixed)
        return json_deep_copy(fixed);
    if ((choice = first_choice(root, schema)))
        return sample_of_schema(root, choice, depth + 1);
    if (json_is_array(type))
        type = json_array_get(type, 0);
    const char *name = json_string_value(type);
    if (!name)
        name = json_object_get(schema, "properties") ? "object" : "string";
    if (strcmp(name, "object") == 0)
        return sample_object(root, schema, depth + 1);
    if (strcmp(name, "array") == 0)
        return sample_array(root, schema, depth + 1);
    if (strcmp(name, "integer") == 0 || strcmp(name, "number") == 0)
        return sample_number(schema);
    if (strcmp(name, "boolean") == 0)
        return json_true();
    return strcmp(name, "null") == 0 ? json_null() : sample_string(schema);
}
