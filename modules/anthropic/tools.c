/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools that the client runs. Those of the API itself (web search, code execution …) run nowhere
 * here: they are refused by name.
 */
#include "tools.h"
#include <koine-module/schema.h>
#include <stdio.h>
#include <string.h>

#define HONOURED .effect = KOINE_BODY_HONOURED
#define NO_EFFECT .effect = KOINE_BODY_WITHOUT_EFFECT
#define REFUSED .effect = KOINE_BODY_REFUSED

static const struct member_rule tool_members[] = {
    {.name = "type", HONOURED, .kind = MEMBER_STRING},
    {.name = "name", HONOURED, .kind = MEMBER_STRING, .flags = MEMBER_REQUIRED | MEMBER_NOT_EMPTY},
    {.name = "description", HONOURED, .kind = MEMBER_STRING},
    {.name = "input_schema", HONOURED, .kind = MEMBER_OBJECT, .flags = MEMBER_REQUIRED},
    {.name = "cache_control", NO_EFFECT},
    {.name = "strict", NO_EFFECT},
    {.name = "defer_loading", NO_EFFECT},
    {.name = "eager_input_streaming", NO_EFFECT},
    {.name = "allowed_callers",
     REFUSED,
     .allowed = "[\"direct\"] []",
     .why = "nothing but the model itself uses tools"},
    {.name = "input_examples", REFUSED, .allowed = "[]", .why = "write them into the description"},
};

static const char *const choice_types[] = {"auto", "any", "tool", "none", NULL};
static const struct member_rule choice_members[] = {
    {.name = "type",
     HONOURED,
     .kind = MEMBER_STRING,
     .flags = MEMBER_REQUIRED,
     .choices = choice_types},
    {.name = "name", HONOURED, .kind = MEMBER_STRING, .flags = MEMBER_NOT_EMPTY},
    {.name = "disable_parallel_tool_use", HONOURED, .kind = MEMBER_BOOLEAN},
};

static const struct object_rules rules[] = {
    OBJECT_RULES("tools[]", tool_members),
    OBJECT_RULES("tool_choice", choice_members),
};

const struct object_rules *tools_rules_at(size_t index) {
    return index < sizeof(rules) / sizeof(*rules) ? &rules[index] : NULL;
}

/* ---- tools ------------------------------------------------------------------------------- */

static void check_tool(struct checking *checking, const struct koine_body_place *place,
                       json_t *tool) {
    const json_t *type = json_object_get(tool, "type");
    const struct koine_body_place type_place = {place, "type", 0};
    if (json_is_string(type) && !member_is(tool, "type", "custom"))
        place_problem(checking, &type_place,
                      "is not supported: a tool of the API's own is not there, only those that the "
                      "client runs (\"custom\") are");
    else if (members_check(checking, place, tool, &rules[0]))
        json_object_del(tool, "type");
}

void tools_check(struct checking *checking, json_t *tools) {
    const struct koine_body_place place = {NULL, "tools", 0};
    const size_t before = checking->problems;
    size_t index = 0;
    json_t *tool;
    json_array_foreach(tools, index, tool) {
        const struct koine_body_place at = {&place, NULL, index};
        check_tool(checking, &at, tool);
    }
    if (!json_array_size(tools) || checking->problems > before)
        return;
    const char *problem = koine_chat_tools_problem(tools, &index);
    const struct koine_body_place at = {&place, NULL, index};
    if (problem)
        place_problem(checking, &at, "%s", problem);
}

/* ---- tool_choice ------------------------------------------------------------------------- */

/* The index of the tool of that name; how many there are: none. */
static size_t tool_named(const json_t *tools, const char *name) {
    size_t index = 0;
    const json_t *tool;
    json_array_foreach(tools, index, tool) {
        if (name && member_is(tool, "name", name))
            break;
    }
    return index;
}

/* Tools with a problem of their own are read here, too: none of their members is sure. */
static void force(struct checking *checking, size_t index, struct koine_chat_ask *ask) {
    const json_t *name = json_object_get(json_array_get(ask->tools, index), "name");
    char path[64];
    snprintf(path, sizeof(path), "tools[%zu].input_schema", index);
    ask->tool_choice = KOINE_CHAT_TOOLS_FORCED;
    ask->forced_tool = (struct koine_text){json_string_value(name), json_string_length(name)};
    koine_schema_prepare_at(checking->body, path, &ask->schema);
}

/* One of several is a choice that the CLI cannot be held to. */
static void read_any(struct checking *checking, struct koine_chat_ask *ask) {
    const struct koine_body_place choice = {NULL, "tool_choice", 0}, type = {&choice, "type", 0};
    const size_t count = json_array_size(ask->tools);
    if (count == 1)
        force(checking, 0, ask);
    else if (count)
        place_problem(checking, &type,
                      "\"any\" is not supported with several tools: name the one with "
                      "{\"type\":\"tool\",\"name\":…}, or let the model decide with \"auto\"");
    else
        place_problem(checking, &type, "needs a tool: tools is empty");
}

static void read_tool(struct checking *checking, const json_t *choice, struct koine_chat_ask *ask) {
    const struct koine_body_place place = {NULL, "tool_choice", 0},
                                  name_place = {&place, "name", 0};
    const char *name = json_string_value(json_object_get(choice, "name"));
    const size_t index = tool_named(ask->tools, name);
    if (!name)
        place_problem(checking, &name_place, "is required with the type \"tool\"");
    else if (index < json_array_size(ask->tools))
        force(checking, index, ask);
    else
        place_problem(checking, &name_place, "must be the name of one of the tools");
}

void tool_choice_read(struct checking *checking, json_t *choice, struct koine_chat_ask *ask) {
    const struct koine_body_place place = {NULL, "tool_choice", 0};
    if (!choice || !members_check(checking, &place, choice, &rules[1]))
        return;
    ask->one_tool_at_a_time = json_is_true(json_object_get(choice, "disable_parallel_tool_use"));
    if (member_is(choice, "type", "none"))
        ask->tool_choice = KOINE_CHAT_TOOLS_NONE;
    else if (member_is(choice, "type", "any"))
        read_any(checking, ask);
    else if (member_is(choice, "type", "tool"))
        read_tool(checking, choice, ask);
}
