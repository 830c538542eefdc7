/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses of the client's tools: told as they come, then the run waits for the request that brings
 * their results. What the client was not told of is answered here.
 */
#include "chat_internal.h"
#include <stdlib.h>
#include <string.h>

/* The CLI puts longer results of MCP tools into a file, and tells the model so; in a history it
 * does not. All results of a message together. */
enum { LONGEST_RESULTS_BYTES = 32768 };

#define NOT_NOW "This tool cannot be used in this answer. Go on without it."
#define ONE_ONLY "Only one use of a tool at a time is possible here. Use it again if it is needed."

static bool same(const char *string, struct koine_text text) {
    return string && strlen(string) == text.size && memcmp(string, text.data, text.size) == 0;
}

struct koine_text chat_tool_name(const struct chat_turn *turn, struct koine_text cli_name) {
    const struct koine_text prefix = turn->chat->prefix;
    struct koine_text name = {NULL, 0};
    if (cli_name.size > prefix.size && memcmp(cli_name.data, prefix.data, prefix.size) == 0)
        name = (struct koine_text){cli_name.data + prefix.size, cli_name.size - prefix.size};
    return name.size && json_object_getn(turn->offered, name.data, name.size)
               ? name
               : (struct koine_text){NULL, 0};
}

struct chat_call *chat_tool_add(struct chat_turn *turn, struct koine_text id,
                                struct koine_text name) {
    struct chat_call *calls = realloc(turn->calls, (turn->call_count + 1) * sizeof(*calls));
    if (!calls)
        return NULL;
    turn->calls = calls;
    struct chat_call *call = &calls[turn->call_count];
    *call =
        (struct chat_call){.id = strndup(id.data, id.size), .name = strndup(name.data, name.size)};
    if (call->id && call->name) {
        turn->call_count++;
        return call;
    }
    free(call->id);
    free(call->name);
    return NULL;
}

static void call_free(struct chat_call *call) {
    free(call->id);
    free(call->name);
    free((void *)(uintptr_t)call->text.data);
    free(call->content);
}

void chat_tools_free(struct chat_turn *turn) {
    for (size_t i = 0; i < turn->call_count; i++)
        call_free(&turn->calls[i]);
    free(turn->calls);
    turn->calls = NULL;
    turn->call_count = 0;
}

/* ---- the CLI calls */

static void answer_error(const struct chat_turn *turn, koine_call call, const char *why) {
    const struct koine_self *self = turn->chat->self;
    const struct koine_tool_result result = {
        .size = sizeof(result), .is_error = 1, .text = chat_text_of(why)};
    self->runner->tool_result(self->host, call, &result);
}

static void answer(struct chat_turn *turn, struct chat_call *call) {
    const struct koine_self *self = turn->chat->self;
    const struct koine_tool_result result = {.size = sizeof(result),
                                             .is_error = call->is_error,
                                             .text = call->text,
                                             .content = chat_text_of(call->content)};
    self->runner->tool_result(self->host, call->call, &result);
    call->answered = true;
}

/* By its id; a CLI that does not say it means the first use of that name that is not called yet. */
static struct chat_call *find_call(const struct chat_turn *turn,
                                   const struct koine_tool_call *made) {
    for (size_t i = 0; i < turn->call_count; i++) {
        struct chat_call *call = &turn->calls[i];
        if (made->tool_use_id.size ? same(call->id, made->tool_use_id)
                                   : !call->call.id && same(call->name, made->name))
            return call;
    }
    return NULL;
}

void chat_tool_called(struct chat_turn *turn, const struct koine_tool_call *made) {
    struct chat_call *call = find_call(turn, made);
    if (!call) {
        answer_error(turn, made->call,
                     turn->ask.tool_choice == KOINE_CHAT_TOOLS_NONE ? NOT_NOW : ONE_ONLY);
        return;
    }
    call->call = made->call;
    if (call->text.data || call->content)
        answer(turn, call); /* brought before it was asked for */
    else
        chat_tools_conclude(turn);
}

/* ---- the answer ends with uses of tools */

static bool is_called(const struct chat_turn *turn) {
    for (size_t i = 0; i < turn->call_count; i++)
        if (turn->calls[i].call.id && !turn->calls[i].answered)
            return true;
    return false;
}

/* The run waits, if it can be found again; else it ends with the request, and the next one brings
 * its history. */
static void park(struct chat_turn *turn) {
    const struct koine_self *self = turn->chat->self;
    struct chat_digest said;
    if (!chat_message_digest_end(&turn->answer, &said) || !turn->knows_key)
        return;
    turn->entry = chat_memory_add(turn->chat->memory, &said, turn, turn->session_id);
    if (turn->entry && self->runner->park(self->host, turn->run, 0) != KOINE_OK)
        chat_memory_forget(turn->chat->memory, turn->entry);
}

void chat_tools_conclude(struct chat_turn *turn) {
    struct koine_chat_event event = {.type = KOINE_CHAT_DONE,
                                     .stop_reason = KOINE_TEXT("tool_use")};
    if (turn->done || turn->message_open || turn->open || !is_called(turn))
        return;
    park(turn);
    event.usage = turn->usage;
    event.model = chat_text_of(turn->model);
    chat_turn_tell(turn, &event);
}

/* ---- the next request brings the results */

static struct chat_call *call_of(const struct chat_turn *turn, const json_t *result) {
    const json_t *id = json_object_get(result, "tool_use_id");
    for (size_t i = 0; json_is_string(id) && i < turn->call_count; i++)
        if (strcmp(turn->calls[i].id, json_string_value(id)) == 0)
            return &turn->calls[i];
    return NULL;
}

/* A text may hold zero bytes. malloc'd, NULL: memory is short. */
static char *copy_of(struct koine_text text) {
    char *copy = malloc(text.size + 1);
    if (copy && text.size)
        memcpy(copy, text.data, text.size);
    return copy;
}

static bool keep(struct chat_call *call, const json_t *result, size_t *bytes) {
    struct koine_text text;
    if (call->text.data || call->content || !chat_messages_result(result, &text, &call->content))
        return false;
    call->is_error = json_is_true(json_object_get(result, "is_error"));
    if (!call->content)
        call->text = (struct koine_text){copy_of(text), text.size};
    *bytes += call->content ? strlen(call->content) : call->text.size;
    return (call->content || call->text.data) && *bytes <= LONGEST_RESULTS_BYTES;
}

void chat_tools_drop(struct chat_turn *turn) {
    for (size_t i = 0; i < turn->call_count; i++) {
        struct chat_call *call = &turn->calls[i];
        if (call->answered)
            continue;
        free((void *)(uintptr_t)call->text.data);
        free(call->content);
        call->text = (struct koine_text){NULL, 0};
        call->content = NULL;
    }
}

bool chat_tools_take(struct chat_turn *turn, const json_t *results) {
    size_t at, open = 0, bytes = 0;
    json_t *block;
    for (size_t i = 0; i < turn->call_count; i++)
        open += turn->calls[i].answered ? 0 : 1;
    json_array_foreach(json_object_get(results, "content"), at, block) {
        struct chat_call *call = call_of(turn, block);
        if (!call || call->answered || !keep(call, block, &bytes))
            return false;
    }
    return at == open; /* none twice: keep takes each once */
}

void chat_tools_answer(struct chat_turn *turn) {
    for (size_t i = 0; i < turn->call_count; i++)
        if (turn->calls[i].call.id && !turn->calls[i].answered)
            answer(turn, &turn->calls[i]);
}
