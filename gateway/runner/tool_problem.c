/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of struct koine_tool in koine/runner.h. */
#include "runner/tool_problem.h"
#include "modules/struct_size.h"
#include <jansson.h>

enum { LONGEST_NAME_BYTES = 64 };

static bool is_name(struct koine_text name) {
    for (size_t i = 0; name.data && i < name.size; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return name.data && name.size >= 1 && name.size <= LONGEST_NAME_BYTES;
}

static bool is_object(struct koine_text json) {
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL; /* integers of any size */
    json_t *value = json.data ? json_loadb(json.data, json.size, flags, NULL) : NULL;
    bool good = json_is_object(value);
    json_decref(value);
    return good;
}

const char *tool_problem(const struct koine_tool *tool, bool offered) {
    size_t least = offered ? LENGTH_WITH(koine_tool, call) : offsetof(struct koine_tool, call);
    if (!tool)
        return "is missing";
    if (tool->size < least)
        return "has a size that is too small: set it to sizeof(struct koine_tool)";
    if (!is_name(tool->name))
        return "needs a name of [A-Za-z0-9_-]{1,64}";
    if (!is_object(tool->input_schema))
        return "needs an input_schema that is a JSON object";
    return offered && !tool->call ? "needs its call" : NULL;
}

const char *tool_set_problem(const struct koine_tool_set *set, uint32_t *index) {
    const char *problem = NULL;
    for (*index = 0; *index < set->count; ++*index)
        if ((problem = tool_problem(set->tools ? set->tools[*index] : NULL, true)))
            break;
    return problem;
}
