/* SPDX-License-Identifier: Apache-2.0 */
/* Runs `claude --version` every probe_interval_ms and remembers what came of it. */
#include "ops/health.h"
#include "policy/slots.h"
#include "runner/cli_command.h"
#include "runner/runner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct health {
    struct worker *worker;
    struct event *timer;   /* next probe, or the running probe's deadline */
    struct process *probe; /* NULL: none is running */
    bool available;
    bool timed_out;
    char version[64];    /* of the CLI: printable ASCII without quotes */
    const char *problem; /* constant sentence; NULL when available */
};

static void schedule(struct health *health, uint32_t after_ms) {
    struct timeval wait = {after_ms / 1000, (suseconds_t)(after_ms % 1000) * 1000};
    evtimer_add(health->timer, &wait);
}

static void conclude(struct health *health, bool available, const char *problem) {
    if (health->available != available || health->problem != problem)
        log_print(health->worker->log, available ? KOINE_LOG_INFO : KOINE_LOG_WARNING, "health",
                  "the CLI is %s%s%s", available ? "available: " : "unavailable: ",
                  available ? health->version : problem, "");
    health->available = available;
    health->problem = problem;
    schedule(health, health->worker->config->health.probe_interval_ms);
}

static void on_line(void *data, char *line, size_t size) {
    struct health *health = data;
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < sizeof(health->version); i++)
        if (line[i] >= ' ' && line[i] < 0x7f && line[i] != '"' && line[i] != '\\')
            health->version[n++] = line[i];
    health->version[n] = '\0';
}

static void on_ended(void *data, const struct process_status *status) {
    struct health *health = data;
    health->probe = NULL;
    if (health->timed_out)
        conclude(health, false, "`claude --version` did not end in time");
    else if (status->exit_code == 0)
        conclude(health, true, NULL);
    else
        conclude(health, false, "`claude --version` failed; run it by hand to see why");
}

static void start_probe(struct health *health) {
    struct worker *worker = health->worker;
    const char *path = runner_cli_path(worker->runner);
    if (!path) {
        conclude(health, false, "the CLI was not found: install it or set runner.command");
        return;
    }
    static const struct process_callbacks callbacks = {.line = on_line, .ended = on_ended};
    char version_flag[] = "--version", *argv[] = {(char *)(uintptr_t)path, version_flag, NULL};
    char **environment = cli_command_environment(worker->config, worker->environment, 0);
    struct process_options options = {.path = path,
                                      .argv = argv,
                                      .envp = environment,
                                      .working_directory = worker->config->runner.working_directory,
                                      .max_line_bytes = 65536,
                                      .kill_grace_ms = 100,
                                      .limits = worker->limits};
    int error = 0;
    health->timed_out = false;
    if (environment)
        health->probe =
            process_start(runner_processes(worker->runner), &options, &callbacks, health, &error);
    free(environment);
    if (!health->probe) {
        conclude(health, false, "the CLI could not be started");
        return;
    }
    process_close_input(health->probe);
    schedule(health, worker->config->health.probe_timeout_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *data) {
    (void)fd;
    (void)what;
    struct health *health = data;
    uint32_t interval = health->worker->config->health.probe_interval_ms;
    if (health->probe) {
        health->timed_out = true;
        process_end(health->probe, true);
        return;
    }
    uint64_t success = runner_last_success_ms(health->worker->runner);
    if (health->available && success && worker_now_ms() - success < interval)
        schedule(health, interval); /* a run has proven it meanwhile */
    else
        start_probe(health);
}

struct health *health_create(struct worker *worker) {
    struct health *health = calloc(1, sizeof(*health));
    if (!health)
        return NULL;
    health->worker = worker;
    health->problem = "the first probe of the CLI has not ended yet";
    health->timer = evtimer_new(worker->base, on_timer, health);
    if (!health->timer) {
        free(health);
        return NULL;
    }
    schedule(health, 0);
    return health;
}

void health_destroy(struct health *health) {
    if (!health)
        return;
    event_free(health->timer);
    free(health);
}

static void timestamp(char *out, size_t size) {
    struct timespec now;
    struct tm utc;
    char seconds[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, size, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

int health_json(struct health *health, char *out, size_t size) {
    const struct worker *worker = health->worker;
    struct slot_class *streaming = slots_find(worker->slots, KOINE_SLOT_STREAMING),
                      *plain = slots_find(worker->slots, KOINE_SLOT_NONSTREAMING);
    bool healthy = health->available && !worker->draining;
    const char *problem = worker->draining ? "the gateway is shutting down" : health->problem;
    char now[48];
    timestamp(now, sizeof(now));
    snprintf(out, size,
             "{\"status\":\"%s\",\"claudeCli\":\"%s\",\"timestamp\":\"%s\",\"concurrency\":{"
             "\"streaming\":{\"active\":%u,\"limit\":%u},"
             "\"nonStreaming\":{\"active\":%u,\"limit\":%u}},\"version\":\"%s\","
             "\"cliVersion\":\"%s\",\"uptimeSeconds\":%llu%s%s%s}",
             healthy ? "healthy" : "unhealthy", health->available ? "available" : "unavailable",
             now, slot_class_active(streaming), slot_class_limit(streaming),
             slot_class_active(plain), slot_class_limit(plain), KOINE_VERSION, health->version,
             (unsigned long long)((worker_now_ms() - worker->started_ms) / 1000),
             healthy ? "" : ",\"error\":\"", healthy ? "" : problem, healthy ? "" : "\"");
    return healthy ? 200 : 503;
}
