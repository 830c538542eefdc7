/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before a run, as a transcript that its process goes on with. Uses of tools that the
 * prompt answers are the exception: after a plain resume the CLI drops their results. Written down
 * as well, behind the message where it is told to go on, they reach the API.
 */
#include "runner/cli_command.h"
#include "runner/process_limits.h"
#include "runner/process_user.h"
#include "runner/run.h"
#include "runner/transcript.h"
#include <stdlib.h>
#include <string.h>

/* 0, or -1 with `message`: the file is the CLI's, in a directory of its user. */
static int write_as_its_user(const struct run *run, struct transcript *transcript, char *message,
                             size_t size) {
    const struct worker *worker = run->runner->worker;
    char **envp = cli_command_environment(worker->config, worker->environment);
    char *path =
        envp ? transcript_path(envp, transcript->working_directory, transcript->session_id) : NULL;
    free(envp);
    struct process_user_files before;
    int failed = path ? process_user_enter(process_limits_user(worker->limits), &before) : -1;
    if (path && !failed) {
        failed = transcript_write(path, transcript, message, size);
        process_user_leave(&before);
    }
    free(path);
    return failed;
}

int32_t run_history_write(struct run *run, const struct koine_run_options *options,
                          struct koine_failure *failure) {
    char message[256] = "out of memory";
    struct transcript transcript = {
        .history = options->history,
        .session_id = {run->session_id, strlen(run->session_id)},
        .working_directory = run_working_directory(run),
        .model = options->model,
    };
    if (!options->history.data)
        return KOINE_OK;
    bool awaits_results = transcript_awaits_results(options->history);
    if (awaits_results)
        transcript.prompt = options->prompt_blocks;
    if (write_as_its_user(run, &transcript, message, sizeof(message)) == 0) {
        if (awaits_results)
            memcpy(run->resumes_at, transcript.last_of_assistant, sizeof(run->resumes_at));
        return KOINE_OK;
    }
    log_print(run->runner->worker->log, KOINE_LOG_ERROR, "runner",
              "the history cannot be handed on: %s", message);
    return failure_set(failure, 500, "INTERNAL_ERROR",
                       "The history could not be handed to the CLI; the gateway's log says why.");
}
