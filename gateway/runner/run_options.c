/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what a client asked for, one option after the other. */
#include "runner/run_options.h"
#include "module/json_outline.h"
#include "runner/cli_command.h"
#include "runner/transcript.h"
#include <jansson.h>
#include <stdio.h>

/* Returns false, so that it can stand in a return statement. */
static bool refuse(struct run_options_problem *problem, const char *field, const char *message) {
    snprintf(problem->field, sizeof(problem->field), "%s", field);
    snprintf(problem->message, sizeof(problem->message), "%s", message);
    return false;
}

static bool check_json(struct koine_text text, bool array, const char *field,
                       struct run_options_problem *problem) {
    const size_t flags = JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL; /* integers of any size */
    json_t *value = text.size ? json_load_outline(text, flags, NULL) : NULL;
    bool good = array ? json_is_array(value) && json_array_size(value) : json_is_object(value);
    json_decref(value);
    return good || refuse(problem, field,
                          array ? "must be a JSON array that is not empty"
                                : "must be a JSON Schema object");
}

static bool check_prompt(const struct koine_run_options *options,
                         struct run_options_problem *problem) {
    if (options->prompt_blocks.data)
        return check_json(options->prompt_blocks, true, "prompt", problem);
    return options->prompt.size || refuse(problem, "prompt", "must not be empty");
}

static bool check_history(const struct koine_run_options *options, json_t **messages,
                          struct run_options_problem *problem) {
    if (!options->history.data)
        return true;
    if (options->session_id.data)
        return refuse(problem, "history", "cannot stand together with sessionId");
    *messages = transcript_messages(options->history);
    return !transcript_check(options->history, *messages, options->prompt_blocks, problem->field,
                             sizeof(problem->field), problem->message, sizeof(problem->message));
}

static bool check_values(const struct koine_run_options *options,
                         struct run_options_problem *problem) {
    struct cli_problem value = {0};
    if ((options->model.data && !cli_valid_model(options->model, &value)) ||
        (options->effort.data && !cli_valid_effort(options->effort, &value)))
        return refuse(problem, value.field, value.message);
    if (!(options->max_budget_usd >= 0) || options->max_budget_usd > 1e9)
        return refuse(problem, "maxBudgetUsd", "must be a positive number");
    if (options->schema.data && !check_json(options->schema, false, "schema", problem))
        return false;
    if ((options->flags & KOINE_RUN_COUNT_TOKENS) && options->session_id.data)
        return refuse(problem, "sessionId", "cannot be given where tokens are counted");
    if ((options->flags & KOINE_RUN_COUNT_TOKENS) && options->schema.data)
        return refuse(problem, "schema", "cannot be given where tokens are counted");
    if ((options->flags & KOINE_RUN_FORK) && !options->session_id.data)
        return refuse(problem, "forkSession", "needs a sessionId to continue");
    return true;
}

bool run_options_check(const struct koine_run_options *options, json_t **messages,
                       struct run_options_problem *problem) {
    *messages = NULL;
    if (check_prompt(options, problem) && check_history(options, messages, problem) &&
        check_values(options, problem))
        return true;
    json_decref(*messages);
    *messages = NULL;
    return false;
}
