/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages about a place in a JSON value.
 */
#include "modules/schema_place.h"

#include "ops/utf8.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 64, PLACES_MAX = 32 };

void schema_say(struct schema_message *message, const char *format, ...) {
    if (message->used + 1 >= message->size) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    size_t left = message->size - message->used;
    int size = vsnprintf(message->text + message->used, left, format, arguments);
    va_end(arguments);
    if (size > 0) {
        message->used += (size_t)size < left ? (size_t)size : left - 1;
    }
}

static bool is_plain(const char *name) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_$";
    return name[0] != '\0' && name[strspn(name, plain)] == '\0';
}

static void say_step(struct schema_message *message, const struct schema_place *place, bool first) {
    if (place->name == NULL) {
        schema_say(message, "[%zu]", place->index);
    } else if (is_plain(place->name)) {
        schema_say(message, "%s%s", first ? "" : ".", place->name);
    } else {
        json_t *name = json_string(place->name);
        schema_say(message, "[");
        schema_say_value(message, name);
        schema_say(message, "]");
        json_decref(name);
    }
}

void schema_say_place(struct schema_message *message, const struct schema_place *place,
                      const char *root) {
    const struct schema_place *steps[PLACES_MAX];
    size_t count = 0;
    for (; place->parent != NULL && count < PLACES_MAX; place = place->parent) {
        steps[count++] = place;
    }
    bool cut = place->parent != NULL; /* deeper than anyone writes by hand: the end is enough */
    if (count == 0) {
        schema_say(message, "%s", root);
    }
    if (cut) {
        schema_say(message, "...");
    }
    for (size_t i = count; i > 0; i--) {
        say_step(message, steps[i - 1], i == count && !cut);
    }
}

void schema_say_value(struct schema_message *message, const json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (text == NULL) {
        schema_say(message, "?"); /* memory is short; the rest of the message still helps */
        return;
    }
    size_t size = strlen(text);
    size_t kept = utf8_cut(text, size, VALUE_BYTES);
    schema_say(message, "%.*s%s", (int)kept, text, kept < size ? "..." : "");
    free(text);
}

json_t *schema_members(const json_t *object) {
    return (json_t *)(uintptr_t)object;
}

const char *schema_type_name(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}
