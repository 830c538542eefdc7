/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as lines of the CLI, each read twice: as it is, and with a blank before it, which keeps
 * it from being read quickly. What is told must be the same, and every piece whole UTF-8.
 */
#include "ops/utf8.h"
#include "runner/cli_output.h"
#include <stdlib.h>
#include <string.h>

/* What one reader tells, folded into a number. */
struct told {
    uint64_t hash;
    uint64_t open; /* block */
};

#define NO_BLOCK UINT64_MAX

static void fold(struct told *told, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        told->hash = (told->hash ^ (unsigned char)data[i]) * 1099511628211u;
    }
    told->hash = (told->hash ^ 256u) * 1099511628211u;
}

static void fold_piece(struct told *told, char kind, struct koine_text piece) {
    for (size_t i = 0; i < piece.size;) {
        size_t size = utf8_sequence_bytes(piece.data + i, piece.size - i);
        if (size == 0) {
            abort();
        }
        i += size;
    }
    fold(told, &kind, 1);
    fold(told, piece.data, piece.size);
}

/* There so that no line is skipped because nobody listens. */
static void on_init(void *data, struct koine_text session_id, struct koine_text model,
                    bool takes_object) {
    fold_piece(data, takes_object ? 'B' : 'b', session_id);
    fold_piece(data, 'm', model);
}

static void on_text(void *data, struct koine_text piece) {
    fold_piece(data, 't', piece);
}

static void on_thinking(void *data, struct koine_text piece) {
    fold_piece(data, 'h', piece);
}

static void on_object_begin(void *data) {
    fold(data, "o", 1);
}

static void on_object_delta(void *data, struct koine_text piece) {
    fold_piece(data, 'd', piece);
}

static void on_tool(void *data, const struct koine_tool_use *use) {
    fold_piece(data, 'i', use->id);
    fold_piece(data, 'n', use->name);
    fold_piece(data, 'j', use->input);
    fold_piece(data, 'u', use->output);
    fold_piece(data, 'p', use->parent);
}

static void on_message(void *data, const struct koine_message *message) {
    fold_piece(data, 'm', message->model);
    fold_piece(data, 's', message->stop_reason);
}

static void on_message_begin(void *data, const struct koine_message *message) {
    fold_piece(data, 'M', message->model);
}

/* What begins must end, and nothing be told of what is not open; `fold` keeps the order. */
static void fold_block(struct told *told, char kind, const struct koine_block *block) {
    if (told->open != (kind == 'B' ? NO_BLOCK : block->index)) {
        abort();
    }
    told->open = kind == 'E' ? NO_BLOCK : block->index;
    fold_piece(told, kind, block->type);
    fold_piece(told, 'i', block->id);
    fold_piece(told, 'n', block->name);
    fold_piece(told, 'j', block->json);
}

static void on_block_begin(void *data, const struct koine_block *block) {
    fold_block(data, 'B', block);
}

static void on_block_delta(void *data, const struct koine_block *delta, struct koine_text piece) {
    fold_block(data, 'D', delta);
    fold_piece(data, 'q', piece);
}

static void on_block_end(void *data, const struct koine_block *block) {
    fold_block(data, 'E', block);
}

static void on_can_use_tool(void *data, const char *request_id, struct koine_text tool,
                            struct koine_text input, struct koine_text tool_use_id) {
    fold(data, request_id, strlen(request_id));
    fold_piece(data, 'c', tool);
    fold_piece(data, 'j', input);
    fold_piece(data, 'i', tool_use_id);
}

static void on_mcp_message(void *data, const char *request_id, struct koine_text server,
                           struct koine_text message) {
    fold(data, request_id, strlen(request_id));
    fold_piece(data, 'v', server);
    fold_piece(data, 'j', message);
}

static void on_result(void *data, const struct cli_result *result) {
    fold_piece(data, 'r', result->text);
    fold_piece(data, 'j', result->object);
    fold_piece(data, 'm', result->model);
    fold_piece(data, 's', result->stop_reason);
    fold_piece(data, 'p', result->permission_denials);
    fold_piece(data, 'e', result->errors);
}

static void on_stray(void *data, struct koine_text line) {
    (void)line; /* has the blank in it */
    fold(data, "x", 1);
}

static const struct cli_output_callbacks callbacks = {
    .init = on_init,
    .text = on_text,
    .thinking = on_thinking,
    .object_begin = on_object_begin,
    .object_delta = on_object_delta,
    .tool = on_tool,
    .message = on_message,
    .message_begin = on_message_begin,
    .block_begin = on_block_begin,
    .block_delta = on_block_delta,
    .block_end = on_block_end,
    .can_use_tool = on_can_use_tool,
    .mcp_message = on_mcp_message,
    .result = on_result,
    .stray = on_stray,
};

static void feed(struct cli_output *output, const char *prefix, const char *data, size_t size) {
    size_t prefix_size = strlen(prefix);
    char *line = malloc(prefix_size + size + 1);
    if (line == NULL) {
        return;
    }
    memcpy(line, prefix, prefix_size);
    memcpy(line + prefix_size, data, size);
    line[prefix_size + size] = '\0';
    cli_output_line(output, line, prefix_size + size);
    free(line);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct told quick = {1469598103934665603u, NO_BLOCK};
    struct told slow = quick;
    struct cli_output *quick_output = cli_output_create(&callbacks, &quick);
    struct cli_output *slow_output = cli_output_create(&callbacks, &slow);
    const char *at = (const char *)data;
    const char *end = at + size;
    while (quick_output != NULL && slow_output != NULL && at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line_size = (size_t)((newline != NULL ? newline : end) - at);
        feed(quick_output, "", at, line_size);
        feed(slow_output, " ", at, line_size);
        at += line_size + 1;
    }
    if (quick.hash != slow.hash) {
        abort();
    }
    cli_output_destroy(quick_output);
    cli_output_destroy(slow_output);
    return 0;
}
