/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many processes there may be, and who goes when there is no more room: the least recently used
 * of those that wait for work, then of those whose run waits for a client's result of a tool, which
 * the client can send with the history as well. A process at work never has to go.
 */
#include "runner/memory_available.h"
#include "runner/pool_internal.h"
#include "runner/run.h"

/* What a waiting process holds, and what part of the memory all of them may. */
#define PROCESS_BYTES (UINT64_C(160) << 20)
#define PART_OF_MEMORY 4
#define MAXIMUM_PROCESSES 64
#define PRESSURE_INTERVAL_S 2

uint32_t pool_limit(const struct worker *worker) {
    const struct config *config = worker->config;
    uint64_t by_memory = memory_total_bytes() / PART_OF_MEMORY / PROCESS_BYTES;
    uint64_t needed = (uint64_t)config->slots.streaming + config->slots.nonstreaming;
    if (config->pool.max_processes)
        return config->pool.max_processes;
    for (size_t i = 0; i < config->slots.class_count; i++)
        needed += (uint64_t)config->slots.classes[i].limit;
    if (by_memory > MAXIMUM_PROCESSES)
        by_memory = MAXIMUM_PROCESSES;
    needed += config->runner.parked_runs;
    return (uint32_t)(by_memory > needed ? by_memory : needed < 1000000 ? needed + 1 : 1000000);
}

static bool waits(const struct cli_process *cli) {
    return !cli->run && cli->state != CLI_ENDING;
}

static struct cli_process *least_recently_used(const struct pool *pool) {
    struct cli_process *found = NULL;
    for (struct cli_process *cli = pool->first; cli; cli = cli->next)
        if (waits(cli) && (!found || cli->used_ms < found->used_ms))
            found = cli;
    return found;
}

/* The run that has waited for its client longest; NULL: none does. */
static struct run *longest_parked(const struct pool *pool) {
    struct cli_process *found = NULL;
    for (struct cli_process *cli = pool->first; cli; cli = cli->next)
        if (cli->run && cli->run->parked && cli->state != CLI_ENDING &&
            (!found || cli->used_ms < found->used_ms))
            found = cli;
    return found ? found->run : NULL;
}

static bool memory_is_short(const struct pool *pool) {
    return memory_available_bytes() < pool->worker->config->pool.min_available_bytes;
}

bool pool_make_room(struct pool *pool, uint64_t asked_ms, bool for_run, bool *wait) {
    struct cli_process *oldest = least_recently_used(pool);
    struct run *parked = for_run && !oldest ? longest_parked(pool) : NULL;
    if (pool->draining && !for_run)
        return false;
    if (memory_is_short(pool)) {
        if (oldest)
            cli_process_retire(oldest);
        if (!for_run)
            return false;
    }
    if (pool->count < pool->counters.limit)
        return true;
    if (pool->counters.states[CLI_ENDING] > 0) {
        *wait = true;
    } else if (oldest && (for_run || oldest->used_ms < asked_ms)) {
        cli_process_retire(oldest);
        *wait = true;
    } else if (parked) {
        runner_cancel(parked, "cancelled");
        *wait = true;
    }
    return false;
}

void pool_watch_memory(struct pool *pool) {
    static const struct timeval interval = {PRESSURE_INTERVAL_S, 0};
    if (!evtimer_pending(pool->pressure, NULL))
        evtimer_add(pool->pressure, &interval);
}

/* Runs only while somebody waits. */
void pool_on_pressure(evutil_socket_t fd, short what, void *data) {
    struct pool *pool = data;
    struct cli_process *oldest = least_recently_used(pool);
    (void)fd;
    (void)what;
    if (!oldest)
        return;
    if (memory_is_short(pool)) {
        log_print(pool->worker->log, KOINE_LOG_INFO, "runner",
                  "less than pool.min_available_bytes of memory is available: a waiting process of "
                  "the CLI goes");
        cli_process_retire(oldest);
    }
    pool_watch_memory(pool);
}
