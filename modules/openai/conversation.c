/* SPDX-License-Identifier: Apache-2.0 */
/* Messages in a row and the system text. Knows no type of item. */
#include "conversation.h"

void conversation_init(struct conversation *conversation, struct reading *reading, const char *list,
                       size_t count) {
    *conversation = (struct conversation){
        .reading = reading,
        .list = place_member(NULL, list),
        .messages = build(reading, json_array()),
        .items = reading_alloc(reading, (count + 1) * sizeof(*conversation->items)),
    };
    koine_json_text_init(&conversation->system, NULL, 0);
}

void conversation_add(struct conversation *conversation, size_t item, const char *role,
                      json_t *content) {
    struct reading *reading = conversation->reading;
    if (!content)
        return;
    const size_t index = json_array_size(conversation->messages);
    if (conversation->items)
        conversation->items[index] = item;
    build_append(reading, conversation->messages,
                 build(reading, json_pack("{s:s,s:o}", "role", role, "content", content)));
}

void conversation_add_block(struct conversation *conversation, size_t item, const char *role,
                            json_t *block) {
    if (block)
        conversation_add(conversation, item, role,
                         build(conversation->reading, json_pack("[o]", block)));
}

static void add_system_text(struct conversation *conversation, const json_t *string) {
    struct koine_json_text *system = &conversation->system;
    const struct koine_text text = {json_string_value(string), json_string_length(string)};
    if (system->size && text.size)
        koine_json_text_add(system, KOINE_TEXT("\n\n"));
    koine_json_text_add(system, text);
}

void conversation_add_system(struct conversation *conversation, json_t *content) {
    size_t index;
    json_t *block;
    if (json_is_string(content))
        add_system_text(conversation, content);
    json_array_foreach(content, index, block)
        add_system_text(conversation, json_object_get(block, "text"));
    json_decref(content);
}

void conversation_give(struct conversation *conversation, struct koine_chat_ask *ask) {
    struct reading *reading = conversation->reading;
    struct koine_json_text *system = &conversation->system;
    reading->no_memory |= system->no_memory;
    if (system->size && !system->no_memory)
        ask->system = reading_copy(reading, (struct koine_text){system->bytes, system->size});
    koine_json_text_finish(system);
    ask->messages = reading_keep(reading, conversation->messages);
    conversation->messages = NULL;
}

void conversation_check(const struct conversation *conversation, const json_t *messages) {
    size_t index = 0;
    const char *message = koine_chat_problem(messages, &index);
    if (!message)
        return;
    const bool known = conversation->items && index < json_array_size(messages);
    const struct koine_body_place item =
        place_item(&conversation->list, known ? conversation->items[index] : 0);
    problem(conversation->reading, known ? &item : &conversation->list, "%s", message);
}
