/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a history that a client sent is one that the API would take. Leaves what the blocks of
 * each type hold to the API, but for the text of text.
 */
#include "runner/transcript.h"

#include "module/json_outline.h"
#include "runner/json_slice.h"

#include <jansson.h>
#include <koine-module/json_load.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct report {
    char *path;
    size_t path_size;
    char *message;
    size_t message_size;
};

/* The path "history[2].content[0].text" is message 2, block 0, ".text". Both return false. */
static bool fail_block(const struct report *report, size_t index, size_t block, const char *member,
                       const char *message) {
    snprintf(report->path, report->path_size, "history[%zu].content[%zu]%s", index, block, member);
    snprintf(report->message, report->message_size, "%s", message);
    return false;
}

static bool fail_message(const struct report *report, size_t index, const char *member,
                         const char *message) {
    snprintf(report->path, report->path_size, "history[%zu]%s", index, member);
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
        return fail_block(report, message, index, "", "must be a content block, an object");
    }
    if (json_string_length(type) == 0) {
        return fail_block(report, message, index, ".type",
                          "must be the type of a content block, such as \"text\"");
    }
    if (is(type, "text") && json_string_length(json_object_get(block, "text")) == 0) {
        return fail_block(report, message, index, ".text", "must be a non-empty string");
    }
    return true;
}

static bool check_content(const struct report *report, const json_t *content, size_t message) {
    if (json_string_length(content) > 0) {
        return true;
    }
    if (json_array_size(content) == 0) {
        return fail_message(report, message, ".content",
                            "must be a non-empty string or a non-empty array of content blocks");
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
        return fail_message(report, index, "", "must be an object {role, content}");
    }
    if (!is(role, "user") && !is(role, "assistant")) {
        return fail_message(report, index, ".role", "must be \"user\" or \"assistant\"");
    }
    if (index == 0 && !is(role, "user")) {
        return fail_message(report, index, ".role",
                            "must be \"user\": a conversation begins with the user");
    }
    return check_content(report, json_object_get(message, "content"), index);
}

static bool check_messages(const struct report *report, const json_t *messages) {
    size_t count = json_array_size(messages);
    if (count == 0) {
        snprintf(report->path, report->path_size, "history");
        snprintf(report->message, report->message_size,
                 "must be a non-empty array of messages {role, content}");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_message(report, json_array_get(messages, i), i)) {
            return false;
        }
    }
    if (!is(json_object_get(json_array_get(messages, count - 1), "role"), "assistant")) {
        return fail_message(report, count - 1, ".role",
                            "must be \"assistant\": the prompt is the user's next message");
    }
    return true;
}

/* ---- uses of tools at the end, and their results */

static bool has_type(const json_t *block, const char *type) {
    return is(json_object_get(block, "type"), type);
}

/* The ids that the prompt begins with results of, an object: a prompt may hold very many. */
static json_t *results_of(const json_t *prompt) {
    json_t *ids = json_object();
    for (size_t i = 0; has_type(json_array_get(prompt, i), "tool_result"); i++) {
        const char *id =
            json_string_value(json_object_get(json_array_get(prompt, i), "tool_use_id"));
        if (id != NULL) {
            json_object_set_new_nocheck(ids, id, json_true());
        }
    }
    return ids;
}

/* An id is the client's: what might be cut within a character is not repeated. */
static bool fail_result(const struct report *report, const char *id) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    bool shown = strlen(id) <= 100 && strspn(id, plain) == strlen(id);
    snprintf(report->path, report->path_size, "prompt");
    snprintf(report->message, report->message_size,
             "must begin with a tool_result for each use of a tool that the history ends with; the "
             "one of %s is missing",
             shown ? id : "a use with a strange id");
    return false;
}

static bool check_results(const struct report *report, const json_t *messages,
                          const json_t *prompt) {
    const size_t last = json_array_size(messages) - 1;
    const json_t *content = json_object_get(json_array_get(messages, last), "content");
    json_t *results = results_of(prompt);
    bool good = true;
    for (size_t i = 0; i < json_array_size(content) && good; i++) {
        const json_t *block = json_array_get(content, i);
        const char *id = json_string_value(json_object_get(block, "id"));
        if (!has_type(block, "tool_use")) {
            continue;
        }
        if (id == NULL) {
            good = fail_block(report, last, i, ".id", "must be the id of this use of a tool");
        } else if (json_object_get(results, id) == NULL) {
            good = fail_result(report, id);
        }
    }
    json_decref(results);
    return good;
}

enum { FLAGS = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL };

bool transcript_awaits_results(const json_t *messages) {
    const size_t count = json_array_size(messages);
    const json_t *last = count > 0 ? json_array_get(messages, count - 1) : NULL;
    const json_t *content = json_object_get(last, "content");
    for (size_t i = 0; i < json_array_size(content); i++) {
        if (has_type(json_array_get(content, i), "tool_use")) {
            return true;
        }
    }
    return false;
}

/* The same messages, of which the last one has its long strings. NULL: no memory. */
static json_t *with_last_whole(struct koine_text history, const json_t *messages) {
    const size_t count = json_array_size(messages);
    json_t *copy = json_array();
    struct koine_text last = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        last = json_slice_next(&history);
    }
    if (json_array_extend(copy, (json_t *)(uintptr_t)messages) != 0 ||
        json_array_set_new(copy, count - 1, koine_json_load(last, FLAGS, NULL)) != 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

/* Here ids are compared, which may be of any length. */
static bool check_ending(const struct report *report, struct koine_text history,
                         const json_t *messages, struct koine_text prompt) {
    json_t *whole = with_last_whole(history, messages);
    json_t *blocks = koine_json_load(prompt, FLAGS, NULL);
    bool good = check_messages(report, whole) && check_results(report, whole, blocks);
    json_decref(whole);
    json_decref(blocks);
    return good;
}

json_t *transcript_messages(struct koine_text history) {
    return json_load_outline(history, FLAGS, NULL);
}

int transcript_check(struct koine_text history, const json_t *messages, struct koine_text prompt,
                     char *path, size_t path_size, char *message, size_t message_size) {
    const struct report report = {path, path_size, message, message_size};
    bool good =
        check_messages(&report, messages) &&
        (!transcript_awaits_results(messages) || check_ending(&report, history, messages, prompt));
    return good ? 0 : -1;
}
