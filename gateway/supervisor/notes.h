/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker notes in pages that it shares with its supervisor, who can read them however the
 * worker ends. Written on the worker's loop thread only: what a thread of a module does shows as
 * what the loop was at.
 */
#ifndef SUPERVISOR_NOTES_H
#define SUPERVISOR_NOTES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { NOTES_MODULES = 110, NOTES_NAME_SIZE = 36, NOTES_ROUTES = 100, NOTES_ROUTE_SIZE = 80 };

/* What of a module the loop is in. */
enum notes_call {
    NOTES_NOTHING,
    NOTES_LOAD,
    NOTES_CREATE,
    NOTES_EXTENSION,
    NOTES_INIT,
    NOTES_START,
    NOTES_HANDLER, /* of a route */
    NOTES_RUN_EVENT,
    NOTES_TOOL_CALL,
    NOTES_TIMER,
    NOTES_WATCH,
    NOTES_POST,
    NOTES_DRAINED,
    NOTES_REQUEST_END,
    NOTES_RENDER_FAILURE,
    NOTES_QUIESCE,
    NOTES_DESTROY
};

/* Where the loop is, as one number that is stored at once: the call (notes_call), the number of its
 * module (0: there is no room for its name) and for a handler the number of its route (0: none). */
#define NOTES_INSIDE(call, module, route) ((call) | (module) << 8 | (route) << 16)
#define NOTES_CALL(inside) ((inside)&0xffu)
#define NOTES_MODULE(inside) ((inside) >> 8 & 0xffu)
#define NOTES_ROUTE(inside) ((inside) >> 16)

/* Of a thread that crashed and was not the loop's. */
enum { NOTES_SOME_THREAD = NOTES_MODULES + 1 };

struct worker_notes {
    atomic_bool ready;             /* it answers requests */
    atomic_bool watcher_sleeps;    /* the supervisor wants a signal when a module's code runs */
    atomic_uint inside;            /* 0: in no module */
    atomic_ullong inside_since_ms; /* CLOCK_MONOTONIC_COARSE; of the last call when in none */
    atomic_uint crashed_thread;    /* 0: none but the loop's; its module; or NOTES_SOME_THREAD */
    struct {
        uintptr_t begin, end;
    } code[NOTES_MODULES];                        /* where each module's instructions are */
    char modules[NOTES_MODULES][NOTES_NAME_SIZE]; /* names: number 1 is the first */
    char routes[NOTES_ROUTES][NOTES_ROUTE_SIZE];  /* "GET /path", likewise */
};

/* "module NAME (handler of GET /path)"; "" for 0. Returns `out`. */
const char *notes_describe(const struct worker_notes *notes, unsigned inside, char *out,
                           size_t size);
/* "handler of GET /path", "timer", …; `route` NULL: not known. Returns `out`. */
const char *notes_call_text(unsigned call, const char *route, char *out, size_t size);

#endif
