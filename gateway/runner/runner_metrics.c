/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pool and the process host count, as metrics. They count for themselves; here the
 * differences are added when somebody reads.
 */
#include "runner/runner_metrics.h"
#include "ops/metrics.h"
#include "runner/run.h"
#include <stdlib.h>
#include <string.h>

enum { COUNTERS = 8, SLOT_CLASSES = 2, MAXIMUM_SERIES = 64 };

static const char *const slot_classes[SLOT_CLASSES] = {KOINE_SLOT_STREAMING,
                                                       KOINE_SLOT_NONSTREAMING};

struct counter {
    uint64_t index;
    uint64_t told; /* how much has been added so far */
};

struct runner_metrics {
    uint64_t states[CLI_STATES];
    uint64_t limit, start_seconds;
    uint64_t slots_active[SLOT_CLASSES], slots_waiting[SLOT_CLASSES];
    struct counter counters[COUNTERS];
};

/* In the order of `read_counters`. */
static const struct {
    const char *name, *label, *value, *help;
} counters[COUNTERS] = {
    {"cli_pool_hits_total", "kind", "spare", "Runs that took a process that was waiting."},
    {"cli_pool_hits_total", "kind", "session", "Runs that took a process that was waiting."},
    {"cli_pool_misses_total", NULL, NULL, "Runs that had to start a process."},
    {"cli_starts_total", NULL, NULL, "Processes of the CLI that were started."},
    {"cli_start_failures_total", NULL, NULL, "Processes that did not get as far as answering."},
    {"cli_left_behind_total", NULL, NULL, "Turns that left processes running, which were ended."},
    {"cli_kills_total", NULL, NULL, "Trees of processes that were ended by SIGKILL."},
    {"cli_strays_total", NULL, NULL, "Processes found outside their tree, and ended."},
};

static int define(struct runner *runner, uint32_t type, const char *name, const char *help,
                  const struct koine_label *label, uint64_t *index) {
    static const double seconds[] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30};
    struct koine_metric_options options = {.size = sizeof(options),
                                           .type = type,
                                           .name = name,
                                           .help = help,
                                           .labels = label,
                                           .label_count = label ? 1 : 0};
    if (type == KOINE_METRIC_HISTOGRAM) {
        options.buckets = seconds;
        options.bucket_count = sizeof(seconds) / sizeof(*seconds);
    }
    return metrics_define(runner->worker->metrics, "koine_", MAXIMUM_SERIES, &options, index);
}

static struct koine_label label_of(const char *name, const char *value) {
    return (struct koine_label){{name, strlen(name)}, {value, strlen(value)}};
}

static int define_states(struct runner *runner, struct runner_metrics *metrics) {
    static const char *const names[CLI_STATES] = {"starting", "warm", "running", "idle", "ending"};
    int result = define(runner, KOINE_METRIC_GAUGE, "cli_processes_limit",
                        "How many processes of the CLI there may be.", NULL, &metrics->limit);
    for (size_t i = 0; i < CLI_STATES && result == KOINE_OK; i++) {
        const struct koine_label label = label_of("state", names[i]);
        result = define(runner, KOINE_METRIC_GAUGE, "cli_processes",
                        "Processes of the CLI, by what they do.", &label, &metrics->states[i]);
    }
    return result;
}

static int define_slots(struct runner *runner, struct runner_metrics *metrics) {
    int result = KOINE_OK;
    for (size_t i = 0; i < SLOT_CLASSES && result == KOINE_OK; i++) {
        const struct koine_label label = label_of("class", slot_classes[i]);
        result = define(runner, KOINE_METRIC_GAUGE, "slots_active", "Slots that are taken.", &label,
                        &metrics->slots_active[i]);
        if (result == KOINE_OK)
            result = define(runner, KOINE_METRIC_GAUGE, "slots_waiting",
                            "Requests that wait for a slot.", &label, &metrics->slots_waiting[i]);
    }
    return result;
}

struct runner_metrics *runner_metrics_create(struct runner *runner) {
    struct runner_metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        return NULL;
    int result = define_states(runner, metrics);
    if (result == KOINE_OK)
        result = define_slots(runner, metrics);
    if (result == KOINE_OK)
        result = define(runner, KOINE_METRIC_HISTOGRAM, "cli_start_seconds",
                        "From the start of a process of the CLI to its first answer.", NULL,
                        &metrics->start_seconds);
    for (size_t i = 0; i < COUNTERS && result == KOINE_OK; i++) {
        const struct koine_label label = label_of(counters[i].label ? counters[i].label : "",
                                                  counters[i].value ? counters[i].value : "");
        result = define(runner, KOINE_METRIC_COUNTER, counters[i].name, counters[i].help,
                        counters[i].label ? &label : NULL, &metrics->counters[i].index);
    }
    if (result == KOINE_OK)
        return metrics;
    free(metrics);
    return NULL;
}

void runner_metrics_destroy(struct runner_metrics *metrics) {
    free(metrics);
}

void runner_metrics_note_start(struct runner *runner, uint64_t took_ms) {
    metrics_add(runner->worker->metrics, runner->metrics->start_seconds, (double)took_ms / 1000);
}

void runner_metrics_update(struct runner *runner) {
    struct runner_metrics *metrics = runner->metrics;
    struct pool_counters pool;
    struct process_host_counters host;
    runner_count(runner, &pool, &host);
    const uint64_t now[COUNTERS] = {pool.spare_hits, pool.session_hits,   pool.misses,
                                    pool.starts,     pool.start_failures, pool.left_behind,
                                    host.killed,     host.strays};
    for (size_t i = 0; i < COUNTERS; i++) {
        struct counter *counter = &metrics->counters[i];
        metrics_add(runner->worker->metrics, counter->index, (double)(now[i] - counter->told));
        counter->told = now[i];
    }
    for (size_t i = 0; i < CLI_STATES; i++)
        metrics_set(runner->worker->metrics, metrics->states[i], pool.states[i]);
    for (size_t i = 0; i < SLOT_CLASSES; i++) {
        struct slot_class *class = slots_find(runner->worker->slots, slot_classes[i]);
        metrics_set(runner->worker->metrics, metrics->slots_active[i], slot_class_active(class));
        metrics_set(runner->worker->metrics, metrics->slots_waiting[i],
                    slot_class_waits(class).waiting);
    }
    metrics_set(runner->worker->metrics, metrics->limit, pool.limit);
}
