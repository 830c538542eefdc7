/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of modules: YAML's core schema to JSON, and a copy without secrets.
 * The depth is bounded by the tree that was read.
 */
#include "config/settings.h"

#include "config/sections.h"

#include <string.h>

static json_t *from_scalar(struct reader *reader, const struct node *node, const char *shown) {
    struct scalar scalar = node_scalar(node);
    json_t *value = NULL;
    switch (scalar.type) {
    case SCALAR_NULL:
        value = json_null();
        break;
    case SCALAR_BOOLEAN:
        value = json_boolean(scalar.boolean);
        break;
    case SCALAR_INTEGER:
        value = json_integer(scalar.integer);
        break;
    case SCALAR_REAL:
        value = json_real(scalar.real);
        break;
    case SCALAR_TEXT:
        if (reader_is_masked(reader, node, shown)) {
            return NULL;
        }
        value = json_string(node->text);
        break;
    case SCALAR_TOO_LARGE:
        problems_add(reader->problems, node->line, shown,
                     "found %s, expected a number that JSON can hold; put it in quotes if it is "
                     "meant as text",
                     node_found(node).text);
        return NULL;
    }
    if (value == NULL) {
        problems_add_no_memory(reader->problems);
    }
    return value;
}

/* Puts the child's value where it belongs. Returns 0, or -1 with a problem added. */
static int add_child(struct reader *reader, json_t *parent, const struct node *child,
                     const char *shown) {
    json_t *value = settings_from_node(reader, child, shown);
    if (value == NULL) {
        return -1;
    }
    int result = json_is_array(parent) ? json_array_append_new(parent, value)
                                       : json_object_set_new(parent, child->name, value);
    if (result != 0) {
        problems_add_no_memory(reader->problems);
    }
    return result;
}

/* NOLINTNEXTLINE(misc-no-recursion) as deep as the tree, which is at most 64 */
json_t *settings_from_node(struct reader *reader, const struct node *node, const char *shown) {
    if (node->kind == NODE_SCALAR) {
        return from_scalar(reader, node, shown);
    }
    json_t *parent = node->kind == NODE_SEQUENCE ? json_array() : json_object();
    if (parent == NULL) {
        problems_add_no_memory(reader->problems);
        return NULL;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct node *child = &node->children[i];
        char child_shown[192];
        if (child->name != NULL) {
            snprintf(child_shown, sizeof child_shown, "%.120s.%.64s", shown, child->name);
        } else {
            snprintf(child_shown, sizeof child_shown, "%.120s[%zu]", shown, i);
        }
        if (add_child(reader, parent, child, child_shown) != 0) {
            json_decref(parent);
            return NULL;
        }
    }
    return parent;
}

enum { PLACE_BYTES = 512 };

/* Deeper places than fit are told by what is around them. */
/* NOLINTNEXTLINE(misc-no-recursion) as deep as the tree, which is at most 64 */
static int add_lines(json_t *lines, const struct node *node, const char *place) {
    int result = 0;
    for (size_t i = 0; result == 0 && i < node->count; i++) {
        const struct node *child = &node->children[i];
        char inner[PLACE_BYTES];
        int size = child->name == NULL ? snprintf(inner, sizeof inner, "%s[%zu]", place, i)
                                       : snprintf(inner, sizeof inner, "%s%s%s", place,
                                                  *place != '\0' ? "." : "", child->name);
        if (size <= 0 || (size_t)size >= sizeof inner) {
            continue;
        }
        result = json_object_set_new(lines, inner, json_integer(child->line));
        if (result == 0) {
            result = add_lines(lines, child, inner);
        }
    }
    return result;
}

json_t *settings_lines(const struct node *node) {
    json_t *lines = json_object();
    if (lines != NULL && add_lines(lines, node, "") != 0) {
        json_decref(lines);
        return NULL;
    }
    return lines;
}

unsigned settings_line(const struct config_module *section, const char *place) {
    char around[PLACE_BYTES];
    snprintf(around, sizeof around, "%s", place);
    for (;;) {
        const json_t *line = json_object_get(section->lines, around);
        if (line != NULL) {
            return (unsigned)json_integer_value(line);
        }
        char *dot = strrchr(around, '.'), *bracket = strrchr(around, '[');
        char *end = bracket == NULL || (dot != NULL && dot > bracket) ? dot : bracket;
        if (end == NULL) {
            return section->line;
        }
        *end = '\0';
    }
}

bool section_name_is_secret(const char *name) {
    return strcasestr(name, "key") != NULL || strcasestr(name, "secret") != NULL ||
           strcasestr(name, "token") != NULL || strcasestr(name, "password") != NULL;
}

static json_t *masked_array(const json_t *array) {
    json_t *copy = json_array();
    for (size_t i = 0; copy != NULL && i < json_array_size(array); i++) {
        if (json_array_append_new(copy, settings_masked(json_array_get(array, i))) != 0) {
            json_decref(copy);
            copy = NULL;
        }
    }
    return copy;
}

static json_t *masked_object(const json_t *object) {
    json_t *copy = json_object();
    json_t *source = (json_t *)(uintptr_t)object; /* jansson iterates over mutable objects only */
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(source, name, value) {
        json_t *shown =
            section_name_is_secret(name) ? json_string(FORM_MASK) : settings_masked(value);
        if (json_object_set_new(copy, name, shown) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

/* NOLINTNEXTLINE(misc-no-recursion) as deep as the settings, which is at most 64 */
json_t *settings_masked(const json_t *settings) {
    if (json_is_object(settings)) {
        return masked_object(settings);
    }
    return json_is_array(settings) ? masked_array(settings) : json_deep_copy(settings);
}
