/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked for lately, and starting ahead for it. A kind whose spares die is tried again ever
 * more seldom; one that nobody asks for any more is forgotten, and its spares go.
 */
#include "runner/pool_internal.h"
#include "runner/run.h"
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_DEMANDS 64
/* So many runs in a row that are initialized alike, and the next one is expected to be, too: a
 * spare initialized ahead answers sooner, but is good for nothing else. */
#define AGREED_RUNS 3
#define MAXIMUM_INITIALIZE_BYTES ((size_t)256 * 1024)
#define FIRST_RETRY_MS 250
#define LAST_RETRY_MS 60000
/* A start takes time from the run that has just begun: it is put off until that is over, or has
 * asked the API. */
#define FILL_DELAY_MS 250

static void free_demand(struct pool_demand *demand) {
    cli_kind_unref(demand->kind);
    free(demand->initialize);
    free(demand->initialize_line);
    free(demand);
}

void pool_demands_finish(struct pool *pool) {
    while (pool->demands) {
        struct pool_demand *next = pool->demands->next;
        free_demand(pool->demands);
        pool->demands = next;
    }
}

struct pool_demand *pool_demand_of(struct pool *pool, const struct cli_kind *kind) {
    struct pool_demand *demand = pool->demands;
    while (demand && !cli_kind_same(demand->kind, kind))
        demand = demand->next;
    return demand;
}

static void take_out(struct pool *pool, const struct pool_demand *demand) {
    struct pool_demand **at = &pool->demands;
    while (*at && *at != demand)
        at = &(*at)->next;
    if (*at)
        *at = demand->next;
}

/* Forgets what nobody has asked for lately, and the oldest where there are too many. */
static void forget_old(struct pool *pool) {
    uint64_t lately_ms = (uint64_t)pool->worker->config->pool.spare_idle_seconds * 1000;
    uint64_t now = worker_now_ms();
    size_t kept = 0;
    for (struct pool_demand **at = &pool->demands; *at;) {
        struct pool_demand *demand = *at;
        if (++kept <= MAXIMUM_DEMANDS && now - demand->asked_ms < lately_ms) {
            at = &demand->next;
        } else {
            *at = demand->next;
            free_demand(demand);
        }
    }
}

static struct pool_demand *open_demand(struct pool *pool, struct cli_kind *kind) {
    struct pool_demand *demand = pool_demand_of(pool, kind);
    if (demand) {
        take_out(pool, demand);
    } else if ((demand = calloc(1, sizeof(*demand)))) {
        demand->kind = cli_kind_ref(kind);
    } else {
        return NULL;
    }
    demand->next = pool->demands;
    pool->demands = demand;
    demand->asked_ms = worker_now_ms();
    forget_old(pool);
    return demand;
}

/* What the next run is likely to be initialized with. */
static void learn(struct pool_demand *demand, const struct pool_want *want) {
    bool alike = demand->initialize && strcmp(demand->initialize, want->initialize) == 0;
    if (!want->initialize_ahead || strlen(want->initialize_line) > MAXIMUM_INITIALIZE_BYTES) {
        demand->agreed = 0;
        return;
    }
    if (alike) {
        demand->agreed += demand->agreed < AGREED_RUNS;
        return;
    }
    free(demand->initialize);
    free(demand->initialize_line);
    demand->initialize = strdup(want->initialize);
    demand->initialize_line = strdup(want->initialize_line);
    demand->agreed = demand->initialize && demand->initialize_line;
}

struct pool_demand *pool_demand_note(struct pool *pool, const struct pool_want *want) {
    struct pool_demand *demand = open_demand(pool, want->kind);
    if (demand)
        learn(demand, want);
    return demand;
}

void pool_demand_failed(struct pool *pool, const struct cli_kind *kind) {
    struct pool_demand *demand = pool_demand_of(pool, kind);
    if (!demand)
        return;
    uint64_t after_ms = (uint64_t)FIRST_RETRY_MS << (demand->failures < 8 ? demand->failures : 8);
    demand->failures++;
    demand->retry_at_ms = worker_now_ms() + (after_ms < LAST_RETRY_MS ? after_ms : LAST_RETRY_MS);
}

void pool_initialized_in_vain(struct cli_process *cli) {
    struct pool_demand *demand = pool_demand_of(cli->pool, cli->kind);
    if (demand) {
        free(demand->initialize);
        demand->initialize = NULL;
        demand->agreed = 0;
    }
}

void pool_demand_used(struct pool_demand *demand) {
    if (!demand || !demand->failures)
        return;
    uint64_t soon = worker_now_ms() + FIRST_RETRY_MS;
    demand->failures = 0;
    demand->retry_at_ms = demand->retry_at_ms < soon ? demand->retry_at_ms : soon;
}

void pool_expect(struct pool *pool, struct cli_kind *kind) {
    const struct pool_want want = {.kind = kind, .initialize = "", .initialize_line = ""};
    if (pool_demand_note(pool, &want))
        pool_fill_soon(pool);
}

/* ---- starting ahead */

static size_t spares_of(const struct pool *pool, const struct cli_kind *kind) {
    size_t count = 0;
    for (const struct cli_process *cli = pool->first; cli; cli = cli->next)
        count += !cli->run && (cli->state == CLI_STARTING || cli->state == CLI_WARM) &&
                 cli_kind_same(cli->kind, kind);
    return count;
}

static bool start_spare(struct pool *pool, struct pool_demand *demand) {
    struct cli_session session = {.id = {NULL, 0}};
    char id[SESSION_ID_SIZE];
    int error = 0;
    if (session_id_make(pool->worker->session_ids, demand->kind->owner, id))
        return false;
    session.id = (struct koine_text){id, SESSION_ID_SIZE - 1};
    struct cli_process *cli = cli_process_start(pool, demand->kind, &session, &error);
    if (!cli) {
        pool_demand_failed(pool, demand->kind);
        return false;
    }
    cli->used_ms = demand->asked_ms; /* it is as dear as the demand is fresh */
    if (demand->agreed >= AGREED_RUNS)
        cli_process_initialize(cli, demand->initialize_line, demand->initialize);
    return true;
}

/* How long until this demand may be served; UINT64_MAX: it is, or cannot be now. */
static uint64_t serve(struct pool *pool, struct pool_demand *demand) {
    uint64_t now = worker_now_ms();
    bool wait = false;
    while (spares_of(pool, demand->kind) < pool->worker->config->pool.warm) {
        if (now < demand->retry_at_ms)
            return demand->retry_at_ms - now;
        if (!pool_make_room(pool, demand->asked_ms, false, &wait))
            return UINT64_MAX; /* when one ends it is looked at again */
        if (!start_spare(pool, demand) && now >= demand->retry_at_ms)
            return FIRST_RETRY_MS;
    }
    return UINT64_MAX;
}

static void fill_in(struct pool *pool, uint64_t after_ms) {
    struct timeval wait = {(time_t)(after_ms / 1000), (suseconds_t)(after_ms % 1000) * 1000};
    evtimer_add(pool->fill, &wait);
}

void pool_on_fill(evutil_socket_t fd, short what, void *data) {
    struct pool *pool = data;
    uint64_t soonest = UINT64_MAX;
    (void)fd;
    (void)what;
    if (pool->draining)
        return;
    forget_old(pool);
    for (struct pool_demand *demand = pool->demands; demand; demand = demand->next) {
        uint64_t after = serve(pool, demand);
        soonest = after < soonest ? after : soonest;
    }
    if (soonest != UINT64_MAX)
        fill_in(pool, soonest + 1);
}

void pool_fill_soon(struct pool *pool) {
    if (!pool->draining && pool->demands)
        fill_in(pool, 0);
}

void pool_fill_later(struct pool *pool) {
    if (!pool->draining && !evtimer_pending(pool->fill, NULL))
        fill_in(pool, FILL_DELAY_MS);
}
