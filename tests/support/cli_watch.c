/* SPDX-License-Identifier: Apache-2.0 */
/* Everything here is asked anew each time: nothing is remembered between two questions. */
#include "support/cli_watch.h"

#include "support/http_client.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { AWAIT_MS = 10000, POLL_NS = 2000000, WATCH_NS = 200000 };

uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- /health */

json_int_t health_number(const struct gateway *gateway, const char *path) {
    struct http_response health = http_get(gateway, "/health");
    json_int_t number = http_integer(&health, path);
    http_response_finish(&health);
    return number;
}

static void await_number(const struct gateway *gateway, const char *path, json_int_t number,
                         unsigned timeout_ms) {
    uint64_t until = clock_ms() + timeout_ms;
    for (;;) {
        bool late = clock_ms() >= until;
        struct http_response health = http_get(gateway, "/health");
        json_int_t seen = http_integer(&health, path);
        ck_assert_msg(seen == number || !late, "%s is %d, expected %d: %s", path, (int)seen,
                      (int)number, health.body);
        http_response_finish(&health);
        if (seen == number)
            return;
        nanosleep(&(struct timespec){0, POLL_NS}, NULL);
    }
}

void assert_health(const struct gateway *gateway, const char *path, json_int_t number) {
    await_number(gateway, path, number, 0);
}

void await_health(const struct gateway *gateway, const char *path, json_int_t number) {
    await_number(gateway, path, number, AWAIT_MS);
}

struct children {
    pid_t parent;
    int count;
};

static bool has_children(const void *data) {
    const struct children *children = data;
    return processes_of_parent(children->parent) == children->count;
}

void await_children(struct gateway *gateway, int count) {
    const struct children wanted = {gateway_pid(gateway), count};
    gateway_await_log(gateway, "the CLI is ");
    ck_assert_msg(await(has_children, &wanted, AWAIT_MS),
                  "the gateway has %d children, expected %d", processes_of_parent(wanted.parent),
                  count);
}

struct children_watch {
    pthread_t thread;
    pid_t parent;
    atomic_bool over;
    int most;
};

static void *watch_children(void *data) {
    struct children_watch *watch = data;
    do {
        int count = processes_of_parent_listed(watch->parent);
        watch->most = count > watch->most ? count : watch->most;
        nanosleep(&(struct timespec){0, WATCH_NS}, NULL);
    } while (!atomic_load(&watch->over));
    return NULL;
}

struct children_watch *children_watch_begin(struct gateway *gateway) {
    struct children_watch *watch = calloc(1, sizeof *watch);
    ck_assert_ptr_nonnull(watch);
    gateway_await_log(gateway, "the CLI is "); /* its probe is a child, too */
    watch->parent = gateway_pid(gateway);
    ck_assert_int_eq(pthread_create(&watch->thread, NULL, watch_children, watch), 0);
    return watch;
}

int children_watch_end(struct children_watch *watch) {
    atomic_store(&watch->over, true);
    pthread_join(watch->thread, NULL);
    int most = watch->most;
    free(watch);
    return most;
}

/* ---- starts */

struct cli_report {
    char *directory, *path;
    char *variable;
    const char *environment[2];
};

struct cli_report *cli_report_create(const char *scenario) {
    struct cli_report *report = calloc(1, sizeof *report);
    ck_assert_ptr_nonnull(report);
    report->directory = scratch_directory_create();
    report->path = scratch_text("%s/starts", report->directory);
    json_t *keys = scenario ? quoted_json(scenario) : json_object();
    json_object_set_new(keys, "report", json_string(report->path));
    char *text = json_dumps(keys, JSON_COMPACT);
    report->variable = scratch_text("CLAUDE_CODE_STANDIN=%s", text);
    report->environment[0] = report->variable;
    free(text);
    json_decref(keys);
    return report;
}

void cli_report_destroy(struct cli_report *report) {
    if (!report)
        return;
    scratch_directory_destroy(report->directory);
    free(report->variable);
    free(report->path);
    free(report);
}

const char *const *cli_report_environment(const struct cli_report *report) {
    return report->environment;
}

static bool has_argument(json_t *start, const char *argument) {
    json_t *arguments = json_object_get(start, "argv"), *value;
    size_t i;
    json_array_foreach(arguments, i, value) {
        if (strcmp(json_string_value(value), argument) == 0)
            return true;
    }
    return false;
}

/* An array of what was reported, in the order of the starts. */
static json_t *starts(const struct cli_report *report) {
    json_t *list = json_array();
    char *text = scratch_read(report->path), *rest = text, *line;
    while (rest && (line = strsep(&rest, "\n"))) {
        json_t *start = rest ? json_loads(line, 0, NULL) : NULL; /* else not yet written */
        if (start && !has_argument(start, "--version"))
            json_array_append(list, start);
        json_decref(start);
    }
    free(text);
    return list;
}

size_t cli_report_count(const struct cli_report *report) {
    json_t *list = starts(report);
    size_t count = json_array_size(list);
    json_decref(list);
    return count;
}

/* The newest of that pid, borrowed from the list; NULL: none. */
static json_t *start_of(json_t *list, json_int_t pid) {
    json_t *found = NULL, *start;
    size_t i;
    json_array_foreach(list, i, start) {
        if (json_integer_value(json_object_get(start, "pid")) == pid)
            found = start;
    }
    return found;
}

bool cli_report_has(const struct cli_report *report, json_int_t pid) {
    json_t *list = starts(report);
    bool found = start_of(list, pid) != NULL;
    json_decref(list);
    return found;
}

bool cli_report_has_argument(const struct cli_report *report, json_int_t pid,
                             const char *argument) {
    json_t *list = starts(report), *start = start_of(list, pid);
    ck_assert_msg(start != NULL, "no start of %d was reported", (int)pid);
    bool found = has_argument(start, argument);
    json_decref(list);
    return found;
}

json_int_t cli_report_pid(const struct cli_report *report, size_t index) {
    json_t *list = starts(report);
    ck_assert_uint_lt(index, json_array_size(list));
    json_int_t pid = json_integer_value(json_object_get(json_array_get(list, index), "pid"));
    json_decref(list);
    return pid;
}
