/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each run writes the tools of all modules into one message to the CLI: what is not JSON in one of
 * them would spoil the runs of every module.
 */
#include "modules/tool_check.h"
#include "modules/struct_size.h"
#include "ops/utf8.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TOOLS = 1000, LONGEST_NAME = 64 };

static bool is_name(struct koine_text name) {
    for (size_t i = 0; name.data && i < name.size && i <= LONGEST_NAME; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return name.data && name.size >= 1 && name.size <= LONGEST_NAME;
}

static bool is_text(struct koine_text text) {
    size_t bytes = 0;
    if (!text.data || !text.size)
        return !text.size;
    for (size_t at = 0; at < text.size; at += bytes)
        if (!(bytes = utf8_sequence_bytes(text.data + at, text.size - at)) || !text.data[at])
            return false;
    return true;
}

static bool is_object(struct koine_text json) {
    json_t *value =
        json.data && !memchr(json.data, '\0', json.size)
            ? json_loadb(json.data, json.size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL)
            : NULL;
    bool good = json_is_object(value);
    json_decref(value);
    return good;
}

const char *tool_problem(const struct koine_tool *given, bool offered) {
    struct koine_tool tool;
    int32_t result = struct_size_read(&tool, sizeof(tool), given,
                                      offered ? LENGTH_WITH(koine_tool, call)
                                              : offsetof(struct koine_tool, call));
    if (!given)
        return "it is NULL";
    if (result == KOINE_INVALID)
        return "its size is too small: set it to sizeof(struct koine_tool)";
    if (result != KOINE_OK)
        return "it is longer than this gateway's struct koine_tool, and the rest is not zero";
    if (tool.flags & ~(uint32_t)KOINE_TOOL_ALONE)
        return "its flags hold one that this gateway does not know";
    if (!is_name(tool.name))
        return "its name must be [A-Za-z0-9_-]{1,64}";
    if (!is_text(tool.description))
        return "its description must be UTF-8 without zero bytes";
    if (!is_object(tool.input_schema))
        return "its input_schema must be a JSON object (is its size right?)";
    if (offered && !tool.call)
        return "its call is missing, and nobody would answer the model";
    return NULL;
}

static bool same_name(const struct koine_tool *a, const struct koine_tool *b) {
    return a->name.size == b->name.size && memcmp(a->name.data, b->name.data, a->name.size) == 0;
}

bool tool_set_problem(const struct koine_tool_set *set, char *problem, size_t size) {
    if (set->count > MOST_TOOLS || (set->count && !set->tools)) {
        snprintf(problem, size, "count is %u%s, expected an array of at most %d", set->count,
                 set->tools ? "" : " and tools is NULL", MOST_TOOLS);
        return true;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const struct koine_tool *tool = set->tools[i];
        const char *wrong = tool_problem(tool, true);
        for (uint32_t j = 0; !wrong && j < i; j++)
            if (same_name(tool, set->tools[j]))
                wrong = "another one before it has this name";
        if (!wrong)
            continue;
        bool named = tool && tool->size >= LENGTH_WITH(koine_tool, name) && is_name(tool->name);
        snprintf(problem, size, "tool %u%s%.*s%s: %s", i, named ? " (" : "",
                 named ? (int)tool->name.size : 0, named ? tool->name.data : "", named ? ")" : "",
                 wrong);
        return true;
    }
    return false;
}
