/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's life after its start: what the CLI says becomes events, and every way to end becomes
 * exactly one END. Starting is runner.c, results are run_result.c, tools run_tools.c.
 */
#include "runner/run.h"
#include "modules/module.h"
#include "runner/cli_input.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_REFUSED                                                                             \
    "the CLI cannot work with this JSON Schema: it takes draft 7, with patterns that JavaScript "  \
    "compiles with the flag u, and no name both in properties and patternProperties"
#define AFTER_RESULT_MS 3000 /* the CLI exits within 50 ms of the end of its input */

void run_emit(struct run *run, struct koine_run_event *event) {
    event->size = sizeof(*event);
    event->run = (koine_run){run->handle};
    event->request = (koine_request){run->request ? run->request->handle : 0};
    run->on_event(run->data, event);
}

static void emit_text(struct run *run, uint32_t type, struct koine_text text) {
    struct koine_run_event event = {.type = type, .text = text};
    if (!run->concluded)
        run_emit(run, &event);
}

static void fail(struct run *run, int status, const char *code, const char *message,
                 struct koine_text issues) {
    struct koine_failure failure = {0};
    if (run->concluded)
        return;
    run->concluded = true;
    failure_set(&failure, status, code, message);
    failure.issues = issues;
    log_print_request(run->runner->worker->log, KOINE_LOG_WARNING, "runner",
                      run->request ? request_id_text(run->request) : (struct koine_text){0},
                      "%s %d: %s", code, status, message);
    struct koine_run_event event = {.type = KOINE_RUN_FAILURE, .failure = &failure};
    run_emit(run, &event);
}

void run_fail(struct run *run, int status, const char *code, const char *message) {
    fail(run, status, code, message, (struct koine_text){0});
}

void run_end(struct run *run, const char *reason) {
    if (!run->reason)
        run->reason = reason;
    if (run->watchdog)
        evtimer_del(run->watchdog);
    if (run->deadline)
        evtimer_del(run->deadline);
    if (run->process)
        process_end(run->process, false);
    else if (run->start)
        event_active(run->begin, 0, 0); /* it has not started yet: END comes from there */
}

void run_watch(struct run *run, uint32_t after_ms) {
    struct timeval wait = {after_ms / 1000, (suseconds_t)(after_ms % 1000) * 1000};
    evtimer_add(run->watchdog, &wait);
}

void run_update_reading(struct run *run) {
    bool pause = run->user_paused || run->stream_full || run->parked;
    if (!run->process || pause == run->reading_paused)
        return;
    run->reading_paused = pause;
    if (pause) {
        process_pause(run->process);
        evtimer_del(run->watchdog); /* the silence is ours */
    } else {
        process_resume(run->process);
        if (!run->reason && (run->concluded || !run->calls)) /* else the silence is a tool's */
            run_watch(run, run->concluded ? AFTER_RESULT_MS
                                          : run->runner->worker->config->runner.silence_timeout_ms);
    }
}

int run_write(struct run *run, char *line, size_t size) {
    int result = KOINE_NO_MEMORY;
    if (line)
        result = run->process ? process_write(run->process, (struct koine_text){line, size})
                              : KOINE_GONE;
    free(line);
    return result;
}

/* ---- what the process does */

static void on_line(void *data, char *line, size_t size) {
    struct run *run = data;
    if (run->reason)
        return;
    if (!run->concluded && !run->calls)
        run_watch(run, run->runner->worker->config->runner.silence_timeout_ms);
    run->spoken = true;
    if (cli_output_line(run->output, line, size)) {
        run_fail(run, 500, "INTERNAL_ERROR", "The gateway is out of memory.");
        run_end(run, "protocol_error");
    }
}

/* Kept out of answers and of the default log: it could hold anything. */
static void on_error_line(void *data, const char *line, size_t size) {
    struct run *run = data;
    struct log *log = run->runner->worker->log;
    if (log_enabled(log, KOINE_LOG_DEBUG))
        log_print(log, KOINE_LOG_DEBUG, "runner", "the CLI says on stderr: %.*s", (int)size, line);
}

/* Where its file is will be looked up anew: perhaps it has been installed elsewhere. */
static void fail_not_started(struct run *run) {
    free(run->runner->cli_path);
    run->runner->cli_path = NULL;
    run->reason = "spawn_error";
    run_fail(run, 500, "SPAWN_ERROR", "The CLI could not be started; the gateway's log says why.");
}

/* What the client is told of limits that the operator has set; the log names the key. */
static const char *const over_limit[] = {
    [PROCESS_LIMIT_MEMORY] =
        "The CLI and its tools used more memory than this gateway allows: they were ended.",
    [PROCESS_LIMIT_CPU] =
        "The CLI used more processor time than this gateway allows: it was ended.",
    [PROCESS_LIMIT_FILE] = "The CLI wrote a larger file than this gateway allows: it was ended.",
};

/* The failure of a process that ended before its result. */
static void fail_unfinished(struct run *run, const struct process_status *status) {
    char message[160];
    if (status->how == PROCESS_LINE_TOO_LONG) {
        run->reason = "line_too_long";
        run_fail(run, 500, "PARSE_ERROR",
                 "The CLI wrote a line over the limit (runner.max_line_bytes).");
    } else if (status->how == PROCESS_NOT_STARTED) {
        fail_not_started(run);
    } else if (status->limit != PROCESS_LIMIT_NONE) {
        run_fail(run, 500, "CLI_EXIT_ERROR", over_limit[status->limit]);
    } else if (status->signal) {
        snprintf(message, sizeof(message),
                 "The CLI was ended by signal %d before it gave a result.", status->signal);
        run_fail(run, 500, "CLI_EXIT_ERROR", message);
    } else {
        snprintf(message, sizeof(message),
                 "The CLI ended with exit status %d before it gave a result.", status->exit_code);
        run_fail(run, 500, "CLI_EXIT_ERROR", message);
    }
}

static void on_ended(void *data, const struct process_status *status) {
    struct run *run = data;
    run->process = NULL;
    bool ended_by_us = run->reason != NULL;
    if (!run->concluded && !ended_by_us)
        fail_unfinished(run, status);
    const char *reason = run->reason ? run->reason : "";
    struct koine_run_end end = {.size = sizeof(end),
                                .exit_code = ended_by_us ? -1 : status->exit_code,
                                .signal = (uint32_t)status->signal,
                                .reason = {reason, strlen(reason)}};
    if (run->spoken && run->concluded && !ended_by_us && status->exit_code == 0)
        run->runner->last_success_ms = worker_now_ms();
    struct koine_run_event event = {.type = KOINE_RUN_END, .end = &end};
    run->concluded = run->over = true;
    run_emit(run, &event);
    run_free(run);
}

void run_lost(struct run *run) {
    const struct process_status status = {.how = PROCESS_ENDED, .exit_code = -1, .signal = 9};
    if (!run->reason)
        run->reason = "cancelled";
    on_ended(run, &status);
}

const struct process_callbacks run_process_callbacks = {
    .line = on_line, .error_line = on_error_line, .ended = on_ended};

/* ---- what the CLI says */

/* Without its schema the CLI would answer text, and charge for it. */
static void on_init(void *data, struct koine_text session_id, struct koine_text model,
                    bool takes_object) {
    struct run *run = data;
    (void)session_id;
    (void)model;
    if (takes_object)
        return;
    fail(run, 400, "VALIDATION_ERROR", "schema: " SCHEMA_REFUSED,
         KOINE_TEXT("[{\"path\":[\"schema\"],\"message\":\"" SCHEMA_REFUSED "\"}]"));
    run_end(run, "protocol_error");
}

static void on_text(void *data, struct koine_text piece) {
    struct run *run = data;
    if (run->limits_tokens && !run->limit_hit) { /* see on_message */
        if (run->text_capacity - run->text_size < piece.size) {
            size_t capacity = (run->text_capacity + piece.size) * 2;
            char *grown = realloc(run->text, capacity);
            if (!grown) {
                run_fail(run, 500, "INTERNAL_ERROR", "The gateway is out of memory.");
                run_end(run, "cancelled");
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
    if ((run->flags & KOINE_RUN_WANT_TOOLS) && !run->concluded)
        run_emit(run, &event);
    if (run->limits_tokens && !run->limit_hit && stop.size == 10 &&
        memcmp(stop.data, "max_tokens", 10) == 0) {
        size_t size;
        run->limit_hit = true;
        run->limit_usage = message->usage;
        run->limit_model =
            message->model.size ? strndup(message->model.data, message->model.size) : NULL;
        char *line = cli_input_interrupt("limit", &size);
        run_write(run, line, size);
        run_watch(run, 2000);
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

static void on_response(void *data, const char *request_id, struct koine_text error) {
    struct run *run = data;
    if (!error.size || strcmp(request_id, "initialize") != 0)
        return;
    run_fail(run, 400, "VALIDATION_ERROR", "The CLI refuses this schema or these instructions.");
    run_end(run, "protocol_error");
}

static void on_stray(void *data, struct koine_text line) {
    struct run *run = data;
    log_print(run->runner->worker->log, KOINE_LOG_WARNING, "runner",
              "the CLI wrote a line of %zu bytes that is no message of its protocol: skipped",
              line.size);
}

#define OUTPUT_CALLBACKS                                                                           \
    .text = on_text, .thinking = on_thinking, .object_begin = on_object_begin,                     \
    .object_delta = on_object_delta, .message = on_message, .retry = on_retry,                     \
    .can_use_tool = run_on_can_use_tool, .mcp_message = run_on_mcp_message,                        \
    .unknown_request = on_unknown_request, .request_cancelled = on_request_cancelled,              \
    .response = on_response, .result = run_on_result, .stray = on_stray

const struct cli_output_callbacks *run_output_callbacks(const struct run *run) {
    static const struct cli_output_callbacks plain = {OUTPUT_CALLBACKS};
    static const struct cli_output_callbacks with_tools = {OUTPUT_CALLBACKS, .tool = on_tool};
    static const struct cli_output_callbacks object = {OUTPUT_CALLBACKS, .init = on_init};
    static const struct cli_output_callbacks object_with_tools = {OUTPUT_CALLBACKS, .init = on_init,
                                                                  .tool = on_tool};
    if (run->wants_object)
        return run->flags & KOINE_RUN_WANT_TOOLS ? &object_with_tools : &object;
    return run->flags & KOINE_RUN_WANT_TOOLS ? &with_tools : &plain;
}

/* ---- time */

/* Runs of the loop's own accord: says SESSION first, then starts what had to wait. */
void run_on_begin(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    struct run *run = data;
    struct koine_text id = {run->session_id, strlen(run->session_id)};
    if (!run->announced) {
        run->announced = true;
        emit_text(run, KOINE_RUN_SESSION, id);
    }
    if (!run->start ||
        (run->waits_for && handles_get(run->runner->runs, run->waits_for) && !run->reason))
        return;
    if (run->reason) {
        run_lost(run); /* ended while it waited */
    } else if (run_launch(run)) {
        run->reason = "spawn_error";
        run_fail(run, 500, "SPAWN_ERROR",
                 "The CLI could not be started; the gateway's log says why.");
        run_lost(run);
    }
}

/* Whoever waits for this run to end may go on. */
static void wake_successors(struct run *run) {
    size_t position = 0;
    void *object;
    while (handles_next(run->runner->runs, &position, &object)) {
        struct run *other = object;
        if (other->waits_for == run->handle)
            event_active(other->begin, 0, 0);
    }
}

void run_on_watchdog(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    struct run *run = data;
    if (run->concluded)
        run_end(run, NULL); /* it did not exit after its result */
    else if (run->limit_hit)
        run_on_result(run, NULL); /* it did not obey the interrupt: the answer is known anyway */
    else
        runner_timed_out(run, run->spoken ? "silence of the CLI" : "the CLI's first line");
}

void run_on_deadline(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    struct run *run = data;
    if (run->parked) {
        run->concluded = true;
        run_end(run, "timeout");
    } else {
        runner_timed_out(run, "the whole request (timeoutMs)");
    }
}

/* The reason is there before the callback of FAILURE, which may end the run too. */
static void fail_and_end(struct run *run, int status, const char *code, const char *message,
                         const char *reason) {
    if (!run->reason)
        run->reason = reason;
    run_fail(run, status, code, message);
    run_end(run, reason);
}

void runner_timed_out(struct run *run, const char *what) {
    char message[160];
    snprintf(message, sizeof(message), "No result in time: %s took too long.", what);
    fail_and_end(run, 504, "TIMEOUT_ERROR", message, "timeout");
}

void runner_shut_down(struct run *run, const struct koine_failure *failure) {
    fail_and_end(run, failure->status, failure->code.data, failure->message.data, "shutdown");
}

int runner_cancel(struct run *run, const char *reason) {
    run->concluded = true;
    run_end(run, reason);
    return KOINE_OK;
}

/* The request has ended. A run that has given its result may finish by itself: the CLI writes the
 * conversation down on its way out. */
void runner_release(struct run *run, const char *reason) {
    bool finished = run->concluded && !run->reason;
    run->stream_full = run->user_paused = false;
    run_update_reading(run);
    if (!finished)
        runner_cancel(run, reason);
}

void runner_pause(struct run *run, bool paused) {
    run->user_paused = paused;
    run_update_reading(run);
}

void runner_stream_full(struct run *run, bool full) {
    run->stream_full = full && (run->flags & KOINE_RUN_TIE_STREAM);
    run_update_reading(run);
}

void run_free(struct run *run) {
    struct runner *runner = run->runner;
    struct request *request = run->request;
    assert(!run->process);
    handles_remove(runner->runs, run->handle);
    wake_successors(run);
    run_launch_finish(run);
    if (run->parked)
        runner->parked--;
    if (run->begin)
        event_free(run->begin);
    if (run->watchdog)
        event_free(run->watchdog);
    if (run->deadline)
        event_free(run->deadline);
    run_tools_finish(run);
    cli_output_destroy(run->output);
    tool_policy_unref(run->policy);
    free(run->text);
    free(run->limit_model);
    free(run);
    if (request)
        request_run_over(request);
}
