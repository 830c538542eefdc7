/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that belong together, recorded while they still hang together, so that they are
 * known after a parent has died. Sends signals only as told; decides nothing.
 */
#ifndef RUNNER_PROCESS_TREE_H
#define RUNNER_PROCESS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_tree_member {
    pid_t pid, group, session;
    uint32_t threads;
    uint64_t start_ticks;
    bool alive;
    bool signalled; /* by process_tree_signal_new */
};

struct process_tree {
    struct process_tree_member *members;
    size_t count, capacity;
    uint32_t *slots; /* pid to member: index + 1, 0 is free */
    size_t slot_count;
};

/* {0} is an empty tree. */
void process_tree_finish(struct process_tree *tree);

/* Records a living process and sends it `signal` (0: none) at once. 1: it is new. 0: it was known
 * or is gone. KOINE_NO_MEMORY. */
int process_tree_add(struct process_tree *tree, pid_t pid, int signal);

/* Records all descendants of the living members. The number of new ones, or KOINE_NO_MEMORY. */
int process_tree_walk(struct process_tree *tree, int signal);

/* Looks again which members live (a pid that was given to another process does not count). */
size_t process_tree_refresh(struct process_tree *tree);

/* Whether the pid was ever a member: dead members are remembered. */
bool process_tree_knows(const struct process_tree *tree, pid_t pid);
/* Whether it lived at the last look. */
bool process_tree_has_living(const struct process_tree *tree, pid_t pid);

/* To each living member that did not get one yet / to each living member. */
void process_tree_signal_new(struct process_tree *tree, int signal);
void process_tree_signal(const struct process_tree *tree, int signal);

#endif
