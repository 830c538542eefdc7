/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content blocks of the main conversation's messages, for whoever wants them as the API has
 * them. Each block that begins ends, also where its message breaks off. What text, thinking and
 * structured output say is told by others; of a message that came whole it is told here.
 */
#include "runner/cli_output_internal.h"

#include "runner/json_slice.h"
#include "runner/json_writer.h"
#include <stdlib.h>
#include <string.h>

static bool has_type(const json_t *object, const char *type) {
    const char *its_type = json_string_value(json_object_get(object, "type"));
    return its_type != NULL && strcmp(its_type, type) == 0;
}

/* ---- one block */

static void begin(struct cli_output *output, uint32_t index, const json_t *block,
                  struct koine_text json) {
    const struct koine_block told = {
        .size = sizeof told,
        .index = index,
        .type = cli_text_of(json_object_get(block, "type")),
        .id = cli_text_of(json_object_get(block, "id")),
        .name = cli_text_of(json_object_get(block, "name")),
        .json = json,
    };
    if (output->callbacks->block_begin != NULL && json.data != NULL) {
        output->open_block = index;
        output->callbacks->block_begin(output->data, &told);
    }
}

/* A piece of the open block; `delta` is written as `json`. */
static void tell_delta(struct cli_output *output, struct koine_text type, struct koine_text json,
                       struct koine_text piece) {
    const struct koine_block told = {
        .size = sizeof told, .index = (uint32_t)output->open_block, .type = type, .json = json};
    if (output->callbacks->block_delta != NULL && output->open_block >= 0 && json.data != NULL) {
        output->callbacks->block_delta(output->data, &told, piece);
    }
}

void cli_output_block_close(struct cli_output *output) {
    const struct koine_block told = {.size = sizeof told, .index = (uint32_t)output->open_block};
    bool was_open = output->open_block >= 0;
    output->open_block = -1;
    if (was_open && output->callbacks->block_end != NULL) {
        output->callbacks->block_end(output->data, &told);
    }
}

/* ---- of stream events */

void cli_output_block_begin(struct cli_output *output, const json_t *event, json_int_t index,
                            const struct cli_line *line) {
    const json_t *block = json_object_get(event, "content_block");
    cli_output_block_close(output);
    if (output->callbacks->block_begin == NULL || index < 0 || index > UINT32_MAX ||
        !json_is_string(json_object_get(block, "type"))) {
        return;
    }
    struct koine_text written = json_slice_member(line->text, "event");
    struct cli_json json = cli_json_member(output, written, "content_block", block);
    begin(output, (uint32_t)index, block, json.text);
    free(json.owned);
}

void cli_output_block_delta(struct cli_output *output, const json_t *event, json_int_t index,
                            const struct cli_line *line) {
    const json_t *delta = json_object_get(event, "delta");
    const json_t *type = json_object_get(delta, "type");
    const json_t *piece = NULL;
    if (output->callbacks->block_delta == NULL || index < 0 || index != output->open_block ||
        !json_is_string(type)) {
        return;
    }
    if (has_type(delta, "input_json_delta")) {
        piece = json_object_get(delta, "partial_json");
    } else if (has_type(delta, "signature_delta")) {
        piece = json_object_get(delta, "signature");
    }
    struct koine_text written = json_slice_member(line->text, "event");
    struct cli_json json = cli_json_member(output, written, "delta", delta);
    tell_delta(output, cli_text_of(type), json.text, cli_text_of(piece));
    free(json.owned);
}

/* ---- of a message that came whole */

static void tell(struct cli_output *output, void (*callback)(void *data, struct koine_text piece),
                 struct koine_text text) {
    if (callback != NULL && text.size > 0) {
        callback(output->data, text);
    }
}

/* The one piece that a block would have been streamed in. */
static void tell_only_delta(struct cli_output *output, const char *type, const char *member,
                            struct koine_text piece) {
    struct json_writer json = {0};
    size_t size = 0;
    if (output->callbacks->block_delta == NULL || piece.size == 0) {
        return;
    }
    json_writer_literal(&json, "{\"type\":");
    json_writer_cstring(&json, type);
    json_writer_literal(&json, ",");
    json_writer_cstring(&json, member);
    json_writer_literal(&json, ":");
    json_writer_string(&json, piece);
    json_writer_literal(&json, "}");
    char *text = json_writer_take(&json, &size);
    output->no_memory = output->no_memory || text == NULL;
    tell_delta(output, (struct koine_text){type, strlen(type)}, (struct koine_text){text, size},
               piece);
    free(text);
}

static void tell_text(struct cli_output *output, const json_t *block, struct koine_text written) {
    (void)written;
    tell(output, output->callbacks->text, cli_text_of(json_object_get(block, "text")));
}

static void tell_thinking(struct cli_output *output, const json_t *block,
                          struct koine_text written) {
    (void)written;
    tell(output, output->callbacks->thinking, cli_text_of(json_object_get(block, "thinking")));
    tell_only_delta(output, "signature_delta", "signature",
                    cli_text_of(json_object_get(block, "signature")));
}

static void tell_input(struct cli_output *output, const json_t *block, struct koine_text written) {
    struct cli_json input =
        cli_json_member(output, written, "input", json_object_get(block, "input"));
    tell_only_delta(output, "input_json_delta", "partial_json", input.text);
    free(input.owned);
}

/* A use of a tool as it is before its input. malloc'd. */
static char *without_input(const json_t *block) {
    struct json_writer json = {0};
    json_writer_literal(&json, "{\"type\":");
    json_writer_string(&json, cli_text_of(json_object_get(block, "type")));
    json_writer_literal(&json, ",\"id\":");
    json_writer_string(&json, cli_text_of(json_object_get(block, "id")));
    json_writer_literal(&json, ",\"name\":");
    json_writer_string(&json, cli_text_of(json_object_get(block, "name")));
    json_writer_literal(&json, ",\"input\":{}}");
    return json_writer_take(&json, NULL);
}

static const struct {
    const char *type;
    const char *begin; /* as the API begins such a block; NULL: without_input */
    void (*tell)(struct cli_output *output, const json_t *block, struct koine_text written);
} streamed[] = {
    {"text", "{\"type\":\"text\",\"text\":\"\"}", tell_text},
    {"thinking", "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}", tell_thinking},
    {"tool_use", NULL, tell_input},
    {"server_tool_use", NULL, tell_input},
};

void cli_output_whole_block(struct cli_output *output, const json_t *block,
                            struct koine_text written) {
    const uint32_t index = output->whole.count++;
    const bool wanted = output->callbacks->block_begin != NULL;
    cli_output_block_close(output);
    for (size_t i = 0; i < sizeof streamed / sizeof *streamed; i++) {
        if (!has_type(block, streamed[i].type)) {
            continue;
        }
        char *owned = wanted && streamed[i].begin == NULL ? without_input(block) : NULL;
        const char *json = owned != NULL ? owned : streamed[i].begin;
        output->no_memory = output->no_memory || (wanted && json == NULL);
        begin(output, index, block, (struct koine_text){json, json != NULL ? strlen(json) : 0});
        streamed[i].tell(output, block, written);
        cli_output_block_close(output);
        free(owned);
        return;
    }
    char *owned = wanted && written.data == NULL ? json_dumps(block, JSON_COMPACT) : NULL;
    output->no_memory = output->no_memory || (wanted && written.data == NULL && owned == NULL);
    begin(output, index, block,
          owned != NULL ? (struct koine_text){owned, strlen(owned)} : written);
    cli_output_block_close(output);
    free(owned);
}
