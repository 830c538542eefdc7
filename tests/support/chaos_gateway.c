/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway of the chaos test: small limits, short grace periods, and no time limit that could
 * hide that somebody who waits was forgotten. */
#include "support/chaos.h"
#include "support/process_family.h"
#include "support/scratch_directory.h"
#include "support/test_modules.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NEVER_MS = 600000 };

/* Often fewer processes than slots, and fewer slots than clients. */
static char *make_config(struct chaos *chaos) {
    static const char *const modules[] = {"heap", NULL};
    struct chaos_random random = {chaos->seed};
    chaos->limits.streaming = chaos_between(&random, 3, 6);
    chaos->limits.nonstreaming = chaos_between(&random, 3, 6);
    chaos->limits.queue = chaos_percent(&random, 50) ? 0 : chaos_between(&random, 1, 8);
    chaos->limits.session_wait_ms = chaos_percent(&random, 50) ? 0 : NEVER_MS;
    chaos->limits.processes = chaos_between(&random, 5, 20);
    chaos->limits.warm = chaos_below(&random, 3);
    unsigned interrupt_ms = chaos_between(&random, 50, 300);
    unsigned kill_ms = chaos_between(&random, 20, 200);
    char *limits = scratch_text(
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
        interrupt_ms, kill_ms);
    char *config = modules_config(modules, "  - object\n  - stream\n  - stream-object\n", limits);
    free(limits);
    return config;
}

void chaos_start(struct chaos *chaos) {
    /* What a thread keeps for its next allocation would count as in use. */
    static const char *const environment[] = {"CLAUDE_CODE_STANDIN={\"start_ms\":30}",
                                              "GLIBC_TUNABLES=glibc.malloc.tcache_count=0", NULL};
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
