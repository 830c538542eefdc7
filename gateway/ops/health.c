/* SPDX-License-Identifier: Apache-2.0 */
/* Runs `claude --version` every probe_interval_ms and remembers what came of it. */
#include "ops/health.h"
#include "policy/slots.h"
#include "runner/cli_command.h"
#include "runner/runner.h"
#include <errno.h>
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

/* "2.1.330 (Claude Code)". What is older does not speak the two-way protocol as it is spoken here.
 */
static void conclude_version(struct health *health) {
    char *dot = NULL, *end = NULL;
    const unsigned long major = strtoul(health->version, &dot, 10);
    const unsigned long minor = *dot == '.' ? strtoul(dot + 1, &end, 10) : 0;
    if (dot == health->version || !end || end == dot + 1)
        conclude(health, false,
                 "`claude --version` tells no version: runner.command must be Claude Code");
    else if (major < 2 || (major == 2 && minor < 1))
        conclude(health, false,
                 "the CLI is too old: update it (npm install -g @anthropic-ai/claude-code); this "
                 "gateway needs Claude Code 2.1 or later");
    else
        conclude(health, true, NULL);
}

static void on_ended(void *data, const struct process_status *status) {
    struct health *health = data;
    health->probe = NULL;
    if (health->timed_out)
        conclude(health, false,
                 "`claude --version` did not end within health.probe_timeout_ms: run it by hand to "
                 "see why");
    else if (status->how == PROCESS_NOT_STARTED)
        conclude(health, false, "the CLI could not be started; the gateway's log says why");
    else if (status->exit_code == 0)
        conclude_version(health);
    else
        conclude(health, false, "`claude --version` failed; run it by hand to see why");
}

/* In the words that a request is refused with. */
static void conclude_unstarted(struct health *health, int error) {
    const struct worker *worker = health->worker;
    const char *problem = cli_start_failure_text(cli_start_failure_of(error));
    if (health->problem != problem)
        log_print(worker->log, KOINE_LOG_WARNING, "health", "the CLI (%s) cannot be started: %s",
                  worker->config->runner.command, strerror(error));
    conclude(health, false, problem);
}

static void start_probe(struct health *health) {
    struct worker *worker = health->worker;
    const char *path = runner_cli_path(worker->runner);
    int error = path ? ENOMEM : errno;
    if (!path) {
        conclude_unstarted(health, error);
        return;
    }
    static const struct process_callbacks callbacks = {.line = on_line, .ended = on_ended};
    char version_flag[] = "--version", *argv[] = {(char *)(uintptr_t)path, version_flag, NULL};
    char **environment = cli_command_environment(worker->config, worker->environment);
    struct process_options options = {.path = path,
                                      .argv = argv,
                                      .envp = environment,
                                      .working_directory = worker->config->runner.working_directory,
                                      .max_line_bytes = 65536,
                                      .kill_grace_ms = 100,
                                      .limits = worker->limits};
    health->timed_out = false;
    if (environment)
        health->probe =
            process_start(runner_processes(worker->runner), &options, &callbacks, health, &error);
    free(environment);
    if (!health->probe) {
        conclude_unstarted(health, error);
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

/* Processes of the CLI by what they do, and how the pool serves. */
static void add_processes(const struct runner *runner, char *out, size_t size) {
    struct pool_counters pool;
    struct process_host_counters host;
    runner_count(runner, &pool, &host);
    snprintf(out, size,
             "\"processes\":{\"starting\":%u,\"warm\":%u,\"running\":%u,\"idle\":%u,"
             "\"ending\":%u,\"limit\":%u},\"pool\":{\"hits\":%llu,\"sessionHits\":%llu,"
             "\"misses\":%llu,\"starts\":%llu,\"startFailures\":%llu,\"lastStartMs\":%llu},"
             "\"killed\":%llu,\"strays\":%llu",
             pool.states[CLI_STARTING], pool.states[CLI_WARM], pool.states[CLI_RUNNING],
             pool.states[CLI_IDLE], pool.states[CLI_ENDING], pool.limit,
             (unsigned long long)pool.spare_hits, (unsigned long long)pool.session_hits,
             (unsigned long long)pool.misses, (unsigned long long)pool.starts,
             (unsigned long long)pool.start_failures, (unsigned long long)pool.last_start_ms,
             (unsigned long long)host.killed, (unsigned long long)host.strays);
}

static const char *problem_of(const struct health *health) {
    if (health->worker->draining)
        return "the gateway is shutting down";
    return health->available ? runner_problem(health->worker->runner) : health->problem;
}

int health_json(struct health *health, char *out, size_t size) {
    const struct worker *worker = health->worker;
    struct slot_class *streaming = slots_find(worker->slots, KOINE_SLOT_STREAMING),
                      *plain = slots_find(worker->slots, KOINE_SLOT_NONSTREAMING);
    const struct slot_wait_counts streams = slot_class_waits(streaming),
                                  answers = slot_class_waits(plain);
    bool available = health->available && !runner_problem(worker->runner);
    const char *problem = problem_of(health);
    char now[48], processes[640];
    timestamp(now, sizeof(now));
    add_processes(worker->runner, processes, sizeof(processes));
    snprintf(out, size,
             "{\"status\":\"%s\",\"claudeCli\":\"%s\",\"timestamp\":\"%s\",\"concurrency\":{"
             "\"streaming\":{\"active\":%u,\"limit\":%u,\"waiting\":%u},"
             "\"nonStreaming\":{\"active\":%u,\"limit\":%u,\"waiting\":%u}},\"version\":\"%s\","
             "\"cliVersion\":\"%s\",%s\"uptimeSeconds\":%llu,\"workerRestarts\":%u,%s%s%s%s}",
             problem ? "unhealthy" : "healthy", available ? "available" : "unavailable", now,
             slot_class_active(streaming), slot_class_limit(streaming), streams.waiting,
             slot_class_active(plain), slot_class_limit(plain), answers.waiting, KOINE_VERSION,
             health->version, worker->config->demo ? "\"demo\":true," : "",
             (unsigned long long)((worker_now_ms() - worker->started_ms) / 1000),
             worker->supervised->restarts, processes, problem ? ",\"error\":\"" : "",
             problem ? problem : "", problem ? "\"" : "");
    return problem ? 503 : 200;
}
