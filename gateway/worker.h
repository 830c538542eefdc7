/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one event loop with everything that serves on it. main calls it with a configuration
 * and listening sockets; a supervisor can do the same later.
 */
#ifndef WORKER_H
#define WORKER_H

#include "config/config.h"
#include "ops/log.h"
#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* What the subsystems share. Each owns what it points to through its own create and destroy. */
struct worker {
    struct event_base *base;
    const struct config *config;
    char *const *environment; /* as main got it; the home of runner.user, if there is one */
    struct log *log;
    pthread_t loop_thread;
    uint64_t started_ms; /* monotonic */
    bool draining;

    char **user_environment;       /* what `environment` is then */
    struct process_limits *limits; /* of every process of the CLI; NULL: none */
    struct metrics *metrics;
    struct keys *keys;
    struct slots *slots;
    struct session_ids *session_ids;
    struct server *server;      /* http/ */
    struct runner *runner;      /* runner/ */
    struct module_set *modules; /* modules/ */
    struct health *health;      /* ops/ */
};

/*
 * Serves until SIGTERM or SIGINT, then drains. `listeners` are bound, listening sockets; they are
 * closed. `ready` (may be NULL) is called once the first request would be answered.
 * Returns 0 after draining, or 1 with the reason logged when it could not start.
 */
int worker_run(const struct config *config, char *const *environment, const int *listeners,
               size_t listener_count, struct log *log, void (*ready)(void *data), void *data);

/* Monotonic milliseconds. [any-thread] */
uint64_t worker_now_ms(void);

#endif
