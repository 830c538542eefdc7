/* SPDX-License-Identifier: Apache-2.0 */
/* What runs on this machine, from /proc, and waiting for a condition that tests state themselves.
 */
#ifndef SUPPORT_PROCESS_TABLE_H
#define SUPPORT_PROCESS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How many processes have this parent, without zombies. */
int processes_of_parent(pid_t parent);
/* The same from the kernel's own list, quick enough to look all the time; one that ends meanwhile
 * may hide another. */
int processes_of_parent_listed(pid_t parent);
/* The one child of a process; aborts the test when there is none, or more. */
pid_t process_child(pid_t parent);
/* How many processes have this very text as one of their arguments. */
int processes_with_argument(const char *argument);

/* Its state as /proc has it: 'R', 'S', 'T' (stopped) …; 0 when it is gone or a zombie. */
char process_state(pid_t pid);

/* How many descriptors a process has open, and how many of them are sockets. */
int process_descriptors(pid_t pid);
int process_sockets(pid_t pid);

/* Bytes that a process has read so far, by system calls. */
uint64_t process_bytes_read(pid_t pid);
/* Waits until the process has read nothing for a while (a quarter of a second) although it might:
 * whoever feeds it, or itself, has paused. False after `timeout_ms`. */
bool await_reading_paused(pid_t pid, unsigned timeout_ms);

/* Asks until `holds` says true: true, or false after `timeout_ms`. */
bool await(bool (*holds)(const void *data), const void *data, unsigned timeout_ms);

#endif
