/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items of a conversation: messages, calls of functions, what they gave. Reasoning that a model of
 * the API has left is of no use to this one and is passed over; items that a server would have kept
 * are refused.
 */
#include "responses_input.h"
#include "content.h"
#include "tools.h"

/* One item on its way. */
struct item {
    struct conversation *conversation;
    size_t index;
    struct koine_body_place place;
    json_t *json;
};

static json_t *read_content(const struct item *item, const char *name, uint32_t kinds) {
    const struct koine_body_place place = place_member(&item->place, name);
    return content_read(item->conversation->reading, &place, json_object_get(item->json, name),
                        content_of_responses, kinds);
}

/* ---- messages */

static void read_role(const struct item *item, const json_t *role) {
    struct conversation *conversation = item->conversation;
    const struct koine_body_place place = place_member(&item->place, "role");
    if (text_is(role, "user"))
        conversation_add(conversation, item->index, "user",
                         read_content(item, "content", CONTENT_TEXT | CONTENT_MEDIA));
    else if (text_is(role, "assistant"))
        conversation_add(conversation, item->index, "assistant",
                         read_content(item, "content", CONTENT_TEXT | CONTENT_ANSWERS));
    else if (text_is(role, "system") || text_is(role, "developer"))
        conversation_add_system(conversation, read_content(item, "content", CONTENT_TEXT));
    else
        problem(conversation->reading, &place,
                "must be \"user\", \"assistant\", \"system\" or \"developer\"");
}

static void read_message(const struct item *item) {
    static const char *const names[] = {"type", "role", "content", "id", "status", "phase", NULL};
    read_known(item->conversation->reading, &item->place, item->json, names);
    read_role(item, json_object_get(item->json, "role"));
}

/* ---- functions */

static void read_call(const struct item *item) {
    static const char *const names[] = {"type",      "id",     "call_id",          "name",
                                        "arguments", "status", "parsed_arguments", NULL};
    struct reading *reading = item->conversation->reading;
    read_known(reading, &item->place, item->json, names);
    json_t *id = read_needed(reading, &item->place, item->json, "call_id");
    conversation_add_block(item->conversation, item->index, "assistant",
                           tools_call(reading, &item->place, item->json, id));
}

static void read_output(const struct item *item) {
    static const char *const names[] = {"type", "id", "call_id", "output", "status", NULL};
    struct reading *reading = item->conversation->reading;
    read_known(reading, &item->place, item->json, names);
    json_t *id = read_needed(reading, &item->place, item->json, "call_id");
    json_t *content = read_content(item, "output", CONTENT_TEXT | CONTENT_MEDIA);
    if (!id || !content) {
        json_decref(content);
        return;
    }
    conversation_add_block(item->conversation, item->index, "user",
                           build(reading, json_pack("{s:s,s:O,s:o}", "type", "tool_result",
                                                    "tool_use_id", id, "content", content)));
}

/* ---- others */

static void pass_over(const struct item *item) {
    (void)item;
}

static void refuse_reference(const struct item *item) {
    problem(item->conversation->reading, &item->place,
            "is not supported as \"item_reference\": items are not stored here; send the item");
}

static const struct {
    const char *type;
    void (*read)(const struct item *item);
} types[] = {
    {"message", read_message},
    {"function_call", read_call},
    {"function_call_output", read_output},
    {"reasoning", pass_over},
    {"item_reference", refuse_reference},
};

static void read_item(const struct item *item) {
    struct reading *reading = item->conversation->reading;
    const struct koine_body_place type_place = place_member(&item->place, "type");
    const json_t *type = json_object_get(item->json, "type");
    if (!json_is_object(item->json)) {
        problem_expected(reading, &item->place, "an object", item->json);
        return;
    }
    if (!type || json_is_null(type)) { /* the short form of a message */
        read_message(item);
        return;
    }
    for (size_t i = 0; i < KOINE_COUNT(types); i++) {
        if (text_is(type, types[i].type)) {
            types[i].read(item);
            return;
        }
    }
    problem(reading, &type_place,
            "must be \"message\", \"function_call\" or \"function_call_output\": others are not "
            "supported");
}

void responses_input_read(struct conversation *conversation, json_t *input) {
    size_t index;
    json_t *json;
    if (json_is_string(input)) {
        if (!json_string_length(input))
            problem(conversation->reading, &conversation->list, "must not be empty");
        conversation_add(conversation, 0, "user", json_incref(input));
        return;
    }
    if (input && !json_is_array(input))
        problem_expected(conversation->reading, &conversation->list,
                         "a string or an array of items", input);
    if (json_array_size(input) > LONGEST_CONVERSATION) {
        problem(conversation->reading, &conversation->list, "must hold at most %d items, got %zu",
                LONGEST_CONVERSATION, json_array_size(input));
        return;
    }
    json_array_foreach(input, index, json) {
        const struct item item = {conversation, index, place_item(&conversation->list, index),
                                  json};
        read_item(&item);
    }
}
