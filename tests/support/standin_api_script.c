/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the script in the conversation: the line `api: {JSON}` of the last prompt, or the default.
 * A tool_result after that prompt moves the script one step on. */
#include "standin_api_script.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char marker[] = "api: ";

/* A text that the CLI put beside the prompt on its own account. */
static bool is_reminder(const char *text) {
    return strncmp(text, "<system-reminder>", strlen("<system-reminder>")) == 0;
}

static const char *block_type(const json_t *block) {
    const char *type = json_string_value(json_object_get(block, "type"));
    return type ? type : "";
}

static int append_line(json_t **joined, const char *text) {
    const char *before = json_string_value(*joined);
    json_t *longer = json_sprintf("%s%s%s", before, *before ? "\n" : "", text);
    if (!longer)
        return -1;
    json_decref(*joined);
    *joined = longer;
    return 0;
}

/* Where the newest part of the content begins: the CLI puts a turn that was interrupted, the note
 * of that, and the next prompt into one message, and so it does with the last tool's result. */
static size_t first_block(const json_t *content) {
    size_t first = 0;
    json_t *block;
    size_t i;
    json_array_foreach(content, i, block) {
        const char *text = json_string_value(json_object_get(block, "text"));
        bool interrupted =
            text && strncmp(text, "[Request interrupted", strlen("[Request interrupted")) == 0;
        if (interrupted || strcmp(block_type(block), "tool_result") == 0)
            first = i + 1;
    }
    return first;
}

/* The text of a message without reminders, its blocks joined by newlines. */
static json_t *message_text(const json_t *message) {
    json_t *content = json_object_get(message, "content");
    json_t *joined = NULL;
    json_t *block;
    size_t first = first_block(content);
    size_t i;
    if (json_is_string(content))
        return json_incref(content);
    joined = json_string("");
    json_array_foreach(content, i, block) {
        const char *text = json_string_value(json_object_get(block, "text"));
        if (i >= first && text && !is_reminder(text) && (!joined || append_line(&joined, text)))
            break;
    }
    return joined;
}

static bool carries_tool_result(const json_t *message) {
    json_t *block;
    size_t i;
    json_array_foreach(json_object_get(message, "content"), i, block) {
        if (strcmp(block_type(block), "tool_result") == 0)
            return true;
    }
    return false;
}

/* What the CLI says on its own account to make the model go on: a step of the script, no prompt. */
static bool is_nudge(const json_t *message) {
    static const char *const beginnings[] = {"Output token limit hit", "Your response above was",
                                             "[structured-output-enforce]"};
    json_t *text = message_text(message);
    bool found = false;
    for (size_t i = 0; text && i < sizeof beginnings / sizeof *beginnings; i++)
        found |= strncmp(json_string_value(text), beginnings[i], strlen(beginnings[i])) == 0;
    json_decref(text);
    return found;
}

/* A tool's result and no prompt behind it. */
static bool is_result(const json_t *message) {
    json_t *text = message_text(message);
    bool empty = !text || json_string_length(text) == 0;
    json_decref(text);
    return empty && carries_tool_result(message);
}

/* The last user message that is a prompt; `steps` says how many tool results and nudges follow. */
static const json_t *last_prompt(const json_t *messages, size_t *steps) {
    *steps = 0;
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        const char *role = json_string_value(json_object_get(message, "role"));
        if (!role || strcmp(role, "user") != 0)
            continue;
        if (!is_result(message) && !is_nudge(message))
            return message;
        ++*steps;
    }
    return NULL;
}

static json_t *parse_marker(const char *text) {
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, marker, strlen(marker)) == 0) {
            json_t *script = json_loads(line + strlen(marker), JSON_DISABLE_EOF_CHECK, NULL);
            return script ? script : json_pack("{ss}", "text", "standin-api: bad JSON after api:");
        }
    }
    return NULL;
}

/* The script in a message's blocks, each looked at whole: reminders can enclose a prompt. */
static json_t *find_script(const json_t *message) {
    json_t *content = json_object_get(message, "content");
    json_t *found = NULL;
    json_t *block;
    size_t first = first_block(content);
    size_t i;
    if (json_is_string(content))
        return parse_marker(json_string_value(content));
    json_array_foreach(content, i, block) {
        const char *text = json_string_value(json_object_get(block, "text"));
        json_t *script = text && i >= first ? parse_marker(text) : NULL;
        if (script) {
            json_decref(found);
            found = script;
        }
    }
    return found;
}

static json_t *describe_result(const json_t *block) {
    json_t *content = json_object_get(block, "content");
    json_t *text = json_is_array(content) ? message_text(block) : json_incref(content);
    const char *id = json_string_value(json_object_get(block, "tool_use_id"));
    json_t *line = json_sprintf("%s %s: %s", id ? id : "?",
                                json_is_true(json_object_get(block, "is_error")) ? "error" : "ok",
                                json_is_string(text) ? json_string_value(text) : "");
    json_decref(text);
    return line;
}

/* What the tools said, a line each: `ID ok: CONTENT` or `ID error: CONTENT`. */
static json_t *repeat_results(const json_t *messages) {
    json_t *joined = json_string("");
    for (size_t i = json_array_size(messages); joined && i-- > 0;) {
        const json_t *message = json_array_get(messages, i);
        json_t *block;
        size_t n;
        if (!carries_tool_result(message))
            continue;
        json_array_foreach(json_object_get(message, "content"), n, block) {
            if (strcmp(block_type(block), "tool_result") != 0)
                continue;
            json_t *line = describe_result(block);
            if (line && append_line(&joined, json_string_value(line)) == 0)
                json_decref(line);
        }
        break;
    }
    return joined;
}

static bool asks_for_tools(const json_t *script) {
    return json_object_get(script, "tool") || json_object_get(script, "tools") ||
           json_object_get(script, "object");
}

/* An answer that never comes, not even its beginning. */
static bool stays_silent(const json_t *script) {
    return json_is_true(json_object_get(script, "hang")) && !json_object_get(script, "text");
}

/* The part of the script that counts after `steps` tool results; NULL: only repeat them. */
static json_t *advance(json_t *script, size_t steps) {
    while (script && steps > 0) {
        json_t *next = json_object_get(script, "then");
        json_int_t rounds = json_integer_value(json_object_get(script, "rounds"));
        size_t taken = rounds > 1 ? (size_t)rounds : 1;
        if (steps < taken)
            return script;
        steps -= taken;
        script = next;
    }
    return script;
}

static json_t *listed_tools(const json_t *script) {
    json_t *object = json_object_get(script, "object");
    json_t *tool = json_object_get(script, "tool");
    if (object)
        return json_pack("[{sssO}]", "name", "StructuredOutput", "input", object);
    if (tool)
        return json_pack("[O]", tool);
    return json_incref(json_object_get(script, "tools"));
}

static json_t *repeated(const char *text, json_int_t times) {
    size_t length = strlen(text);
    size_t count = times > 1 ? (size_t)times : 1;
    char *buffer = count <= (64u << 20) / (length + 1) ? malloc(length * count + 1) : NULL;
    if (!buffer)
        return json_string("standin-api: repeat makes more than 64 MB");
    for (size_t i = 0; i < count; i++)
        memcpy(buffer + i * length, text, length);
    json_t *result = json_stringn(buffer, length * count);
    free(buffer);
    return result;
}

static int set_text(json_t *step, const json_t *messages, const json_t *prompt, size_t steps) {
    const char *text = json_string_value(json_object_get(step, "text"));
    json_t *said;
    if (text)
        said = repeated(text, json_integer_value(json_object_get(step, "repeat")));
    else if (steps > 0)
        said = repeat_results(messages);
    else
        said = json_sprintf("You said: %s", json_string_value(prompt));
    return json_object_set_new(step, "text", said);
}

json_t *script_step(const json_t *request) {
    const json_t *messages = json_object_get(request, "messages");
    size_t steps;
    const json_t *message = last_prompt(messages, &steps);
    json_t *prompt = message ? message_text(message) : json_string("");
    json_t *script = message ? find_script(message) : NULL;
    json_t *part = advance(script, steps);
    json_t *step = part ? json_copy(part) : json_object();
    int failed = !step || !prompt;

    if (!failed && asks_for_tools(step)) {
        json_object_del(step, "text"); /* it is for after the tool */
        failed = json_object_set_new(step, "tools", listed_tools(step));
    } else if (!failed && !stays_silent(step)) {
        json_t *after = part || !script ? NULL : json_object_get(script, "text");
        if (after)
            failed = json_object_set(step, "text", after);
        failed = failed || set_text(step, messages, prompt, steps);
    }
    if (failed) {
        json_decref(step);
        step = NULL;
    }
    json_decref(prompt);
    json_decref(script);
    return step;
}
