/* SPDX-License-Identifier: Apache-2.0 */
/* A worker as a process: its start by fork, and what is different there from its supervisor. */
#ifndef SUPERVISOR_WORKER_PROCESS_H
#define SUPERVISOR_WORKER_PROCESS_H

#include <signal.h>
#include <sys/types.h>

enum { WORKER_PROCESS_ALONE_S = 10 };

/*
 * As fork(): the pid, 0 in the worker, or -1 with errno. `*control` is the end of a pipe that is
 * each one's: written by the supervisor, read by the worker, without blocking. `mask` are the
 * signals that the worker blocks.
 *
 * The worker leads a process group of its own: what a terminal or `kill -- -GROUP` sends reaches
 * the supervisor only. It takes no notice of SIGTERM, SIGINT and SIGHUP, its name in ps, top and
 * killall is koine-worker, and SIGALRM ends it WORKER_PROCESS_ALONE_S after its supervisor's death,
 * should it not have ended by itself.
 */
pid_t worker_process_start(const sigset_t *mask, int *control);

#endif
