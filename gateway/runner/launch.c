/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a run's turn, in two steps: everything is made and checked while the client can
 * still be refused; a process is found for it then, or when those it has to wait for are gone.
 */
#include "http/refusal_words.h"
#include "modules/module.h"
#include "runner/cli_input.h"
#include "runner/cli_settings.h"
#include "runner/run.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run_start {
    struct pool_want want;
    char *initialize;      /* the line, or "" */
    char *initialize_text; /* the line, and what else the process is told of the run's tools */
    char *settings;        /* JSON object of apply_flag_settings; "" when nothing is to be set */
    char *turn;            /* the user's line */
    size_t turn_size;
    char id[SESSION_ID_SIZE];
    char resumed[SESSION_ID_SIZE]; /* the session that is continued, "" for a new one */
    char resumed_at[SESSION_ID_SIZE];
};

void run_launch_finish(struct run *run) {
    struct run_start *start = run->start;
    run->start = NULL;
    if (!start)
        return;
    cli_kind_unref(start->want.kind);
    free(start->initialize);
    free(start->initialize_text);
    free(start->settings);
    free(start->turn);
    free(start);
}

const char *run_working_directory(const struct run *run) {
    return run->key && run->key->config->working_directory
               ? run->key->config->working_directory
               : run->runner->worker->config->runner.working_directory;
}

/* What the request's policy was narrowed from. */
static const struct tool_policy *base_policy(const struct run *run) {
    return run->key ? run->key->policy : keys_gateway_policy(run->runner->worker->keys);
}

static int32_t out_of_memory(struct koine_failure *failure) {
    failure_set(failure, 500, "INTERNAL_ERROR", REFUSAL_NO_MEMORY);
    return KOINE_NO_MEMORY;
}

/* ---- preparing */

static int32_t refuse_without_cli(struct run *run, int error, struct koine_failure *failure) {
    const struct worker *worker = run->runner->worker;
    log_print(worker->log, KOINE_LOG_ERROR, "runner",
              "the CLI (%s) cannot be started: %s; install Claude Code (npm install -g "
              "@anthropic-ai/claude-code), or set runner.command",
              worker->config->runner.command, strerror(error));
    return failure_set(failure, 500, "SPAWN_ERROR",
                       cli_start_failure_text(cli_start_failure_of(error)));
}

static int32_t make_kind(struct run *run, const struct koine_run_options *options,
                         const struct config_profile *profile, struct koine_failure *failure) {
    struct cli_problem problem = {0};
    const char *path = runner_cli_path(run->runner);
    struct cli_command_options command = {
        .path = path,
        .profile = profile,
        .policy = run->policy,
        .base = base_policy(run),
        .model = options->model,
        .effort = options->effort,
        .max_turns = options->max_turns,
        .max_budget_usd = options->max_budget_usd,
    };
    if (!path)
        return refuse_without_cli(run, errno, failure);
    run->start->want.kind = cli_kind_create(&command, run->key ? run->key->config->name : "",
                                            run_working_directory(run), &problem);
    if (run->start->want.kind)
        return KOINE_OK;
    return problem.field ? failure_issue(run->request, failure, problem.field, problem.message)
                         : out_of_memory(failure);
}

struct koine_text *run_server_names(const struct run *run) {
    struct koine_text *names = calloc(run->server_count + 1, sizeof(*names));
    for (size_t i = 0; names && i < run->server_count; i++) {
        const char *name = module_name(run->servers[i].module);
        names[i] = (struct koine_text){name, strlen(name)};
    }
    return names;
}

static bool counts_tokens(const struct run *run) {
    return (run->flags & KOINE_RUN_COUNT_TOKENS) != 0;
}

static char *initialize_line(const struct run *run, const struct koine_run_options *options) {
    struct koine_text *names = run_server_names(run);
    size_t count = counts_tokens(run) ? 0 : run->server_count; /* see run_count_question */
    size_t size;
    if (!names)
        return NULL;
    char *line = cli_input_initialize("initialize", options->system, options->append_system,
                                      options->schema, names, count, &size);
    free(names);
    return line;
}

/* Without anything to say the CLI still answers sooner when it was initialized ahead: then it gets
 * the same line without members. Nothing of it can be told apart from none. */
static int32_t make_initialize(struct run *run, const struct koine_run_options *options,
                               struct koine_failure *failure) {
    struct run_start *start = run->start;
    bool has_something = options->system.data || options->append_system.data ||
                         options->schema.data || run->server_count;
    char *tools = run_tools_text(run);
    start->initialize = initialize_line(run, options);
    if (!start->initialize || !tools ||
        asprintf(&start->initialize_text, "%s%s", has_something ? start->initialize : "", tools) <
            0) {
        start->initialize_text = NULL;
        free(tools);
        return out_of_memory(failure);
    }
    free(tools);
    start->want.initialize = start->initialize_text;
    start->want.initialize_line = start->initialize;
    start->want.initialize_ahead = run->server_count == 0; /* nobody would answer for them yet */
    return KOINE_OK;
}

static int32_t make_settings(struct run *run, const struct koine_run_options *options,
                             struct koine_failure *failure) {
    char *allow = run_tools_rules(run);
    char *deny = tool_policy_disallowed_later(run->policy, base_policy(run));
    const struct cli_turn_settings settings = {
        .allow = allow,
        .deny = deny,
        .asks_about_bash = cli_command_asks_about_bash(run->policy),
        .max_tokens = options->max_tokens,
    };
    if (allow && deny)
        run->start->settings = cli_settings_of_turn(&settings);
    free(allow);
    free(deny);
    return run->start->settings ? KOINE_OK : out_of_memory(failure);
}

static int32_t make_turn(struct run *run, const struct koine_run_options *options,
                         const struct config_profile *profile, struct koine_failure *failure) {
    struct run_start *start = run->start;
    start->turn = counts_tokens(run) ? run_count_question(run, &start->turn_size)
                                     : cli_input_user(options->prompt, options->prompt_blocks,
                                                      profile->slash_commands, &start->turn_size);
    return start->turn ? KOINE_OK
                       : failure_issue(run->request, failure, "prompt",
                                       "cannot be handed to the CLI: it is no valid text");
}

static void choose_conversation(struct run *run, const struct koine_run_options *options) {
    struct run_start *start = run->start;
    struct cli_session *session = &start->want.session;
    snprintf(start->id, sizeof(start->id), "%s", run->session_id);
    session->id = (struct koine_text){start->id, strlen(start->id)};
    session->fork = (options->flags & KOINE_RUN_FORK) != 0;
    if (options->session_id.data) {
        snprintf(start->resumed, sizeof(start->resumed), "%s", run->continued);
        session->resume_id = (struct koine_text){start->resumed, strlen(start->resumed)};
    } else if (options->history.data || counts_tokens(run)) {
        /* the transcript that was written stands under this id */
        session->passing = counts_tokens(run);
        session->resume_id = session->id;
        start->want.resumes_own = true;
        if (*run->resumes_at) {
            memcpy(start->resumed_at, run->resumes_at, sizeof(start->resumed_at));
            session->resume_at = (struct koine_text){start->resumed_at, SESSION_ID_SIZE - 1};
        }
    }
    start->want.lifts_limit = options->max_tokens == 0;
}

int run_launch_prepare(struct run *run, const struct koine_run_options *options,
                       const struct config_profile *profile, struct koine_failure *failure) {
    run->start = calloc(1, sizeof(*run->start));
    if (!run->start)
        return out_of_memory(failure);
    choose_conversation(run, options);
    int32_t result = make_kind(run, options, profile, failure);
    if (result == KOINE_OK)
        result = make_initialize(run, options, failure);
    if (result == KOINE_OK)
        result = make_settings(run, options, failure);
    return result == KOINE_OK ? make_turn(run, options, profile, failure) : result;
}

/* ---- starting */

/* A limit of answers that the turn before had is taken back by itself: a null beside other settings
 * would also undo the limit of the environment. */
static const char lifted[] = "{\"env\":{\"CLAUDE_CODE_MAX_OUTPUT_TOKENS\":null}}";

static bool add_settings(FILE *out, const char *settings) {
    size_t size;
    char *line =
        cli_input_settings("settings", (struct koine_text){settings, strlen(settings)}, &size);
    bool good = line && fwrite(line, 1, size, out) == size;
    free(line);
    return good;
}

/* What changes a process to what this turn needs, in the order in which the CLI reads it; the
 * answers need not be waited for. */
static bool write_changes(FILE *out, const struct run_start *start, const struct cli_process *cli) {
    static const char nothing[] = "{\"permissions\":{}}";
    bool lifts = cli->limited && start->want.lifts_limit;
    const char *settings = *start->settings || !cli->settings ? start->settings : nothing;
    if (!cli->initialized && *start->initialize_text && fputs(start->initialize, out) < 0)
        return false;
    if (lifts && !add_settings(out, lifted))
        return false;
    return !*settings || (cli->settings && strcmp(cli->settings, settings) == 0) ||
           add_settings(out, settings);
}

/* Remembers what the process is told. False: no memory. */
static bool note_changes(const struct run_start *start, struct cli_process *cli) {
    char *initialized = cli->initialized ? cli->initialized : strdup(start->initialize_text);
    char *settings = *start->settings ? strdup(start->settings) : NULL;
    if (!initialized || (*start->settings && !settings)) {
        if (initialized != cli->initialized)
            free(initialized);
        free(settings);
        return false;
    }
    cli->initialized = initialized;
    free(cli->settings);
    cli->settings = settings;
    cli->limited = !start->want.lifts_limit;
    return true;
}

static void hand_over(struct run *run) {
    struct run_start *start = run->start;
    struct cli_process *cli = run->cli;
    char *text = NULL, *turn = start->turn;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool good = out && write_changes(out, start, cli);
    good = out && fclose(out) == 0 && good && note_changes(start, cli);
    if (good)
        start->turn = NULL; /* taken */
    /* a CLI that is gone already says so by its end */
    if (!good || cli_process_write_long(cli, (struct koine_text){text, size}, turn,
                                        start->turn_size) == KOINE_NO_MEMORY)
        run_short_of_memory(run);
    free(text);
}

enum pool_result run_launch(struct run *run, enum cli_start_failure *failure) {
    struct runner *runner = run->runner;
    struct cli_process *cli = NULL;
    enum pool_result result = pool_take(runner->pool, run, &run->start->want, &cli, failure);
    if (result != POOL_TAKEN) {
        if (result == POOL_FAILED) { /* perhaps it has been installed anew elsewhere */
            free(runner->cli_path);
            runner->cli_path = NULL;
        }
        return result;
    }
    run->cli = cli;
    run->launched = true;
    run->cost_is_sum = cli->turns > 0;
    run->earlier_cost_usd = cli->total_cost_usd;
    snprintf(run->session_id, sizeof(run->session_id), "%s", cli->session_id);
    hand_over(run);
    run_watch_start(run);
    run_update_reading(run);
    run_launch_finish(run);
    pool_fill_later(runner->pool);
    return result;
}
