/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc tells of a process: its state, its children, its environment. Signals nobody and
 * keeps nothing.
 */
#ifndef RUNNER_PROC_FILE_H
#define RUNNER_PROC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    char name[16]; /* cut at 15 bytes, as the kernel does */
    bool dead;     /* a zombie, or gone while it was looked at */
    pid_t parent, group, session;
    uint32_t threads;
    uint64_t start_ticks; /* with the pid it identifies a process for ever; 0: unreadable */
};

struct pid_list {
    pid_t *pids;
    size_t count, capacity;
};

void pid_list_finish(struct pid_list *list);

/* False when there is no such process. */
bool proc_stat_read(pid_t pid, struct proc_stat *stat);

/* Appends the children of each thread of the process. A process that is gone has none.
 * KOINE_OK or KOINE_NO_MEMORY. */
int proc_children(pid_t pid, uint32_t threads, struct pid_list *list);

/* The same from an open /proc/PID/task/TID/children: that thread's children. */
int proc_children_of_file(int fd, struct pid_list *list);

/* The same by a look at every process: for a kernel without CONFIG_PROC_CHILDREN. */
int proc_children_by_scan(pid_t pid, struct pid_list *list);

/* Copies the value of an environment variable; false when it is absent, unreadable or does not
 * fit. `name` ends with '='. */
bool proc_environ_read(pid_t pid, const char *name, char *value, size_t size);

/* The soft limit of file locks (RLIMIT_LOCKS); false when there is none, or no such process. */
bool proc_locks_limit_read(pid_t pid, uint64_t *limit);

#endif
