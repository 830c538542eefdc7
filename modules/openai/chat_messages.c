/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles of chat: system and developer are the system text wherever they stand, tool is a result
 * that the user brings, assistant may hold text and calls. The order of what the model reads is the
 * client's.
 */
#include "chat_messages.h"
#include "content.h"
#include "tools.h"

/* One message on its way. */
struct message {
    struct conversation *conversation;
    size_t index;
    struct koine_body_place place;
    json_t *json;
};

static json_t *read_content(const struct message *message, uint32_t kinds) {
    const struct koine_body_place place = place_member(&message->place, "content");
    return content_read(message->conversation->reading, &place,
                        json_object_get(message->json, "content"), content_of_chat, kinds);
}

static void read_system(const struct message *message) {
    static const char *const names[] = {"role", "content", "name", NULL};
    read_known(message->conversation->reading, &message->place, message->json, names);
    conversation_add_system(message->conversation, read_content(message, CONTENT_TEXT));
}

static void read_user(const struct message *message) {
    static const char *const names[] = {"role", "content", "name", NULL};
    read_known(message->conversation->reading, &message->place, message->json, names);
    conversation_add(message->conversation, message->index, "user",
                     read_content(message, CONTENT_TEXT | CONTENT_MEDIA));
}

static void read_tool(const struct message *message) {
    static const char *const names[] = {"role", "content", "tool_call_id", NULL};
    struct reading *reading = message->conversation->reading;
    read_known(reading, &message->place, message->json, names);
    json_t *id = read_needed(reading, &message->place, message->json, "tool_call_id");
    json_t *content = read_content(message, CONTENT_TEXT);
    if (!id || !content) {
        json_decref(content);
        return;
    }
    conversation_add_block(message->conversation, message->index, "user",
                           build(reading, json_pack("{s:s,s:O,s:o}", "type", "tool_result",
                                                    "tool_use_id", id, "content", content)));
}

/* ---- what the model has said */

static void add_call(const struct message *message, const struct koine_body_place *place,
                     json_t *call, json_t *blocks) {
    static const char *const names[] = {"id", "type", "function", NULL};
    static const char *const function_names[] = {"name", "arguments", "parsed_arguments", NULL};
    struct reading *reading = message->conversation->reading;
    const struct koine_body_place type_place = place_member(place, "type");
    const struct koine_body_place function_place = place_member(place, "function");
    if (!json_is_object(call)) {
        problem_expected(reading, place, "an object with an \"id\"", call);
        return;
    }
    read_known(reading, place, call, names);
    json_t *id = read_needed(reading, place, call, "id");
    json_t *function = json_object_get(call, "function");
    if (!text_is(json_object_get(call, "type"), "function"))
        problem(reading, &type_place, "must be \"function\"");
    else if (!json_is_object(function))
        problem_expected(reading, &function_place, "an object with a \"name\"", function);
    else {
        read_known(reading, &function_place, function, function_names);
        json_t *block = tools_call(reading, &function_place, function, id);
        if (block)
            build_append(reading, blocks, block);
    }
}

static void add_calls(const struct message *message, json_t *blocks) {
    struct reading *reading = message->conversation->reading;
    const struct koine_body_place place = place_member(&message->place, "tool_calls");
    const json_t *calls = json_object_get(message->json, "tool_calls");
    size_t index;
    json_t *call;
    if (calls && !json_is_array(calls) && !json_is_null(calls))
        problem_expected(reading, &place, "an array", calls);
    json_array_foreach(calls, index, call) {
        const struct koine_body_place item = place_item(&place, index);
        add_call(message, &item, call, blocks);
    }
}

/* Takes `content`: blocks to go on with, NULL after a problem. */
static json_t *as_blocks(struct reading *reading, json_t *content) {
    if (!json_is_string(content))
        return content;
    json_t *block = build_text(reading, content);
    json_decref(content);
    return build(reading, json_pack("[o]", block));
}

/* What was said, or an empty array: content may be null where there are calls or a refusal. */
static json_t *read_said(const struct message *message) {
    struct reading *reading = message->conversation->reading;
    const json_t *content = json_object_get(message->json, "content");
    json_t *refusal = read_string(reading, &message->place, message->json, "refusal");
    json_t *blocks = content && !json_is_null(content)
                         ? as_blocks(reading, read_content(message, CONTENT_TEXT | CONTENT_ANSWERS))
                         : build(reading, json_array());
    if (blocks && refusal)
        build_append(reading, blocks, build_text(reading, refusal));
    return blocks;
}

static void read_assistant(const struct message *message) {
    static const char *const names[] = {"role",       "content",     "name",   "refusal",
                                        "tool_calls", "annotations", "parsed", NULL};
    struct reading *reading = message->conversation->reading;
    read_known(reading, &message->place, message->json, names);
    json_t *blocks = read_said(message);
    if (!blocks)
        return;
    add_calls(message, blocks);
    conversation_add(message->conversation, message->index, "assistant", blocks);
}

/* ---- one after the other */

static const struct {
    const char *name;
    void (*read)(const struct message *message);
} roles[] = {
    {"system", read_system},       {"developer", read_system}, {"user", read_user},
    {"assistant", read_assistant}, {"tool", read_tool},
};

static void read_message(const struct message *message) {
    struct reading *reading = message->conversation->reading;
    const struct koine_body_place role_place = place_member(&message->place, "role");
    const json_t *role = json_object_get(message->json, "role");
    if (!json_is_object(message->json)) {
        problem_expected(reading, &message->place, "an object with a \"role\"", message->json);
        return;
    }
    for (size_t i = 0; i < KOINE_COUNT(roles); i++) {
        if (text_is(role, roles[i].name)) {
            roles[i].read(message);
            return;
        }
    }
    problem(reading, &role_place,
            "must be \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"");
}

void chat_messages_read(struct conversation *conversation, const json_t *messages) {
    size_t index;
    json_t *json;
    json_array_foreach(messages, index, json) {
        const struct message message = {conversation, index, place_item(&conversation->list, index),
                                        json};
        read_message(&message);
    }
}
