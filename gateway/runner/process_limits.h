/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a child and all that it starts may use, and whom they run as. Made once, when the gateway
 * starts, and handed to each process_start; holds nothing of a single child.
 *
 * A child with limits is started through this program itself: it sets them and then becomes the
 * child (process_launcher.h), so that they hold from the child's first instruction.
 */
#ifndef RUNNER_PROCESS_LIMITS_H
#define RUNNER_PROCESS_LIMITS_H

#include "runner/cgroup.h"
#include "runner/process_user.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process_limits_options {
    const char *user;      /* NULL: as this process */
    uint32_t nice;         /* on top of this process's own; 0 to 19 */
    uint64_t memory_bytes; /* 0: no limit, likewise below */
    uint64_t cpu_seconds;
    uint64_t open_files;
    uint64_t file_bytes;
    bool cgroup; /* limit the memory of a whole tree, where that can be had */
};

struct process_limits;

/*
 * 0 with `*limits`, which is NULL when nothing is limited. -1 with `message`: no such user, one
 * that this process may not become, no memory. A cgroup that cannot be had is no failure. Moves
 * this process into a cgroup of its own where a limit of memory needs it (cgroup.h). `sources` may
 * be NULL: the system's.
 */
int process_limits_create(struct process_limits **limits,
                          const struct process_limits_options *options,
                          const struct cgroup_sources *sources, char *message, size_t size);
/* Takes NULL. */
void process_limits_destroy(struct process_limits *limits);

/* Why the memory of a tree is not limited as a whole although that was wanted; NULL: it is. */
const char *process_limits_without_cgroup(const struct process_limits *limits);
/* Whom children run as; NULL: as this process. `limits` may be NULL. */
const struct process_user *process_limits_user(const struct process_limits *limits);

#endif
