/* SPDX-License-Identifier: Apache-2.0 */
/* Values below the members of a body. All problems go into the body, with their places. */
#include "reading.h"
#include <koine-module/answer.h>
#include <koine-module/json_load.h>
#include <stdarg.h>
#include <string.h>

enum {
    SHOWN_BYTES = 64,
    MOST_PROBLEMS = 100 /* that are told; a body of 10 MB can hold millions */
};

bool reading_accept(struct reading *reading) {
    if (!reading->no_memory)
        return koine_body_accept(reading->body);
    koine_fail_for_memory(&reading->module->self, reading->request);
    return false;
}

void *reading_alloc(struct reading *reading, size_t bytes) {
    const struct koine_self *self = &reading->module->self;
    void *memory = self->http->alloc(self->host, reading->request, bytes);
    reading->no_memory |= !memory;
    return memory;
}

struct koine_text reading_copy(struct reading *reading, struct koine_text text) {
    char *copy = reading_alloc(reading, text.size + 1);
    if (!copy)
        return (struct koine_text){NULL, 0};
    if (text.size)
        memcpy(copy, text.data, text.size);
    return (struct koine_text){copy, text.size};
}

static void forget(void *data, koine_request request, int32_t how) {
    (void)request;
    (void)how;
    json_decref(data);
}

json_t *reading_keep(struct reading *reading, json_t *value) {
    const struct koine_self *self = &reading->module->self;
    if (value && self->http->on_end(self->host, reading->request, forget, value) == KOINE_OK)
        return value;
    json_decref(value);
    reading->no_memory = true;
    return NULL;
}

/* ---- places */

struct koine_body_place place_member(const struct koine_body_place *up, const char *name) {
    return (struct koine_body_place){up, name, 0};
}

struct koine_body_place place_item(const struct koine_body_place *up, size_t index) {
    return (struct koine_body_place){up, NULL, index};
}

void problem(struct reading *reading, const struct koine_body_place *place, const char *format,
             ...) {
    va_list arguments;
    if (reading->problems++ >= MOST_PROBLEMS)
        return;
    va_start(arguments, format);
    koine_body_vproblem_in(reading->body, place, format, arguments);
    va_end(arguments);
}

void problem_expected(struct reading *reading, const struct koine_body_place *place,
                      const char *what, const json_t *got) {
    problem(reading, place, "must be %s, got %s", what, koine_json_kind(got));
}

/* ---- values */

json_t *json_of_text(struct koine_text text, size_t flags) {
    json_error_t error = {0};
    json_t *json = koine_json_load(text, flags, &error);
    /* an integer of more than 64 bits: rather all as reals, which are as good in a schema */
    if (!json && json_error_code(&error) == json_error_numeric_overflow)
        json = koine_json_load(text, flags | JSON_DECODE_INT_AS_REAL, &error);
    return json;
}

json_t *read_json(struct reading *reading, struct koine_text text) {
    /* the body has been taken for JSON: what else can be wrong is memory */
    return text.size ? build(reading, json_of_text(text, JSON_DECODE_ANY)) : NULL;
}

static bool is_named(const char *const *names, const char *name) {
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

int shown_size(const char *text) {
    return (int)koine_text_front(openai_text(text), SHOWN_BYTES).size;
}

void read_known(struct reading *reading, const struct koine_body_place *place, json_t *object,
                const char *const *names) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        if (!json_is_null(value) && !is_named(names, name))
            problem(reading, place, "holds \"%.*s\", which is not known here", shown_size(name),
                    name);
    }
}

static json_t *read_typed(struct reading *reading, const struct koine_body_place *place,
                          const json_t *object, const char *name, json_type type,
                          const char *what) {
    json_t *value = json_object_get(object, name);
    if (!value || json_is_null(value))
        return NULL;
    if (json_typeof(value) == type)
        return value;
    const struct koine_body_place member = place_member(place, name);
    problem_expected(reading, &member, what, value);
    return NULL;
}

json_t *read_string(struct reading *reading, const struct koine_body_place *place,
                    const json_t *object, const char *name) {
    return read_typed(reading, place, object, name, JSON_STRING, "a string");
}

json_t *read_object(struct reading *reading, const struct koine_body_place *place,
                    const json_t *object, const char *name) {
    return read_typed(reading, place, object, name, JSON_OBJECT, "an object");
}

json_t *read_needed(struct reading *reading, const struct koine_body_place *place,
                    const json_t *object, const char *name) {
    const struct koine_body_place member = place_member(place, name);
    json_t *value = json_object_get(object, name);
    if (json_string_length(value))
        return value;
    if (!value || json_is_null(value))
        problem(reading, &member, "is required");
    else if (json_is_string(value))
        problem(reading, &member, "must not be empty");
    else
        problem_expected(reading, &member, "a string", value);
    return NULL;
}

/* ---- building */

void build_append(struct reading *reading, json_t *array, json_t *value) {
    reading->no_memory |= json_array_append_new(array, value) != 0;
}

void build_set(struct reading *reading, json_t *object, const char *name, json_t *value) {
    reading->no_memory |= json_object_set_new_nocheck(object, name, value) != 0;
}

json_t *build(struct reading *reading, json_t *value) {
    reading->no_memory |= !value;
    return value;
}

json_t *build_text(struct reading *reading, json_t *string) {
    return build(reading, json_pack("{s:s,s:O}", "type", "text", "text", string));
}

bool text_is(const json_t *string, const char *wanted) {
    return json_is_string(string) && strcmp(json_string_value(string), wanted) == 0;
}
