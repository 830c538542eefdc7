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
#include "supervisor/crash_note.h"
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
    struct event *control, *deadline;
    bool told; /* drain_seconds are over, and the clients know */
};

static void finish(void *data) {
    struct drain *drain = data;
    event_base_loopbreak(drain->worker->base);
}

/* Requests first, then the processes that wait, which write their conversations down as they go. */
static void finish_when_idle(void *data) {
    struct drain *drain = data;
    if (server_open(drain->worker->server) == 0 && runner_is_drained(drain->worker->runner))
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
              "%zu requests were still open after drain_seconds: they are ended",
              server_open(server));
    evtimer_add(drain->deadline, &last_words);
    server_shut_down(server);
}

static void begin_drain(struct drain *drain, uint32_t seconds) {
    struct worker *worker = drain->worker;
    worker->draining = true;
    module_set_quiesce(worker->modules);
    gate_drain(worker->server->gate, 1000);
    worker->server->idle = finish_when_idle;
    worker->server->idle_data = drain;
    runner_drain(worker->runner, finish_when_idle, drain);
    struct timeval limit = {seconds, 0};
    evtimer_add(drain->deadline, &limit);
    finish_when_idle(drain);
}

static void on_stop(struct drain *drain, int number) {
    struct worker *worker = drain->worker;
    if (worker->draining) {
        log_print(worker->log, KOINE_LOG_WARNING, "gateway", "second signal: stopping now");
        server_cut(worker->server);
        finish(drain);
        return;
    }
    log_print(worker->log, KOINE_LOG_INFO, "gateway",
              "%s: draining %zu open requests, %u s at most",
              number == SIGTERM ? "SIGTERM" : "SIGINT", server_open(worker->server),
              worker->config->drain_seconds);
    begin_drain(drain, worker->config->drain_seconds);
}

static void on_alone(struct drain *drain) {
    static const struct timeval at_once = {0, 0};
    struct worker *worker = drain->worker;
    log_print(worker->log, KOINE_LOG_ERROR, "gateway",
              "the supervisor is gone: ending %zu open requests", server_open(worker->server));
    if (worker->draining)
        evtimer_add(drain->deadline, &at_once);
    else
        begin_drain(drain, 0);
}

static void on_control(evutil_socket_t fd, short what, void *data) {
    (void)what;
    struct drain *drain = data;
    unsigned char number;
    ssize_t size = read(fd, &number, 1);
    if (size == 1)
        on_stop(drain, number);
    else if (size == 0) {
        event_del(drain->control);
        on_alone(drain);
    }
}

static int serve(struct worker *worker, const struct worker_options *options) {
    struct drain drain = {.worker = worker};
    int result = 1;
    drain.control = event_new(worker->base, options->supervised->control, EV_READ | EV_PERSIST,
                              on_control, &drain);
    drain.deadline = evtimer_new(worker->base, on_drain_deadline, &drain);
    if (!drain.control || !drain.deadline || event_add(drain.control, NULL))
        goto out;
    atomic_store(&options->supervised->notes->ready, true);
    if (options->ready)
        options->ready(options->data);
    runner_expect_usual(worker->runner);
    result = event_base_dispatch(worker->base) < 0;
    if (result)
        log_print(worker->log, KOINE_LOG_ERROR, "gateway",
                  "the event loop cannot go on: %m; most likely a module has closed a descriptor "
                  "that is not its own");
    worker->server->idle = NULL; /* requests that are cut end after this frame is gone */
    runner_drain(worker->runner, NULL, NULL);
out:
    if (drain.control)
        event_free(drain.control);
    if (drain.deadline)
        event_free(drain.deadline);
    return result;
}

static struct session_ids *make_session_ids(struct worker *worker) {
    unsigned char secret[32];
    char message[1024];
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
    /* Half the epoll_ctl calls of a request; safe as no watched descriptor is ever dup()ed, but for
     * the listeners, which the supervisor has too: they are closed only when the loop is over. */
    if (config && !event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST))
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

/* Everything in the order of need. False: the log says what failed. */
static bool bring_up(struct worker *worker, const struct worker_options *options) {
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
    if (!(worker->modules = module_set_create(worker, NULL)) || module_set_start(worker->modules))
        return false;
    router_note(worker->server->router, worker->supervised->notes);
    what = "health";
    if (!(worker->health = health_create(worker)))
        goto error;
    for (size_t i = 0; i < options->listener_count; i++)
        if (server_listen(worker->server, options->listeners[i])) {
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

int worker_run(const struct worker_options *options) {
    struct worker worker = {.config = options->config,
                            .environment = options->environment,
                            .log = options->log,
                            .supervised = options->supervised,
                            .left_out = options->left_out,
                            .left_out_count = options->left_out_count,
                            .loop_thread = pthread_self(),
                            .started_ms = worker_now_ms()};
    signal(SIGPIPE, SIG_IGN);
    crash_note_install(options->supervised->notes);
    int result = 1;
    if (bring_up(&worker, options))
        result = serve(&worker, options);
    take_down(&worker);
    return result;
}
