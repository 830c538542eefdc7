/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one is in a JSON value, as a chain on the stack, and the message that names the place.
 * Knows no schema.
 */
#ifndef MODULES_SCHEMA_PLACE_H
#define MODULES_SCHEMA_PLACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A member (`name`) or an element (`name` NULL) of what `parent` is. The root: parent NULL. */
struct schema_place {
    const struct schema_place *parent;
    const char *name;
    size_t index;
};

/* A text of bounded size that is built up piece by piece; what does not fit is left out. */
struct schema_message {
    char *text;
    size_t size;
    size_t used;
};

void schema_say(struct schema_message *message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "a.b[2]"; for the root `root`. */
void schema_say_place(struct schema_message *message, const struct schema_place *place,
                      const char *root);

/* The value as JSON, cut after 64 bytes. Not for a string that might be a secret. */
void schema_say_value(struct schema_message *message, const json_t *value);

/* For json_object_foreach, which takes no const although it changes nothing. */
json_t *schema_members(const json_t *object);

/* The name that JSON Schema gives the value's type: "integer", "object" … */
const char *schema_type_name(const json_t *value);

#endif
