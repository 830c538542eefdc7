/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before a run, as a transcript that its process goes on with. Uses of tools that the
 * prompt answers are the exception: after a plain resume the CLI drops their results. Written down
 * as well, behind the message where it is told to go on, they reach the API. Where tokens are
 * counted the prompt is part of the transcript, which is removed afterwards.
 */
#include "runner/cli_command.h"
#include "runner/json_writer.h"
#include "runner/process_limits.h"
#include "runner/process_user.h"
#include "runner/run.h"
#include "runner/transcript.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file is the CLI's, in a directory of its user: 0, or -1 with `message`. */
static int write_as_its_user(const struct run *run, const char *path, struct transcript *transcript,
                             char *message, size_t size) {
    struct process_user_files before;
    const int error = process_user_enter(process_limits_user(run->runner->worker->limits), &before);
    if (error) {
        snprintf(message, size, "files cannot be written as the CLI's user: %s", strerror(error));
        return -1;
    }
    int failed = transcript_write(path, transcript, message, size);
    process_user_leave(&before);
    return failed;
}

static char *path_of(const struct run *run, const struct transcript *transcript) {
    const struct worker *worker = run->runner->worker;
    char **envp = cli_command_environment(worker->config, worker->environment);
    char *path =
        envp ? transcript_path(envp, transcript->working_directory, transcript->session_id) : NULL;
    free(envp);
    return path;
}

/* The prompt as the content of a message. malloc'd, NULL: no memory, or no text. */
static char *content_of(const struct koine_run_options *options) {
    struct json_writer content = {0};
    if (options->prompt_blocks.data) {
        json_writer_json(&content, options->prompt_blocks);
    } else {
        json_writer_literal(&content, "[{\"type\":\"text\",\"text\":");
        json_writer_string(&content, options->prompt);
        json_writer_literal(&content, "}]");
    }
    return json_writer_take(&content, NULL);
}

static int32_t fail(const struct run *run, struct koine_failure *failure, const char *message) {
    log_print(run->runner->worker->log, KOINE_LOG_ERROR, "runner",
              "the history cannot be handed on: %s", message);
    return failure_set(failure, 500, "INTERNAL_ERROR",
                       "The history could not be handed to the CLI; the gateway's log says why.");
}

int32_t run_history_write(struct run *run, const struct koine_run_options *options,
                          const json_t *messages, struct koine_failure *failure) {
    const bool counts = (options->flags & KOINE_RUN_COUNT_TOKENS) != 0;
    const bool awaits_results = !counts && transcript_awaits_results(messages);
    char message[256] = "out of memory";
    struct transcript transcript = {
        .history = options->history,
        .messages = messages,
        .session_id = {run->session_id, strlen(run->session_id)},
        .working_directory = run_working_directory(run),
        .model = model_names_find(&run->runner->model_names, options->model),
    };
    if (!options->history.data && !counts)
        return KOINE_OK;
    if (!transcript.model.data) /* perhaps a full name */
        transcript.model = options->model;
    char *content = counts || awaits_results ? content_of(options) : NULL;
    if ((counts || awaits_results) && !content)
        return failure_issue(run->request, failure, "prompt",
                             "must be UTF-8 text, or content blocks of it");
    if (content)
        transcript.prompt = (struct koine_text){content, strlen(content)};
    char *path = path_of(run, &transcript);
    int failed = path ? write_as_its_user(run, path, &transcript, message, sizeof(message)) : -1;
    if (content)
        memcpy(run->resumes_at, counts ? transcript.last : transcript.last_of_assistant,
               sizeof(run->resumes_at));
    if (counts)
        run->passing_transcript = path;
    else
        free(path);
    free(content);
    return failed ? fail(run, failure, message) : KOINE_OK;
}

void run_history_finish(struct run *run) {
    struct process_user_files before;
    if (run->passing_transcript &&
        process_user_enter(process_limits_user(run->runner->worker->limits), &before) == 0) {
        unlink(run->passing_transcript);
        process_user_leave(&before);
    }
    free(run->passing_transcript);
    run->passing_transcript = NULL;
}
