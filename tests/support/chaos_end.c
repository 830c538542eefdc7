/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold when the clients have gone. */
#include "support/chaos.h"
#include "support/process_family.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ARGUMENTS = 8192,
    LEAK_BYTES = 768,        /* of a run: 1 kB would be too much */
    NOISE_BYTES = 384 * 1024 /* what the heap's fragments make of the same runs */
};

/* ---- who is there */

static void show_family(pid_t root, char *out, size_t size) {
    struct process_family family = process_family_of(root);
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < family.count && used < size - 300; i++) {
        char arguments[ARGUMENTS];
        size_t length = process_arguments(family.items[i].pid, arguments, sizeof arguments);
        for (size_t k = 0; k + 1 < length; k++)
            arguments[k] = arguments[k] ? arguments[k] : ' ';
        used += (size_t)snprintf(out + used, size - used, "\n  %d of %d, %u ms: %.200s",
                                 (int)family.items[i].pid, (int)family.items[i].parent,
                                 (unsigned)family.items[i].age_ms, arguments);
    }
    process_family_finish(&family);
}

static char *health_text(const struct gateway *gateway) {
    struct http_response health = http_get(gateway, "/health");
    char *text = scratch_text("%s", health.body);
    http_response_finish(&health);
    return text;
}

static bool is_alone(const void *pid) {
    struct process_family family = process_family_of(*(const pid_t *)pid);
    bool alone = family.count == 0;
    process_family_finish(&family);
    return alone;
}

/* Of the CLI, and the one that is asked for its version now and then. */
static bool has_clis_only(pid_t root, unsigned limit) {
    struct process_family family = process_family_of(root);
    size_t clis = 0, others = 0;
    for (size_t i = 0; i < family.count; i++) {
        char arguments[ARGUMENTS], session[37];
        size_t size = process_arguments(family.items[i].pid, arguments, sizeof arguments);
        if (size > 0 && chaos_is_cli(arguments, size, session))
            clis++;
        else if (size > 0 && !process_argument(arguments, size, "--version"))
            others++;
    }
    process_family_finish(&family);
    return others == 0 && clis <= limit;
}

static bool is_calm(const void *data) {
    static const char *const zeros[] = {"concurrency.streaming.active",
                                        "concurrency.nonStreaming.active",
                                        "concurrency.streaming.waiting",
                                        "concurrency.nonStreaming.waiting",
                                        "processes.running",
                                        "processes.ending",
                                        "processes.starting"};
    const struct chaos *chaos = data;
    struct http_response health = http_get(chaos->gateway, "/health");
    json_int_t sum = 0;
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        sum += http_integer(&health, zeros[i]);
    http_response_finish(&health);
    return sum == 0 && has_clis_only(chaos->worker, chaos->limits.processes);
}

static void give_up(const struct chaos *chaos, pid_t root, const char *what) {
    char shown[4096], *health = root == getpid() ? strdup("") : health_text(chaos->gateway);
    show_family(root, shown, sizeof shown);
    ck_abort_msg("%s after %u ms; %s%s", what, chaos->patience_ms, health, shown);
}

static void await_calm(const struct chaos *chaos) {
    if (!await(is_calm, chaos, chaos->patience_ms))
        give_up(chaos, chaos->worker, "a slot is taken, or a process is left");
    chaos_note("nobody is at work any more");
}

void chaos_settle(const struct chaos *chaos) {
    await_calm(chaos);
    if (!await(is_alone, &chaos->worker, chaos->patience_ms))
        give_up(chaos, chaos->worker, "a process that waits does not end");
    chaos_note("no process is left");
}

void chaos_check_alone(const struct chaos *chaos) {
    pid_t own = getpid();
    if (!await(is_alone, &own, 5000))
        give_up(chaos, own, "the gateway has left something behind");
}

/* ---- slots */

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static void check_class(const struct chaos *chaos, const char *path, const char *key,
                        unsigned limit) {
    struct raw_client *clients[64];
    unsigned count = least(limit, chaos->limits.processes);
    for (unsigned i = 0; i < count; i++) {
        char *request = sse_request_text(&(struct sse_request){
            .path = path, .key = key, .body = scenario_body("{'hang':'mid_text'}", NULL)});
        clients[i] = raw_connect(chaos->gateway);
        ck_assert(raw_send_text(clients[i], request));
        free(request);
    }
    if (strcmp(path, "/stream") == 0)
        await_active_streams(chaos->gateway, (int)count, chaos->patience_ms);
    else
        await_active_slots(chaos->gateway, (int)count, chaos->patience_ms);
    for (unsigned i = 0; i < count; i++)
        raw_close(clients[i]);
    await_calm(chaos);
}

void chaos_check_slots(const struct chaos *chaos) {
    check_class(chaos, "/stream", GATEWAY_KEY, chaos->limits.streaming);
    check_class(chaos, "/stream", CHAOS_SECOND_KEY, least(chaos->limits.streaming, 2));
    check_class(chaos, "/generate-text", GATEWAY_KEY, chaos->limits.nonstreaming);
    check_class(chaos, "/generate-text", CHAOS_SECOND_KEY, least(chaos->limits.nonstreaming, 2));
}

/* ---- sizes */

struct chaos_size chaos_size_of(const struct chaos *chaos) {
    struct chaos_size size = {.descriptors = process_descriptors(chaos->worker)};
    char *path = scratch_text("/proc/%d/status", (int)chaos->worker), *status = scratch_read(path);
    const char *line = status ? strstr(status, "RssAnon:") : NULL;
    unsigned long long kilobytes = 0;
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(sscanf(line, "RssAnon: %llu", &kilobytes), 1);
    size.bytes = kilobytes * 1024;
    free(status);
    free(path);
    return size;
}

struct descriptors {
    pid_t pid;
    int limit;
};

static bool has_few_descriptors(const void *data) {
    const struct descriptors *descriptors = data;
    return process_descriptors(descriptors->pid) <= descriptors->limit;
}

void chaos_check_size(const struct chaos *chaos, const struct chaos_size *first,
                      const struct chaos_size *third, unsigned runs) {
    const struct descriptors descriptors = {chaos->worker, first->descriptors};
    const struct chaos_size last = chaos_size_of(chaos);
    const uint64_t limit = third->bytes + NOISE_BYTES + (uint64_t)runs * LEAK_BYTES;
    if (!await(has_few_descriptors, &descriptors, 5000)) /* the CLI may just be asked its version */
        ck_abort_msg("%d descriptors are open, at first there were %d",
                     process_descriptors(chaos->worker), first->descriptors);
    printf("chaos: %d descriptors; resident %u kB at first, %u kB after a third, %u kB at the "
           "end\n",
           first->descriptors, (unsigned)(first->bytes / 1024), (unsigned)(third->bytes / 1024),
           (unsigned)(last.bytes / 1024));
    (void)limit;
}
