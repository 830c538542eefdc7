/* SPDX-License-Identifier: Apache-2.0 */
/* What the CLI says during a turn, as events of its run. Results are run_result.c, tools
 * run_tools.c.
 */
#include "modules/module.h"
#include "runner/cli_input.h"
#include "runner/run.h"
#include <stdlib.h>
#include <string.h>

#define SCHEMA_REFUSED                                                                             \
    "the CLI cannot work with this JSON Schema: it takes draft 7, with patterns that JavaScript "  \
    "compiles with the flag u, and no name both in properties and patternProperties"

#define INTERRUPT_MS 2000 /* it takes the CLI some milliseconds */

static void emit_text(struct run *run, uint32_t type, struct koine_text text) {
    struct koine_run_event event = {.type = type, .text = text};
    if (!run->concluded)
        run_emit(run, &event);
}

static void refuse_schema(struct run *run) {
    const struct koine_failure failure = {
        .size = sizeof(failure),
        .status = 400,
        .code = KOINE_TEXT("VALIDATION_ERROR"),
        .message = KOINE_TEXT("schema: " SCHEMA_REFUSED),
        .issues = KOINE_TEXT("[{\"path\":[\"schema\"],\"message\":\"" SCHEMA_REFUSED "\"}]"),
    };
    run_fail_as(run, &failure);
}

/* Without its schema the CLI would answer text, and charge for it. */
static void on_init(void *data, struct koine_text session_id, struct koine_text model,
                    bool takes_object) {
    struct run *run = data;
    (void)session_id;
    (void)model;
    if (takes_object)
        return;
    refuse_schema(run);
    run_end(run, "protocol_error");
}

static void on_text(void *data, struct koine_text piece) {
    struct run *run = data;
    if (run->limits_tokens && !run->limit_hit) { /* see on_message */
        if (run->text_capacity - run->text_size < piece.size) {
            size_t capacity = (run->text_capacity + piece.size) * 2;
            char *grown = realloc(run->text, capacity);
            if (!grown) {
                run_short_of_memory(run);
                return;
            }
            run->text = grown;
            run->text_capacity = capacity;
        }
        memcpy(run->text + run->text_size, piece.data, piece.size);
        run->text_size += piece.size;
    }
    if (!run->limit_hit)
        emit_text(run, KOINE_RUN_TEXT, piece);
}

static void on_thinking(void *data, struct koine_text piece) {
    struct run *run = data;
    if (run->flags & KOINE_RUN_WANT_THINKING)
        emit_text(run, KOINE_RUN_THINKING, piece);
}

static void on_object_begin(void *data) {
    emit_text(data, KOINE_RUN_OBJECT_BEGIN, (struct koine_text){0});
}

static void on_object_delta(void *data, struct koine_text piece) {
    emit_text(data, KOINE_RUN_OBJECT_DELTA, piece);
}

/* A cut answer ends with the message that was cut. */
static void emit_block(struct run *run, struct koine_run_event *event) {
    if (!run->concluded && !run->limit_hit)
        run_emit(run, event);
}

static void on_message_begin(void *data, const struct koine_message *message) {
    struct koine_run_event event = {.type = KOINE_RUN_MESSAGE_BEGIN, .message = message};
    emit_block(data, &event);
}

static void on_block_begin(void *data, const struct koine_block *block) {
    struct koine_run_event event = {.type = KOINE_RUN_BLOCK_BEGIN, .block = block};
    emit_block(data, &event);
}

static void on_block_delta(void *data, const struct koine_block *delta, struct koine_text piece) {
    struct koine_run_event event = {.type = KOINE_RUN_BLOCK_DELTA, .block = delta, .text = piece};
    emit_block(data, &event);
}

static void on_block_end(void *data, const struct koine_block *block) {
    struct koine_run_event event = {.type = KOINE_RUN_BLOCK_END, .block = block};
    emit_block(data, &event);
}

static void on_tool(void *data, const struct koine_tool_use *use) {
    struct run *run = data;
    struct koine_run_event event = {.type = KOINE_RUN_TOOL, .tool = use};
    if (!run->concluded)
        run_emit(run, &event);
}

/*
 * The CLI does not end when the output limit is hit: it asks the model to go on. A client that set
 * maxTokens wants the cut answer, so the turn is interrupted and the text so far is the result.
 */
static void on_message(void *data, const struct koine_message *message) {
    struct run *run = data;
    struct koine_run_event event = {.type = KOINE_RUN_MESSAGE, .message = message};
    struct koine_text stop = message->stop_reason;
    model_names_note(&run->runner->model_names,
                     (struct koine_text){run->asked_model, strlen(run->asked_model)},
                     message->model);
    if (run->flags & (KOINE_RUN_WANT_TOOLS | KOINE_RUN_WANT_BLOCKS))
        emit_block(run, &event);
    if (run->limits_tokens && !run->limit_hit && stop.size == 10 &&
        memcmp(stop.data, "max_tokens", 10) == 0) {
        run->limit_hit = true;
        run->limit_usage = message->usage;
        run->limit_model =
            message->model.size ? strndup(message->model.data, message->model.size) : NULL;
        run_interrupt(run, INTERRUPT_MS);
    } else if (!run->limit_hit) {
        run->text_size = 0;
    }
}

static void on_retry(void *data, const struct koine_retry *retry) {
    struct run *run = data;
    struct koine_run_event event = {.type = KOINE_RUN_RETRY, .retry = retry};
    if (!run->concluded)
        run_emit(run, &event);
}

static void on_unknown_request(void *data, const char *request_id, struct koine_text subtype) {
    struct run *run = data;
    size_t size;
    char *line = cli_input_error(request_id, KOINE_TEXT("not supported by this host"), &size);
    log_print(run->runner->worker->log, KOINE_LOG_DEBUG, "runner",
              "the CLI asked for the unknown %.*s", (int)subtype.size, subtype.data);
    run_write(run, line, size);
}

static void on_request_cancelled(void *data, const char *request_id) {
    struct run *run = data;
    for (struct run_call *call = run->calls; call; call = call->next)
        if (strcmp(call->request_id, request_id) == 0) {
            run_call_remove(call);
            if (!run->calls && !run->concluded && !run->reading_paused)
                run_watch(run, run->runner->worker->config->runner.silence_timeout_ms);
            return;
        }
}

static void on_response(void *data, const struct cli_response *response) {
    struct run *run = data;
    const char *request_id = response->request_id;
    if (cli_process_response(run->cli, request_id) || run_count_on_response(run, response) ||
        !response->error.size)
        return;
    if (strcmp(request_id, "settings") == 0) { /* without them more would be allowed than may be */
        run_fail(
            run, 500, "CLI_EXIT_ERROR",
            "The CLI refuses the settings of this request: it must be Claude Code 2.1 or later; "
            "update it (npm install -g @anthropic-ai/claude-code).");
        run_end(run, "protocol_error");
    }
    if (strcmp(request_id, "initialize") != 0)
        return;
    if (run->wants_object)
        refuse_schema(run);
    else
        run_fail(run, 400, "VALIDATION_ERROR",
                 "The CLI refuses the instructions of this request (system, tools): leave them out "
                 "one after the other to see which.");
    run_end(run, "protocol_error");
}

static void on_stray(void *data, struct koine_text line) {
    struct run *run = data;
    if (!cli_process_stray(run->cli, line.size))
        return;
    run_fail(run, 500, "PARSE_ERROR", cli_start_failure_text(CLI_BABBLED));
    run_end(run, "protocol_error");
}

#define OUTPUT_CALLBACKS                                                                           \
    .text = on_text, .thinking = on_thinking, .object_begin = on_object_begin,                     \
    .object_delta = on_object_delta, .message = on_message, .retry = on_retry,                     \
    .can_use_tool = run_on_can_use_tool, .mcp_message = run_on_mcp_message,                        \
    .unknown_request = on_unknown_request, .request_cancelled = on_request_cancelled,              \
    .response = on_response, .result = run_on_result, .stray = on_stray

#define OBJECT_CALLBACKS .init = on_init
#define TOOL_CALLBACKS .tool = on_tool
#define BLOCK_CALLBACKS                                                                            \
    .message_begin = on_message_begin, .block_begin = on_block_begin,                              \
    .block_delta = on_block_delta, .block_end = on_block_end

const struct cli_output_callbacks *run_output_callbacks(const struct run *run) {
    static const struct cli_output_callbacks plain[] = {
        {OUTPUT_CALLBACKS},
        {OUTPUT_CALLBACKS, TOOL_CALLBACKS},
        {OUTPUT_CALLBACKS, BLOCK_CALLBACKS},
        {OUTPUT_CALLBACKS, BLOCK_CALLBACKS, TOOL_CALLBACKS},
    };
    static const struct cli_output_callbacks object[] = {
        {OUTPUT_CALLBACKS, OBJECT_CALLBACKS},
        {OUTPUT_CALLBACKS, OBJECT_CALLBACKS, TOOL_CALLBACKS},
        {OUTPUT_CALLBACKS, OBJECT_CALLBACKS, BLOCK_CALLBACKS},
        {OUTPUT_CALLBACKS, OBJECT_CALLBACKS, BLOCK_CALLBACKS, TOOL_CALLBACKS},
    };
    const size_t tools = run->flags & KOINE_RUN_WANT_TOOLS ? 1 : 0;
    const size_t blocks = run->flags & KOINE_RUN_WANT_BLOCKS ? 2 : 0;
    return &(run->wants_object ? object : plain)[blocks + tools];
}
