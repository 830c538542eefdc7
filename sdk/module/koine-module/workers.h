/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for work that blocks: a database, a file, another service. A job's `work` runs on one of
 * them, then its `done` on the loop thread, where it can answer.
 *
 *     struct lookup { struct koine_self *self; koine_request request; …; };
 *
 *     static void work(void *data);  // on a thread: must not call the host
 *
 *     if (koine_workers_submit(self->workers, work, done, lookup) != KOINE_OK)
 *         koine_fail(…, 503, …), free(lookup);
 *
 *     static void done(void *data) {
 *         struct lookup *lookup = data;
 *         if (!koine_workers_ending(lookup->self->workers))
 *             koine_answer(…);
 *         free(lookup);
 *     }
 *
 * What a job holds is malloc'd, not memory of the request: the client may leave while the job runs.
 * An answer to a request that has ended is harmless (KOINE_GONE).
 */
#ifndef KOINE_MODULE_WORKERS_H
#define KOINE_MODULE_WORKERS_H

#include <koine/loop.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct koine_workers;

/* Starts `threads` (1 … 64) threads; `queue` (from 0) jobs may wait for one. In start, not earlier.
 * NULL when memory or threads are short. [loop] */
struct koine_workers *koine_workers_create(const struct koine_host *host, uint32_t threads,
                                           uint32_t queue);

/*
 * Hands a job over. After KOINE_OK `done(data)` will be called on the loop thread exactly once,
 * also when the gateway stops. KOINE_REFUSED: every thread is busy and the queue is full;
 * KOINE_NO_MEMORY. [loop]
 */
int32_t koine_workers_submit(struct koine_workers *workers, void (*work)(void *data),
                             void (*done)(void *data), void *data);

/* Jobs that run or wait. [loop] */
uint32_t koine_workers_pending(const struct koine_workers *workers);

/* Waits for the jobs that run, gives up those that wait (their `done` is called without `work`),
 * joins the threads. In destroy. Takes NULL. [loop] */
void koine_workers_destroy(struct koine_workers *workers);

/* True in a `done` that koine_workers_destroy calls: requests and runs have ended, the host takes
 * nothing but lines of the log. Free the job then, and answer nothing. [loop] */
bool koine_workers_ending(const struct koine_workers *workers);

#ifdef __cplusplus
}
#endif
#endif
