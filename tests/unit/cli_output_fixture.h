/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader of the CLI's output tells, as text that a test can compare: one line a callback.
 * Knows nothing of what is right.
 */
#ifndef UNIT_CLI_OUTPUT_FIXTURE_H
#define UNIT_CLI_OUTPUT_FIXTURE_H

#include "runner/cli_output_internal.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct told {
    struct cli_output *output;
    char *text; /* all that was told */
    size_t size;
    size_t taken; /* of it, by told_take */
    FILE *to;
};

#define SHOWN(koine) (int)(koine).size, (koine).data != NULL ? (koine).data : ""

static void told_piece(void *data, const char *what, struct koine_text piece) {
    struct told *told = data;
    fprintf(told->to, "%s ", what);
    fwrite(piece.data, 1, piece.size, told->to);
    fputc('\n', told->to);
}

static void on_init(void *data, struct koine_text session_id, struct koine_text model,
                    bool takes_object) {
    struct told *told = data;
    fprintf(told->to, "init %.*s %.*s%s\n", SHOWN(session_id), SHOWN(model),
            takes_object ? " takes an object" : "");
}

static void on_text(void *data, struct koine_text piece) {
    told_piece(data, "text", piece);
}

static void on_thinking(void *data, struct koine_text piece) {
    told_piece(data, "thinking", piece);
}

static void on_object_begin(void *data) {
    struct told *told = data;
    fprintf(told->to, "object\n");
}

static void on_object_delta(void *data, struct koine_text piece) {
    told_piece(data, "delta", piece);
}

static void on_tool(void *data, const struct koine_tool_use *use) {
    static const char *const phases[] = {"started", "input", "ended"};
    struct told *told = data;
    fprintf(told->to, "tool %s %.*s name=%.*s input=%.*s output=%.*s error=%u parent=%.*s\n",
            phases[use->phase], SHOWN(use->id), SHOWN(use->name), SHOWN(use->input),
            SHOWN(use->output), use->is_error, SHOWN(use->parent));
}

static void on_message(void *data, const struct koine_message *message) {
    struct told *told = data;
    fprintf(told->to, "message %.*s %.*s tools=%u in=%llu out=%llu\n", SHOWN(message->model),
            SHOWN(message->stop_reason), message->tool_uses,
            (unsigned long long)message->usage.input_tokens,
            (unsigned long long)message->usage.output_tokens);
}

static void on_retry(void *data, const struct koine_retry *retry) {
    struct told *told = data;
    fprintf(told->to, "retry %u/%u status=%u delay=%u\n", retry->attempt, retry->max_retries,
            retry->error_status, retry->delay_ms);
}

static void on_can_use_tool(void *data, const char *request_id, struct koine_text tool,
                            struct koine_text input, struct koine_text tool_use_id) {
    struct told *told = data;
    fprintf(told->to, "can_use_tool %s %.*s %.*s %.*s\n", request_id, SHOWN(tool), SHOWN(input),
            SHOWN(tool_use_id));
}

static void on_mcp_message(void *data, const char *request_id, struct koine_text server,
                           struct koine_text message) {
    struct told *told = data;
    fprintf(told->to, "mcp %s %.*s %.*s\n", request_id, SHOWN(server), SHOWN(message));
}

static void on_unknown_request(void *data, const char *request_id, struct koine_text subtype) {
    struct told *told = data;
    fprintf(told->to, "unknown %s %.*s\n", request_id, SHOWN(subtype));
}

static void on_request_cancelled(void *data, const char *request_id) {
    struct told *told = data;
    fprintf(told->to, "cancelled %s\n", request_id);
}

static void on_response(void *data, const struct cli_response *response) {
    struct told *told = data;
    fprintf(told->to, "response %s %s%.*s", response->request_id,
            response->error.data != NULL ? "error: " : "ok", SHOWN(response->error));
    if (response->has_total_tokens) {
        fprintf(told->to, " tokens=%llu", (unsigned long long)response->total_tokens);
    }
    if (response->pending_servers > 0) {
        fprintf(told->to, " pending=%u", response->pending_servers);
    }
    fputc('\n', told->to);
}

static void on_result(void *data, const struct cli_result *result) {
    struct told *told = data;
    fprintf(told->to,
            "result %.*s error=%d status=%u text=%.*s object=%.*s session=%.*s model=%.*s "
            "stop=%.*s denials=%.*s errors=%.*s usage=%llu,%llu,%llu,%llu cost=%g turns=%u\n",
            SHOWN(result->subtype), result->is_error, result->api_error_status, SHOWN(result->text),
            SHOWN(result->object), SHOWN(result->session_id), SHOWN(result->model),
            SHOWN(result->stop_reason), SHOWN(result->permission_denials), SHOWN(result->errors),
            (unsigned long long)result->usage.input_tokens,
            (unsigned long long)result->usage.output_tokens,
            (unsigned long long)result->usage.cache_read_input_tokens,
            (unsigned long long)result->usage.cache_creation_input_tokens, result->total_cost_usd,
            result->num_turns);
}

static void on_stray(void *data, struct koine_text line) {
    told_piece(data, "stray", line);
}

static const struct cli_output_callbacks told_callbacks = {
    .init = on_init,
    .text = on_text,
    .thinking = on_thinking,
    .object_begin = on_object_begin,
    .object_delta = on_object_delta,
    .tool = on_tool,
    .message = on_message,
    .retry = on_retry,
    .can_use_tool = on_can_use_tool,
    .mcp_message = on_mcp_message,
    .unknown_request = on_unknown_request,
    .request_cancelled = on_request_cancelled,
    .response = on_response,
    .result = on_result,
    .stray = on_stray,
};

static inline void told_init(struct told *told) {
    memset(told, 0, sizeof *told);
    told->to = open_memstream(&told->text, &told->size);
    told->output = cli_output_create(&told_callbacks, told);
    ck_assert_ptr_nonnull(told->to);
    ck_assert_ptr_nonnull(told->output);
}

static inline void told_finish(struct told *told) {
    cli_output_destroy(told->output);
    fclose(told->to);
    free(told->text);
}

/* Feeds a line from memory of exactly its size, so that a sanitizer sees every step beyond. */
static inline int told_bytes(struct told *told, const char *data, size_t size) {
    char *line = malloc(size + 1);
    ck_assert_ptr_nonnull(line);
    memcpy(line, data, size);
    line[size] = '\0';
    int result = cli_output_line(told->output, line, size);
    free(line);
    return result;
}

static inline void told_line(struct told *told, const char *line) {
    ck_assert_int_eq(told_bytes(told, line, strlen(line)), 0);
}

/* What was told since the last call. */
static inline const char *told_take(struct told *told) {
    fflush(told->to);
    const char *text = told->text + told->taken;
    told->taken = told->size;
    return text;
}

/* One line in, and all that it tells. */
#define expect(told, line, expected)                                                               \
    do {                                                                                           \
        told_line(told, line);                                                                     \
        ck_assert_str_eq(told_take(told), expected);                                               \
    } while (0)

#endif
