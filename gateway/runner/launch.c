/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a run's process, in two steps: everything is made and checked while the client can
 * still be refused; the process starts then, or when an earlier run of its session has ended.
 */
#include "modules/module.h"
#include "runner/cli_command.h"
#include "runner/cli_input.h"
#include "runner/run.h"
#include "runner/transcript.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_start {
    char *path;
    char **argv;
    char **envp;
    char
        *input; /* the lines that the CLI is to find on its stdin; it reads them when it is ready */
    size_t input_size;
    char resumed[SESSION_ID_SIZE]; /* the session that is continued, "" for a new one */
};

void run_launch_finish(struct run *run) {
    struct run_start *start = run->start;
    run->start = NULL;
    if (!start)
        return;
    free(start->path);
    free(start->argv);
    free(start->envp);
    free(start->input);
    free(start);
}

const char *run_working_directory(const struct run *run) {
    return run->key && run->key->config->working_directory
               ? run->key->config->working_directory
               : run->runner->worker->config->runner.working_directory;
}

static int32_t out_of_memory(struct koine_failure *failure) {
    failure_set(failure, 500, "INTERNAL_ERROR", "The gateway is out of memory.");
    return KOINE_NO_MEMORY;
}

static void log_spawn_error(struct run *run, int error) {
    struct worker *worker = run->runner->worker;
    log_print(worker->log, KOINE_LOG_ERROR, "runner", "the CLI (%s) cannot be started: %s",
              worker->config->runner.command, strerror(error));
    if (error == ENOENT || error == EACCES) { /* perhaps it has been installed anew elsewhere */
        free(run->runner->cli_path);
        run->runner->cli_path = NULL;
    }
}

/* ---- preparing */

static int32_t make_command(struct run *run, const struct koine_run_options *options,
                            const struct config_profile *profile, struct koine_failure *failure) {
    struct worker *worker = run->runner->worker;
    struct koine_text id = {run->session_id, strlen(run->session_id)};
    struct cli_problem problem = {0};
    char *rules = run_tools_rules(run);
    struct cli_command_options command = {
        .path = run->start->path,
        .profile = profile,
        .policy = run->policy,
        .session_id = id,
        .fork = (options->flags & KOINE_RUN_FORK) != 0,
        .model = options->model,
        .effort = options->effort,
        .max_turns = options->max_turns,
        .max_budget_usd = options->max_budget_usd,
        .host_tools = rules,
    };
    if (options->session_id.data)
        command.resume_id = options->session_id;
    else if (options->history.data) /* the transcript that has been written stands under this id */
        command.resume_id = id;
    if (rules) {
        run->start->argv = cli_command_arguments(&command, &problem);
        run->start->envp =
            cli_command_environment(worker->config, worker->environment, options->max_tokens);
    }
    free(rules);
    if (run->start->argv && run->start->envp)
        return KOINE_OK;
    return problem.field ? failure_issue(run->request, failure, problem.field, problem.message)
                         : out_of_memory(failure);
}

static char *make_initialize(const struct run *run, const struct koine_run_options *options,
                             size_t *size) {
    struct koine_text *names = calloc(run->server_count + 1, sizeof(*names));
    if (!names)
        return NULL;
    for (size_t i = 0; i < run->server_count; i++) {
        const char *name = module_name(run->servers[i].module);
        names[i] = (struct koine_text){name, strlen(name)};
    }
    char *line = cli_input_initialize("initialize", options->system, options->append_system,
                                      options->schema, names, run->server_count, size);
    free(names);
    return line;
}

static int32_t make_input(struct run *run, const struct koine_run_options *options,
                          const struct config_profile *profile, struct koine_failure *failure) {
    struct run_start *start = run->start;
    size_t first_size = 0, turn_size = 0;
    bool initialize = options->system.data || options->append_system.data || options->schema.data ||
                      run->server_count;
    char *first = initialize ? make_initialize(run, options, &first_size) : NULL;
    char *turn = cli_input_user(options->prompt, options->prompt_blocks, profile->slash_commands,
                                &turn_size);
    if (turn && (first || !initialize) && (start->input = malloc(first_size + turn_size))) {
        if (first)
            memcpy(start->input, first, first_size);
        memcpy(start->input + first_size, turn, turn_size);
        start->input_size = first_size + turn_size;
    }
    free(first);
    free(turn);
    return start->input ? KOINE_OK
                        : failure_issue(run->request, failure, "prompt",
                                        "cannot be handed to the CLI: it is no valid text");
}

int run_launch_prepare(struct run *run, const struct koine_run_options *options,
                       const struct config_profile *profile, struct koine_failure *failure) {
    const char *path = runner_cli_path(run->runner);
    if (!path) {
        log_spawn_error(run, ENOENT);
        return failure_set(failure, 500, "SPAWN_ERROR",
                           "The CLI could not be started; the gateway's log says why.");
    }
    run->start = calloc(1, sizeof(*run->start));
    if (!run->start || !(run->start->path = strdup(path)))
        return out_of_memory(failure);
    if (options->session_id.data)
        snprintf(run->start->resumed, SESSION_ID_SIZE, "%.*s", (int)options->session_id.size,
                 options->session_id.data);
    int32_t result = make_command(run, options, profile, failure);
    return result == KOINE_OK ? make_input(run, options, profile, failure) : result;
}

/* ---- starting */

static void read_earlier_cost(struct run *run) {
    struct koine_text id = {run->start->resumed, strlen(run->start->resumed)};
    char *path =
        id.size ? transcript_path(run->runner->worker->environment, run_working_directory(run), id)
                : NULL;
    if (path)
        run->earlier_cost_usd = transcript_cost(path);
    free(path);
}

int run_launch(struct run *run) {
    const struct config *config = run->runner->worker->config;
    struct run_start *start = run->start;
    struct process_options process = {.path = start->path,
                                      .argv = start->argv,
                                      .envp = start->envp,
                                      .working_directory = run_working_directory(run),
                                      .max_line_bytes = config->runner.max_line_bytes,
                                      .kill_grace_ms = config->runner.kill_grace_ms,
                                      .limits = run->runner->worker->limits};
    int error = 0;
    read_earlier_cost(run);
    run->waits_for = 0;
    run->process =
        process_start(run->runner->processes, &process, &run_process_callbacks, run, &error);
    if (run->process) {
        /* a CLI that is gone already says so by its end */
        process_write(run->process, (struct koine_text){start->input, start->input_size});
        run_watch(run, config->runner.first_byte_timeout_ms);
        run_update_reading(run);
    } else {
        log_spawn_error(run, error);
    }
    run_launch_finish(run);
    return run->process ? 0 : -1;
}
