/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks over a schema, says what is wrong with it, then has it written anew. Recursion ends at a
 * depth that no generator reaches; the cost is linear in the size of the schema.
 */
#include "schema_internal.h"
#include <koine-module/schema.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 128 };

static void check_schema(const struct schema_check *check, const struct schema_place *place,
                         json_t *schema);

static struct schema_place member_of(const struct schema_place *up, const char *name) {
    return (struct schema_place){{&up->at, name, 0}, up, up->depth, up->base};
}

static struct schema_place element_of(const struct schema_place *up, size_t index) {
    return (struct schema_place){{&up->at, NULL, index}, up, up->depth, up->base};
}

static void check_list(const struct schema_check *check, const struct schema_place *place,
                       json_t *list) {
    size_t index;
    json_t *schema;
    if (!json_array_size(list))
        schema_problem(check, place, "must be an array of at least one schema, got %s",
                       schema_show(list).text);
    json_array_foreach(list, index, schema) {
        struct schema_place element = element_of(place, index);
        check_schema(check, &element, schema);
    }
}

static void check_map(const struct schema_check *check, const struct schema_place *place,
                      enum schema_kind kind, json_t *map) {
    const char *name;
    json_t *value;
    if (!json_is_object(map))
        schema_problem(check, place, "must be an object, got %s", schema_show(map).text);
    json_object_foreach(map, name, value) {
        struct schema_place member = member_of(place, name);
        if (kind == SCHEMA_MAP || (kind == SCHEMA_MAP_OF_EITHER && !json_is_array(value)))
            check_schema(check, &member, value);
        else if (!check->naming)
            schema_check_value(check, &member, SCHEMA_STRINGS, value);
    }
}

/* Gathers the names that a $ref may lead to, wherever it stands. */
static void add_name(const struct schema_check *check, const json_t *value) {
    if (json_is_string(value) &&
        json_object_set_new(check->names, json_string_value(value), json_true()))
        check->body->no_memory = true;
}

static void check_keyword(const struct schema_check *check, const struct schema_place *place,
                          const struct schema_keyword *keyword, json_t *value) {
    if (keyword->kind >= SCHEMA_MAP)
        check_map(check, place, keyword->kind, value);
    else if (keyword->kind == SCHEMA_LIST ||
             (keyword->kind == SCHEMA_SCHEMA_OR_LIST && json_is_array(value)))
        check_list(check, place, value);
    else if (keyword->kind >= SCHEMA_SCHEMA)
        check_schema(check, place, value);
    else if (!check->naming)
        schema_check_value(check, place, keyword->kind, value);
    else if (keyword->kind == SCHEMA_NAME)
        add_name(check, value);
}

static void check_schema(const struct schema_check *check, const struct schema_place *place,
                         json_t *schema) {
    const char *name;
    json_t *value;
    if (place->depth >= DEEPEST) {
        schema_problem(check, place, "is nested more than %d schemas deep", DEEPEST);
        return;
    }
    if (!json_is_object(schema) && !json_is_boolean(schema))
        schema_problem(check, place, "must be a schema (an object or a boolean), got %s",
                       schema_show(schema).text);
    const json_t *base = schema_base(schema, place->base);
    json_object_foreach(schema, name, value) {
        const struct schema_keyword *keyword = schema_keyword_find(name);
        struct schema_place member = {{&place->at, name, 0}, place, place->depth + 1, base};
        if (!keyword)
            continue;
        check_keyword(check, &member, keyword, value);
        schema_check_beside(check, &member, keyword, schema);
    }
}

static bool has_keyword(json_t *schema) {
    const char *name;
    json_t *value;
    json_object_foreach(schema, name, value) {
        if (schema_keyword_find(name))
            return true;
    }
    return false;
}

static bool names_object(const json_t *type) {
    size_t index;
    json_t *name;
    json_array_foreach(type, index, name) {
        if (json_is_string(name) && !strcmp(json_string_value(name), "object"))
            return true;
    }
    return json_is_string(type) && !strcmp(json_string_value(type), "object");
}

/* What the model gives as structured output is the input of a tool, and that is an object. */
static void check_root(const struct schema_check *check, const struct schema_place *place,
                       json_t *root) {
    const json_t *type = json_object_get(root, "type");
    struct schema_place member = member_of(place, "type");
    if (!has_keyword(root))
        schema_problem(check, place,
                       "must be a JSON Schema, such as {\"type\":\"object\",\"properties\":{…}}: "
                       "it holds no keyword of JSON Schema");
    check_schema(check, place, root);
    if (schema_is_type(type) && !names_object(type))
        schema_problem(check, &member,
                       "must be \"object\", got %s: structured output is always an object; make "
                       "the value a property of one",
                       schema_show(type).text);
}

static void store(struct koine_body *body, const json_t *root, bool to_root,
                  struct koine_text *schema) {
    size_t size = 0;
    char *text = schema_write(root, to_root, *schema, &size);
    char *kept = text ? body->http->alloc(body->host, body->request, size + 1) : NULL;
    if (kept) {
        memcpy(kept, text, size + 1);
        *schema = (struct koine_text){kept, size};
    } else {
        body->no_memory = true;
    }
    free(text);
}

void schema_prepare(struct koine_body *body, const struct koine_body_place *field, json_t *root,
                    struct koine_text *schema) {
    struct schema_place place = {*field, NULL, 0, root};
    bool to_root = false;
    struct schema_check check = {body, root, json_object(), true, &to_root};
    size_t before = body->problems;
    if (check.names) {
        check_schema(&check, &place, root);
        check.naming = false;
        check_root(&check, &place, root);
    } else {
        body->no_memory = true;
    }
    json_decref(check.names);
    if (body->problems == before && !body->no_memory)
        store(body, root, to_root, schema);
}

void koine_schema_prepare(struct koine_body *body, const char *field, struct koine_text *schema) {
    json_t *root = json_object_get(body->document, field);
    const struct koine_body_place place = {NULL, field, 0};
    if (schema->data && json_is_object(root))
        schema_prepare(body, &place, root, schema);
}
