/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process above the worker. Starts it, ends whatever it leaves behind, starts a new one when it
 * crashes, and passes signals on. Holds the listening socket meanwhile, so that clients wait and
 * are not refused. What a worker does is the caller's affair; no module's code runs here.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "ops/log.h"
#include "supervisor/notes.h"
#include <sys/types.h>

/* What a worker gets from its supervisor. */
struct supervised {
    int control; /* not blocking. Each byte is a signal to act on; its end: the supervisor is gone,
                    and the worker has ten seconds left */
    struct worker_notes *notes;
    uint32_t restarts; /* workers that crashed before this one */
    pid_t supervisor;  /* gets SIGUSR1 when notes->watcher_sleeps says so */
};

struct supervisor_options {
    struct log *log;
    int listener;             /* closed once it is stopping */
    uint32_t drain_seconds;   /* a worker that needs much longer to end is killed */
    uint32_t hang_timeout_ms; /* likewise one whose loop a module keeps for so long; 0: never */
    int (*work)(void *data, const struct supervised *given); /* returns the worker's exit status */
    /* No worker has served yet, and the one that ended was in this module's code: whether the next
     * one will do without the module. False: the gateway ends. */
    bool (*leave_out)(void *data, const char *module, const char *why);
    void *data;
};

/*
 * Returns what this process is to exit with, and so it does in each worker's process, with what
 * `work` has returned there. Call it before anything has started a thread.
 *
 * A worker that cannot start for the first time ends it with the worker's status, unless a module
 * was the cause that can be left out. SIGTERM and
 * SIGINT are for this process, once or again; a worker does not obey them when they come from
 * anywhere else, as the same signal often goes to several processes at once. SIGHUP ends this
 * process, and with it the worker.
 */
int supervisor_run(const struct supervisor_options *options);

#endif
