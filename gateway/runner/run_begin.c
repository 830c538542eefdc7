/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a run that was accepted to the start of its turn: it may have to wait for its session, for a
 * slot and for a process, in this order, each within its time. And all that happens by time alone.
 */
#include "http/refusal_words.h"
#include "modules/module.h"
#include "runner/run.h"
#include <string.h>
#include <strings.h>

/* ---- the session */

enum session_use {
    SESSION_FREE,
    SESSION_ENDING, /* of use to nobody any more: soon free */
    SESSION_IN_USE
};

/* Two turns of one session at a time would lose one of them. Whoever waits longer goes first. */
static enum session_use use_of_session(const struct run *run) {
    enum session_use use = SESSION_FREE;
    size_t position = 0;
    void *object;
    while (*run->continued && handles_next(run->runner->runs, &position, &object)) {
        const struct run *other = object;
        bool before = other->has_session ||
                      (other->waits == RUN_WAITS_FOR_SESSION && other->number < run->number);
        if (other == run || !before || other->finished || (other->forks && !other->has_session) ||
            strcasecmp(other->session_id, run->continued) != 0)
            continue;
        if (!other->reason)
            return SESSION_IN_USE;
        use = SESSION_ENDING;
    }
    return use;
}

static void wait_for(struct run *run, enum run_wait what, uint32_t timeout_ms) {
    if (run->waits != what)
        run_watch(run, timeout_ms);
    run->waits = what;
}

/* True: it has its session. False: it waits, or is refused. */
static bool get_session(struct run *run, struct koine_failure *failure, int32_t *result) {
    const struct config *config = run->runner->worker->config;
    *result = KOINE_OK;
    switch (use_of_session(run)) {
    case SESSION_FREE:
        run->has_session = true;
        return true;
    case SESSION_ENDING:
        wait_for(run, RUN_WAITS_FOR_SESSION, config->runner.start_timeout_ms);
        return false;
    default:
        break;
    }
    if (config->sessions.wait_ms)
        wait_for(run, RUN_WAITS_FOR_SESSION, config->sessions.wait_ms);
    else
        *result = failure_set(failure, 409, "SESSION_BUSY", REFUSAL_SESSION_BUSY);
    return false;
}

/* ---- the slot */

/* From inside somebody's return of a slot: the rest comes from the loop. */
static void on_granted(void *data) {
    struct run *run = data;
    request_hold_slot(run->request);
    evtimer_del(run->watchdog);
    run->waits = RUN_WAITS_NOT;
    event_active(run->begin, 0, 0);
}

void run_leave_line(struct run *run, enum slot_wait_end why) {
    slot_wait_cancel(&run->place, why);
}

/* As get_session. */
static bool get_slot(struct run *run, struct koine_failure *failure, int32_t *result) {
    struct request *request = run->request;
    struct slot_class *class = request->route->slot_class;
    *result = KOINE_OK;
    if (!class || request->slot_held)
        return true;
    if (run->waits == RUN_WAITS_FOR_SLOT)
        return false;
    switch (slot_wait(class, request->key, &run->place, on_granted, run)) {
    case SLOT_TAKEN:
        request_hold_slot(request);
        return true;
    case SLOT_WAITING:
        wait_for(run, RUN_WAITS_FOR_SLOT, run->runner->worker->config->slots.queue_timeout_ms);
        return false;
    default:
        break;
    }
    *result = request_refuse_slot(request, failure);
    return false;
}

/* ---- the process */

static int32_t get_process(struct run *run, struct koine_failure *failure) {
    enum cli_start_failure why = CLI_NOT_STARTED;
    switch (run_launch(run, &why)) {
    case POOL_TAKEN:
        run->waits = RUN_WAITS_NOT;
        return KOINE_OK;
    case POOL_WAIT:
        wait_for(run, RUN_WAITS_FOR_PROCESS, run->runner->worker->config->runner.start_timeout_ms);
        return KOINE_OK;
    case POOL_FULL:
        return failure_set(failure, 429, "CONCURRENCY_LIMIT_ERROR", "Concurrency limit exceeded");
    default:
        return failure_set(failure, 500, "SPAWN_ERROR", cli_start_failure_text(why));
    }
}

int32_t run_advance(struct run *run, struct koine_failure *failure) {
    int32_t result = KOINE_OK;
    if (!run->has_session && !get_session(run, failure, &result))
        return result;
    if (!get_slot(run, failure, &result))
        return result;
    return get_process(run, failure);
}

static void refuse(struct run *run, const struct koine_failure *failure) {
    run->reason = failure->status == 500 ? "spawn_error" : "refused";
    run_fail_as(run, failure);
    run_over(run, -1, 0);
}

void run_announce(struct run *run) {
    struct koine_run_event event = {.type = KOINE_RUN_SESSION,
                                    .text = {run->session_id, strlen(run->session_id)}};
    if (!run->launched || run->announced)
        return;
    run->announced = true;
    if (!run->concluded)
        run_emit(run, &event);
}

/* Runs of the loop's own accord: goes on with a run that waited, says SESSION, ends a run. */
void run_on_begin(evutil_socket_t fd, short what, void *data) {
    struct run *run = data;
    struct koine_failure failure = {0};
    (void)fd;
    (void)what;
    if (run->finished || (run->reason && !run->cli)) {
        run_over(run, run->finished ? 0 : -1, 0);
        return;
    }
    if (!run->launched && run_advance(run, &failure) != KOINE_OK) {
        refuse(run, &failure);
        return;
    }
    run_announce(run);
}

/* ---- time */

static void waited_too_long(struct run *run) {
    struct koine_failure failure = {0};
    if (run->waits == RUN_WAITS_FOR_SESSION) {
        failure_set(&failure, 409, "SESSION_BUSY",
                    run->runner->worker->config->sessions.wait_ms
                        ? "Another request of this session was still running when the time to wait "
                          "for it (sessions.wait_ms) was over: send this one when that one has "
                          "ended."
                        : REFUSAL_SESSION_BUSY);
        refuse(run, &failure);
    } else if (run->waits == RUN_WAITS_FOR_SLOT) {
        run_leave_line(run, SLOT_WAIT_TIMED_OUT);
        request_refuse_slot(run->request, &failure);
        refuse(run, &failure);
    } else {
        runner_timed_out(run, "waiting for a process of the CLI (pool.max_processes)");
    }
}

void run_on_watchdog(evutil_socket_t fd, short what, void *data) {
    struct run *run = data;
    (void)fd;
    (void)what;
    if (!run->launched) {
        waited_too_long(run);
    } else if (run->interrupting) {
        run_end(run, NULL); /* it did not obey */
    } else if (run->limit_hit) {
        run_cut(run); /* nor here: but the answer is known anyway */
    } else if (!run->cli->ready) {
        run->cli->overdue = true;
        runner_timed_out(run, "the start of the CLI (runner.start_timeout_ms)");
    } else {
        runner_timed_out(run, run->spoken ? "silence of the CLI (runner.silence_timeout_ms)"
                                          : "the CLI's first line (runner.first_byte_timeout_ms)");
    }
}

void run_on_deadline(evutil_socket_t fd, short what, void *data) {
    struct run *run = data;
    (void)fd;
    (void)what;
    if (run->parked) {
        run->concluded = true;
        run_end(run, "timeout");
    } else {
        runner_timed_out(run, "the whole request (timeoutMs)");
    }
}
