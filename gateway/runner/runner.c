/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts runs: checks what a client asked for and makes the run, which then goes on by itself
 * (run_begin.c). Owns what all runs share.
 */
#include "runner/runner.h"
#include "http/refusal_words.h"
#include "modules/module.h"
#include "runner/cli_command.h"
#include "runner/cli_profile.h"
#include "runner/run.h"
#include "runner/run_options.h"
#include "runner/runner_metrics.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void log_process(void *data, int level, const char *message) {
    struct runner *runner = data;
    log_print(runner->worker->log, level, "runner", "%s", message);
}

/* In the order in which they came. */
void runner_wake(struct runner *runner) {
    uint64_t last = 0;
    struct run *next;
    do {
        size_t position = 0;
        void *object;
        next = NULL;
        while (handles_next(runner->runs, &position, &object)) {
            struct run *run = object;
            if (run->waits != RUN_WAITS_NOT && run->number > last &&
                (!next || run->number < next->number))
                next = run;
        }
        if (next) {
            last = next->number;
            event_active(next->begin, 0, 0);
        }
    } while (next);
}

static void on_pool_changed(void *data) {
    struct runner *runner = data;
    runner_wake(runner);
    if (runner->drained && pool_is_empty(runner->pool))
        runner->drained(runner->drained_data);
}

void runner_note_start(struct runner *runner, uint64_t took_ms) {
    runner_metrics_note_start(runner, took_ms);
}

struct runner *runner_create(struct worker *worker) {
    struct runner *runner = calloc(1, sizeof(*runner));
    if (!runner)
        return NULL;
    const struct pool_callbacks callbacks = {.changed = on_pool_changed, .data = runner};
    runner->worker = worker;
    runner->runs = handles_create(2);
    runner->calls = handles_create(3);
    runner->processes = process_host_create(worker->base, log_process, runner);
    if (runner->processes)
        runner->pool = pool_create(worker, runner->processes, &callbacks);
    runner->metrics = runner_metrics_create(runner);
    if (!runner->runs || !runner->calls || !runner->pool || !runner->metrics) {
        runner_destroy(runner);
        return NULL;
    }
    return runner;
}

void runner_destroy(struct runner *runner) {
    if (!runner)
        return;
    process_host_destroy(runner->processes); /* no callbacks: all is freed here */
    pool_destroy(runner->pool);
    size_t position = 0;
    void *object;
    while (runner->runs && handles_next(runner->runs, &position, &object)) {
        struct run *run = object;
        if (!run->reason && !run->finished)
            run->reason = "cancelled";
        run_over(run, 0, run->finished ? 0 : SIGKILL);
    }
    handles_destroy(runner->runs);
    handles_destroy(runner->calls);
    runner_metrics_destroy(runner->metrics);
    free(runner->cli_path);
    free(runner);
}

/* The request that would bring the result is refused from now on. */
static void end_parked(struct runner *runner) {
    size_t position = 0;
    void *object;
    while (handles_next(runner->runs, &position, &object)) {
        struct run *run = object;
        if (run->parked)
            runner_cancel(run, "shutdown");
    }
}

void runner_drain(struct runner *runner, void (*drained)(void *data), void *data) {
    runner->drained = drained;
    runner->drained_data = data;
    end_parked(runner);
    pool_drain(runner->pool);
}

bool runner_is_drained(const struct runner *runner) {
    return pool_is_empty(runner->pool);
}

const char *runner_problem(const struct runner *runner) {
    return pool_problem(runner->pool);
}

void runner_count(const struct runner *runner, struct pool_counters *pool,
                  struct process_host_counters *processes) {
    pool_count(runner->pool, pool);
    process_host_count(runner->processes, processes);
}

struct process_host *runner_processes(struct runner *runner) {
    return runner->processes;
}

uint64_t runner_last_success_ms(const struct runner *runner) {
    return runner->last_success_ms;
}

const char *runner_cli_path(struct runner *runner) {
    if (!runner->cli_path)
        runner->cli_path =
            cli_command_find(runner->worker->config->runner.command, runner->worker->environment);
    return runner->cli_path;
}

struct run *runner_find(struct runner *runner, koine_run handle) {
    return handles_get(runner->runs, handle.id);
}

const struct handles *runner_runs(const struct runner *runner) {
    return runner->runs;
}

const struct handles *runner_calls(const struct runner *runner) {
    return runner->calls;
}

struct module *run_module(const struct run *run) {
    return run->module;
}

bool run_is_over(const struct run *run) {
    return run->over;
}

/* The policy and the profile of a key's plain request, as far as they can be known. Tools that
 * modules offer to every run are said through the protocol: they make no difference here. */
void runner_expect_usual(struct runner *runner) {
    struct worker *worker = runner->worker;
    struct key *key = keys_only(worker->keys);
    const char *path = runner_cli_path(runner);
    struct koine_text name = cli_profile_default(key);
    struct cli_problem problem;
    if (!key || !path || !worker->config->pool.warm)
        return;
    const struct cli_command_options command = {.path = path,
                                                .profile = cli_profile_named(worker->config, name),
                                                .policy = key->policy,
                                                .base = key->policy};
    const char *directory = key->config->working_directory
                                ? key->config->working_directory
                                : worker->config->runner.working_directory;
    struct cli_kind *kind = cli_kind_create(&command, key->config->name, directory, &problem);
    if (kind)
        pool_expect(runner->pool, kind);
    cli_kind_unref(kind);
}

/* ---- checks of what a client asked for */

/* Sets run->session_id; a new one unless a session is continued. */
static int32_t choose_session(struct run *run, const struct koine_run_options *options,
                              struct koine_failure *failure) {
    struct worker *worker = run->runner->worker;
    const char *owner = run->key ? run->key->config->name : "";
    run->forks = (options->flags & KOINE_RUN_FORK) != 0;
    if (options->session_id.data) {
        if (request_check_session(run->request, options->session_id, failure) != KOINE_OK)
            return KOINE_REFUSED;
        memcpy(run->continued, options->session_id.data, SESSION_ID_SIZE - 1);
        if (!run->forks) {
            memcpy(run->session_id, run->continued, SESSION_ID_SIZE);
            return KOINE_OK;
        }
    }
    if (session_id_make(worker->session_ids, owner, run->session_id))
        return failure_set(failure, 500, "INTERNAL_ERROR", "The system gave no randomness.");
    return KOINE_OK;
}

/* ---- the start */

static int32_t arm(struct run *run, const struct koine_run_options *options) {
    struct worker *worker = run->runner->worker;
    run->begin = event_new(worker->base, -1, 0, run_on_begin, run);
    run->watchdog = evtimer_new(worker->base, run_on_watchdog, run);
    run->deadline = evtimer_new(worker->base, run_on_deadline, run);
    if (!run->begin || !run->watchdog || !run->deadline)
        return KOINE_NO_MEMORY;
    if (options->timeout_ms) {
        struct timeval wait = {options->timeout_ms / 1000,
                               (suseconds_t)(options->timeout_ms % 1000) * 1000};
        evtimer_add(run->deadline, &wait);
    }
    return KOINE_OK;
}

static struct run *run_create(struct request *request, struct module *module,
                              const struct koine_run_options *options, koine_run_callback on_event,
                              void *data) {
    struct runner *runner = request->worker->runner;
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        return NULL;
    run->runner = runner;
    run->request = request;
    run->module = module;
    run->key = request->key;
    run->policy = tool_policy_ref(request->policy);
    run->on_event = on_event;
    run->data = data;
    run->flags = options->flags;
    if (options->model.size < sizeof(run->asked_model) && options->model.size)
        memcpy(run->asked_model, options->model.data, options->model.size);
    run->wants_object = options->schema.data != NULL;
    run->limits_tokens = options->max_tokens != 0;
    run->started_ms = worker_now_ms();
    run->number = ++runner->run_count;
    run->handle = handles_add(runner->runs, run);
    if (!run->handle || arm(run, options) != KOINE_OK) {
        run->request = NULL;
        run_free(run);
        return NULL;
    }
    return run;
}

static int32_t start(struct request *request, struct module *module,
                     const struct koine_run_options *options, const json_t *messages,
                     koine_run_callback on_event, void *data, koine_run *handle,
                     struct koine_failure *failure) {
    const struct config_profile *profile = cli_profile_choose(request, options->profile, failure);
    bool had_slot = request->slot_held;
    int32_t result;
    if (!profile)
        return KOINE_REFUSED;
    struct run *run = run_create(request, module, options, on_event, data);
    if (!run) {
        failure_set(failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
        return KOINE_NO_MEMORY;
    }
    if ((result = choose_session(run, options, failure)) != KOINE_OK ||
        (result = run_tools_prepare(run, options, failure)) != KOINE_OK ||
        (result = run_history_write(run, options, messages, failure)) != KOINE_OK ||
        (result = run_launch_prepare(run, options, profile, failure)) != KOINE_OK ||
        (result = run_advance(run, failure)) != KOINE_OK)
        goto error;
    request->run = run;
    *handle = (koine_run){run->handle};
    if (run->launched)
        event_active(run->begin, 0, 0);
    return KOINE_OK;
error:
    run->request = NULL;
    run_free(run);
    if (!had_slot)
        request_return_slot(request);
    return result;
}

int runner_start(struct request *request, struct module *module,
                 const struct koine_run_options *options, koine_run_callback on_event, void *data,
                 koine_run *handle, struct koine_failure *failure) {
    struct run_options_problem problem;
    json_t *messages;
    if (!run_options_check(options, &messages, &problem))
        return failure_issue(request, failure, problem.field, problem.message);
    int32_t result = start(request, module, options, messages, on_event, data, handle, failure);
    json_decref(messages);
    return result;
}
