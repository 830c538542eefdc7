/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway of the chaos test: small limits, short grace periods, and no time limit that could
 * hide that somebody who waits was forgotten. */
#include "support/chaos.h"
#include "support/process_family.h"
#include "support/scratch_directory.h"

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NEVER_MS = 600000 };

void chaos_note(const char *format, ...) {
    static atomic_int record = -2; /* not opened yet */
    char text[1024];
    struct timespec now;
    const char *path = getenv("KOINE_TEST_LOG");
    if (record == -2)
        record = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    clock_gettime(CLOCK_REALTIME, &now);
    int size = snprintf(text, sizeof text, "chaos %02d.%03d ", (int)(now.tv_sec % 60),
                        (int)(now.tv_nsec / 1000000));
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + size, sizeof text - (size_t)size - 1, format, arguments);
    va_end(arguments);
    strcat(text, "\n");
    if (record >= 0 && write(record, text, strlen(text)) < 0)
        record = -1;
}

/* Often fewer processes than slots, and fewer slots than clients. */
static char *make_config(struct chaos *chaos) {
    struct chaos_random random = {chaos->seed};
    chaos->limits.streaming = chaos_between(&random, 3, 6);
    chaos->limits.nonstreaming = chaos_between(&random, 3, 6);
    chaos->limits.queue = chaos_percent(&random, 50) ? 0 : chaos_between(&random, 1, 8);
    chaos->limits.session_wait_ms = chaos_percent(&random, 50) ? 0 : NEVER_MS;
    chaos->limits.processes = chaos_between(&random, 5, 20);
    chaos->limits.warm = chaos_below(&random, 3);
    return scratch_text(
        "drain_seconds: 1\n"
        "keys: [{name: second, sha256: " CHAOS_SECOND_HASH ", max_streaming: 2, "
        "max_nonstreaming: 2}]\n"
        "slots: {streaming: %u, nonstreaming: %u, queue: %u, queue_timeout_ms: %d}\n"
        "sessions: {wait_ms: %u}\n"
        "pool: {warm: %u, max_processes: %u, session_idle_seconds: 1, spare_idle_seconds: 1}\n"
        "runner: {start_timeout_ms: %d, interrupt_grace_ms: %u, kill_grace_ms: %u}\n"
        "http: {stream_buffer_bytes: 16KiB, keep_alive_ms: 50}\n"
        "health: {probe_interval_ms: 500}\n",
        chaos->limits.streaming, chaos->limits.nonstreaming, chaos->limits.queue, NEVER_MS,
        chaos->limits.session_wait_ms, chaos->limits.warm, chaos->limits.processes, NEVER_MS,
        chaos_between(&random, 50, 300), chaos_between(&random, 20, 200));
}

void chaos_start(struct chaos *chaos) {
    /* Blocks that are freed go back to the system: growth is seen, and a peak is not. */
    static const char *const environment[] = {"CLAUDE_CODE_STANDIN={\"start_ms\":30}",
                                              "MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=0",
                                              "MALLOC_MMAP_THRESHOLD_=65536", NULL};
    char *config = make_config(chaos);
    printf("chaos: KOINE_CHAOS_SEED=%llu; %u slots for streams, %u others, %u in line; %u "
           "processes, %u ahead; a session is waited for %u ms\n",
           (unsigned long long)chaos->seed, chaos->limits.streaming, chaos->limits.nonstreaming,
           chaos->limits.queue, chaos->limits.processes, chaos->limits.warm,
           chaos->limits.session_wait_ms);
    fflush(stdout);
    chaos_note("seed %llu:\n%s", (unsigned long long)chaos->seed, config);
    chaos->gateway =
        gateway_start(&(struct gateway_options){.config = config, .environment = environment});
    chaos->worker = gateway_pid(chaos->gateway);
    free(config);
}
