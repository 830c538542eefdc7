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
#include <time.h>
#include <unistd.h>

enum {
    ARGUMENTS = 8192,
    LOOKS = 5, /* at sizes, one each LOOK_MS */
    LOOK_MS = 30,
    /* How much more the heap may hold, and may be resident: some, and a little for each run. */
    HEAP_BYTES = 16 * 1024,
    HEAP_RUN_BYTES = 16,
    RESIDENT_BYTES = 256 * 1024,
    RESIDENT_RUN_BYTES = 256
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

static unsigned smaller(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static void check_class(const struct chaos *chaos, const char *path, const char *key,
                        unsigned limit) {
    struct raw_client *clients[64];
    unsigned count = smaller(limit, chaos->limits.processes);
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
    check_class(chaos, "/stream", CHAOS_SECOND_KEY, smaller(chaos->limits.streaming, 2));
    check_class(chaos, "/generate-text", GATEWAY_KEY, chaos->limits.nonstreaming);
    check_class(chaos, "/generate-text", CHAOS_SECOND_KEY, smaller(chaos->limits.nonstreaming, 2));
}

/* ---- sizes */

static uint64_t heap_bytes(const struct gateway *gateway) {
    struct http_response heap = http_get(gateway, "/heap");
    http_assert_status(&heap, 200);
    uint64_t bytes = (uint64_t)http_integer(&heap, "bytes");
    http_response_finish(&heap);
    return bytes;
}

static uint64_t resident_bytes(pid_t pid) {
    char *path = scratch_text("/proc/%d/status", (int)pid), *status = scratch_read(path);
    const char *line = status ? strstr(status, "RssAnon:") : NULL;
    unsigned long long kilobytes = 0;
    ck_assert_msg(line && sscanf(line, "RssAnon: %llu", &kilobytes) == 1, "%s: %s", path,
                  status ? status : "cannot be read");
    free(status);
    free(path);
    return kilobytes * 1024;
}

static struct chaos_size look_at_size(const struct chaos *chaos) {
    struct chaos_size size = {.descriptors = process_descriptors(chaos->worker)};
    size.heap = heap_bytes(chaos->gateway); /* gives back what is free */
    size.resident = resident_bytes(chaos->worker);
    return size;
}

/* The least of some looks: now and then the CLI is asked for its version. */
struct chaos_size chaos_size_of(const struct chaos *chaos) {
    struct chaos_size least = look_at_size(chaos);
    for (int i = 1; i < LOOKS; i++) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
        struct chaos_size size = look_at_size(chaos);
        if (size.descriptors < least.descriptors)
            least.descriptors = size.descriptors;
        if (size.heap < least.heap)
            least.heap = size.heap;
        if (size.resident < least.resident)
            least.resident = size.resident;
    }
    return least;
}

/* What a sanitizer or valgrind keeps of freed memory is no growth of ours. */
static bool keeps_memory(void) {
    return getenv("KOINE_SLOW") || getenv("KOINE_VALGRIND");
}

void chaos_check_size(const struct chaos *chaos, const struct chaos_size *first,
                      const struct chaos_size *third, unsigned runs) {
    const struct chaos_size last = chaos_size_of(chaos);
    const uint64_t heap = third->heap + HEAP_BYTES + (uint64_t)runs * HEAP_RUN_BYTES;
    const uint64_t resident =
        third->resident + RESIDENT_BYTES + (uint64_t)runs * RESIDENT_RUN_BYTES;
    printf("chaos: %d descriptors at first, %d at the end; the heap held %llu bytes, %llu after "
           "a third, %llu at the end; resident were %llu, %llu, %llu kB\n",
           first->descriptors, last.descriptors, (unsigned long long)first->heap,
           (unsigned long long)third->heap, (unsigned long long)last.heap,
           (unsigned long long)first->resident / 1024, (unsigned long long)third->resident / 1024,
           (unsigned long long)last.resident / 1024);
    ck_assert_msg(last.descriptors <= first->descriptors,
                  "%d descriptors are open, at first there were %d", last.descriptors,
                  first->descriptors);
    ck_assert_msg(last.heap <= heap || keeps_memory(),
                  "the heap has grown in %u runs from %llu to %llu bytes", runs,
                  (unsigned long long)third->heap, (unsigned long long)last.heap);
    ck_assert_msg(last.resident <= resident || keeps_memory(),
                  "resident memory has grown in %u runs from %llu to %llu bytes", runs,
                  (unsigned long long)third->resident, (unsigned long long)last.resident);
}
