/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that start processes which do their best to stay: whatever way the test ends, they end
 * with it. */
#ifndef SUPPORT_GUARDED_RUN_H
#define SUPPORT_GUARDED_RUN_H

/*
 * Calls `run` in a child and gives its result; EXIT_FAILURE when a signal ended it. Between the two
 * stands a guard that adopts what is orphaned below it and, once `run` is over or the caller has
 * died in whatever way, SIGKILL included, kills all that is left. It touches its own descendants
 * only.
 */
int guarded_run(int (*run)(void));

#endif
