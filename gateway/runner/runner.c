/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts runs: checks what a client asked for, finds the session, takes the slot, starts the CLI
 * and writes the first lines. One process a run; a pool would hand out a waiting one in launch().
 */
#include "runner/runner.h"
#include "modules/module.h"
#include "runner/cli_command.h"
#include "runner/run.h"
#include "runner/transcript.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void log_process(void *data, int level, const char *message) {
    struct runner *runner = data;
    log_print(runner->worker->log, level, "runner", "%s", message);
}

struct runner *runner_create(struct worker *worker) {
    struct runner *runner = calloc(1, sizeof(*runner));
    if (!runner)
        return NULL;
    runner->worker = worker;
    runner->runs = handles_create(2);
    runner->calls = handles_create(3);
    runner->processes = process_host_create(worker->base, log_process, runner);
    if (!runner->runs || !runner->calls || !runner->processes) {
        runner_destroy(runner);
        return NULL;
    }
    return runner;
}

void runner_destroy(struct runner *runner) {
    if (!runner)
        return;
    process_host_destroy(runner->processes); /* no callbacks: the runs are freed here */
    size_t position = 0;
    void *object;
    while (runner->runs && handles_next(runner->runs, &position, &object)) {
        struct run *run = object;
        run_lost(run);
    }
    handles_destroy(runner->runs);
    handles_destroy(runner->calls);
    free(runner->cli_path);
    free(runner);
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

struct module *run_module(const struct run *run) {
    return run->module;
}

/* ---- checks of what a client asked for */

static int32_t check_json(struct request *request, struct koine_text text, bool array,
                          const char *field, struct koine_failure *failure) {
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL; /* integers of any size */
    json_t *value = text.size ? json_loadb(text.data, text.size, flags, NULL) : NULL;
    bool good = array ? json_is_array(value) && json_array_size(value) : json_is_object(value);
    json_decref(value);
    if (good)
        return KOINE_OK;
    return failure_issue(request, failure, field,
                         array ? "must be a JSON array that is not empty"
                               : "must be a JSON Schema object");
}

static int32_t check_prompt(struct request *request, const struct koine_run_options *options,
                            struct koine_failure *failure) {
    if (options->prompt_blocks.data)
        return check_json(request, options->prompt_blocks, true, "prompt", failure);
    if (!options->prompt.size)
        return failure_issue(request, failure, "prompt", "must not be empty");
    return KOINE_OK;
}

static int32_t check_history(struct request *request, const struct koine_run_options *options,
                             struct koine_failure *failure) {
    char path[128], message[256];
    if (!options->history.data)
        return KOINE_OK;
    if (options->session_id.data)
        return failure_issue(request, failure, "history", "cannot stand together with sessionId");
    if (transcript_check(options->history, path, sizeof(path), message, sizeof(message)))
        return failure_issue(request, failure, path, message);
    return KOINE_OK;
}

static int32_t check_values(struct request *request, const struct koine_run_options *options,
                            struct koine_failure *failure) {
    struct cli_problem problem = {0};
    if ((options->model.data && !cli_valid_model(options->model, &problem)) ||
        (options->effort.data && !cli_valid_effort(options->effort, &problem)))
        return failure_issue(request, failure, problem.field, problem.message);
    if (!(options->max_budget_usd >= 0) || options->max_budget_usd > 1e9)
        return failure_issue(request, failure, "maxBudgetUsd", "must be a positive number");
    if (options->schema.data && check_json(request, options->schema, false, "schema", failure))
        return KOINE_REFUSED;
    if ((options->flags & KOINE_RUN_FORK) && !options->session_id.data)
        return failure_issue(request, failure, "forkSession", "needs a sessionId to continue");
    return KOINE_OK;
}

static const struct config_profile *find_profile(struct request *request, struct koine_text name,
                                                 struct koine_failure *failure) {
    const struct config *config = request->worker->config;
    if (!name.data)
        name = KOINE_TEXT("full");
    for (size_t i = 0; i < config->profile_count; i++) {
        const struct config_profile *profile = &config->profiles[i];
        if (strlen(profile->name) != name.size || memcmp(profile->name, name.data, name.size) != 0)
            continue;
        if (!request->key || key_may_use_profile(request->key, name))
            return profile;
        failure_set(failure, 403, "AUTH_ERROR", "This key may not use this profile.");
        return NULL;
    }
    failure_issue(request, failure, "profile", "is no profile of this gateway's configuration");
    return NULL;
}

/*
 * Two turns of one session at a time would lose one of them. A run that has given its result still
 * writes the conversation down (2.1.197 does so after the result): the next turn waits for its end.
 */
static bool session_is_busy(struct run *next, struct koine_text id) {
    size_t position = 0;
    void *object;
    while (handles_next(next->runner->runs, &position, &object)) {
        const struct run *run = object;
        if (strlen(run->session_id) != id.size ||
            strncasecmp(run->session_id, id.data, id.size) != 0)
            continue;
        if (!run->concluded || run->reason)
            return true;
        next->waits_for = run->handle;
    }
    return false;
}

/* Sets run->session_id; a new one unless a session is continued. */
static int32_t choose_session(struct run *run, const struct koine_run_options *options,
                              struct koine_failure *failure) {
    struct worker *worker = run->runner->worker;
    const char *owner = run->key ? run->key->config->name : "";
    if (options->session_id.data) {
        if (request_check_session(run->request, options->session_id, failure) != KOINE_OK)
            return KOINE_REFUSED;
        if (session_is_busy(run, options->session_id))
            return failure_set(failure, 409, "SESSION_BUSY",
                               "Another request of this session is still running.");
        if (!(options->flags & KOINE_RUN_FORK)) {
            memcpy(run->session_id, options->session_id.data, SESSION_ID_SIZE - 1);
            return KOINE_OK;
        }
    }
    if (session_id_make(worker->session_ids, owner, run->session_id))
        return failure_set(failure, 500, "INTERNAL_ERROR", "The system gave no randomness.");
    return KOINE_OK;
}

/* ---- the start */

static int32_t write_history(struct run *run, struct koine_text history,
                             struct koine_failure *failure) {
    struct worker *worker = run->runner->worker;
    struct koine_text id = {run->session_id, strlen(run->session_id)};
    char message[256] = "out of memory";
    char **envp = cli_command_environment(worker->config, worker->environment, 0);
    char *path = envp ? transcript_path(envp, run_working_directory(run), id) : NULL;
    free(envp);
    struct process_user_files before;
    int failed = path ? process_user_enter(process_limits_user(worker->limits), &before) : -1;
    if (path && !failed) { /* it is the CLI's file, in a directory of its user */
        failed = transcript_write(path, history, id, run_working_directory(run), message,
                                  sizeof(message));
        process_user_leave(&before);
    }
    free(path);
    if (!failed)
        return KOINE_OK;
    log_print(worker->log, KOINE_LOG_ERROR, "runner", "the history cannot be handed on: %s",
              message);
    return failure_set(failure, 500, "INTERNAL_ERROR",
                       "The history could not be handed to the CLI; the gateway's log says why.");
}

static int32_t arm(struct run *run, const struct koine_run_options *options) {
    struct worker *worker = run->runner->worker;
    run->begin = event_new(worker->base, -1, 0, run_on_begin, run);
    run->watchdog = evtimer_new(worker->base, run_on_watchdog, run);
    run->deadline = evtimer_new(worker->base, run_on_deadline, run);
    run->output = cli_output_create(run_output_callbacks(run), run);
    if (!run->begin || !run->watchdog || !run->deadline || !run->output)
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
    run->wants_object = options->schema.data != NULL;
    run->limits_tokens = options->max_tokens != 0;
    run->started_ms = worker_now_ms();
    run->handle = handles_add(runner->runs, run);
    if (!run->handle || arm(run, options) != KOINE_OK) {
        run->request = NULL;
        run_free(run);
        return NULL;
    }
    return run;
}

static int32_t check(struct request *request, const struct koine_run_options *options,
                     const struct config_profile **profile, struct koine_failure *failure) {
    if (check_prompt(request, options, failure) || check_history(request, options, failure) ||
        check_values(request, options, failure))
        return KOINE_REFUSED;
    *profile = find_profile(request, options->profile, failure);
    return *profile ? KOINE_OK : KOINE_REFUSED;
}

int runner_start(struct request *request, struct module *module,
                 const struct koine_run_options *options, koine_run_callback on_event, void *data,
                 koine_run *handle, struct koine_failure *failure) {
    const struct config_profile *profile = NULL;
    int32_t result = check(request, options, &profile, failure);
    if (result != KOINE_OK)
        return result;
    bool had_slot = request->slot_held;
    struct run *run = NULL;
    if (!request_take_slot(request, failure))
        return KOINE_REFUSED;
    run = run_create(request, module, options, on_event, data);
    if (!run) {
        failure_set(failure, 500, "INTERNAL_ERROR", "The gateway is out of memory.");
        result = KOINE_NO_MEMORY;
        goto error;
    }
    if ((result = choose_session(run, options, failure)) != KOINE_OK ||
        (result = run_tools_prepare(run, options, failure)) != KOINE_OK ||
        (options->history.data && (result = write_history(run, options->history, failure))) ||
        (result = run_launch_prepare(run, options, profile, failure)) != KOINE_OK)
        goto error;
    if (!run->waits_for && run_launch(run)) {
        result = failure_set(failure, 500, "SPAWN_ERROR",
                             "The CLI could not be started; the gateway's log says why.");
        goto error;
    }
    request->run = run;
    *handle = (koine_run){run->handle};
    event_active(run->begin, 0, 0);
    return KOINE_OK;
error:
    if (run) {
        run->request = NULL;
        run_free(run);
    }
    if (!had_slot)
        request_return_slot(request);
    return result;
}
