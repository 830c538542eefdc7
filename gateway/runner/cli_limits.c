/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to the limits, and what the log says of them. */
#include "runner/cli_limits.h"

#include "runner/process_limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Address space that the CLI wants before it says a word, measured with 2.1.197 and 2.1.330. */
#define SMALLEST_ADDRESS_SPACE (UINT64_C(1) << 30)

static void log_memory(const struct worker *worker) {
    const uint64_t bytes = worker->config->runner.limits.memory_bytes;
    const char *why = process_limits_without_cgroup(worker->limits);
    if (why)
        log_print(worker->log, KOINE_LOG_WARNING, "runner",
                  "runner.limits.memory_bytes holds for each process by itself, not for a run as a"
                  " whole, as no cgroup can be made: %s",
                  why);
    if (bytes && bytes < SMALLEST_ADDRESS_SPACE && (why || !worker->config->runner.cgroup))
        log_print(worker->log, KOINE_LOG_WARNING, "runner",
                  "runner.limits.memory_bytes is less than 1 GiB: without a cgroup that is too"
                  " little for the CLI to start; 4 GiB are enough");
}

static bool is_set_for_the_cli(const struct config *config, const char *name) {
    for (size_t i = 0; i < config->runner.environment_count; i++)
        if (strcmp(config->runner.environment[i].name, name) == 0)
            return true;
    return false;
}

/* A service's user often has none, and the CLI keeps its sessions there. */
static void log_home(const struct worker *worker, const struct process_user *user) {
    if (!is_set_for_the_cli(worker->config, "HOME") && access(user->home, F_OK) != 0)
        log_print(worker->log, KOINE_LOG_WARNING, "runner",
                  "the home of runner.user %s, %s, does not exist: the CLI cannot keep sessions;"
                  " make it, or set HOME in runner.environment",
                  user->name, user->home);
}

static int take_environment(struct worker *worker, const struct process_user *user) {
    if (!user)
        return 0;
    worker->user_environment = process_user_environment(user, worker->environment);
    if (!worker->user_environment)
        return -1;
    worker->environment = worker->user_environment;
    log_home(worker, user);
    return 0;
}

void cli_limits_prepare(const struct config *config) {
    char message[256];
    if (!config->runner.limits.memory_bytes || !config->runner.cgroup)
        return;
    char *own = cgroup_own(&cgroup_system, message, sizeof(message));
    if (own)
        free(cgroup_prepare(&cgroup_system, own, message, sizeof(message)));
    free(own);
}

int cli_limits_create(struct worker *worker, char *message, size_t size) {
    const struct config *config = worker->config;
    const struct process_limits_options options = {
        .user = config->runner.user,
        .nice = config->runner.nice,
        .memory_bytes = config->runner.limits.memory_bytes,
        .cpu_seconds = config->runner.limits.cpu_seconds,
        .open_files = config->runner.limits.open_files,
        .file_bytes = config->runner.limits.file_bytes,
        .cgroup = config->runner.cgroup,
    };
    if (process_limits_create(&worker->limits, &options, NULL, message, size))
        return -1;
    if (take_environment(worker, process_limits_user(worker->limits))) {
        snprintf(message, size, "out of memory");
        return -1;
    }
    log_memory(worker);
    return 0;
}

void cli_limits_destroy(struct worker *worker) {
    process_limits_destroy(worker->limits);
    worker->limits = NULL;
}
