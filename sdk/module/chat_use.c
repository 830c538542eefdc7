/* SPDX-License-Identifier: Apache-2.0 */
/* A use of a client's tool while the model writes it: whether it is told, and what becomes of one
 * that breaks off. The CLI's call and its result are chat_tools.c. */
#include "chat_internal.h"

void chat_use_begin(struct chat_turn *turn, const struct koine_block *block) {
    const struct koine_text name = chat_tool_name(turn, block->name);
    struct koine_chat_event event = {.block = KOINE_CHAT_BLOCK_TOOL, .id = block->id, .name = name};
    if (!name.size || !block->id.size || turn->ask.tool_choice != KOINE_CHAT_TOOLS_AUTO ||
        (turn->ask.one_tool_at_a_time && chat_tools_open(turn)))
        return;
    if (!chat_tool_add(turn, block->id, name)) {
        chat_tell_short_of_memory(turn);
        return;
    }
    koine_json_text_finish(&turn->input);
    koine_json_text_init(&turn->input, NULL, 0);
    turn->open = KOINE_CHAT_BLOCK_TOOL;
    if (turn->ask.streams)
        chat_tell_block(turn, &event);
}

void chat_use_piece(struct chat_turn *turn, struct koine_text piece) {
    koine_json_text_add(&turn->input, piece);
    if (piece.size && turn->ask.streams)
        chat_tell_piece(turn, KOINE_CHAT_INPUT, piece);
}

/* What the client will send back as this use of a tool. `input` may be NULL. */
static void remember_tool(struct chat_turn *turn, json_t *input) {
    const struct chat_call *call = &turn->calls[turn->call_count - 1];
    json_t *block = json_pack("{s:s,s:s,s:s,s:O*}", "type", "tool_use", "id", call->id, "name",
                              call->name, "input", input);
    if (block && input && !turn->input.no_memory)
        chat_message_digest_block(&turn->answer, block);
    else
        turn->answer.failed = true; /* it will not be found again: its history is used */
    json_decref(block);
}

/* Whether the input is all there. A model that has no tokens left, or no connection, stops within
 * it; the CLI does not call the tool then and goes on in its own way. */
static bool is_whole(struct chat_turn *turn) {
    json_error_t error = {0};
    json_t *input = turn->input.size
                        ? json_loadb(turn->input.bytes, turn->input.size, JSON_ALLOW_NUL, &error)
                        : json_object();
    const enum json_error_code code = input ? json_error_unknown : json_error_code(&error);
    const bool whole = input ? json_is_object(input)
                             : !turn->input.size || turn->input.no_memory ||
                                   code == json_error_numeric_overflow ||
                                   code == json_error_out_of_memory;
    if (whole)
        remember_tool(turn, input);
    json_decref(input);
    return whole;
}

/* Who streams has been told of it, and its input; others are told once it is known to be whole. */
void chat_use_end(struct chat_turn *turn) {
    const struct chat_call *call = &turn->calls[turn->call_count - 1];
    struct koine_chat_event event = {.block = KOINE_CHAT_BLOCK_TOOL,
                                     .id = chat_text_of(call->id),
                                     .name = chat_text_of(call->name)};
    const struct koine_text input = {turn->input.bytes, turn->input.size};
    const bool whole = is_whole(turn);
    if (!turn->ask.streams) {
        turn->open = 0;
        if (turn->input.no_memory)
            chat_tell_short_of_memory(turn);
        else if (whole)
            chat_tell_block(turn, &event);
    }
    if (turn->open && (!turn->ask.streams || !input.size))
        chat_tell_piece(turn, KOINE_CHAT_INPUT, input.size ? input : KOINE_TEXT("{}"));
    turn->cut = turn->cut || (!whole && turn->ask.streams);
    if (!whole)
        chat_tool_forget_last(turn);
}

/* What has been sent of a use of a tool will never be whole: the answer cannot go on behind it. */
void chat_use_end_cut(struct chat_turn *turn, struct koine_text stop_reason) {
    static const struct koine_failure failure = {
        .size = sizeof(failure),
        .status = 500,
        .code = {"PARSE_ERROR", sizeof("PARSE_ERROR") - 1},
        .message = {"The model's use of a tool broke off, and what was sent of it is void; ask "
                    "again",
                    sizeof("The model's use of a tool broke off, and what was sent of it is void; "
                           "ask again") -
                        1},
    };
    struct koine_chat_event event = {.type = KOINE_CHAT_DONE,
                                     .stop_reason = stop_reason,
                                     .usage = turn->usage,
                                     .model = chat_text_of(turn->model)};
    if (chat_text_is(stop_reason, "max_tokens"))
        chat_turn_tell(turn, &event);
    else
        chat_turn_fail(turn, &failure);
}
