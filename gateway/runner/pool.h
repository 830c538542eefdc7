/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of the CLI: started ahead for the kinds of requests that were asked for lately,
 * kept with their sessions for the next turn, and all of them within one limit. Gives a run the
 * process that suits it best; knows nothing of requests.
 */
#ifndef RUNNER_POOL_H
#define RUNNER_POOL_H

#include "runner/cli_process.h"
#include "worker.h"

/* What a run needs of a process. The texts are the caller's. */
struct pool_want {
    struct cli_kind *kind;
    const char *initialize; /* the text that it is to be initialized with; "": none */
    bool initialize_ahead;  /* a spare may be told it before anybody asks */
    const char *initialize_line;
    struct cli_session session; /* id: the one that a new process gets */
    bool resumes_own;           /* history: the session's transcript was written, no spare fits */
    bool lifts_limit;           /* no limit of answers, also where the turn before had one */
};

enum pool_result {
    POOL_TAKEN, /* `*cli` does the run's turn from now on */
    POOL_WAIT,  /* another process must end first: ask again when pool_callbacks.changed comes */
    POOL_FULL,  /* every process is at work */
    POOL_FAILED /* none could be started: `*failure` says why */
};

struct pool_callbacks {
    void (*changed)(void *data); /* a process has ended: who waits may ask again */
    void *data;
};

struct pool_counters {
    uint64_t spare_hits;     /* a run took a process that had been started ahead */
    uint64_t session_hits;   /* a turn found its session's process */
    uint64_t misses;         /* a run had to start one */
    uint64_t starts;         /* processes started */
    uint64_t start_failures; /* that did not get as far as answering */
    uint64_t last_start_ms;  /* how long the last one took to answer */
    uint64_t left_behind;    /* turns that left processes of theirs, so that the session's ended */
    uint32_t states[CLI_STATES];
    uint32_t limit; /* of processes */
};

struct pool *pool_create(struct worker *worker, struct process_host *processes,
                         const struct pool_callbacks *callbacks);
/* Forgets all processes; theirs are ended by the process host before. Takes NULL. */
void pool_destroy(struct pool *pool);
void pool_count(const struct pool *pool, struct pool_counters *counters);

/* Finds, or starts, the process for a run. */
enum pool_result pool_take(struct pool *pool, struct run *run, const struct pool_want *want,
                           struct cli_process **cli, enum cli_start_failure *failure);

/* The turn is over. With `may_stay` the process waits for the next one of its session, if it has
 * left nothing behind; else it ends. The run has nothing to do with it any more. */
void pool_give_back(struct cli_process *cli, bool may_stay);

/* Starts what is wanted ahead, as far as there is room: in the next turn of the loop, or, so that
 * it does not slow down a run that has just begun, a moment later. */
void pool_fill_soon(struct pool *pool);
void pool_fill_later(struct pool *pool);
/* A kind that is likely to be asked for. */
void pool_expect(struct pool *pool, struct cli_kind *kind);

/* No new ones; those that wait end. `changed` follows until pool_is_empty. */
void pool_drain(struct pool *pool);
bool pool_is_empty(const struct pool *pool);

/* Why no process could be started lately, NULL when the last start went well. */
const char *pool_problem(const struct pool *pool);

/* How many milliseconds a run's own start may take, from cli->started_ms. */
uint32_t pool_start_timeout_ms(const struct pool *pool);

#endif
