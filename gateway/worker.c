/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the parts of a worker up, runs the loop, drains, takes them down in the reverse order. */
#include "worker.h"
#include "config/state.h"
#include "http/server.h"
#include "modules/module.h"
#include "ops/health.h"
#include "ops/metrics.h"
#include "policy/keys.h"
#include "policy/session_id.h"
#include "policy/slots.h"
#include "runner/cli_limits.h"
#include "runner/runner.h"
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

uint64_t worker_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What only the loop needs. */
struct drain {
    struct worker *worker;
    struct event *term, *interrupt, *deadline;
    bool told; /* drain_seconds are over, and the clients know */
};

static void finish(void *data) {
    struct drain *drain = data;
    event_base_loopbreak(drain->worker->base);
}

/* Requests first, then the processes that wait, which write their conversations down as they go. */
static void finish_when_idle(void *data) {
    struct drain *drain = data;
    if (drain->worker->server->open == 0 && runner_is_drained(drain->worker->runner))
        finish(drain);
}

/* First what is open is told, so that a client knows why; a moment later it is cut. */
static void on_drain_deadline(evutil_socket_t fd, short what, void *data) {
    static const struct timeval last_words = {3, 0};
    (void)fd;
    (void)what;
    struct drain *drain = data;
    struct server *server = drain->worker->server;
    if (drain->told) {
        server_cut(server);
        finish(drain);
        return;
    }
    drain->told = true;
    log_print(drain->worker->log, KOINE_LOG_WARNING, "gateway",
              "%zu requests were still open after drain_seconds: they are ended", server->open);
    evtimer_add(drain->deadline, &last_words);
    server_shut_down(server);
}

static void on_signal(evutil_socket_t number, short what, void *data) {
    (void)what;
    struct drain *drain = data;
    struct worker *worker = drain->worker;
    if (worker->draining) {
        log_print(worker->log, KOINE_LOG_WARNING, "gateway", "second signal: stopping now");
        server_cut(worker->server);
        finish(drain);
        return;
    }
    worker->draining = true;
    log_print(worker->log, KOINE_LOG_INFO, "gateway",
              "%s: draining %zu open requests, %u s at most",
              number == SIGTERM ? "SIGTERM" : "SIGINT", worker->server->open,
              worker->config->drain_seconds);
    module_set_quiesce(worker->modules);
    gate_drain(worker->server->gate, 1000);
    worker->server->idle = finish_when_idle;
    worker->server->idle_data = drain;
    runner_drain(worker->runner, finish_when_idle, drain);
    struct timeval limit = {worker->config->drain_seconds, 0};
    evtimer_add(drain->deadline, &limit);
    finish_when_idle(drain);
}

static int serve(struct worker *worker, void (*ready)(void *data), void *data) {
    struct drain drain = {.worker = worker};
    int result = 1;
    drain.term = evsignal_new(worker->base, SIGTERM, on_signal, &drain);
    drain.interrupt = evsignal_new(worker->base, SIGINT, on_signal, &drain);
    drain.deadline = evtimer_new(worker->base, on_drain_deadline, &drain);
    if (!drain.term || !drain.interrupt || !drain.deadline || evsignal_add(drain.term, NULL) ||
        evsignal_add(drain.interrupt, NULL))
        goto out;
    if (ready)
        ready(data);
    runner_expect_usual(worker->runner);
    result = event_base_dispatch(worker->base) < 0;
    worker->server->idle = NULL; /* requests that are cut end after this frame is gone */
    runner_drain(worker->runner, NULL, NULL);
out:
    if (drain.term)
        event_free(drain.term);
    if (drain.interrupt)
        event_free(drain.interrupt);
    if (drain.deadline)
        event_free(drain.deadline);
    return result;
}

static struct session_ids *make_session_ids(struct worker *worker) {
    unsigned char secret[32];
    char message[256];
    if (state_secret_load(worker->config->state_directory, secret, message, sizeof(message))) {
        log_print(worker->log, KOINE_LOG_ERROR, "gateway", "%s", message);
        return NULL;
    }
    struct session_ids *ids = session_ids_create(secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return ids;
}

static struct event_base *make_base(void) {
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    /* Half the epoll_ctl calls of a request; safe as no watched descriptor is ever dup()ed. */
    if (config && !event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST))
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

/* Everything in the order of need. False: the log says what failed. */
static bool bring_up(struct worker *worker, const int *listeners, size_t listener_count) {
    char message[512] = "out of memory";
    const char *what = "the worker";
    if (!(worker->base = make_base()) || !(worker->metrics = metrics_create()) ||
        !(worker->slots = slots_create(worker->config)))
        goto error;
    what = "keys and tool rules";
    if (!(worker->keys = keys_create(worker->config, message, sizeof(message))))
        goto error;
    if (!(worker->session_ids = make_session_ids(worker)))
        return false;
    what = "the limits of the CLI";
    if (cli_limits_create(worker, message, sizeof(message)))
        goto error;
    what = "the server";
    if (!(worker->runner = runner_create(worker)) || !(worker->server = server_create(worker)))
        goto error;
    if (!(worker->modules = module_set_create(worker)) || module_set_start(worker->modules))
        return false;
    what = "health";
    if (!(worker->health = health_create(worker)))
        goto error;
    for (size_t i = 0; i < listener_count; i++)
        if (server_listen(worker->server, listeners[i])) {
            snprintf(message, sizeof(message), "cannot listen: %m");
            goto error;
        }
    return true;
error:
    log_print(worker->log, KOINE_LOG_ERROR, "gateway", "%s: %s", what, message);
    return false;
}

static void take_down(struct worker *worker) {
    if (worker->server)
        server_cut(worker->server);
    runner_destroy(worker->runner); /* ends every run, which frees the last requests */
    worker->runner = NULL;
    cli_limits_destroy(worker);
    module_set_destroy(worker->modules);
    health_destroy(worker->health);
    server_destroy(worker->server);
    session_ids_destroy(worker->session_ids);
    slots_destroy(worker->slots);
    keys_destroy(worker->keys);
    metrics_destroy(worker->metrics);
    if (worker->base)
        event_base_free(worker->base);
    free(worker->user_environment);
}

int worker_run(const struct config *config, char *const *environment, const int *listeners,
               size_t listener_count, struct log *log, void (*ready)(void *data), void *data) {
    struct worker worker = {.config = config,
                            .environment = environment,
                            .log = log,
                            .loop_thread = pthread_self(),
                            .started_ms = worker_now_ms()};
    signal(SIGPIPE, SIG_IGN);
    int result = 1;
    if (bring_up(&worker, listeners, listener_count))
        result = serve(&worker, ready, data);
    take_down(&worker);
    return result;
}
