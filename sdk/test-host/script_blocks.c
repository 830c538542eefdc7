/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages and their content blocks, for modules that want them: begun and ended as the CLI does it
 * wherever a script does not say so itself. Where nobody listens to blocks, only what they say.
 */
#include "test-host/run.h"
#include <stdlib.h>
#include <string.h>

static bool are_wanted(const struct run *run) {
    return (run->flags & KOINE_RUN_WANT_BLOCKS) && !run->reason;
}

static struct koine_text lend_string(struct run *run, const char *string) {
    return run_lend(run, string, string ? strlen(string) : 0);
}

static const char *type_of(const json_t *block) {
    const char *type = json_string_value(json_object_get(block, "type"));
    return type ? type : "text";
}

/* ---- messages */

static void emit_message(struct run *run, uint32_t type, const char *name, const json_t *value) {
    struct koine_message message = {
        .size = sizeof(message),
        .stop_reason = script_lend(run, value, "stop_reason"),
        .model = script_lend(run, value, "model"),
    };
    struct koine_run_event event = {.type = type, .message = &message};
    script_read_usage(value, &message.usage);
    const json_t *uses = json_object_get(value, "tool_uses");
    if (type == KOINE_RUN_MESSAGE)
        message.tool_uses = uses ? (uint32_t)json_integer_value(uses) : run->message.tool_uses;
    if (!message.model.data && are_wanted(run))
        message.model = lend_string(run, KOINE_TEST_MODEL);
    if (!message.stop_reason.data && type == KOINE_RUN_MESSAGE && are_wanted(run))
        message.stop_reason =
            lend_string(run, message.tool_uses || run->message.object ? "tool_use" : "end_turn");
    run_emit(run, &event, name);
}

static void open_message(struct run *run, const json_t *value) {
    if (!are_wanted(run) || run->message.open)
        return;
    run->message = (struct run_message){.open = true, .open_block = -1};
    emit_message(run, KOINE_RUN_MESSAGE_BEGIN, "MESSAGE_BEGIN", value);
}

static void close_block(struct run *run) {
    struct koine_block block = {.size = sizeof(block), .index = (uint32_t)run->message.open_block};
    struct koine_run_event event = {.type = KOINE_RUN_BLOCK_END, .block = &block};
    if (!are_wanted(run) || !run->message.open || run->message.open_block < 0)
        return;
    run->message.open_block = -1;
    run_emit(run, &event, "BLOCK_END");
}

void blocks_end_message(struct run *run, const json_t *value) {
    if (value)
        open_message(run, value);
    close_block(run);
    const bool told = value && (run->flags & KOINE_RUN_WANT_TOOLS);
    if (!run->reason && (told || (are_wanted(run) && run->message.open)))
        emit_message(run, KOINE_RUN_MESSAGE, "MESSAGE", value);
    run->message = (struct run_message){.open_block = -1};
}

void blocks_begin_message(struct run *run, const json_t *value) {
    blocks_end_message(run, NULL);
    open_message(run, value);
}

/* ---- blocks */

/* `json`: the block as it begins. */
static void open_block(struct run *run, const json_t *json) {
    open_message(run, NULL);
    close_block(run);
    if (!are_wanted(run))
        return;
    struct koine_block block = {.size = sizeof(block),
                                .index = run->message.blocks++,
                                .type = lend_string(run, type_of(json)),
                                .id = script_lend(run, json, "id"),
                                .name = script_lend(run, json, "name")};
    struct koine_run_event event = {.type = KOINE_RUN_BLOCK_BEGIN, .block = &block};
    char *text = memory_need(json_dumps(json, JSON_COMPACT));
    block.json = lend_string(run, text);
    free(text);
    run->message.open_block = (int)block.index;
    snprintf(run->message.type, sizeof(run->message.type), "%s", type_of(json));
    run->message.tool_uses += strcmp(type_of(json), "tool_use") == 0;
    run_emit(run, &event, "BLOCK_BEGIN");
}

static void emit_delta(struct run *run, const char *type, const char *member, const char *piece) {
    if (!are_wanted(run) || run->message.open_block < 0)
        return;
    json_t *delta = memory_need(json_pack("{s:s,s:s}", "type", type, member, piece));
    char *json = memory_need(json_dumps(delta, JSON_COMPACT));
    struct koine_block block = {.size = sizeof(block),
                                .index = (uint32_t)run->message.open_block,
                                .type = lend_string(run, type),
                                .json = lend_string(run, json)};
    struct koine_run_event event = {
        .type = KOINE_RUN_BLOCK_DELTA, .block = &block, .text = lend_string(run, piece)};
    free(json);
    json_decref(delta);
    run_emit(run, &event, "BLOCK_DELTA");
}

/* The same type goes on in the same block. */
static void continue_block(struct run *run, const char *type, const json_t *begun) {
    bool is_open = run->message.open && run->message.open_block >= 0;
    if (!is_open || strcmp(run->message.type, type) != 0)
        open_block(run, begun);
}

static json_t *begun_text(void) {
    return memory_need(json_pack("{s:s,s:s}", "type", "text", "text", ""));
}

static json_t *begun_thinking(void) {
    return memory_need(
        json_pack("{s:s,s:s,s:s}", "type", "thinking", "thinking", "", "signature", ""));
}

static json_t *begun_use(const json_t *block) {
    const char *id = json_string_value(json_object_get(block, "id"));
    const char *name = json_string_value(json_object_get(block, "name"));
    return memory_need(json_pack("{s:s,s:s,s:s,s:{}}", "type", type_of(block), "id", id ? id : "",
                                 "name", name ? name : "", "input"));
}

static void say(struct run *run, const char *piece, size_t size) {
    if (run->reason)
        return;
    buffer_add(&run->text, (struct koine_text){piece, size});
    run_emit_text(run, KOINE_RUN_TEXT, "TEXT", piece, size);
}

static void think(struct run *run, const char *piece, size_t size) {
    if ((run->flags & KOINE_RUN_WANT_THINKING) && !run->reason)
        run_emit_text(run, KOINE_RUN_THINKING, "THINKING", piece, size);
}

void blocks_text(struct run *run, const char *text, size_t size) {
    json_t *begun = begun_text();
    continue_block(run, "text", begun);
    json_decref(begun);
    say(run, text, size);
}

void blocks_thinking(struct run *run, const char *text, size_t size) {
    json_t *begun = begun_thinking();
    continue_block(run, "thinking", begun);
    json_decref(begun);
    think(run, text, size);
}

void blocks_object(struct run *run) {
    open_message(run, NULL);
    close_block(run);
    if (are_wanted(run)) {
        run->message.blocks++; /* it has its place among them */
        run->message.object = true;
    }
}

/* ---- a block as the script has it: each text whole, or an array of pieces */

static void each_piece(struct run *run, const json_t *value,
                       void (*tell)(struct run *run, const char *piece, size_t size)) {
    size_t index;
    json_t *piece;
    if (json_is_string(value))
        tell(run, json_string_value(value), json_string_length(value));
    json_array_foreach(value, index, piece) {
        if (json_is_string(piece))
            tell(run, json_string_value(piece), json_string_length(piece));
    }
}

static void sign(struct run *run, const char *piece, size_t size) {
    (void)size;
    emit_delta(run, "signature_delta", "signature", piece);
}

static void write_input(struct run *run, const char *piece, size_t size) {
    (void)size;
    emit_delta(run, "input_json_delta", "partial_json", piece);
}

static void tell_text(struct run *run, const json_t *block) {
    json_t *begun = begun_text();
    open_block(run, begun);
    json_decref(begun);
    each_piece(run, json_object_get(block, "text"), say);
}

static void tell_thinking(struct run *run, const json_t *block) {
    json_t *begun = begun_thinking();
    open_block(run, begun);
    json_decref(begun);
    each_piece(run, json_object_get(block, "thinking"), think);
    each_piece(run, json_object_get(block, "signature"), sign);
}

static void begin_use(struct run *run, const json_t *block) {
    json_t *id = json_object_get(block, "id");
    json_t *begun = begun_use(block);
    open_block(run, begun);
    json_decref(begun);
    if (json_is_string(id))
        json_array_append(run->told_uses, id);
}

static void tell_input(struct run *run, const json_t *block) {
    const json_t *input = json_object_get(block, "input");
    if (json_is_object(input)) {
        char *json = memory_need(json_dumps(input, JSON_COMPACT));
        write_input(run, json, strlen(json));
        free(json);
    } else
        each_piece(run, input, write_input);
}

static void tell_use(struct run *run, const json_t *block) {
    begin_use(run, block);
    tell_input(run, block);
}

static void tell_block(struct run *run, const json_t *block) {
    static const struct {
        const char *type;
        void (*tell)(struct run *run, const json_t *block);
    } kinds[] = {{"text", tell_text},
                 {"thinking", tell_thinking},
                 {"tool_use", tell_use},
                 {"server_tool_use", tell_use}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i].type, type_of(block)) == 0) {
            kinds[i].tell(run, block);
            return;
        }
    open_block(run, block);
}

void blocks_step(struct run *run, const json_t *value) {
    json_t *block = memory_need(json_copy((json_t *)(uintptr_t)value));
    bool stays_open = json_is_true(json_object_get(block, "open"));
    json_object_del(block, "open");
    tell_block(run, block);
    json_decref(block);
    if (!stays_open)
        close_block(run);
}

/* Neither MESSAGE_BEGIN nor MESSAGE, by koine/runner.h. */
void blocks_whole_message(struct run *run, const json_t *value) {
    size_t index;
    json_t *block;
    blocks_end_message(run, NULL);
    run->message.open = are_wanted(run);
    json_array_foreach(value, index, block) {
        blocks_step(run, block);
    }
    run->message = (struct run_message){.open_block = -1};
}

/* ---- uses of tools that stand elsewhere in the script */

static bool is_told(const struct run *run, const char *id) {
    size_t index;
    json_t *told;
    json_array_foreach(run->told_uses, index, told) {
        if (strcmp(json_string_value(told), id) == 0)
            return true;
    }
    return false;
}

bool blocks_use_begin(struct run *run, const char *id, const char *full_name) {
    if (!are_wanted(run) || is_told(run, id))
        return false;
    json_t *block =
        memory_need(json_pack("{s:s,s:s,s:s}", "type", "tool_use", "id", id, "name", full_name));
    begin_use(run, block);
    json_decref(block);
    return true;
}

void blocks_use_input(struct run *run, const json_t *use) {
    tell_input(run, use);
}

void blocks_use_end(struct run *run) {
    close_block(run);
}
