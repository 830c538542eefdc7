/* SPDX-License-Identifier: Apache-2.0 */
/* What the client is told of one answer, in due order: BEGIN before all else, blocks one after the
 * other and counted, and nothing behind the last event. What is told when is chat_turn.c. */
#include "chat_internal.h"

void chat_turn_tell(struct chat_turn *turn, struct koine_chat_event *event) {
    if (turn->done)
        return;
    turn->done = event->type == KOINE_CHAT_DONE || event->type == KOINE_CHAT_FAILURE;
    turn->on_event(turn->data, event);
}

/* What the client of the API would see without a gateway. */
static uint16_t status_of(const struct koine_failure *failure) {
    static const uint16_t passed_on[] = {400, 413, 429, 529};
    for (size_t i = 0; i < KOINE_COUNT(passed_on); i++)
        if (failure->upstream_status == passed_on[i])
            return passed_on[i];
    return failure->status;
}

void chat_turn_fail(struct chat_turn *turn, const struct koine_failure *failure) {
    struct koine_failure told = *failure;
    struct koine_chat_event event = {.type = KOINE_CHAT_FAILURE, .failure = &told};
    told.size = sizeof(told); /* a later host's is longer */
    told.status = status_of(failure);
    chat_turn_tell(turn, &event);
}

void chat_tell_begin(struct chat_turn *turn, const struct koine_usage *usage) {
    struct koine_chat_event event = {.type = KOINE_CHAT_BEGIN, .model = chat_text_of(turn->model)};
    if (turn->begun)
        return;
    turn->begun = true;
    json_decref(turn->messages); /* it need not be started again */
    turn->messages = NULL;
    if (usage)
        event.usage = *usage;
    chat_turn_tell(turn, &event);
}

void chat_tell_block(struct chat_turn *turn, struct koine_chat_event *event) {
    chat_tell_begin(turn, NULL);
    event->type = KOINE_CHAT_BLOCK;
    event->index = turn->index;
    turn->open = event->block;
    chat_turn_tell(turn, event);
}

void chat_tell_piece(struct chat_turn *turn, enum koine_chat_type type, struct koine_text piece) {
    struct koine_chat_event event = {.type = type, .index = turn->index, .text = piece};
    chat_turn_tell(turn, &event);
}

void chat_tell_block_end(struct chat_turn *turn) {
    struct koine_chat_event event = {
        .type = KOINE_CHAT_BLOCK_END, .block = turn->open, .index = turn->index};
    if (!turn->open)
        return;
    turn->open = 0;
    turn->index++;
    chat_turn_tell(turn, &event);
}

void chat_tell_short_of_memory(struct chat_turn *turn) {
    const struct koine_failure failure = {
        .size = sizeof(failure),
        .status = 500,
        .code = KOINE_TEXT("INTERNAL_ERROR"),
        .message = KOINE_TEXT("The gateway is short of memory; try again later"),
    };
    chat_turn_fail(turn, &failure);
}
