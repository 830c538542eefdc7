/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of the CLI. While no run has it, it listens itself: to the answer that it is there, and
 * to anything that nobody has asked for, which ends it.
 */
#include "runner/cli_process.h"
#include "runner/cli_input.h"
#include "runner/pool_internal.h"
#include "runner/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READY_ID "koine-ready"
/* Some programs greet on stdout; who writes more than this and has not answered is no CLI. */
#define STRAY_LIMIT_BYTES ((size_t)64 * 1024)
#define STRAY_LOGGED 3
/* The CLI exits within 50 ms of the end of its input. */
#define RETIRE_MS 1000

const char *cli_start_failure_text(enum cli_start_failure failure) {
    static const char *const texts[] = {
        [CLI_STARTED] = "The CLI has been started.",
        [CLI_NOT_FOUND] = "The CLI was not found: install Claude Code (npm install -g "
                          "@anthropic-ai/claude-code), or set runner.command.",
        [CLI_NOT_EXECUTABLE] =
            "The CLI could not be started: check that runner.command is a program "
            "and may be executed.",
        [CLI_NOT_STARTED] = "The CLI could not be started; the gateway's log says why.",
        [CLI_DIED] = "The CLI ends before it answers: run it by hand to see why; it must be Claude "
                     "Code 2.1 or later.",
        [CLI_SILENT] = "The CLI does not answer within runner.start_timeout_ms: run it by hand to "
                       "see why, or raise the limit.",
        [CLI_BABBLED] = "What was started is not Claude Code 2.1 or later: it writes what is no "
                        "message of its protocol; check runner.command.",
    };
    return texts[failure];
}

enum cli_start_failure cli_start_failure_of(int error) {
    return error == ENOENT                       ? CLI_NOT_FOUND
           : error == EACCES || error == ENOEXEC ? CLI_NOT_EXECUTABLE
                                                 : CLI_NOT_STARTED;
}

static struct log *log_of(const struct cli_process *cli) {
    return cli->pool->worker->log;
}

/* ---- its own conversation, while no run listens */

/* What it was to be initialized with ahead may be nothing that it can work with. */
static void on_own_response(void *data, const struct cli_response *response) {
    struct cli_process *cli = data;
    if (cli_process_response(cli, response->request_id) || !response->error.size)
        return;
    pool_initialized_in_vain(cli);
    cli_process_end(cli, false);
}

static void on_own_stray(void *data, struct koine_text line) {
    cli_process_stray(data, line.size);
}

/* A turn by its own decision, after a task in the background, say: it would cost money that no
 * request has asked for, and go on in a session behind its client's back. */
static void end_unasked(struct cli_process *cli) {
    log_print(log_of(cli), KOINE_LOG_WARNING, "runner",
              "a waiting process of the CLI (%d) has begun a turn by itself: it is ended",
              (int)process_pid(cli->process));
    cli_process_end(cli, false);
}

static void on_own_init(void *data, struct koine_text session_id, struct koine_text model,
                        bool takes_object) {
    (void)session_id;
    (void)model;
    (void)takes_object;
    end_unasked(data);
}

static void on_own_message(void *data, const struct koine_message *message) {
    (void)message;
    end_unasked(data);
}

static void on_own_can_use_tool(void *data, const char *request_id, struct koine_text tool,
                                struct koine_text input, struct koine_text tool_use_id) {
    (void)request_id;
    (void)tool;
    (void)input;
    (void)tool_use_id;
    end_unasked(data);
}

static void refuse(struct cli_process *cli, const char *request_id) {
    size_t size;
    char *line = cli_input_error(request_id, KOINE_TEXT("no turn is running"), &size);
    if (line)
        cli_process_write(cli, line, size);
    free(line);
}

static void on_own_mcp_message(void *data, const char *request_id, struct koine_text server,
                               struct koine_text message) {
    (void)server;
    (void)message;
    refuse(data, request_id);
}

static void on_own_unknown_request(void *data, const char *request_id, struct koine_text subtype) {
    (void)subtype;
    refuse(data, request_id);
}

static const struct cli_output_callbacks own_callbacks = {
    .init = on_own_init,
    .message = on_own_message,
    .can_use_tool = on_own_can_use_tool,
    .mcp_message = on_own_mcp_message,
    .unknown_request = on_own_unknown_request,
    .response = on_own_response,
    .stray = on_own_stray,
};

bool cli_process_response(struct cli_process *cli, const char *request_id) {
    if (strcmp(request_id, READY_ID) != 0)
        return false;
    if (!cli->ready) {
        cli->ready = true;
        pool_ready(cli);
    }
    return true;
}

bool cli_process_stray(struct cli_process *cli, size_t size) {
    size_t before = cli->stray_bytes;
    cli->stray_bytes += size + 1;
    if (before / 64 < STRAY_LOGGED)
        log_print(log_of(cli), KOINE_LOG_WARNING, "runner",
                  "the CLI wrote a line of %zu bytes that is no message of its protocol: skipped",
                  size);
    /* Of one that has answered it is noise, or a line that was cut by its death. */
    if (cli->ready || cli->stray_bytes < STRAY_LIMIT_BYTES || cli->babbled)
        return cli->babbled;
    cli->babbled = true;
    cli_process_end(cli, true);
    return true;
}

void cli_process_overdue(struct cli_process *cli) {
    cli->overdue = true;
    cli_process_end(cli, false);
}

/* ---- what the process does */

static void on_line(void *data, char *line, size_t size) {
    struct cli_process *cli = data;
    if (cli->run ? !run_takes_line(cli->run, line) : cli->state == CLI_ENDING)
        return;
    if (cli_output_line(cli->output, line, size) == 0)
        return;
    if (cli->run)
        run_short_of_memory(cli->run);
    else
        cli_process_end(cli, false);
}

/* Kept out of answers and of the default log: it could hold anything. */
static void on_error_line(void *data, const char *line, size_t size) {
    struct log *log = log_of(data);
    if (log_enabled(log, KOINE_LOG_DEBUG))
        log_print(log, KOINE_LOG_DEBUG, "runner", "the CLI says on stderr: %.*s", (int)size, line);
}

static void on_ended(void *data, const struct process_status *status) {
    pool_ended(data, status);
}

static void on_timer(evutil_socket_t fd, short what, void *data) {
    struct cli_process *cli = data;
    (void)fd;
    (void)what;
    if (cli->state == CLI_STARTING)
        cli_process_overdue(cli);
    else if (cli->state == CLI_ENDING)
        process_end(cli->process, false);
    else
        pool_timer(cli);
}

/* ---- its life */

void cli_process_destroy(struct cli_process *cli) {
    if (cli->timer)
        event_free(cli->timer);
    cli_output_destroy(cli->output);
    cli_kind_unref(cli->kind);
    free(cli->initialized);
    free(cli->settings);
    free(cli);
}

/* The path of the kind's arguments with those of the session. 0 or an errno value. */
static int spawn(struct cli_process *cli, const struct cli_session *session) {
    static const struct process_callbacks callbacks = {
        .line = on_line, .error_line = on_error_line, .ended = on_ended};
    const struct config *config = cli->pool->worker->config;
    char **arguments = cli_command_with_session(cli->kind->arguments, session);
    struct process_options options = {.path = cli->kind->path,
                                      .argv = arguments,
                                      .envp = pool_environment(cli->pool),
                                      .working_directory = cli->kind->working_directory,
                                      .max_line_bytes = config->runner.max_line_bytes,
                                      .kill_grace_ms = config->runner.kill_grace_ms,
                                      .limits = cli->pool->worker->limits};
    int error = ENOMEM;
    if (arguments)
        cli->process = process_start(cli->pool->processes, &options, &callbacks, cli, &error);
    free(arguments);
    return cli->process ? 0 : error;
}

/* Any answer will do, also that the request is not known: who answers, speaks the protocol. */
static void ask_whether_ready(struct cli_process *cli) {
    size_t size;
    char *line = cli_input_request(READY_ID, "get_binary_version", &size);
    if (!line || cli_process_write(cli, line, size) == KOINE_NO_MEMORY)
        cli_process_end(cli, true); /* else a CLI that is gone already says so by its end */
    free(line);
}

struct cli_process *cli_process_start(struct pool *pool, struct cli_kind *kind,
                                      const struct cli_session *session, int *error) {
    struct cli_process *cli = calloc(1, sizeof(*cli));
    *error = ENOMEM;
    if (!cli)
        return NULL;
    cli->pool = pool;
    cli->kind = cli_kind_ref(kind);
    cli->timer = evtimer_new(pool->worker->base, on_timer, cli);
    cli->output = cli_output_create(&own_callbacks, cli);
    memcpy(cli->session_id, session->id.data, SESSION_ID_SIZE - 1);
    cli->started_ms = cli->used_ms = worker_now_ms();
    if (!cli->timer || !cli->output || (*error = spawn(cli, session))) {
        cli_process_destroy(cli);
        return NULL;
    }
    pool_add(pool, cli);
    cli_process_set_timer(cli, pool_start_timeout_ms(pool));
    ask_whether_ready(cli);
    return cli;
}

int cli_process_write(struct cli_process *cli, const char *bytes, size_t size) {
    return process_write(cli->process, (struct koine_text){bytes, size});
}

int cli_process_write_long(struct cli_process *cli, struct koine_text head, char *line,
                           size_t size) {
    return process_write_long(cli->process, head, line, size);
}

int cli_process_initialize(struct cli_process *cli, const char *line, const char *text) {
    if (cli->initialized)
        return KOINE_OK;
    cli->initialized = strdup(text);
    if (!cli->initialized)
        return KOINE_NO_MEMORY;
    return *line ? cli_process_write(cli, line, strlen(line)) : KOINE_OK;
}

void cli_process_attach(struct cli_process *cli, struct run *run) {
    cli->run = run;
    cli->used_ms = worker_now_ms();
    cli_process_set_timer(cli, 0);
    cli_output_reset(cli->output);
    cli_output_listen(cli->output, run_output_callbacks(run), run);
    pool_set_state(cli, CLI_RUNNING);
}

void cli_process_detach(struct cli_process *cli, enum cli_state state) {
    cli->run = NULL;
    cli->used_ms = worker_now_ms();
    cli_output_listen(cli->output, &own_callbacks, cli);
    if (cli->state != CLI_ENDING)
        pool_set_state(cli, state);
}

void cli_process_set_timer(struct cli_process *cli, uint64_t after_ms) {
    struct timeval wait = {(time_t)(after_ms / 1000), (suseconds_t)(after_ms % 1000) * 1000};
    if (after_ms)
        evtimer_add(cli->timer, &wait);
    else
        evtimer_del(cli->timer);
}

void cli_process_retire(struct cli_process *cli) {
    if (cli->state == CLI_ENDING)
        return;
    pool_set_state(cli, CLI_ENDING);
    process_resume(cli->process);
    process_close_input(cli->process);
    cli_process_set_timer(cli, RETIRE_MS);
}

void cli_process_end(struct cli_process *cli, bool at_once) {
    if (cli->state != CLI_ENDING)
        pool_set_state(cli, CLI_ENDING);
    cli_process_set_timer(cli, 0);
    process_end(cli->process, at_once);
}
