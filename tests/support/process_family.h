/* SPDX-License-Identifier: Apache-2.0 */
/* All that a process has started and that its children have started, from /proc. Asserts nothing,
 * signals nobody. */
#ifndef SUPPORT_PROCESS_FAMILY_H
#define SUPPORT_PROCESS_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_relative {
    pid_t pid, parent;
    uint64_t age_ms;
};

struct process_family {
    struct process_relative *items; /* parents before their children */
    size_t count;
};

/* The living descendants of a process, without zombies. Processes that start or end meanwhile may
 * be there or not, and one whose parent has just ended may be missed: look again before you judge.
 * process_family_finish it. */
struct process_family process_family_of(pid_t root);
void process_family_finish(struct process_family *family);

/* Whether that process lives and is a child of `parent`. */
bool process_is_child_of(pid_t pid, pid_t parent);
/* Its arguments, terminated each, and one more terminator; 0: it is gone. The size. */
size_t process_arguments(pid_t pid, char *out, size_t size);
/* What follows `prefix` in the argument that begins with it; NULL: there is none. */
const char *process_argument(const char *arguments, size_t size, const char *prefix);
/* Descriptors that it has open. */
size_t process_descriptors(pid_t pid);

#endif
