/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time counts in steps between looks, each cut to two intervals: a debugger or Ctrl-Z that stops
 * the worker, or both processes, makes no hang; a suspended machine does not either, for its
 * monotonic clock stands still.
 */
#include "supervisor/block_watch.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { INTERVAL_MS = 1000, LONGEST_STEP_MS = 2 * INTERVAL_MS };

/* By a signal or by a debugger: /proc/PID/stat is "PID (NAME) STATE …". */
static bool is_stopped(pid_t pid) {
    char path[40], text[128];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return false;
    text[size] = '\0';
    const char *end = strrchr(text, ')');
    return end && (end[1] == ' ') && (end[2] == 'T' || end[2] == 't');
}

/* At first it looks on; then it asks to be woken; when nothing has run a whole interval after that,
 * the worker has seen the wish and it is safe to sleep. */
static void rest(struct block_watch *watch, struct worker_notes *notes, uint64_t since_ms,
                 uint64_t now_ms, uint64_t *next_ms) {
    watch->rests = since_ms == watch->since_ms ? watch->rests + 1 : 0;
    watch->since_ms = since_ms;
    watch->inside = 0;
    if (watch->rests)
        atomic_store(&notes->watcher_sleeps, true);
    *next_ms = watch->rests > 1 ? UINT64_MAX : now_ms + INTERVAL_MS;
}

static uint64_t step(uint64_t from_ms, uint64_t to_ms) {
    uint64_t step_ms = to_ms > from_ms ? to_ms - from_ms : 0;
    return step_ms < LONGEST_STEP_MS ? step_ms : LONGEST_STEP_MS;
}

static uint64_t next_look(const struct block_watch *watch, uint32_t limit_ms, uint64_t now_ms) {
    uint64_t wait_ms = INTERVAL_MS;
    if (watch->blocked_ms < BLOCK_WATCH_NOTICE_MS)
        wait_ms = BLOCK_WATCH_NOTICE_MS - watch->blocked_ms;
    if (limit_ms > watch->blocked_ms && limit_ms - watch->blocked_ms < wait_ms)
        wait_ms = limit_ms - watch->blocked_ms;
    return now_ms + wait_ms;
}

static bool is_over(uint64_t blocked_ms, uint32_t limit_ms) {
    return blocked_ms >= BLOCK_WATCH_NOTICE_MS || (limit_ms && blocked_ms >= limit_ms);
}

enum block_verdict block_watch_look(struct block_watch *watch, struct worker_notes *notes,
                                    pid_t worker, uint32_t limit_ms, uint64_t now_ms,
                                    uint64_t *next_ms) {
    unsigned inside = atomic_load(&notes->inside);
    uint64_t since_ms = atomic_load(&notes->inside_since_ms);
    if (!inside) {
        rest(watch, notes, since_ms, now_ms, next_ms);
        return BLOCK_NONE;
    }
    bool same = watch->since_ms == since_ms && watch->inside == inside;
    uint64_t blocked_ms =
        same ? watch->blocked_ms + step(watch->looked_ms, now_ms) : step(since_ms, now_ms);
    /* What has passed since a look at a stopped worker, it may have stood still for. */
    bool stopped = is_over(blocked_ms, limit_ms) && is_stopped(worker);
    if (!stopped && !(same && watch->stopped))
        watch->blocked_ms = blocked_ms;
    else if (!same)
        watch->blocked_ms = 0;
    watch->stopped = stopped;
    watch->since_ms = since_ms;
    watch->inside = inside;
    watch->looked_ms = now_ms;
    watch->rests = 0;
    watch->noticed = watch->noticed && same;
    *next_ms = next_look(watch, limit_ms, now_ms);
    if (limit_ms && watch->blocked_ms >= limit_ms)
        return BLOCK_TOO_LONG;
    if (watch->noticed || watch->blocked_ms < BLOCK_WATCH_NOTICE_MS)
        return BLOCK_NONE;
    watch->noticed = true;
    return BLOCK_NOTICED;
}
