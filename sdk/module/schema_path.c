/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the schema that stands deep in a body, with its text: numbers and long texts are written as
 * the client has written them. What becomes of it is schema.c.
 */
#include "json_span.h"
#include "schema_internal.h"
#include <koine-module/schema.h>
#include <string.h>

enum { STEPS = 8, NAME_BYTES = 64 };

struct step {
    struct koine_body_place place;
    char name[NAME_BYTES];
};

static void take_step(const char **path, struct step *step, const struct step *up) {
    const struct body_step taken = body_path_step(path);
    const size_t size = taken.name.size < NAME_BYTES ? taken.name.size : NAME_BYTES - 1;
    if (taken.name.data)
        memcpy(step->name, taken.name.data, size);
    step->name[size] = '\0';
    step->place = (struct koine_body_place){up ? &up->place : NULL,
                                            taken.name.data ? step->name : NULL, taken.index};
}

static json_t *follow_member(json_t *json, const char *wanted, struct koine_text *text) {
    const char *name;
    json_t *value;
    struct koine_text rest = *text;
    json_object_foreach(json, name, value) {
        *text = json_span_next_member(&rest);
        if (strcmp(name, wanted) == 0)
            return value;
    }
    return NULL;
}

static json_t *follow_index(json_t *json, size_t wanted, struct koine_text *text) {
    struct koine_text rest = *text;
    if (wanted >= json_array_size(json))
        return NULL;
    for (size_t i = 0; i <= wanted; i++) {
        json_span_to_element(&rest);
        *text = json_span_take_value(&rest);
    }
    return json_array_get(json, wanted);
}

void koine_schema_prepare_at(struct koine_body *body, const char *path, struct koine_text *schema) {
    struct step steps[STEPS];
    struct koine_text text = {NULL, 0};
    json_t *json = body->document;
    size_t count = 0;
    body->http->body(body->host, body->request, &text);
    while (json && *path && count < STEPS) {
        struct step *step = &steps[count];
        take_step(&path, step, count ? &steps[count - 1] : NULL);
        json = step->place.name ? follow_member(json, step->name, &text)
                                : follow_index(json, step->place.index, &text);
        count++;
    }
    if (!count || *path || !json_is_object(json))
        return;
    *schema = text;
    schema_prepare(body, &steps[count - 1].place, json, schema);
}
