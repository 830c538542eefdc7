/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a run, shared by the files of the runner and by nobody else. */
#ifndef RUNNER_RUN_H
#define RUNNER_RUN_H

#include "modules/handles.h"
#include "policy/session_id.h"
#include "runner/cli_output.h"
#include "runner/mcp_server.h"
#include "runner/runner.h"

struct runner {
    struct worker *worker;
    struct process_host *processes;
    struct handles *runs;
    struct handles *calls;
    char *cli_path;
    size_t parked;
    uint64_t last_success_ms;
};

/* The tools of one module as an MCP server of the run. */
struct run_server {
    struct module *module;
    struct mcp_tool *tools;
    const struct koine_tool **offered; /* per tool: of the extension; NULL: a tool of the run */
    size_t count;
};

/* A tool call that waits for its result. */
struct run_call {
    struct run_call *next;
    struct run *run;
    struct module *module; /* who may answer */
    uint64_t handle;
    char *request_id; /* of the control request */
    char *rpc_id;     /* of the JSON-RPC request */
};

struct run {
    struct runner *runner;
    uint64_t handle;
    struct request *request; /* NULL: parked, or released */
    struct module *module;
    struct key *key;
    struct tool_policy *policy;
    koine_run_callback on_event;
    void *data;
    uint32_t flags; /* KOINE_RUN_… */
    bool wants_object;
    bool limits_tokens;
    char session_id[SESSION_ID_SIZE];

    struct run_start *start; /* how to start the process; NULL once that is done */
    uint64_t waits_for;      /* the run of the same session that must end first; 0: none */
    bool announced;          /* SESSION has been delivered */
    struct process *process; /* NULL before the start and once it has ended */
    struct cli_output *output;
    struct event *begin;    /* says SESSION from the loop */
    struct event *watchdog; /* first byte, then silence, then the end after the result */
    struct event *deadline; /* timeout_ms of the request; while parked, the parking */
    uint64_t started_ms;
    double earlier_cost_usd; /* of the session's turns before this run */
    bool spoken;             /* the CLI has written a line */

    bool concluded;     /* RESULT or FAILURE has been delivered, or nobody wants one */
    bool over;          /* END has been delivered */
    const char *reason; /* for END; constant */
    bool user_paused, stream_full, parked, reading_paused;

    char *text; /* of the running message, kept only with limits_tokens */
    size_t text_size, text_capacity;
    bool limit_hit; /* max_tokens ended a message: its text is the answer */
    char *limit_model;
    struct koine_usage limit_usage;

    struct run_server *servers;
    size_t server_count;
    struct run_call *calls;
};

/* run.c */
void run_emit(struct run *run, struct koine_run_event *event);
void run_fail(struct run *run, int status, const char *code, const char *message);
void run_end(struct run *run, const char *reason); /* ends the process; END follows */
void run_lost(struct run *run); /* the runner goes, the process is gone: END, then freed */
void run_update_reading(struct run *run);
void run_watch(struct run *run, uint32_t after_ms);
int run_write(struct run *run, char *line, size_t size); /* takes the line */
void run_free(struct run *run);
extern const struct process_callbacks run_process_callbacks;
/* What a run listens to: less when nobody wants its tools, so less is parsed. */
const struct cli_output_callbacks *run_output_callbacks(const struct run *run);
void run_on_begin(evutil_socket_t fd, short what, void *data);
void run_on_watchdog(evutil_socket_t fd, short what, void *data);
void run_on_deadline(evutil_socket_t fd, short what, void *data);

/* launch.c */
const char *run_working_directory(const struct run *run);
int run_launch_prepare(struct run *run, const struct koine_run_options *options,
                       const struct config_profile *profile, struct koine_failure *failure);
int run_launch(struct run *run); /* 0, or -1: the log says why */
void run_launch_finish(struct run *run);

/* run_tools.c */
int run_tools_prepare(struct run *run, const struct koine_run_options *options,
                      struct koine_failure *failure);
char *run_tools_rules(const struct run *run); /* "mcp__a__b,…" to pre-approve; malloc'd */
void run_tools_finish(struct run *run);
void run_call_remove(struct run_call *call); /* takes it off its run, ends its handle, frees it */
void run_on_can_use_tool(void *data, const char *request_id, struct koine_text tool,
                         struct koine_text input, struct koine_text tool_use_id);
void run_on_mcp_message(void *data, const char *request_id, struct koine_text server,
                        struct koine_text message);

/* run_result.c */
void run_on_result(void *data, const struct cli_result *result);

#endif
