/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's life: turns of the loop in which its script goes on, and every way to end, each of which
 * becomes exactly one END. The gateway's run.c and run_park.c are what it follows.
 */
#include "test-host/run.h"
#include "http/failure_form.h"
#include "http/refusal_words.h"
#include "test-host/call.h"
#include <stdlib.h>
#include <string.h>

/* ---- events */

struct koine_text run_lend(struct run *run, const char *data, size_t size) {
    if (!data || run->lent_count == RUN_LENT)
        return (struct koine_text){0};
    char *copy = memory_zeroed(size + 1);
    memcpy(copy, data, size);
    run->lent[run->lent_count] = copy;
    run->lent_sizes[run->lent_count++] = size;
    return (struct koine_text){copy, size};
}

/* A module that keeps a pointer into an event reads nonsense from here on. */
void run_take_back(struct run *run) {
    while (run->lent_count) {
        char *text = run->lent[--run->lent_count];
        memset(text, 0xDD, run->lent_sizes[run->lent_count]);
        free(text);
    }
}

void run_emit(struct run *run, struct koine_run_event *event, const char *name) {
    struct visit visit;
    event->size = sizeof(*event);
    event->run = (koine_run){run->handle};
    event->request = (koine_request){run->request ? run->request->handle : 0};
    visit_begin(&visit, run->host, "the run's event %s", name);
    run->on_event(run->data, event);
    visit_end(&visit);
    run_take_back(run);
}

void run_emit_text(struct run *run, uint32_t type, const char *name, const char *text,
                   size_t size) {
    struct koine_run_event event = {.type = type, .text = run_lend(run, text, size)};
    run_emit(run, &event, name);
}

void run_fail(struct run *run, const struct koine_failure *given) {
    struct koine_failure failure = *given;
    if (run->concluded)
        return;
    run->concluded = true;
    failure.size = sizeof(failure);
    failure.code = run_lend(run, given->code.data, given->code.size);
    failure.message = run_lend(run, given->message.data, given->message.size);
    failure.issues = run_lend(run, given->issues.data, given->issues.size);
    struct koine_run_event event = {.type = KOINE_RUN_FAILURE, .failure = &failure};
    run_emit(run, &event, "FAILURE");
}

/* The reason is there before the callback of FAILURE, which may end the run too. */
static void fail_and_end(struct run *run, const struct koine_failure *failure, const char *reason) {
    if (run->finished)
        return;
    if (!run->reason)
        run->reason = reason;
    run_fail(run, failure);
    run_end(run, reason);
}

/* ---- the end */

static void over(struct run *run) {
    const char *reason = run->reason ? run->reason : "";
    struct koine_run_end end = {.size = sizeof(end),
                                .exit_code = *reason ? -1 : run->exit_code,
                                .signal = run->signal,
                                .reason = run_lend(run, reason, strlen(reason))};
    struct koine_run_event event = {.type = KOINE_RUN_END, .end = &end};
    run->concluded = run->finished = run->over = true;
    json_object_set_new(run->record, "end",
                        json_pack("{s:i,s:i,s:s}", "exit_code", end.exit_code, "signal",
                                  (int)end.signal, "reason", reason));
    run_emit(run, &event, "END");
    struct koine_test_answer *request = run->request;
    const bool is_its_run = request && request->run == run; /* END may have begun another */
    run_free(run);
    if (is_its_run)
        request_run_over(request);
}

void run_free(struct run *run) {
    struct koine_test_host *host = run->host;
    struct run **at = &host->runs;
    while (*at && *at != run)
        at = &(*at)->next;
    if (*at)
        *at = run->next;
    timed_stop(host, &run->turn);
    timed_stop(host, &run->deadline);
    if (run->parked)
        host->parked--;
    if (run->handle)
        handle_remove(host, HANDLE_RUN, run->handle);
    run_tools_finish(run);
    tool_policy_unref(run->policy);
    buffer_finish(&run->text);
    buffer_finish(&run->object);
    json_decref(run->steps);
    json_decref(run->told_uses);
    free(run);
}

void run_end(struct run *run, const char *reason) {
    if (!run->reason && !run->finished)
        run->reason = reason;
    timed_stop(run->host, &run->deadline);
    run_go_on(run);
}

/* ---- turns */

static bool is_paused(const struct run *run) {
    return run->user_paused || run->stream_full || run->parked;
}

static void turn(void *data) {
    struct run *run = data;
    if (run->reason || run->finished) {
        over(run);
        return;
    }
    if (is_paused(run) || run->calls || run->hangs)
        return;
    run->pause_ms = 0;
    if (run->announced) {
        script_step(run);
    } else {
        run->announced = true;
        run_emit_text(run, KOINE_RUN_SESSION, "SESSION", run->session_id, strlen(run->session_id));
    }
    if (!run->turn.waiting)
        timed_set(run->host, &run->turn, run->pause_ms, turn, run);
}

void run_go_on(struct run *run) {
    timed_set(run->host, &run->turn, 0, turn, run);
}

static void update(struct run *run) {
    if (!is_paused(run) && !run->turn.waiting)
        run_go_on(run);
}

/* ---- what ends or stops it from outside */

void run_timed_out(struct run *run, const char *what) {
    struct koine_failure failure = {0};
    char message[160];
    snprintf(message, sizeof(message), REFUSAL_TIMEOUT, what);
    failure_set(&failure, 504, "TIMEOUT_ERROR", message);
    fail_and_end(run, &failure, "timeout");
}

void run_shut_down(struct run *run, const struct koine_failure *failure) {
    fail_and_end(run, failure, "shutdown");
}

void run_cancel(struct run *run, const char *reason) {
    run->concluded = true;
    run_end(run, reason);
}

void run_release(struct run *run, const char *reason) {
    run->stream_full = run->user_paused = false;
    if (run->finished)
        update(run);
    else
        run_cancel(run, reason);
}

void run_pause(struct run *run, bool paused) {
    run->user_paused = paused;
    update(run);
}

void run_stream_full(struct run *run, bool full) {
    run->stream_full = full && (run->flags & KOINE_RUN_TIE_STREAM);
    update(run);
}

/* ---- parking */

static void on_parked_too_long(void *data) {
    run_cancel(data, "timeout");
}

int32_t run_park(struct run *run, uint32_t timeout_ms) {
    struct koine_test_host *host = run->host;
    struct koine_test_answer *request = run->request;
    if (!run->calls || run->parked || run->concluded || !request)
        return KOINE_WRONG_STATE;
    if (host->parked >= host->limits.parked_runs)
        return KOINE_REFUSED;
    if (!timeout_ms || timeout_ms > host->limits.parked_timeout_ms)
        timeout_ms = host->limits.parked_timeout_ms;
    timed_set(host, &run->deadline, timeout_ms, on_parked_too_long, run);
    run->parked = true;
    host->parked++;
    run->request = NULL;
    run->stream_full = false;
    request->run = NULL; /* the slot goes back when the request ends */
    return KOINE_OK;
}

int32_t run_adopt(struct run *run, struct koine_test_answer *request, koine_run_callback on_event,
                  void *data, struct koine_failure *failure) {
    if (!run->parked || run->reason || request->run)
        return KOINE_WRONG_STATE;
    if (!request->key || request->key != run->key) /* of nobodies, who knows which one it is */
        return failure_set(failure, 404, "SESSION_NOT_FOUND", "There is no such waiting run.");
    if (!slot_take(request, failure))
        return KOINE_REFUSED;
    timed_stop(run->host, &run->deadline);
    run->parked = false;
    run->host->parked--;
    run->request = request;
    request->run = run;
    run->on_event = on_event;
    run->data = data;
    run_stream_full(run, request->stream_full);
    return KOINE_OK;
}

void runs_drain(struct koine_test_host *host) {
    for (struct run *run = host->runs; run; run = run->next)
        if (run->parked)
            run_cancel(run, "shutdown");
}
