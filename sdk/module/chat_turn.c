/* SPDX-License-Identifier: Apache-2.0 */
/* From the events of a run to those of one answer: what the client is not to see is left out, what
 * it was told is remembered. Uses of tools are chat_tools.c, the start is chat_start.c. */
#include "chat_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TURN_MAGIC = 0x63686174 };

struct chat_turn *chat_turn_of(void *data) {
    struct chat_turn *turn = data;
    if (turn->magic != TURN_MAGIC)
        abort();
    return turn;
}

static struct koine_text text_of(const char *string) {
    return (struct koine_text){string, string ? strlen(string) : 0};
}

static bool is(struct koine_text text, const char *want) {
    return text.size == strlen(want) && memcmp(text.data, want, text.size) == 0;
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

/* ---- telling */

void chat_turn_tell(struct chat_turn *turn, struct koine_chat_event *event) {
    if (turn->done)
        return;
    turn->done = event->type == KOINE_CHAT_DONE || event->type == KOINE_CHAT_FAILURE;
    turn->on_event(turn->data, event);
}

void chat_turn_fail(struct chat_turn *turn, const struct koine_failure *failure) {
    struct koine_chat_event event = {.type = KOINE_CHAT_FAILURE, .failure = failure};
    chat_turn_tell(turn, &event);
}

static void tell_begin(struct chat_turn *turn, const struct koine_usage *usage) {
    struct koine_chat_event event = {.type = KOINE_CHAT_BEGIN, .model = text_of(turn->model)};
    if (turn->begun)
        return;
    turn->begun = true;
    json_decref(turn->messages); /* it need not be started again */
    turn->messages = NULL;
    if (usage)
        event.usage = *usage;
    chat_turn_tell(turn, &event);
}

static void tell_block(struct chat_turn *turn, struct koine_chat_event *event) {
    tell_begin(turn, NULL);
    event->type = KOINE_CHAT_BLOCK;
    event->index = turn->index;
    turn->open = event->block;
    chat_turn_tell(turn, event);
}

static void tell_piece(struct chat_turn *turn, enum koine_chat_type type, struct koine_text piece) {
    struct koine_chat_event event = {.type = type, .index = turn->index, .text = piece};
    chat_turn_tell(turn, &event);
}

static void tell_block_end(struct chat_turn *turn) {
    struct koine_chat_event event = {
        .type = KOINE_CHAT_BLOCK_END, .block = turn->open, .index = turn->index};
    if (!turn->open)
        return;
    turn->open = 0;
    turn->index++;
    chat_turn_tell(turn, &event);
}

static void short_of_memory(struct chat_turn *turn) {
    const struct koine_failure failure = {
        .size = sizeof(failure),
        .status = 500,
        .code = KOINE_TEXT("INTERNAL_ERROR"),
        .message = KOINE_TEXT("The gateway is short of memory; try again later"),
    };
    chat_turn_fail(turn, &failure);
}

/* ---- blocks of the model */

static bool has_object(const struct chat_turn *turn) {
    return turn->ask.schema.data != NULL; /* never read: it may be gone */
}

static void on_tool_block(struct chat_turn *turn, const struct koine_block *block) {
    const struct koine_text name = chat_tool_name(turn, block->name);
    struct koine_chat_event event = {.block = KOINE_CHAT_BLOCK_TOOL, .id = block->id, .name = name};
    size_t told = 0;
    for (size_t i = 0; i < turn->call_count; i++)
        told += turn->calls[i].answered ? 0 : 1;
    if (!name.size || !block->id.size || turn->ask.tool_choice != KOINE_CHAT_TOOLS_AUTO ||
        (turn->ask.one_tool_at_a_time && told))
        return;
    if (!chat_tool_add(turn, block->id, name)) {
        short_of_memory(turn);
        return;
    }
    koine_json_text_finish(&turn->input);
    koine_json_text_init(&turn->input, NULL, 0);
    turn->open = KOINE_CHAT_BLOCK_TOOL;
    if (turn->ask.streams)
        tell_block(turn, &event);
}

static void on_block(struct chat_turn *turn, const struct koine_block *block) {
    struct koine_chat_event event = {0};
    if (is(block->type, "tool_use")) {
        on_tool_block(turn, block);
        return;
    }
    if (is(block->type, "text") && !has_object(turn))
        event.block = KOINE_CHAT_BLOCK_TEXT;
    else if (is(block->type, "thinking") && turn->ask.wants_thinking)
        event.block = KOINE_CHAT_BLOCK_THINKING;
    else if (is(block->type, "redacted_thinking") && turn->ask.wants_thinking)
        event.block = KOINE_CHAT_BLOCK_REDACTED;
    else
        return;
    if (event.block == KOINE_CHAT_BLOCK_REDACTED)
        event.text = block->json;
    tell_block(turn, &event);
}

static void on_text(struct chat_turn *turn, struct koine_text piece) {
    if (turn->open != KOINE_CHAT_BLOCK_TEXT || has_object(turn))
        return;
    chat_message_digest_text(&turn->answer, piece);
    tell_piece(turn, KOINE_CHAT_TEXT, piece);
}

static void on_delta(struct chat_turn *turn, const struct koine_block *block,
                     struct koine_text piece) {
    if (turn->open == KOINE_CHAT_BLOCK_TOOL && is(block->type, "input_json_delta")) {
        koine_json_text_add(&turn->input, piece);
        if (piece.size && turn->ask.streams)
            tell_piece(turn, KOINE_CHAT_INPUT, piece);
    } else if (turn->open == KOINE_CHAT_BLOCK_THINKING && is(block->type, "signature_delta")) {
        tell_piece(turn, KOINE_CHAT_SIGNATURE, piece);
    }
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
static void end_tool(struct chat_turn *turn) {
    const struct chat_call *call = &turn->calls[turn->call_count - 1];
    struct koine_chat_event event = {
        .block = KOINE_CHAT_BLOCK_TOOL, .id = text_of(call->id), .name = text_of(call->name)};
    const struct koine_text input = {turn->input.bytes, turn->input.size};
    const bool whole = is_whole(turn);
    if (!turn->ask.streams) {
        turn->open = 0;
        if (turn->input.no_memory)
            short_of_memory(turn);
        else if (whole)
            tell_block(turn, &event);
    }
    if (turn->open && (!turn->ask.streams || !input.size))
        tell_piece(turn, KOINE_CHAT_INPUT, input.size ? input : KOINE_TEXT("{}"));
    turn->cut = turn->cut || (!whole && turn->ask.streams);
    if (!whole)
        chat_tool_forget_last(turn);
}

static void end_block(struct chat_turn *turn) {
    if (turn->open == KOINE_CHAT_BLOCK_TOOL && !turn->forced_tool)
        end_tool(turn);
    tell_block_end(turn);
}

static void on_block_end(struct chat_turn *turn) {
    end_block(turn);
    chat_tools_conclude(turn);
}

/* What has been sent of a use of a tool will never be whole: the answer cannot go on behind it. */
static void end_cut(struct chat_turn *turn, struct koine_text stop_reason) {
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
                                     .model = text_of(turn->model)};
    if (is(stop_reason, "max_tokens"))
        chat_turn_tell(turn, &event);
    else
        chat_turn_fail(turn, &failure);
}

/* ---- an object: the text of the answer, or the input of the forced tool */

static void begin_object(struct chat_turn *turn) {
    struct koine_chat_event event = {.block = KOINE_CHAT_BLOCK_TEXT};
    char id[CHAT_ID_SIZE] = "toolu_";
    unsigned char random[12];
    if (turn->forced_tool) {
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
            memset(random, 0, sizeof(random)); /* never: the pool is there since the boot */
        for (size_t i = 0; i < sizeof(random); i++)
            snprintf(id + strlen("toolu_") + 2 * i, 3, "%02x", random[i]);
        event = (struct koine_chat_event){
            .block = KOINE_CHAT_BLOCK_TOOL, .id = text_of(id), .name = text_of(turn->forced_tool)};
    }
    turn->object_told = true;
    tell_block(turn, &event);
}

static void tell_object(struct chat_turn *turn, struct koine_text piece) {
    if (turn->forced_tool) {
        tell_piece(turn, KOINE_CHAT_INPUT, piece);
        return;
    }
    chat_message_digest_text(&turn->answer, piece);
    tell_piece(turn, KOINE_CHAT_TEXT, piece);
}

static void on_object_begin(struct chat_turn *turn) {
    static const struct koine_failure restarted = {
        .size = sizeof(restarted),
        .status = 500,
        .code = {"PARSE_ERROR", sizeof("PARSE_ERROR") - 1},
        .message = {"The model began its object anew, and what was sent of it is void; ask again",
                    sizeof("The model began its object anew, and what was sent of it is void; ask "
                           "again") -
                        1},
    };
    if (!turn->ask.streams)
        return;
    if (turn->object_told)
        chat_turn_fail(turn, &restarted);
    else
        begin_object(turn);
}

static void end_object(struct chat_turn *turn, struct koine_text object) {
    if (!turn->object_told) {
        begin_object(turn);
        tell_object(turn, object);
    }
    tell_block_end(turn);
}

/* ---- the end */

/* The API's word for how the answer has ended. */
static struct koine_text reason_of(const struct chat_turn *turn,
                                   const struct koine_run_result *result) {
    if (turn->forced_tool)
        return KOINE_TEXT("tool_use");
    if (has_object(turn) || is(result->stop_reason, "tool_use") || !result->stop_reason.size)
        return KOINE_TEXT("end_turn");
    return result->stop_reason;
}

/* An answer that was cut, or refused, is not in the session as it was told. */
static void remember(struct chat_turn *turn, struct koine_text stop_reason) {
    struct chat_digest said;
    if (chat_message_digest_end(&turn->answer, &said) && turn->knows_key && !turn->forced_tool &&
        is(stop_reason, "end_turn") && *turn->session_id)
        chat_memory_add(turn->chat->memory, &said, NULL, turn->session_id);
}

static void on_result(struct chat_turn *turn, const struct koine_run_result *result) {
    struct koine_chat_event event = {.type = KOINE_CHAT_DONE};
    if (turn->done)
        return;
    keep_text(turn->model, sizeof(turn->model), result->model);
    if (!turn->counts) {
        tell_begin(turn, &result->usage);
        if (has_object(turn) && result->object.data)
            end_object(turn, result->object);
        end_block(turn);
        if (turn->cut)
            end_cut(turn, result->stop_reason);
        event.stop_reason = reason_of(turn, result);
        remember(turn, event.stop_reason);
    }
    event.model = text_of(turn->model);
    event.usage = turn->has_usage ? turn->usage : result->usage;
    chat_turn_tell(turn, &event);
}

/* The session that was remembered is gone: as if it had not been. */
static void on_failure(struct chat_turn *turn, const struct koine_failure *failure) {
    if (turn->with_session && !turn->begun && is(failure->code, "SESSION_NOT_FOUND"))
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
        end_cut(turn, KOINE_TEXT(""));
    turn->message_open = true;
    keep_text(turn->model, sizeof(turn->model), message->model);
    tell_begin(turn, &message->usage);
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
        end_cut(turn, message->stop_reason);
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
            tell_piece(turn, KOINE_CHAT_THINKING, event->text);
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
        on_object_begin(turn);
        break;
    case KOINE_RUN_OBJECT_DELTA:
        if (turn->ask.streams && turn->object_told)
            tell_object(turn, event->text);
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
