/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process a run gets, and what becomes of it afterwards. A process that owns a session is
 * only ever given to that session; one that owns none, to whoever asks for its kind first.
 */
#include "runner/pool_internal.h"
#include "runner/run.h"
#include "runner/transcript.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#define LIMIT_VARIABLE "CLAUDE_CODE_MAX_OUTPUT_TOKENS="

struct pool *pool_create(struct worker *worker, struct process_host *processes,
                         const struct pool_callbacks *callbacks) {
    struct pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->worker = worker;
    pool->processes = processes;
    pool->callbacks = *callbacks;
    pool->counters.limit = pool_limit(worker);
    pool->environment = cli_command_environment(worker->config, worker->environment);
    pool->fill = evtimer_new(worker->base, pool_on_fill, pool);
    pool->pressure = evtimer_new(worker->base, pool_on_pressure, pool);
    if (!pool->environment || !pool->fill || !pool->pressure) {
        pool_destroy(pool);
        return NULL;
    }
    for (char **variable = pool->environment; *variable; variable++)
        pool->limits_answers |= strncmp(*variable, LIMIT_VARIABLE, sizeof(LIMIT_VARIABLE) - 1) == 0;
    return pool;
}

/* A process that starts or ends may have orphans of its own. */
static void note_quiet(struct pool *pool) {
    const uint32_t *states = pool->counters.states;
    if (pool->processes)
        process_host_set_quiet(pool->processes, pool->count == states[CLI_WARM] + states[CLI_IDLE]);
}

static void remove_process(struct pool *pool, struct cli_process *cli) {
    if (cli->previous)
        cli->previous->next = cli->next;
    else
        pool->first = cli->next;
    if (cli->next)
        cli->next->previous = cli->previous;
    pool->count--;
    pool->counters.states[cli->state]--;
    note_quiet(pool);
}

void pool_destroy(struct pool *pool) {
    if (!pool)
        return;
    pool->processes = NULL;
    while (pool->first) { /* the process host has ended them already, and is gone */
        struct cli_process *cli = pool->first;
        remove_process(pool, cli);
        if (cli->run)
            cli->run->cli = NULL;
        cli_process_destroy(cli);
    }
    pool_demands_finish(pool);
    if (pool->fill)
        event_free(pool->fill);
    if (pool->pressure)
        event_free(pool->pressure);
    free(pool->environment);
    free(pool);
}

char *const *pool_environment(const struct pool *pool) {
    return pool->environment;
}

uint32_t pool_start_timeout_ms(const struct pool *pool) {
    return pool->worker->config->runner.start_timeout_ms;
}

void pool_count(const struct pool *pool, struct pool_counters *counters) {
    *counters = pool->counters;
}

bool pool_is_empty(const struct pool *pool) {
    return pool->count == 0;
}

/* One failure may be chance, unless nothing has ever worked. */
const char *pool_problem(const struct pool *pool) {
    if (pool->failures_in_a_row == 0 || (pool->has_worked && pool->failures_in_a_row < 3))
        return NULL;
    return cli_start_failure_text(pool->last_failure);
}

/* ---- what processes report */

void pool_add(struct pool *pool, struct cli_process *cli) {
    cli->next = pool->first;
    if (pool->first)
        pool->first->previous = cli;
    pool->first = cli;
    pool->count++;
    pool->counters.states[cli->state]++;
    pool->counters.starts++;
    note_quiet(pool);
    pool_watch_memory(pool);
}

void pool_set_state(struct cli_process *cli, enum cli_state state) {
    cli->pool->counters.states[cli->state]--;
    cli->state = state;
    cli->pool->counters.states[state]++;
    note_quiet(cli->pool);
}

/* How long a spare may wait: until its kind has not been asked for lately. */
static void wait_for_use(struct cli_process *cli) {
    const struct pool *pool = cli->pool;
    const struct pool_demand *demand = pool_demand_of(cli->pool, cli->kind);
    uint64_t lately_ms = (uint64_t)pool->worker->config->pool.spare_idle_seconds * 1000;
    uint64_t asked_ms = demand ? demand->asked_ms : 0, now = worker_now_ms();
    if (now - asked_ms >= lately_ms)
        cli_process_retire(cli);
    else
        cli_process_set_timer(cli, asked_ms + lately_ms - now + 1);
}

void pool_ready(struct cli_process *cli) {
    struct pool *pool = cli->pool;
    pool->counters.last_start_ms = worker_now_ms() - cli->started_ms;
    pool->failures_in_a_row = 0;
    pool->has_worked = true;
    runner_note_start(pool->worker->runner, pool->counters.last_start_ms);
    if (cli->run) {
        pool_demand_used(pool_demand_of(pool, cli->kind));
        run_on_ready(cli->run);
    } else if (cli->state == CLI_STARTING) {
        pool_set_state(cli, CLI_WARM);
        wait_for_use(cli);
    }
}

void pool_timer(struct cli_process *cli) {
    if (cli->state == CLI_WARM)
        wait_for_use(cli);
    else
        cli_process_retire(cli);
}

static enum cli_start_failure failure_of(const struct cli_process *cli,
                                         const struct process_status *status) {
    if (status->how == PROCESS_NOT_STARTED)
        return CLI_NOT_STARTED;
    if (cli->overdue)
        return CLI_SILENT;
    return cli->babbled ? CLI_BABBLED : CLI_DIED;
}

/* What a client has chosen may be wrong for this CLI: that is no fault of the set-up. */
static void note_failure(struct pool *pool, const struct cli_kind *kind,
                         enum cli_start_failure failure) {
    pool->counters.start_failures++;
    if (!kind->plain)
        return;
    pool->last_failure = failure;
    pool->failures_in_a_row++;
    log_print(pool->worker->log, pool->failures_in_a_row <= 3 ? KOINE_LOG_WARNING : KOINE_LOG_DEBUG,
              "runner", "a process of the CLI could not be made ready (%u in a row): %s",
              pool->failures_in_a_row, cli_start_failure_text(failure));
}

static void changed(struct pool *pool) {
    pool->callbacks.changed(pool->callbacks.data);
    pool_fill_soon(pool);
}

void pool_ended(struct cli_process *cli, const struct process_status *status) {
    struct pool *pool = cli->pool;
    struct run *run = cli->run;
    bool by_itself = (status->how == PROCESS_EXITED || status->how == PROCESS_NOT_STARTED) &&
                     cli->state != CLI_ENDING;
    remove_process(pool, cli);
    bool unasked = by_itself || cli->overdue || cli->babbled;
    if (unasked && !cli->ready && !cli->resumes && (run || !cli->initialized))
        note_failure(pool, cli->kind, failure_of(cli, status));
    if (unasked && !run && cli->turns == 0) {
        pool_demand_failed(pool, cli->kind);
        if (cli->initialized)
            pool_initialized_in_vain(cli);
    }
    if (run) {
        run->cli = NULL;
        run_on_process_ended(run, cli, status);
    }
    cli_process_destroy(cli);
    changed(pool);
}

/* ---- which process a run gets */

static struct cli_process *find_session(struct pool *pool, struct koine_text id) {
    for (struct cli_process *cli = pool->first; cli; cli = cli->next)
        if (id.size == SESSION_ID_SIZE - 1 && strncasecmp(cli->session_id, id.data, id.size) == 0)
            return cli;
    return NULL;
}

static bool suits(const struct cli_process *cli, const struct pool_want *want) {
    bool lifts = want->lifts_limit && cli->limited;
    return cli_kind_same(cli->kind, want->kind) &&
           (!cli->initialized || strcmp(cli->initialized, want->initialize) == 0) &&
           !(lifts && (cli->kind->limits_answers || cli->pool->limits_answers));
}

/* Ready before starting, initialized before not, so that those are left for others. */
static int fitness(const struct cli_process *cli) {
    return 1 + 2 * cli->ready + (cli->initialized != NULL);
}

static struct cli_process *find_spare(struct pool *pool, const struct pool_want *want) {
    struct cli_process *best = NULL;
    for (struct cli_process *cli = pool->first; cli; cli = cli->next)
        if ((cli->state == CLI_WARM || (cli->state == CLI_STARTING && !cli->run)) &&
            suits(cli, want) && (!best || fitness(cli) > fitness(best)))
            best = cli;
    return best;
}

/* Spares that were initialized for what nobody asked for are in the way of fresh ones. */
static void drop_misfits(struct pool *pool, const struct pool_want *want) {
    for (struct cli_process *cli = pool->first; cli; cli = cli->next)
        if (!cli->run && (cli->state == CLI_WARM || cli->state == CLI_STARTING) &&
            cli_kind_same(cli->kind, want->kind) && !suits(cli, want))
            cli_process_retire(cli);
}

#define WRITES_LATE_MS 2000 /* 2.1.197 writes a turn down some 60 ms after its result */

/* Somebody else has gone on with the session meanwhile, another gateway or a person: the process
 * would not know of it. */
static bool is_outdated(const struct cli_process *cli) {
    struct koine_text id = {cli->session_id, SESSION_ID_SIZE - 1};
    char *path = transcript_path(cli->pool->environment, cli->kind->working_directory, id);
    struct stat file;
    bool outdated = false;
    if (path && stat(path, &file) == 0) {
        int64_t late_ms = (int64_t)(file.st_mtim.tv_sec - cli->left_at.tv_sec) * 1000 +
                          (file.st_mtim.tv_nsec - cli->left_at.tv_nsec) / 1000000;
        outdated = late_ms > WRITES_LATE_MS;
    }
    free(path);
    return outdated;
}

/* A session's process goes on, or goes, so that another one can go on: two would lose a turn. */
static enum pool_result take_session(struct pool *pool, const struct pool_want *want,
                                     struct cli_process **cli) {
    struct cli_process *found = find_session(pool, want->session.resume_id);
    if (!found)
        return POOL_FULL; /* nobody has it */
    if (found->state != CLI_IDLE || want->session.fork || !suits(found, want) ||
        is_outdated(found)) {
        if (found->state != CLI_RUNNING)
            cli_process_retire(found);
        return POOL_WAIT;
    }
    pool->counters.session_hits++;
    *cli = found;
    return POOL_TAKEN;
}

static double earlier_cost(const struct pool *pool, const struct pool_want *want) {
    char *path = want->session.resume_id.data && !want->resumes_own
                     ? transcript_path(pool->environment, want->kind->working_directory,
                                       want->session.resume_id)
                     : NULL;
    double cost = path ? transcript_cost(path) : 0;
    free(path);
    return cost;
}

static enum pool_result start_for_run(struct pool *pool, const struct pool_want *want,
                                      struct cli_process **cli, enum cli_start_failure *failure) {
    bool wait = false;
    int error = 0;
    if (!pool_make_room(pool, worker_now_ms(), true, &wait))
        return wait ? POOL_WAIT : POOL_FULL;
    *cli = cli_process_start(pool, want->kind, &want->session, &error);
    if (!*cli) {
        *failure = cli_start_failure_of(error);
        note_failure(pool, want->kind, *failure);
        log_print(pool->worker->log, KOINE_LOG_ERROR, "runner",
                  "the CLI (%s) cannot be started: %s", want->kind->path, strerror(error));
        return POOL_FAILED;
    }
    pool->counters.misses++;
    (*cli)->resumes = want->session.resume_id.data != NULL;
    (*cli)->total_cost_usd = earlier_cost(pool, want);
    return POOL_TAKEN;
}

enum pool_result pool_take(struct pool *pool, struct run *run, const struct pool_want *want,
                           struct cli_process **cli, enum cli_start_failure *failure) {
    enum pool_result result = POOL_FULL;
    struct pool_demand *demand = NULL;
    bool resumes = want->session.resume_id.data != NULL;
    if (resumes && !want->resumes_own)
        result = take_session(pool, want, cli);
    if (!resumes) {
        demand = pool_demand_note(pool, want);
        if ((*cli = find_spare(pool, want))) {
            pool->counters.spare_hits++;
            pool_demand_used(demand);
            result = POOL_TAKEN;
        } else {
            drop_misfits(pool, want);
        }
    }
    if (result == POOL_FULL)
        result = start_for_run(pool, want, cli, failure);
    if (result == POOL_TAKEN)
        cli_process_attach(*cli, run);
    return result;
}

void pool_give_back(struct cli_process *cli, bool may_stay) {
    struct pool *pool = cli->pool;
    uint64_t idle_ms = (uint64_t)pool->worker->config->pool.session_idle_seconds * 1000;
    cli_process_detach(cli, CLI_IDLE);
    cli->turns++;
    clock_gettime(CLOCK_REALTIME, &cli->left_at);
    if (cli->state == CLI_ENDING)
        return;
    if (may_stay && process_has_leftovers(cli->process)) {
        pool->counters.left_behind++;
        cli_process_end(cli, false); /* not gently: a task that ends lets it begin a turn */
    } else if (may_stay && idle_ms && !pool->draining && !cli->kind->counts_budget) {
        cli_process_set_timer(cli, idle_ms);
        pool_watch_memory(pool);
    } else {
        cli_process_retire(cli);
    }
    pool_fill_soon(pool);
}

void pool_drain(struct pool *pool) {
    pool->draining = true;
    for (struct cli_process *cli = pool->first; cli; cli = cli->next)
        if (!cli->run)
            cli_process_retire(cli);
}
