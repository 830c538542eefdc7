/* SPDX-License-Identifier: Apache-2.0 */
/* Both endpoints name the same formats; the schema stands one level deeper in chat. */
#include "format.h"
#include <koine-module/schema.h>
#include <string.h>

static const struct koine_text any_object = {"{\"type\":\"object\"}", 17};

/* `holder` holds name, schema, strict and description; `path` is the schema's in the body. */
static void read_schema(struct reading *reading, const struct koine_body_place *place,
                        const json_t *holder, const char *path, struct koine_chat_ask *ask) {
    const struct koine_body_place schema_place = place_member(place, "schema");
    const json_t *schema = json_object_get(holder, "schema");
    if (json_is_object(schema))
        koine_schema_prepare_at(reading->body, path, &ask->schema);
    else if (!schema || json_is_null(schema))
        problem(reading, &schema_place, "is required");
    else
        problem_expected(reading, &schema_place, "a JSON Schema, an object", schema);
}

static void read_chat_schema(struct reading *reading, const struct koine_body_place *place,
                             const json_t *format, struct koine_chat_ask *ask) {
    static const char *const names[] = {"name", "description", "schema", "strict", NULL};
    const struct koine_body_place member = place_member(place, "json_schema");
    json_t *holder = json_object_get(format, "json_schema");
    if (!json_is_object(holder)) {
        problem_expected(reading, &member, "an object with a \"schema\"", holder);
        return;
    }
    read_known(reading, &member, holder, names);
    read_schema(reading, &member, holder, "response_format.json_schema.schema", ask);
}

/* True: the type is json_schema, and the rest is the caller's. */
static bool read_type(struct reading *reading, const struct koine_body_place *place,
                      const json_t *format, struct koine_chat_ask *ask) {
    const struct koine_body_place member = place_member(place, "type");
    const json_t *type = json_object_get(format, "type");
    if (text_is(type, "json_schema"))
        return true;
    if (text_is(type, "json_object"))
        ask->schema = any_object;
    else if (!text_is(type, "text"))
        problem(reading, &member, "must be \"text\", \"json_object\" or \"json_schema\"");
    return false;
}

void format_of_chat(struct reading *reading, struct koine_text response_format,
                    struct koine_chat_ask *ask) {
    static const char *const names[] = {"type", "json_schema", NULL};
    const struct koine_body_place place = place_member(NULL, "response_format");
    json_t *format = read_json(reading, response_format);
    if (!format)
        return;
    read_known(reading, &place, format, names);
    if (read_type(reading, &place, format, ask))
        read_chat_schema(reading, &place, format, ask);
    json_decref(format);
}

void format_of_responses(struct reading *reading, struct koine_text text,
                         struct koine_chat_ask *ask) {
    static const char *const names[] = {"format", "verbosity", NULL};
    static const char *const format_names[] = {"type",   "name",        "schema",
                                               "strict", "description", NULL};
    const struct koine_body_place place = place_member(NULL, "text");
    const struct koine_body_place format_place = place_member(&place, "format");
    json_t *config = read_json(reading, text);
    if (!config)
        return;
    read_known(reading, &place, config, names);
    json_t *format = read_object(reading, &place, config, "format");
    if (format) {
        read_known(reading, &format_place, format, format_names);
        if (read_type(reading, &format_place, format, ask))
            read_schema(reading, &format_place, format, "text.format.schema", ask);
    }
    json_decref(config);
}

void format_effort(struct reading *reading, const struct koine_body_place *place,
                   struct koine_text word, struct koine_chat_ask *ask) {
    /* The CLI has nothing below "low". */
    static const char *const words[][2] = {
        {"none", "low"},  {"minimal", "low"}, {"low", "low"}, {"medium", "medium"},
        {"high", "high"}, {"xhigh", "xhigh"}, {"max", "max"}};
    if (!word.data)
        return;
    for (size_t i = 0; i < KOINE_COUNT(words); i++) {
        if (word.size == strlen(words[i][0]) && memcmp(word.data, words[i][0], word.size) == 0) {
            ask->effort = openai_text(words[i][1]);
            return;
        }
    }
    problem(reading, place, "must be none, minimal, low, medium, high, xhigh or max");
}
