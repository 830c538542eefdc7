/* SPDX-License-Identifier: Apache-2.0 */
/* Reads `messages` of a request. Knows how the CLI marks what it adds; asserts in one place only.
 */
#include "support/conversation.h"

#include "support/scenario.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* Up to the line with the script. */
static json_t *spoken(const char *text) {
    static const char script[] = "\napi: ";
    const char *end = strstr(text, script);
    return json_stringn(text, end ? (size_t)(end - text) : strlen(text));
}

/* The text of a tool's result: a string, or blocks of which the first counts. */
static json_t *result_text(const json_t *content) {
    const json_t *first = json_is_array(content) ? json_array_get(content, 0) : NULL;
    const json_t *text = first ? json_object_get(first, "text") : content;
    return json_is_string(text) ? json_string(json_string_value(text)) : json_string("");
}

/* NULL: it is none of the conversation. */
static json_t *block_of(const json_t *block) {
    const char *type = json_string_value(json_object_get(block, "type"));
    const char *text = json_string_value(json_object_get(block, "text"));
    if (text)
        return begins(text, "<system-reminder>") ? NULL : spoken(text);
    if (type && strcmp(type, "image") == 0)
        return json_pack("{sO}", "image",
                         json_object_get(json_object_get(block, "source"), "data"));
    if (type && strcmp(type, "tool_use") == 0)
        return json_pack("{sO}", "call", json_object_get(block, "name"));
    if (type && strcmp(type, "tool_result") == 0)
        return json_pack("{so}", "result", result_text(json_object_get(block, "content")));
    return json_pack("{sO}", "other", json_object_get(block, "type"));
}

static json_t *message_of(const json_t *message) {
    json_t *content = json_object_get(message, "content"), *block;
    json_t *said = json_pack("[O]", json_object_get(message, "role"));
    size_t i;
    if (json_is_string(content))
        json_array_append_new(said, spoken(json_string_value(content)));
    json_array_foreach(content, i, block) {
        json_t *one = block_of(block);
        if (one)
            json_array_append_new(said, one);
    }
    return said;
}

json_t *conversation_of(const json_t *request) {
    json_t *conversation = json_array(), *message;
    size_t i;
    json_array_foreach(json_object_get(request, "messages"), i, message) {
        const char *role = json_string_value(json_object_get(message, "role"));
        if (role && strcmp(role, "system") != 0)
            json_array_append_new(conversation, message_of(message));
    }
    return conversation;
}

void assert_conversation(const json_t *request, const char *expected) {
    json_t *wanted = quoted_json(expected), *found = conversation_of(request);
    char *text = json_dumps(found, JSON_COMPACT);
    ck_assert_msg(json_equal(found, wanted), "the API received %s, expected %s", text, expected);
    free(text);
    json_decref(found);
    json_decref(wanted);
}
