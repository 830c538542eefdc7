/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroups of version 2: where this process may make some, and one for a child with all that it
 * starts. A cgroup holds what a tree of processes cannot leave, and limits their memory together.
 * Starts no process; the child moves itself (process_launcher.c).
 */
#ifndef RUNNER_CGROUP_H
#define RUNNER_CGROUP_H

#include "runner/proc_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the system says what is what; the tests have directories of their own. */
struct cgroup_sources {
    const char *self;    /* "/proc/self": holds `cgroup` and `mountinfo` */
    const char *systemd; /* "/run/systemd/system": is there when systemd manages the cgroups */
};

extern const struct cgroup_sources cgroup_system;

/* The directory of this process's own cgroup, malloc'd. NULL with `message`. */
char *cgroup_own(const struct cgroup_sources *sources, char *message, size_t size);

/*
 * Makes ready a cgroup in which cgroups with a limit of memory can be made. Only a cgroup without
 * processes hands controllers down, so this process moves into a child of `own` that it makes; it
 * does so only when nobody else lives in `own`, and when systemd, if it runs, has delegated it.
 * Returns the directory, malloc'd; NULL with `message`, a part of a sentence that says why not, and
 * nothing changed.
 */
char *cgroup_prepare(const struct cgroup_sources *sources, const char *own, char *message,
                     size_t size);

struct cgroup;

/* Makes one in `parent`. NULL with errno. */
struct cgroup *cgroup_create(const char *parent);
/* Removes it when nobody is left in it, and frees: true; false: it had to be left. Takes NULL. */
bool cgroup_destroy(struct cgroup *cgroup);

/* Kills who lives in cgroups that a process has made which is no more, after a crash say, and
 * removes them. */
void cgroup_remove_left_behind(const char *parent);

const char *cgroup_path(const struct cgroup *cgroup);

/* All its processes together: no swap, and when they are over it all of them are killed, not the
 * largest alone. 0 or an errno value. */
int cgroup_limit_memory(const struct cgroup *cgroup, uint64_t bytes);
/* Whether the kernel has killed for that limit. */
bool cgroup_was_out_of_memory(const struct cgroup *cgroup);

/* Appends who lives in it. KOINE_OK or KOINE_NO_MEMORY. */
int cgroup_list(const struct cgroup *cgroup, struct pid_list *list);
/* SIGKILL to each process in it, also to those that are being forked. Before Linux 5.14: nothing.
 */
void cgroup_kill(const struct cgroup *cgroup);

#endif
