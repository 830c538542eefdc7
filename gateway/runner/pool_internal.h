/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind pool.h share. Nobody else includes this.
 *
 *   pool.c          which process a run gets, and what becomes of it afterwards
 *   pool_demand.c   what was asked for lately, and starting ahead for it
 *   pool_room.c     the limit, memory, and who must go
 */
#ifndef RUNNER_POOL_INTERNAL_H
#define RUNNER_POOL_INTERNAL_H

#include "runner/pool.h"

/* A kind that was asked for lately. */
struct pool_demand {
    struct pool_demand *next; /* the most recently asked for comes first */
    struct cli_kind *kind;
    uint64_t asked_ms;
    unsigned failures;    /* of spares, one after the other */
    uint64_t retry_at_ms; /* no start before */
    char *initialize; /* what the last run was initialized with, line and text; NULL: none yet */
    char *initialize_line;
    unsigned agreed; /* how many runs in a row were initialized alike */
};

struct pool {
    struct worker *worker;
    struct process_host *processes;
    struct pool_callbacks callbacks;
    char **environment; /* of every process */
    struct cli_process *first;
    size_t count;
    struct pool_demand *demands;
    struct pool_counters counters;
    struct event *fill;     /* starts what is wanted ahead */
    struct event *pressure; /* looks at the memory now and then */
    bool draining;
    bool limits_answers; /* the environment of every process does */
    enum cli_start_failure last_failure;
    unsigned failures_in_a_row;
    bool has_worked; /* some process has answered */
};

/* pool.c */
/* From cli_process.c. */
void pool_add(struct pool *pool, struct cli_process *cli);
void pool_ready(struct cli_process *cli);                                      /* it has answered */
void pool_ended(struct cli_process *cli, const struct process_status *status); /* frees it */
void pool_timer(struct cli_process *cli);
void pool_set_state(struct cli_process *cli, enum cli_state state);
char *const *pool_environment(const struct pool *pool);

/* pool_demand.c */
struct pool_demand *pool_demand_of(struct pool *pool, const struct cli_kind *kind); /* or NULL */
/* A run asks for a kind now; NULL when memory is short. */
struct pool_demand *pool_demand_note(struct pool *pool, const struct pool_want *want);
void pool_demand_failed(struct pool *pool, const struct cli_kind *kind);
/* A process of it was of use, or will be: what failed before need not do so again. Takes NULL. */
void pool_demand_used(struct pool_demand *demand);
/* A spare was initialized ahead and is of no use: the next ones are not. */
void pool_initialized_in_vain(struct cli_process *cli);
void pool_demands_finish(struct pool *pool);
void pool_on_fill(evutil_socket_t fd, short what, void *data);

/* pool_room.c */
/* Whether one more may be started for somebody who asked at `asked_ms`. False: it cannot be, or
 * not before another has ended, which has been seen to (`*wait`). */
bool pool_make_room(struct pool *pool, uint64_t asked_ms, bool for_run, bool *wait);
uint32_t pool_limit(const struct worker *worker);
void pool_watch_memory(struct pool *pool);
void pool_on_pressure(evutil_socket_t fd, short what, void *data);

#endif
