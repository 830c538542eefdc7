/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what a client sent is a conversation, and tools that a model can be given. */
#include "chat_internal.h"
#include <string.h>

enum { MOST_TOOLS = 512, LONGEST_NAME = 64 };

static bool is(const json_t *string, const char *text) {
    return json_is_string(string) && strcmp(json_string_value(string), text) == 0;
}

/* ---- messages */

/* What is known of the conversation before a message. */
struct reading {
    json_t *open;   /* ids of uses of tools whose results are to come, an object */
    bool any;       /* a message that counts has come */
    bool assistant; /* the last one was the assistant's */
    bool said;      /* the user has said something since, which is no result */
};

/* Empty texts do not reach the model. */
static bool is_empty_text(const json_t *block) {
    return is(json_object_get(block, "type"), "text") &&
           json_string_length(json_object_get(block, "text")) == 0;
}

static const char *read_use(struct reading *reading, const json_t *block) {
    const char *id = json_string_value(json_object_get(block, "id"));
    if (!reading->assistant)
        return "must not use a tool: that is the assistant's";
    if (!id || json_object_get(reading->open, id))
        return "must give each use of a tool an id of its own";
    json_object_set_new(reading->open, id, json_true());
    return NULL;
}

static const char *read_result(struct reading *reading, const json_t *block) {
    const char *id = json_string_value(json_object_get(block, "tool_use_id"));
    if (reading->assistant)
        return "must not hold the result of a tool: that is the user's";
    if (reading->said)
        return "must hold the results of tools before all else that the user says";
    if (!id || json_object_del(reading->open, id))
        return "must hold results only for the uses of tools in the message before, one for each";
    return NULL;
}

static const char *read_block(struct reading *reading, const json_t *block) {
    if (is(json_object_get(block, "type"), "tool_use"))
        return read_use(reading, block);
    if (is(json_object_get(block, "type"), "tool_result"))
        return read_result(reading, block);
    reading->said |= !reading->assistant && !is_empty_text(block);
    return NULL;
}

static bool counts(const json_t *content) {
    size_t at;
    json_t *block;
    json_array_foreach(content, at, block) {
        if (!is_empty_text(block))
            return true;
    }
    return json_string_length(content) > 0;
}

static const char *read_message(struct reading *reading, const json_t *message) {
    const json_t *content = json_object_get(message, "content");
    const bool assistant = is(json_object_get(message, "role"), "assistant");
    const char *problem = NULL;
    size_t at;
    json_t *block;
    if (!assistant && !is(json_object_get(message, "role"), "user"))
        return "must be of the role user or assistant";
    if (!counts(content))
        return assistant ? NULL : "must not be empty";
    if (!reading->any && assistant)
        return "must be the user's: a conversation begins with the user";
    if (assistant && !reading->assistant && json_object_size(reading->open))
        return "must not come before the results of all tools that the assistant has used";
    reading->any = true;
    reading->assistant = assistant;
    reading->said = !assistant && (reading->said || json_is_string(content));
    json_array_foreach(content, at, block) {
        if (!problem)
            problem = read_block(reading, block);
    }
    return problem;
}

static const char *end_problem(const struct reading *reading) {
    if (!reading->any)
        return "must be the user's: there is no message yet";
    if (reading->assistant)
        return "must be the user's: the CLI cannot go on with an answer that the client has begun";
    if (json_object_size(reading->open))
        return "must hold the result of each tool that the assistant has used in the message "
               "before";
    return NULL;
}

const char *koine_chat_problem(const json_t *messages, size_t *index) {
    struct reading reading = {.open = json_object()};
    const char *problem = NULL;
    const size_t count = json_array_size(messages);
    for (*index = 0; !problem && *index < count; ++*index)
        problem = read_message(&reading, json_array_get(messages, *index));
    if (!problem)
        problem = end_problem(&reading);
    *index = *index ? *index - 1 : 0;
    json_decref(reading.open);
    return problem;
}

/* ---- tools */

static bool is_name(const json_t *name) {
    const char *text = json_string_value(name);
    const size_t size = json_string_length(name);
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return size >= 1 && size <= LONGEST_NAME && strspn(text, letters) == size;
}

static const char *tool_problem(const json_t *tool, json_t *names) {
    const json_t *name = json_object_get(tool, "name");
    const json_t *schema = json_object_get(tool, "input_schema");
    const json_t *description = json_object_get(tool, "description");
    if (!is_name(name))
        return "must have a name of 1 to 64 letters, digits, \"_\" and \"-\"";
    if (json_object_get(names, json_string_value(name)))
        return "must have a name of its own: another one has the same";
    json_object_set_new(names, json_string_value(name), json_true());
    if (description && !json_is_string(description) && !json_is_null(description))
        return "must have a description that is a string, or none";
    if (!json_is_object(schema) || !is(json_object_get(schema, "type"), "object"))
        return "must have a JSON Schema of the type object for its input";
    return NULL;
}

const char *koine_chat_tools_problem(const json_t *tools, size_t *index) {
    json_t *names = json_object();
    const char *problem = NULL;
    *index = 0;
    if (json_array_size(tools) > MOST_TOOLS) {
        *index = MOST_TOOLS;
        problem = "must not be there: 512 tools are the most";
    }
    for (size_t i = 0; !problem && i < json_array_size(tools); i++) {
        *index = i;
        problem = tool_problem(json_array_get(tools, i), names);
    }
    json_decref(names);
    return problem;
}
