/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's life: every way to end becomes exactly one END. Beginning is run_begin.c, what the CLI
 * says run_events.c, results run_result.c, tools run_tools.c.
 */
#include "runner/run.h"
#include "http/refusal_words.h"
#include "modules/module.h"
#include "runner/cli_input.h"
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_emit(struct run *run, struct koine_run_event *event) {
    event->size = sizeof(*event);
    event->run = (koine_run){run->handle};
    event->request = (koine_request){run->request ? run->request->handle : 0};
    MODULE_RUNS_IN(run->module, NOTES_RUN_EVENT, run->request ? run->request->route : NULL);
    run->on_event(run->data, event);
}

/* ---- failures */

void run_fail_as(struct run *run, const struct koine_failure *failure) {
    if (run->concluded)
        return;
    run->concluded = true;
    log_print_request(run->runner->worker->log, KOINE_LOG_WARNING, "runner",
                      run->request ? request_id_text(run->request) : (struct koine_text){0},
                      "%.*s %d: %.*s", (int)failure->code.size, failure->code.data,
                      (int)failure->status, (int)failure->message.size, failure->message.data);
    struct koine_run_event event = {.type = KOINE_RUN_FAILURE, .failure = failure};
    run_emit(run, &event);
}

void run_fail(struct run *run, int status, const char *code, const char *message) {
    struct koine_failure failure = {0};
    failure_set(&failure, status, code, message);
    run_fail_as(run, &failure);
}

/* The reason is there before the callback of FAILURE, which may end the run too. */
static void fail_and_end(struct run *run, int status, const char *code, const char *message,
                         const char *reason) {
    if (run->finished)
        return;
    if (!run->reason)
        run->reason = reason;
    run_fail(run, status, code, message);
    run_end(run, reason);
}

/* May come from inside start, so the client is told when the process has ended. */
void run_short_of_memory(struct run *run) {
    run->no_memory = true;
    run_end(run, "out_of_memory");
}

void runner_shut_down(struct run *run, const struct koine_failure *failure) {
    fail_and_end(run, failure->status, failure->code.data, failure->message.data, "shutdown");
}

/* ---- the process */

void run_watch(struct run *run, uint32_t after_ms) {
    struct timeval wait = {after_ms / 1000, (suseconds_t)(after_ms % 1000) * 1000};
    evtimer_add(run->watchdog, &wait);
}

static void watch_silence(struct run *run) {
    run_watch(run, run->runner->worker->config->runner.silence_timeout_ms);
}

void run_watch_start(struct run *run) {
    const struct config *config = run->runner->worker->config;
    uint64_t gone = worker_now_ms() - run->cli->started_ms;
    uint32_t limit = config->runner.start_timeout_ms;
    if (run->reason)
        return;
    if (run->cli->ready)
        run_watch(run, config->runner.first_byte_timeout_ms);
    else
        run_watch(run, gone < limit ? limit - (uint32_t)gone : 0);
}

void run_on_ready(struct run *run) {
    if (!run->spoken && !run->concluded && !run->reading_paused)
        run_watch_start(run);
}

void run_update_reading(struct run *run) {
    bool pause = run->user_paused || run->stream_full || run->parked;
    if (!run->cli || pause == run->reading_paused)
        return;
    run->reading_paused = pause;
    if (pause) {
        process_pause(run->cli->process);
        if (!run->interrupting)
            evtimer_del(run->watchdog); /* the silence is ours */
    } else {
        process_resume(run->cli->process);
        if (!run->reason && !run->calls) /* else the silence is a tool's */
            watch_silence(run);
    }
}

int run_write(struct run *run, char *line, size_t size) {
    int result = KOINE_NO_MEMORY;
    if (line)
        result = run->cli ? cli_process_write(run->cli, line, size) : KOINE_GONE;
    free(line);
    return result;
}

/* The answer to a question of ours may come long before the turn's first line. */
static bool is_of_the_turn(const char *line) {
    static const char response[] = "{\"type\":\"control_response\"";
    return strncmp(line, response, sizeof(response) - 1) != 0;
}

bool run_takes_line(struct run *run, const char *line) {
    /* A process that was found readable before it got this turn may be faster than `begin`. */
    run_announce(run);
    if (run->reason && !run->interrupting)
        return false;
    if (run->spoken || (run->cli->ready && is_of_the_turn(line))) {
        run->spoken = true;
        if (!run->concluded && !run->calls && !run->limit_hit)
            watch_silence(run);
    }
    return true;
}

/* ---- the end */

void run_end(struct run *run, const char *reason) {
    if (!run->reason)
        run->reason = reason;
    run->interrupting = false;
    evtimer_del(run->watchdog);
    evtimer_del(run->deadline);
    run_leave_line(run, SLOT_WAIT_CANCELLED);
    if (run->cli)
        cli_process_end(run->cli, false);
    else
        event_active(run->begin, 0, 0); /* it has not started yet: END comes from there */
}

void run_interrupt(struct run *run, uint32_t grace_ms) {
    size_t size;
    char *line = cli_input_request("interrupt", "interrupt", &size);
    run_write(run, line, size);
    run_watch(run, grace_ms);
}

void run_leave(struct run *run, bool may_stay) {
    struct cli_process *cli = run->cli;
    if (run->reading_paused)
        process_resume(cli->process);
    evtimer_del(run->watchdog);
    evtimer_del(run->deadline);
    run->cli = NULL;
    run->finished = true;
    run->has_session = run->interrupting = false;
    event_active(run->begin, 0, 0);
    pool_give_back(cli, may_stay && !run->calls);
    runner_wake(run->runner);
}

void run_over(struct run *run, int exit_code, int signal) {
    const char *reason = run->reason ? run->reason : "";
    struct koine_run_end end = {.size = sizeof(end),
                                .exit_code = *reason ? -1 : exit_code,
                                .signal = (uint32_t)signal,
                                .reason = {reason, strlen(reason)}};
    struct koine_run_event event = {.type = KOINE_RUN_END, .end = &end};
    if (run->no_memory)
        run_fail(run, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
    run->concluded = run->over = true;
    run_emit(run, &event);
    run_free(run);
}

/* What the client is told of limits that the operator has set; the log names the key. */
static const char *const over_limit[] = {
    [PROCESS_LIMIT_MEMORY] = "The CLI and its tools used more memory than this gateway allows "
                             "(runner.limits.memory_bytes): they were ended.",
    [PROCESS_LIMIT_CPU] =
        "The CLI used more processor time than this gateway allows (runner.limits.cpu_seconds): it "
        "was ended.",
    [PROCESS_LIMIT_FILE] =
        "The CLI wrote a larger file than this gateway allows (runner.limits.file_bytes): it was "
        "ended.",
};

static const char *advice_for(const struct cli_process *cli, int signal) {
    if (signal == SIGKILL)
        return " Most likely the machine was out of memory: its kernel's log says so then (dmesg).";
    return cli->ready || cli->resumes
               ? " Send the request again; if this goes on, run the CLI by hand to see why."
               : " Run it by hand to see why; it must be Claude Code 2.1 or later.";
}

/* The failure of a process that ended before its result. */
static void fail_unfinished(struct run *run, const struct cli_process *cli,
                            const struct process_status *status) {
    const char *when = cli->ready ? "gave a result" : "answered";
    const char *advice = advice_for(cli, status->signal);
    char message[256];
    if (status->how == PROCESS_LINE_TOO_LONG) {
        run->reason = "line_too_long";
        run_fail(
            run, 500, "PARSE_ERROR",
            "The CLI wrote a line over the limit (runner.max_line_bytes): ask for less at once, "
            "or have the limit raised.");
        return;
    }
    if (status->how == PROCESS_NOT_STARTED) {
        run->reason = "spawn_error";
        run_fail(run, 500, "SPAWN_ERROR", cli_start_failure_text(CLI_NOT_STARTED));
        return;
    }
    if (status->limit != PROCESS_LIMIT_NONE)
        snprintf(message, sizeof(message), "%s", over_limit[status->limit]);
    else if (status->signal)
        snprintf(message, sizeof(message), "The CLI was ended by signal %d before it %s.%s",
                 status->signal, when, advice);
    else
        snprintf(message, sizeof(message), "The CLI ended with exit status %d before it %s.%s",
                 status->exit_code, when, advice);
    run_fail(run, 500, "CLI_EXIT_ERROR", message);
}

void run_on_process_ended(struct run *run, const struct cli_process *cli,
                          const struct process_status *status) {
    if (!run->concluded && !run->reason)
        fail_unfinished(run, cli, status);
    run_over(run, status->exit_code, status->signal);
}

void runner_timed_out(struct run *run, const char *what) {
    char message[160];
    bool has_turn = run->cli && run->spoken && !run->concluded && !run->reason;
    snprintf(message, sizeof(message), REFUSAL_TIMEOUT, what);
    run_tools_complain(run);
    if (!has_turn) {
        fail_and_end(run, 504, "TIMEOUT_ERROR", message, "timeout");
        return;
    }
    /* A turn that can be interrupted leaves a session that can be gone on with at once. */
    run->reason = "timeout";
    run->interrupting = true;
    run->user_paused = run->stream_full = false;
    run_update_reading(run);
    run_interrupt(run, run->runner->worker->config->runner.interrupt_grace_ms);
    run_fail(run, 504, "TIMEOUT_ERROR", message);
}

int runner_cancel(struct run *run, const char *reason) {
    run->concluded = true;
    run_end(run, reason);
    return KOINE_OK;
}

/* The request has ended. A turn that is over, or about to be, need not be cut. */
void runner_release(struct run *run, const char *reason) {
    run->stream_full = run->user_paused = false;
    run_update_reading(run);
    if (!run->finished && !run->interrupting)
        runner_cancel(run, reason);
}

void runner_pause(struct run *run, bool paused) {
    if (run->interrupting)
        return;
    run->user_paused = paused;
    run_update_reading(run);
}

void runner_stream_full(struct run *run, bool full) {
    if (run->interrupting)
        return;
    run->stream_full = full && (run->flags & KOINE_RUN_TIE_STREAM);
    run_update_reading(run);
}

void run_free(struct run *run) {
    struct runner *runner = run->runner;
    struct request *request = run->request;
    const bool is_its_run = request && request->run == run; /* END may have begun another */
    assert(!run->cli);
    handles_remove(runner->runs, run->handle);
    run_leave_line(run, SLOT_WAIT_CANCELLED);
    run_launch_finish(run);
    run_history_finish(run);
    if (run->parked)
        runner->parked--;
    if (run->begin)
        event_free(run->begin);
    if (run->watchdog)
        event_free(run->watchdog);
    if (run->deadline)
        event_free(run->deadline);
    run_tools_finish(run);
    tool_policy_unref(run->policy);
    free(run->text);
    free(run->limit_model);
    free(run);
    runner_wake(runner);
    if (is_its_run)
        request_run_over(request);
}
