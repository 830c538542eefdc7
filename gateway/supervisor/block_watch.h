/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sees from outside that a worker's loop does not come back from a module's code: one look a second
 * at what the worker notes, and none while it is at rest. Judges; logs and signals nothing.
 */
#ifndef SUPERVISOR_BLOCK_WATCH_H
#define SUPERVISOR_BLOCK_WATCH_H

#include "supervisor/notes.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { BLOCK_WATCH_NOTICE_MS = 1000 };

enum block_verdict {
    BLOCK_NONE,
    BLOCK_NOTICED, /* for BLOCK_WATCH_NOTICE_MS now; said once for each block */
    BLOCK_TOO_LONG /* for longer than the limit */
};

/* All zero at the start of a worker. */
struct block_watch {
    uint64_t since_ms;   /* the call that is looked at, or the last one before a rest */
    uint64_t looked_ms;  /* when, last */
    uint64_t blocked_ms; /* how long, without the time in which the worker was stopped */
    unsigned inside;     /* what it is */
    unsigned rests;      /* looks in a row that found nothing new */
    bool noticed;
    bool stopped; /* the worker was, at the last look */
};

/*
 * Looks. `limit_ms` 0: no block is too long. `*next_ms`: when to look again; UINT64_MAX: the worker
 * is at rest and wakes the supervisor (SIGUSR1) when a module's code runs again.
 */
enum block_verdict block_watch_look(struct block_watch *watch, struct worker_notes *notes,
                                    pid_t worker, uint32_t limit_ms, uint64_t now_ms,
                                    uint64_t *next_ms);

#endif
