/* SPDX-License-Identifier: Apache-2.0 */
/* From the events of a run to those of one answer: what the client is not to see is left out, what
 * it was told is remembered. Uses of tools are chat_use.c and chat_tools.c, objects chat_object.c.
 */
#include "chat_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MAGIC = 0x63686174 };

struct chat_turn *chat_turn_of(void *data) {
    struct chat_turn *turn = data;
    if (turn->magic != TURN_MAGIC)
        abort();
    return turn;
}

static void keep_text(char *out, size_t size, struct koine_text text) {
    if (text.size)
        snprintf(out, size, "%.*s", (int)(text.size < size ? text.size : size - 1), text.data);
}

void chat_turn_begin(struct chat_turn *turn) {
    turn->magic = TURN_MAGIC;
    turn->begun = turn->done = turn->object_told = turn->has_usage = turn->cut = false;
    turn->open = 0;
    turn->index = 0;
    turn->usage = (struct koine_usage){0};
    turn->stop_reason[0] = '\0';
    chat_message_digest_begin(&turn->answer, &turn->heard, true);
}

void chat_turn_free(struct chat_turn *turn) {
    if (turn->entry)
        chat_memory_forget(turn->chat->memory, turn->entry);
    chat_tools_free(turn);
    chat_message_digest_finish(&turn->answer);
    koine_json_text_finish(&turn->input);
    json_decref(turn->messages);
    json_decref(turn->offered);
    free(turn->forced_tool);
    free(turn);
}

void chat_turn_cancel(struct chat_turn *turn) {
    const struct koine_self *self = turn->chat->self;
    self->runner->cancel(self->host, turn->run);
}

/* ---- blocks of the model */

static void on_block(struct chat_turn *turn, const struct koine_block *block) {
    struct koine_chat_event event = {0};
    if (chat_text_is(block->type, "tool_use")) {
        chat_use_begin(turn, block);
        return;
    }
    if (chat_text_is(block->type, "text") && !chat_has_object(turn))
        event.block = KOINE_CHAT_BLOCK_TEXT;
    else if (chat_text_is(block->type, "thinking") && turn->ask.wants_thinking)
        event.block = KOINE_CHAT_BLOCK_THINKING;
    else if (chat_text_is(block->type, "redacted_thinking") && turn->ask.wants_thinking)
        event.block = KOINE_CHAT_BLOCK_REDACTED;
    else
        return;
    if (event.block == KOINE_CHAT_BLOCK_REDACTED)
        event.text = block->json;
    chat_tell_block(turn, &event);
}

static void on_text(struct chat_turn *turn, struct koine_text piece) {
    if (turn->open != KOINE_CHAT_BLOCK_TEXT || chat_has_object(turn))
        return;
    chat_message_digest_text(&turn->answer, piece);
    chat_tell_piece(turn, KOINE_CHAT_TEXT, piece);
}

static void on_delta(struct chat_turn *turn, const struct koine_block *block,
                     struct koine_text piece) {
    if (turn->open == KOINE_CHAT_BLOCK_TOOL && chat_text_is(block->type, "input_json_delta")) {
        chat_use_piece(turn, piece);
    } else if (turn->open == KOINE_CHAT_BLOCK_THINKING &&
               chat_text_is(block->type, "signature_delta")) {
        chat_tell_piece(turn, KOINE_CHAT_SIGNATURE, piece);
    }
}

static void end_block(struct chat_turn *turn) {
    if (turn->open == KOINE_CHAT_BLOCK_TOOL && !turn->forced_tool)
        chat_use_end(turn);
    chat_tell_block_end(turn);
}

static void on_block_end(struct chat_turn *turn) {
    end_block(turn);
    chat_tools_conclude(turn);
}

/* ---- the end */

/* The API's word for how the answer has ended. */
static struct koine_text reason_of(const struct chat_turn *turn,
                                   const struct koine_run_result *result) {
    if (turn->forced_tool || chat_tools_open(turn)) /* one that the CLI has not called after all */
        return KOINE_TEXT("tool_use");
    if (chat_has_object(turn) || chat_text_is(result->stop_reason, "tool_use") ||
        !result->stop_reason.size)
        return KOINE_TEXT("end_turn");
    return result->stop_reason;
}

/* An answer that was cut, or refused, is not in the session as it was told. */
static void remember(struct chat_turn *turn, struct koine_text stop_reason) {
    struct chat_digest said;
    if (chat_message_digest_end(&turn->answer, &said) && turn->knows_key && !turn->forced_tool &&
        chat_text_is(stop_reason, "end_turn") && *turn->session_id)
        chat_memory_add(turn->chat->memory, &said, NULL, turn->session_id);
}

static void on_result(struct chat_turn *turn, const struct koine_run_result *result) {
    struct koine_chat_event event = {.type = KOINE_CHAT_DONE};
    if (turn->done)
        return;
    keep_text(turn->model, sizeof(turn->model), result->model);
    if (!turn->counts) {
        chat_tell_begin(turn, &result->usage);
        if (chat_has_object(turn) && result->object.data)
            chat_object_end(turn, result->object);
        end_block(turn);
        if (turn->cut) {
            chat_use_end_cut(turn, result->stop_reason);
            return;
        }
        event.stop_reason = reason_of(turn, result);
        remember(turn, event.stop_reason);
    }
    event.model = chat_text_of(turn->model);
    event.usage = turn->has_usage ? turn->usage : result->usage;
    chat_turn_tell(turn, &event);
}

/* The session that was remembered is gone: as if it had not been. */
static void on_failure(struct chat_turn *turn, const struct koine_failure *failure) {
    if (turn->with_session && !turn->begun && chat_text_is(failure->code, "SESSION_NOT_FOUND"))
        turn->again = true;
    else
        chat_turn_fail(turn, failure);
}

static void on_end(struct chat_turn *turn, const struct koine_run_event *event) {
    struct koine_failure failure = {.size = sizeof(failure)};
    if (turn->again && event->request.id) {
        turn->again = turn->with_session = false;
        if (chat_turn_run(turn, &failure) == KOINE_OK)
            return;
        chat_turn_fail(turn, &failure);
    }
    chat_turn_free(turn);
}

/* ---- events of the run */

static void on_message_begin(struct chat_turn *turn, const struct koine_message *message) {
    if (turn->cut)
        chat_use_end_cut(turn, KOINE_TEXT(""));
    turn->message_open = true;
    keep_text(turn->model, sizeof(turn->model), message->model);
    chat_tell_begin(turn, &message->usage);
}

static void on_message(struct chat_turn *turn, const struct koine_message *message) {
    turn->message_open = false;
    turn->has_usage = true;
    turn->usage.input_tokens += message->usage.input_tokens;
    turn->usage.output_tokens += message->usage.output_tokens;
    turn->usage.cache_read_input_tokens += message->usage.cache_read_input_tokens;
    turn->usage.cache_creation_input_tokens += message->usage.cache_creation_input_tokens;
    end_block(turn);
    if (turn->cut)
        chat_use_end_cut(turn, message->stop_reason);
    chat_tools_conclude(turn);
}

void chat_turn_on_event(void *data, const struct koine_run_event *event) {
    struct chat_turn *turn = chat_turn_of(data);
    switch (event->type) {
    case KOINE_RUN_SESSION:
        keep_text(turn->session_id, sizeof(turn->session_id), event->text);
        break;
    case KOINE_RUN_MESSAGE_BEGIN:
        on_message_begin(turn, event->message);
        break;
    case KOINE_RUN_BLOCK_BEGIN:
        on_block(turn, event->block);
        break;
    case KOINE_RUN_TEXT:
        on_text(turn, event->text);
        break;
    case KOINE_RUN_THINKING:
        if (turn->open == KOINE_CHAT_BLOCK_THINKING)
            chat_tell_piece(turn, KOINE_CHAT_THINKING, event->text);
        break;
    case KOINE_RUN_BLOCK_DELTA:
        on_delta(turn, event->block, event->text);
        break;
    case KOINE_RUN_BLOCK_END:
        on_block_end(turn);
        break;
    case KOINE_RUN_MESSAGE:
        on_message(turn, event->message);
        break;
    case KOINE_RUN_OBJECT_BEGIN:
        chat_object_begin(turn);
        break;
    case KOINE_RUN_OBJECT_DELTA:
        chat_object_delta(turn, event->text);
        break;
    case KOINE_RUN_TOOL_CALL:
        chat_tool_called(turn, event->call);
        break;
    case KOINE_RUN_RESULT:
        on_result(turn, event->result);
        break;
    case KOINE_RUN_FAILURE:
        on_failure(turn, event->failure);
        break;
    case KOINE_RUN_END:
        on_end(turn, event);
        break;
    default:
        break;
    }
}
