/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the client as tools of the Messages API. What a name may be is the SDK's affair. */
#include "tools.h"
#include <koine-module/schema.h>
#include <stdio.h>
#include <string.h>

static const struct koine_body_place tools_place = {NULL, "tools", 0};
static const struct koine_body_place choice_place = {NULL, "tool_choice", 0};

/* The Messages API wants an object schema of every tool; the client may have none. */
static json_t *input_schema(struct reading *reading, json_t *parameters) {
    json_t *schema = build(reading, parameters ? json_copy(parameters) : json_object());
    if (schema && !json_object_get(schema, "type"))
        build_set(reading, schema, "type", json_string("object"));
    return schema;
}

/* `function` holds name, description and parameters. */
static json_t *read_function(struct reading *reading, const struct koine_body_place *place,
                             const json_t *function) {
    const struct koine_body_place parameters_place = place_member(place, "parameters");
    json_t *name = read_needed(reading, place, function, "name");
    json_t *description = read_string(reading, place, function, "description");
    json_t *parameters = json_object_get(function, "parameters");
    if (parameters && !json_is_object(parameters) && !json_is_null(parameters)) {
        problem_expected(reading, &parameters_place, "a JSON Schema of type \"object\"",
                         parameters);
        return NULL;
    }
    if (!name)
        return NULL;
    json_t *tool = build(
        reading, json_pack("{s:O,s:o}", "name", name, "input_schema",
                           input_schema(reading, json_is_object(parameters) ? parameters : NULL)));
    if (tool && description)
        build_set(reading, tool, "description", json_incref(description));
    return tool;
}

static json_t *read_tool(struct reading *reading, const struct koine_body_place *place,
                         json_t *tool, bool nested) {
    static const char *const nested_names[] = {"type", "function", NULL};
    static const char *const names[] = {"type",       "name",   "description",
                                        "parameters", "strict", NULL};
    const struct koine_body_place type_place = place_member(place, "type");
    const struct koine_body_place function_place = place_member(place, "function");
    const json_t *type = json_object_get(tool, "type");
    if (!json_is_object(tool) || !json_is_string(type)) {
        problem_expected(reading, json_is_object(tool) ? &type_place : place,
                         json_is_object(tool) ? "\"function\"" : "an object with a \"type\"",
                         json_is_object(tool) ? type : tool);
        return NULL;
    }
    if (!text_is(type, "function")) {
        problem(reading, &type_place,
                "must be \"function\": tools of type \"%.*s\" are not supported",
                shown_size(json_string_value(type)), json_string_value(type));
        return NULL;
    }
    if (!nested) {
        read_known(reading, place, tool, names);
        return read_function(reading, place, tool);
    }
    json_t *function = json_object_get(tool, "function");
    read_known(reading, place, tool, nested_names);
    if (!json_is_object(function)) {
        problem_expected(reading, &function_place, "an object with a \"name\"", function);
        return NULL;
    }
    read_known(reading, &function_place, function, names + 1);
    return read_function(reading, &function_place, function);
}

static json_t *read_tools(struct reading *reading, const struct tool_fields *fields) {
    json_t *given = read_json(reading, fields->tools.json);
    json_t *tools = build(reading, json_array()), *item;
    size_t index;
    json_array_foreach(given, index, item) {
        const struct koine_body_place place = place_item(&tools_place, index);
        json_t *tool = read_tool(reading, &place, item, fields->nested);
        if (tool)
            build_append(reading, tools, tool);
    }
    json_decref(given);
    return reading_keep(reading, tools);
}

/* ---- tool_choice */

/* The index of the tool of that name; the number of tools: there is none. */
static size_t find_tool(const json_t *tools, const char *name) {
    size_t index;
    json_t *tool;
    json_array_foreach(tools, index, tool) {
        if (text_is(json_object_get(tool, "name"), name))
            return index;
    }
    return json_array_size(tools);
}

/* The input schema of the tool in the form that structured output takes. */
static void prepare_input(struct reading *reading, const struct tool_fields *fields, size_t index,
                          struct koine_chat_ask *ask) {
    char path[64];
    const json_t *tool = json_array_get(ask->tools, index);
    ask->schema = KOINE_TEXT("{\"type\":\"object\"}");
    snprintf(path, sizeof(path), "tools[%zu].%sparameters", index,
             fields->nested ? "function." : "");
    /* one member is the type that a schema without any was given */
    if (json_object_size(json_object_get(tool, "input_schema")) > 1)
        koine_schema_prepare_at(reading->body, path, &ask->schema);
}

static void force(struct reading *reading, const struct tool_fields *fields, size_t index,
                  struct koine_chat_ask *ask) {
    const json_t *name = json_object_get(json_array_get(ask->tools, index), "name");
    ask->tool_choice = KOINE_CHAT_TOOLS_FORCED;
    ask->forced_tool = (struct koine_text){json_string_value(name), json_string_length(name)};
    prepare_input(reading, fields, index, ask);
}

static void read_required(struct reading *reading, const struct tool_fields *fields,
                          struct koine_chat_ask *ask) {
    if (fields->tools.count == 1)
        force(reading, fields, 0, ask);
    else if (fields->tools.count)
        problem(reading, &choice_place,
                "is not supported as \"required\" with several functions: name the one that must "
                "be called, or send \"auto\"");
    else
        problem(reading, &choice_place, "must not be \"required\" without tools");
}

static void read_word(struct reading *reading, const struct tool_fields *fields, const json_t *word,
                      struct koine_chat_ask *ask) {
    if (text_is(word, "none"))
        ask->tool_choice = KOINE_CHAT_TOOLS_NONE;
    else if (text_is(word, "required"))
        read_required(reading, fields, ask);
    else if (!text_is(word, "auto"))
        problem(reading, &choice_place,
                "must be \"none\", \"auto\", \"required\" or {\"type\":\"function\",…}");
}

static void read_named(struct reading *reading, const struct tool_fields *fields,
                       const json_t *choice, struct koine_chat_ask *ask) {
    const struct koine_body_place type_place = place_member(&choice_place, "type");
    const struct koine_body_place function_place = place_member(&choice_place, "function");
    const struct koine_body_place *place = fields->nested ? &function_place : &choice_place;
    if (!text_is(json_object_get(choice, "type"), "function")) {
        problem(reading, &type_place,
                "must be \"function\": other kinds of tools are not supported, and of several "
                "functions send only those that are allowed");
        return;
    }
    const json_t *named = fields->nested ? json_object_get(choice, "function") : choice;
    const json_t *name = read_needed(reading, place, named, "name");
    if (!name)
        return;
    const size_t index = find_tool(ask->tools, json_string_value(name));
    if (index < json_array_size(ask->tools))
        force(reading, fields, index, ask);
    else
        problem(reading, place, "must name one of the tools");
}

static void read_choice(struct reading *reading, const struct tool_fields *fields,
                        struct koine_chat_ask *ask) {
    json_t *choice = read_json(reading, fields->choice);
    if (json_is_string(choice))
        read_word(reading, fields, choice, ask);
    else if (json_is_object(choice))
        read_named(reading, fields, choice, ask);
    else if (choice && !json_is_null(choice))
        problem_expected(reading, &choice_place, "a string or an object", choice);
    json_decref(choice);
}

void tools_read(struct reading *reading, const struct tool_fields *fields,
                struct koine_chat_ask *ask) {
    if (fields->tools.count)
        ask->tools = read_tools(reading, fields);
    ask->one_tool_at_a_time = !fields->parallel;
    read_choice(reading, fields, ask);
}

void tools_check(struct reading *reading, const struct tool_fields *fields,
                 const struct koine_chat_ask *ask) {
    size_t index = 0;
    const char *message = ask->tools ? koine_chat_tools_problem(ask->tools, &index) : NULL;
    const struct koine_body_place item = place_item(&tools_place, index);
    const struct koine_body_place function = place_member(&item, "function");
    if (message)
        problem(reading, fields->nested ? &function : &item, "%s", message);
}

/* ---- calls in the conversation */

/* The object that the string holds; an empty string is what models write for no arguments. */
static json_t *read_arguments(struct reading *reading, const struct koine_body_place *place,
                              const json_t *object) {
    const struct koine_body_place member = place_member(place, "arguments");
    const json_t *text = json_object_get(object, "arguments");
    if (!json_is_string(text)) {
        problem_expected(reading, &member, "a string of JSON", text);
        return NULL;
    }
    if (!json_string_length(text))
        return build(reading, json_object());
    json_t *arguments =
        json_of_text((struct koine_text){json_string_value(text), json_string_length(text)}, 0);
    if (json_is_object(arguments))
        return arguments;
    problem(reading, &member, "must be a JSON object in a string");
    json_decref(arguments);
    return NULL;
}

json_t *tools_call(struct reading *reading, const struct koine_body_place *place,
                   const json_t *object, json_t *id) {
    json_t *name = read_needed(reading, place, object, "name");
    json_t *arguments = read_arguments(reading, place, object);
    if (!name || !arguments || !id) {
        json_decref(arguments);
        return NULL;
    }
    return build(reading, json_pack("{s:s,s:O,s:O,s:o}", "type", "tool_use", "id", id, "name", name,
                                    "input", arguments));
}
