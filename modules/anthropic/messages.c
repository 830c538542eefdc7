/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and contents. What blocks hold is blocks.c; what makes a conversation is the SDK's. */
#include "messages.h"
#include "blocks.h"
#include <koine-module/chat.h>
#include <string.h>

static const struct member_rule members[] = {
    {.name = "role",
     .effect = KOINE_BODY_HONOURED,
     .kind = MEMBER_STRING,
     .flags = MEMBER_REQUIRED},
    {.name = "content", .effect = KOINE_BODY_HONOURED, .flags = MEMBER_REQUIRED},
};
static const struct object_rules rules = OBJECT_RULES("messages[]", members);

const struct object_rules *messages_rules(void) {
    return &rules;
}

static void check_message(struct checking *checking, const struct koine_body_place *place,
                          json_t *message) {
    const struct koine_body_place role = {place, "role", 0}, content = {place, "content", 0};
    if (!members_check(checking, place, message, &rules))
        return;
    const bool is_assistant = member_is(message, "role", "assistant");
    if (!is_assistant && !member_is(message, "role", "user"))
        place_problem(checking, &role,
                      "must be \"user\" or \"assistant\": instructions belong into system");
    else
        blocks_check_content(checking, &content, json_object_get(message, "content"),
                             is_assistant ? BLOCK_OF_ASSISTANT : BLOCK_OF_USER);
}

/* The CLI begins every message of the model itself. */
static void check_last(struct checking *checking, const struct koine_body_place *place,
                       json_t *messages) {
    const size_t last = json_array_size(messages) - 1;
    const struct koine_body_place message = {place, NULL, last};
    if (member_is(json_array_get(messages, last), "role", "assistant"))
        place_problem(checking, &message,
                      "must be of the user: an answer that begins with given words (prefill) is "
                      "not supported");
}

void messages_check(struct checking *checking, json_t *messages) {
    const struct koine_body_place place = {NULL, "messages", 0};
    const size_t before = checking->problems;
    size_t index = 0;
    json_t *message;
    if (!json_array_size(messages))
        return; /* the field's own problem */
    json_array_foreach(messages, index, message) {
        const struct koine_body_place at = {&place, NULL, index};
        check_message(checking, &at, message);
    }
    check_last(checking, &place, messages);
    if (checking->problems > before)
        return;
    const char *problem = koine_chat_problem(messages, &index);
    const struct koine_body_place at = {&place, NULL, index};
    if (problem)
        place_problem(checking, &at, "%s", problem);
}

/* ---- system ------------------------------------------------------------------------------ */

static struct koine_text text_of(const json_t *string) {
    return (struct koine_text){json_string_value(string), json_string_length(string)};
}

enum { LINE_BREAKS = 2 /* between two blocks */ };

/* Writes the blocks' texts one behind the other, unless `out` is NULL; returns how many bytes. */
static size_t join(const json_t *blocks, char *out) {
    size_t index, size = 0;
    const json_t *block;
    json_array_foreach(blocks, index, block) {
        const struct koine_text text = text_of(json_object_get(block, "text"));
        const size_t before = size && text.size ? LINE_BREAKS : 0;
        if (out) {
            memset(out + size, '\n', before);
            memcpy(out + size + before, text.data, text.size);
        }
        size += before + text.size;
    }
    return size;
}

struct koine_text system_text(struct checking *checking, const struct koine_self *self,
                              koine_request request, json_t *system) {
    const struct koine_body_place place = {NULL, "system", 0};
    const size_t before = checking->problems;
    if (system)
        blocks_check_content(checking, &place, system, BLOCK_OF_SYSTEM);
    if (!system || checking->problems > before)
        return (struct koine_text){NULL, 0};
    if (json_is_string(system))
        return json_string_length(system) ? text_of(system) : (struct koine_text){NULL, 0};
    const size_t size = join(system, NULL);
    char *text = size ? self->http->alloc(self->host, request, size) : NULL;
    checking->no_memory |= size && !text;
    if (text)
        join(system, text);
    return (struct koine_text){text, text ? size : 0};
}
