/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process of the CLI that speaks the two-way protocol, from its start to its end, whoever uses
 * it meanwhile: nobody while it waits, a run while it does a turn. Which process does whose turn is
 * the pool's affair.
 *
 *   starting ──answers──▶ warm ──a run takes it──▶ running ──turn over──▶ idle ──next turn──▶
 * running │                                             │                     │
 *      └─────────────────────────── ending ◀─────────┴─────────────────────┘
 *
 * A run may also take a process that is starting: it is then running although it has not answered.
 */
#ifndef RUNNER_CLI_PROCESS_H
#define RUNNER_CLI_PROCESS_H

#include "policy/session_id.h"
#include "runner/cli_kind.h"
#include "runner/cli_output.h"
#include "runner/process.h"
#include <event2/event.h>
#include <time.h>

struct pool;
struct run;

enum cli_state { CLI_STARTING, CLI_WARM, CLI_RUNNING, CLI_IDLE, CLI_ENDING };
enum { CLI_STATES = CLI_ENDING + 1 };

/* Why a process did not get as far as answering; of a constant sentence each. */
enum cli_start_failure {
    CLI_STARTED,
    CLI_NOT_FOUND,
    CLI_NOT_EXECUTABLE,
    CLI_NOT_STARTED, /* another error of the system */
    CLI_DIED,        /* it ended before it answered */
    CLI_SILENT,      /* no answer within start_timeout_ms */
    CLI_BABBLED      /* it wrote what is no message of the protocol */
};
/* For clients and /health: what is wrong and what to do; names no path and no secret. */
const char *cli_start_failure_text(enum cli_start_failure failure);
enum cli_start_failure cli_start_failure_of(int error); /* of a start; an errno value */

struct cli_process {
    struct pool *pool;
    struct cli_process *next, *previous; /* of the pool */
    struct cli_kind *kind;
    struct process *process; /* NULL only while it is freed */
    struct cli_output *output;
    struct run *run; /* whose turn it does */
    enum cli_state state;
    bool resumes; /* it goes on with a session, which may not be there */
    bool limited; /* its last turn had a limit of answers of its own */
    bool ready;   /* it has answered: it runs and speaks the protocol */
    bool overdue; /* ended by us because it had not answered in time */
    bool babbled; /* ended by us because it wrote nonsense */
    char session_id[SESSION_ID_SIZE];
    char *initialized;       /* what it has been initialized with ("" for nothing); NULL: not yet */
    char *settings;          /* the settings that are in force; NULL: none were sent */
    double total_cost_usd;   /* that its session had cost when its last turn ended */
    struct timespec left_at; /* when its last turn ended, by the clock of files */
    unsigned turns;          /* that have ended */
    uint64_t started_ms;     /* when it was started */
    uint64_t used_ms;        /* when it was asked for, or has last done something */
    size_t stray_bytes;      /* of lines that are no messages, since the start */
    struct event *timer;     /* while no run has it: to answer, to be used, to end */
};

/*
 * Starts a process with its session's flags and asks it to answer. NULL with `*error` an errno
 * value. The id of the session is the caller's; `session->id` is what the process will have.
 */
struct cli_process *cli_process_start(struct pool *pool, struct cli_kind *kind,
                                      const struct cli_session *session, int *error);

/* Frees the record of a process that has ended. */
void cli_process_destroy(struct cli_process *cli);

/* Queues bytes for its stdin. KOINE_OK, KOINE_GONE, KOINE_NO_MEMORY. */
int cli_process_write(struct cli_process *cli, const char *bytes, size_t size);
/* The same, and then `line` (malloc'd, long), which is taken over and not copied. */
int cli_process_write_long(struct cli_process *cli, struct koine_text head, char *line,
                           size_t size);

/* Sends `line` (initialize) unless it has been initialized; it is from then on so with `text`. */
int cli_process_initialize(struct cli_process *cli, const char *line, const char *text);

/* Gives its lines to a run, for one turn, and takes them back. */
void cli_process_attach(struct cli_process *cli, struct run *run);
void cli_process_detach(struct cli_process *cli, enum cli_state state);

/* Lets it end by itself: the end of its input, then after a while the end of its tree. A CLI that
 * is killed leaves files behind, and 2.1.197 writes a turn down some 60 ms after its result. */
void cli_process_retire(struct cli_process *cli);
/* Ends its tree: SIGTERM, then SIGKILL; with `at_once` SIGKILL. */
void cli_process_end(struct cli_process *cli, bool at_once);

/* Sets its timer, while no run has it; 0: off. */
void cli_process_set_timer(struct cli_process *cli, uint64_t after_ms);

/* From the run's listener: an answer to a control request. True: it was the process's own. */
bool cli_process_response(struct cli_process *cli, const char *request_id);
/* … a line that is no message. True: it has written too many, and is being ended. */
bool cli_process_stray(struct cli_process *cli, size_t size);
/* The time to answer is over: it is ended for that. */
void cli_process_overdue(struct cli_process *cli);

#endif
