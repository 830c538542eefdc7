/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a run, shared by the files of the runner and by nobody else. */
#ifndef RUNNER_RUN_H
#define RUNNER_RUN_H

#include "modules/handles.h"
#include "policy/session_id.h"
#include "runner/cli_output.h"
#include "runner/mcp_server.h"
#include "runner/model_names.h"
#include "runner/pool.h"
#include "runner/runner.h"
#include <jansson.h>

struct runner {
    struct worker *worker;
    struct process_host *processes;
    struct pool *pool;
    struct handles *runs;
    struct handles *calls;
    char *cli_path;
    size_t parked;
    struct model_names model_names;
    uint64_t last_success_ms;
    uint64_t run_count;             /* of all runs so far: tells who came first */
    struct runner_metrics *metrics; /* of runner_metrics.c */
    void (*drained)(void *data); /* called when the last process has ended; used while draining */
    void *drained_data;
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
    const char *tool; /* its name, the run's */
    char *request_id; /* of the control request */
    char *rpc_id;     /* of the JSON-RPC request */
};

/* What a run that has no process yet waits for. */
enum run_wait {
    RUN_WAITS_NOT,
    RUN_WAITS_FOR_SESSION, /* another run does a turn of it */
    RUN_WAITS_FOR_SLOT,
    RUN_WAITS_FOR_PROCESS /* one must end first: of this session, or to make room */
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
    uint32_t flags;                     /* KOINE_RUN_… */
    char asked_model[MODEL_NAME_BYTES]; /* "": none, or too long a name */
    bool wants_object;
    bool limits_tokens;
    char session_id[SESSION_ID_SIZE];

    struct run_start *start;          /* what it needs to begin; NULL once its process has it */
    uint64_t number;                  /* an earlier run has a smaller one */
    char continued[SESSION_ID_SIZE];  /* the session that it goes on with, "" for a new one */
    bool forks;                       /* a copy of it */
    char resumes_at[SESSION_ID_SIZE]; /* a message of the history, where it goes on; "": its end */
    char *passing_transcript;         /* to be removed at the end; NULL: the session's own */
    enum run_wait waits;
    struct slot_waiter place; /* in the line for a slot */
    bool has_session;         /* no other run may do a turn of it until this one is over */
    bool launched;            /* its process has its prompt */
    bool announced;           /* SESSION has been delivered */
    bool finished;            /* its process does no more for it: END comes from the loop */
    struct cli_process *cli;  /* NULL before the start and after the turn */
    struct event *begin;      /* goes on from the loop: with the start, or with the end */
    struct event *watchdog; /* waiting, the start, first byte, silence, the end after the result */
    struct event *deadline; /* timeout_ms of the request; while parked, the parking */
    uint64_t started_ms;
    double earlier_cost_usd; /* of the session's turns before this run */
    bool cost_is_sum;        /* the process counts on from them */
    bool spoken;             /* the CLI has written a line of this turn */
    bool no_memory;          /* for what the CLI said, or was to be told */
    bool interrupting;       /* the turn was asked to end: its result is waited for */

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
void run_fail_as(struct run *run, const struct koine_failure *failure);
void run_end(struct run *run, const char *reason);         /* ends the process; END follows */
void run_over(struct run *run, int exit_code, int signal); /* END, then freed */
void run_update_reading(struct run *run);
void run_watch(struct run *run, uint32_t after_ms);
void run_watch_start(struct run *run); /* until it answers, then until its first line */
int run_write(struct run *run, char *line, size_t size); /* takes the line */
void run_free(struct run *run);
void run_interrupt(struct run *run, uint32_t grace_ms); /* asks the turn to end by itself */
void run_leave(struct run *run, bool may_stay); /* the turn is over: gives the process back */
/* What its process reports. */
bool run_takes_line(struct run *run, const char *line); /* false: it is not wanted */
void run_on_ready(struct run *run);                     /* it has answered */
void run_on_process_ended(struct run *run, const struct cli_process *cli,
                          const struct process_status *status);
void run_short_of_memory(struct run *run);

/* run_events.c */
/* What a run listens to: less when nobody wants its tools, so less is parsed. */
const struct cli_output_callbacks *run_output_callbacks(const struct run *run);

/* run_begin.c */
/* As far as it gets: through the waiting lines for its session, a slot and a process, to its start.
 * KOINE_OK: it has begun, or waits. KOINE_REFUSED with `failure`. */
int32_t run_advance(struct run *run, struct koine_failure *failure);
void run_leave_line(struct run *run, enum slot_wait_end why); /* harmless where it does not stand */
void run_announce(struct run *run);                           /* says SESSION, once */
void run_on_begin(evutil_socket_t fd, short what, void *data);
void run_on_watchdog(evutil_socket_t fd, short what, void *data);
void run_on_deadline(evutil_socket_t fd, short what, void *data);

/* runner.c */
void runner_wake(struct runner *runner); /* whoever waits may look again */
void runner_note_start(struct runner *runner, uint64_t took_ms);

/* run_history.c */
/* Hands the CLI what was said before (`messages`: of run_options_check), and sets resumes_at.
 * KOINE_OK also where nothing was. */
int32_t run_history_write(struct run *run, const struct koine_run_options *options,
                          const json_t *messages, struct koine_failure *failure);

void run_history_finish(struct run *run); /* removes what was handed over for this run alone */

/* run_count.c: a run that counts tokens, with KOINE_RUN_COUNT_TOKENS */
/* What it asks in place of a turn; malloc'd, NULL: no memory. */
char *run_count_question(const struct run *run, size_t *size);
/* True: the answer was to a question of its own. */
bool run_count_on_response(struct run *run, const struct cli_response *response);

/* launch.c */
/* The names of its MCP servers, server_count of them; malloc'd, NULL: no memory. */
struct koine_text *run_server_names(const struct run *run);
const char *run_working_directory(const struct run *run);
int run_launch_prepare(struct run *run, const struct koine_run_options *options,
                       const struct config_profile *profile, struct koine_failure *failure);
/* Finds a process and hands it the turn. POOL_FAILED also when memory is short. */
enum pool_result run_launch(struct run *run, enum cli_start_failure *failure);
void run_launch_finish(struct run *run);

/* run_tools.c */
int run_tools_prepare(struct run *run, const struct koine_run_options *options,
                      struct koine_failure *failure);
/* The rules of its tools, to approve them beforehand: ["mcp__a__b",…]; malloc'd, NULL: no memory.
 */
char *run_tools_rules(const struct run *run);
/* All that a process is told of its tools, to tell two such runs apart; malloc'd. */
char *run_tools_text(const struct run *run);
/* The time of the run is over: names in the log whoever has not answered the call of a tool. */
void run_tools_complain(const struct run *run);
void run_tools_finish(struct run *run);
void run_call_remove(struct run_call *call); /* takes it off its run, ends its handle, frees it */
void run_on_mcp_message(void *data, const char *request_id, struct koine_text server,
                        struct koine_text message);

bool run_tools_has(const struct run *run, struct koine_text tool); /* by its full name */

/* run_permission.c */
void run_on_can_use_tool(void *data, const char *request_id, struct koine_text tool,
                         struct koine_text input, struct koine_text tool_use_id);

/* run_result.c */
void run_succeed(struct run *run, const struct koine_run_result *result);
void run_on_result(void *data, const struct cli_result *result);
void run_cut(struct run *run); /* maxTokens cut the answer, and no result line comes: it is given */

#endif
