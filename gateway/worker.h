/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one event loop with everything that serves on it. Runs in a process of its own, below
 * the supervisor.
 */
#ifndef WORKER_H
#define WORKER_H

#include "config/config.h"
#include "ops/log.h"
#include "supervisor/supervisor.h"
#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* What the subsystems share. Each owns what it points to through its own create and destroy. */
/* A module that has crashed an earlier worker before that could serve. */
struct left_out {
    char name[40]; /* of the module, or of its file */
    char why[400];
};

struct worker {
    struct event_base *base;
    const struct config *config;
    char *const *environment; /* as main got it; the home of runner.user, if there is one */
    struct log *log;
    const struct supervised *supervised;
    const struct left_out *left_out;
    size_t left_out_count;
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

struct worker_options {
    const struct config *config;
    char *const *environment;
    const int *listeners; /* bound, listening sockets; they are closed */
    size_t listener_count;
    struct log *log;
    const struct supervised *supervised;
    const struct left_out *left_out;
    size_t left_out_count;
    void (*ready)(void *data); /* once the first request would be answered; may be NULL */
    void *data;
};

/*
 * Serves until the supervisor passes on SIGTERM or SIGINT, then drains; ends at once when that
 * comes again. When the supervisor is gone, clients are told and all ends within four seconds: the
 * port would be missing to whoever starts the gateway anew.
 * Returns 0 after that, or 1 with the reason logged when it could not start.
 */
int worker_run(const struct worker_options *options);

/* Monotonic milliseconds. [any-thread] */
uint64_t worker_now_ms(void);

#endif
