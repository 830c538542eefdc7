/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service "koine.loop/1": time, threads and file descriptors on the gateway's event loop.
 * All callbacks run on the loop thread. Timers and watches that are left over die with the module.
 */
#ifndef KOINE_LOOP_H
#define KOINE_LOOP_H

#include <koine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KOINE_LOOP "koine.loop/1"

/* For what a watch waits (flags), and what it reports. */
enum { KOINE_WATCH_READ = 1, KOINE_WATCH_WRITE = 2 };

struct koine_loop {
    uint32_t size;
    uint32_t reserved;

    /* Milliseconds of a clock that never goes back; where it begins means nothing. [any-thread] */
    uint64_t (*now_ms)(const struct koine_host *host);

    /*
     * Calls `callback(data, timer)` after `delay_ms`, then every `repeat_ms` (0: once; the handle
     * is dead before a single callback runs). [loop, from start on]
     * KOINE_OK, KOINE_INVALID (no callback, or nowhere to put the handle), KOINE_NO_MEMORY,
     * KOINE_WRONG_STATE.
     */
    int32_t (*timer_start)(const struct koine_host *host, uint32_t delay_ms, uint32_t repeat_ms,
                           void (*callback)(void *data, koine_timer timer), void *data,
                           koine_timer *timer);
    /* After it returns the callback will not come. [loop] KOINE_OK, KOINE_GONE. */
    int32_t (*timer_stop)(const struct koine_host *host, koine_timer timer);

    /*
     * Has `callback(data)` called on the loop thread, in the order of the posts. [any-thread], from
     * start until destroy is called. KOINE_OK: it will be called, also when the gateway stops
     * meanwhile (before destroy), but not after a start that fails; KOINE_NO_MEMORY;
     * KOINE_WRONG_STATE: too early or too late, it will not be called; KOINE_INVALID: no callback.
     */
    int32_t (*post)(const struct koine_host *host, void (*callback)(void *data), void *data);

    /*
     * Calls `callback(data, watch, ready)` while `fd` is ready for `events` (KOINE_WATCH_…).
     * The fd stays the module's: unwatch before closing it. [loop, from start on]
     * KOINE_OK, KOINE_INVALID, KOINE_NO_MEMORY, KOINE_WRONG_STATE.
     */
    int32_t (*watch)(const struct koine_host *host, int32_t fd, uint32_t events,
                     void (*callback)(void *data, koine_watch watch, uint32_t ready), void *data,
                     koine_watch *watch);
    int32_t (*unwatch)(const struct koine_host *host, koine_watch watch);
};

KOINE_PIN(koine_loop, now_ms, 8);
KOINE_PIN(koine_loop, timer_start, 16);
KOINE_PIN(koine_loop, timer_stop, 24);
KOINE_PIN(koine_loop, post, 32);
KOINE_PIN(koine_loop, watch, 40);
KOINE_PIN(koine_loop, unwatch, 48);

#ifdef __cplusplus
}
#endif
#endif
