/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a history that a client sent is one that the API would take. Leaves what the blocks of
 * each type hold to the API, but for the text of text.
 */
#include "runner/transcript.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct report {
    char *path;
    size_t path_size;
    char *message;
    size_t message_size;
};

/* `format` makes the path. Returns false. */
__attribute__((format(printf, 3, 4))) static bool
fail(const struct report *report, const char *message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->path, report->path_size, format, arguments);
    va_end(arguments);
    snprintf(report->message, report->message_size, "%s", message);
    return false;
}

static bool is(const json_t *string, const char *text) {
    return json_is_string(string) && strcmp(json_string_value(string), text) == 0;
}

static bool check_block(const struct report *report, const json_t *block, size_t message,
                        size_t index) {
    const json_t *type = json_object_get(block, "type");
    if (!json_is_object(block)) {
        return fail(report, "must be a content block, an object", "history[%zu].content[%zu]",
                    message, index);
    }
    if (json_string_length(type) == 0) {
        return fail(report, "must be the type of a content block, such as \"text\"",
                    "history[%zu].content[%zu].type", message, index);
    }
    if (is(type, "text") && json_string_length(json_object_get(block, "text")) == 0) {
        return fail(report, "must be a non-empty string", "history[%zu].content[%zu].text", message,
                    index);
    }
    return true;
}

static bool check_content(const struct report *report, const json_t *content, size_t message) {
    if (json_string_length(content) > 0) {
        return true;
    }
    if (json_array_size(content) == 0) {
        return fail(report, "must be a non-empty string or a non-empty array of content blocks",
                    "history[%zu].content", message);
    }
    for (size_t i = 0; i < json_array_size(content); i++) {
        if (!check_block(report, json_array_get(content, i), message, i)) {
            return false;
        }
    }
    return true;
}

static bool check_message(const struct report *report, const json_t *message, size_t index) {
    const json_t *role = json_object_get(message, "role");
    if (!json_is_object(message)) {
        return fail(report, "must be an object {role, content}", "history[%zu]", index);
    }
    if (!is(role, "user") && !is(role, "assistant")) {
        return fail(report, "must be \"user\" or \"assistant\"", "history[%zu].role", index);
    }
    if (index == 0 && !is(role, "user")) {
        return fail(report, "must be \"user\": a conversation begins with the user",
                    "history[0].role");
    }
    return check_content(report, json_object_get(message, "content"), index);
}

static bool check_messages(const struct report *report, const json_t *messages) {
    size_t count = json_array_size(messages);
    if (count == 0) {
        return fail(report, "must be a non-empty array of messages {role, content}", "history");
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_message(report, json_array_get(messages, i), i)) {
            return false;
        }
    }
    if (!is(json_object_get(json_array_get(messages, count - 1), "role"), "assistant")) {
        return fail(report, "must be \"assistant\": the prompt is the user's next message",
                    "history[%zu].role", count - 1);
    }
    return true;
}

int transcript_check(struct koine_text history, char *path, size_t path_size, char *message,
                     size_t message_size) {
    const struct report report = {path, path_size, message, message_size};
    json_t *messages = json_loadb(history.data != NULL ? history.data : "", history.size,
                                  JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    bool good = check_messages(&report, messages);
    json_decref(messages);
    return good ? 0 : -1;
}
