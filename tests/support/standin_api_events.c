/* SPDX-License-Identifier: Apache-2.0 */
/* Builds message_start, the content blocks with their deltas, message_delta and message_stop. */
#include "standin_api_events.h"

#include <stdlib.h>
#include <string.h>

struct answer {
    json_t *events;
    unsigned number; /* of the request */
    int blocks;      /* begun so far */
    int failed;
};

static void add(struct answer *answer, json_t *event) {
    if (json_array_append_new(answer->events, event))
        answer->failed = 1;
}

static void begin_block(struct answer *answer, json_t *block) {
    add(answer, json_pack("{sssiso}", "type", "content_block_start", "index", answer->blocks,
                          "content_block", block));
}

static void end_block(struct answer *answer) {
    add(answer, json_pack("{sssi}", "type", "content_block_stop", "index", answer->blocks++));
}

/* The end of the piece that should end at `at`: never inside a UTF-8 character. */
static size_t character_end(const char *text, size_t at) {
    while ((text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* `text` in `count` deltas of nearly one length, fewer when it has fewer characters. */
static void add_deltas(struct answer *answer, const char *type, const char *key, const char *text,
                       size_t count) {
    size_t length = strlen(text);
    size_t start = 0;
    for (size_t i = 1; i <= count; i++) {
        size_t end = character_end(text, length / count * i + length % count * i / count);
        if (end == start)
            continue;
        json_t *piece = json_stringn(text + start, end - start);
        add(answer, json_pack("{sssis{ssso}}", "type", "content_block_delta", "index",
                              answer->blocks, "delta", "type", type, key, piece));
        start = end;
    }
}

static void add_text(struct answer *answer, const char *text, size_t deltas) {
    begin_block(answer, json_pack("{ssss}", "type", "text", "text", ""));
    add_deltas(answer, "text_delta", "text", text, deltas);
    end_block(answer);
}

static void add_thinking(struct answer *answer, const char *thinking) {
    begin_block(answer, json_pack("{ssssss}", "type", "thinking", "thinking", "", "signature", ""));
    add_deltas(answer, "thinking_delta", "thinking", thinking, 2);
    add_deltas(answer, "signature_delta", "signature", "c3RhbmRpbg==", 1);
    end_block(answer);
}

static void add_tool_use(struct answer *answer, const json_t *tool, size_t deltas) {
    const char *name = json_string_value(json_object_get(tool, "name"));
    const json_t *input = json_object_get(tool, "input");
    char *spelled = input ? json_dumps(input, JSON_COMPACT) : NULL;
    json_t *id = json_sprintf("toolu_%u_%d", answer->number, answer->blocks);
    begin_block(answer, json_pack("{sssosss{}}", "type", "tool_use", "id", id, "name",
                                  name ? name : "unnamed", "input"));
    add_deltas(answer, "input_json_delta", "partial_json", spelled ? spelled : "{}", deltas);
    end_block(answer);
    free(spelled);
}

static void begin_message(struct answer *answer, const char *model, json_t *usage) {
    json_t *message = json_pack("{sosssssss[]snsnsO}", "id", json_sprintf("msg_%u", answer->number),
                                "type", "message", "role", "assistant", "model", model, "content",
                                "stop_reason", "stop_sequence", "usage", usage);
    add(answer, json_pack("{ssso}", "type", "message_start", "message", message));
}

static void end_message(struct answer *answer, const char *stop_reason, json_t *usage) {
    add(answer, json_pack("{sss{sssn}sO}", "type", "message_delta", "delta", "stop_reason",
                          stop_reason, "stop_sequence", "usage", usage));
    add(answer, json_pack("{ss}", "type", "message_stop"));
}

static void add_content(struct answer *answer, const json_t *step) {
    const char *thinking = json_string_value(json_object_get(step, "thinking"));
    const char *before = json_string_value(json_object_get(step, "before"));
    const char *text = json_string_value(json_object_get(step, "text"));
    json_int_t wanted = json_integer_value(json_object_get(step, "deltas"));
    size_t deltas = wanted > 0 ? (size_t)wanted : 3;
    json_t *tool;
    size_t i;
    if (thinking)
        add_thinking(answer, thinking);
    if (before)
        add_text(answer, before, 1);
    if (text)
        add_text(answer, text, deltas);
    json_array_foreach(json_object_get(step, "tools"), i, tool) {
        add_tool_use(answer, tool, deltas);
    }
}

json_t *answer_events(const json_t *step, const char *model, unsigned number) {
    struct answer answer = {.events = json_array(), .number = number};
    const char *stop = json_string_value(json_object_get(step, "stop_reason"));
    const char *broken = json_string_value(json_object_get(step, "stream_error"));
    json_t *usage = json_object_get(step, "usage");
    usage = usage ? json_incref(usage)
                  : json_pack("{sisisisi}", "input_tokens", 10, "output_tokens", 5,
                              "cache_creation_input_tokens", 0, "cache_read_input_tokens", 0);
    if (!stop)
        stop = json_object_get(step, "tools") ? "tool_use" : "end_turn";

    begin_message(&answer, model, usage);
    add_content(&answer, step);
    if (broken)
        add(&answer, json_pack("{sss{ssss}}", "type", "error", "error", "type", broken, "message",
                               "standin-api: scripted stream error"));
    else if (!json_is_true(json_object_get(step, "hang")))
        end_message(&answer, stop, usage);
    json_decref(usage);
    if (answer.failed) {
        json_decref(answer.events);
        return NULL;
    }
    return answer.events;
}
