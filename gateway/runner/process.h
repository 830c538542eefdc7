/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process with everything that it starts: spawn, pipes, lines, and the certain end of the
 * whole tree. Knows nothing of the CLI's protocol or of requests.
 *
 * A tool command of the CLI runs in a session of its own and survives it. So the gateway is a
 * child subreaper, every child carries a marker variable in its environment that its descendants
 * inherit, and ending a process means: its descendants, and every stray with its marker.
 *
 * Everything runs on the loop thread; callbacks never come from inside a call of this unit's user.
 */
#ifndef RUNNER_PROCESS_H
#define RUNNER_PROCESS_H

#include "runner/process_limits.h"

#include <event2/event.h>
#include <koine/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The parent's side of all children: reaps, and finds strays. One a worker. */
struct process_host;

struct process_host_counters {
    uint64_t started;
    uint64_t killed; /* ended by SIGKILL after the grace period */
    uint64_t strays; /* processes found outside their tree and ended */
    uint32_t running;
};

/* Makes this process a child subreaper. `log` may be NULL; it gets single sentences (a stray was
 * found, a tree did not die). NULL when memory or descriptors are short. */
struct process_host *process_host_create(struct event_base *base,
                                         void (*log)(void *data, int level, const char *message),
                                         void *data);
/* Kills every tree at once with SIGKILL, waits up to 1 s for them, frees. No callbacks come. */
void process_host_destroy(struct process_host *host);
/* Whether every process waits, none is at work: then an orphan that cannot be told to belong to one
 * of them was left behind by an earlier run, and is ended by the next sweep (2 s at most). */
void process_host_set_quiet(struct process_host *host, bool quiet);
void process_host_count(const struct process_host *host, struct process_host_counters *counters);

struct process;

enum process_end {
    PROCESS_EXITED,        /* by itself (or by somebody else's signal) */
    PROCESS_ENDED,         /* after process_end */
    PROCESS_LINE_TOO_LONG, /* a line over max_line_bytes: ended for that */
    PROCESS_NOT_STARTED    /* with limits: the program never ran; the log says why */
};

/* What the kernel has ended a process for, as far as that can be told. */
enum process_limit {
    PROCESS_LIMIT_NONE,
    PROCESS_LIMIT_MEMORY, /* of the whole tree; only with a cgroup */
    PROCESS_LIMIT_CPU,
    PROCESS_LIMIT_FILE
};

struct process_status {
    enum process_end how;
    int exit_code; /* -1: ended by a signal */
    int signal;    /* 0: exited */
    int error;     /* PROCESS_NOT_STARTED: an errno value (ENOENT, EACCES …) */
    enum process_limit limit;
};

struct process_callbacks {
    /* One line of stdout without its newline; a last line without newline counts. A '\r' before it
     * is kept. The bytes live until the callback returns; they are followed by a zero byte. */
    void (*line)(void *data, char *line, size_t size);
    /* One line of stderr, cut at 4,096 bytes; after 64 KiB the rest is read and dropped. */
    void (*error_line)(void *data, const char *line, size_t size);
    /* All that was queued for stdin has been written. */
    void (*written)(void *data);
    /*
     * Over: reaped, its output delivered, its tree gone (or, after 3 s of SIGKILLs, given up with
     * a log line). Called exactly once, last; the process is freed afterwards.
     */
    void (*ended)(void *data, const struct process_status *status);
};

struct process_options {
    const char *path;              /* absolute */
    char *const *argv;             /* argv[0] included */
    char *const *envp;             /* the marker is added to it */
    const char *working_directory; /* absolute, NULL: inherited */
    uint64_t max_line_bytes;
    uint32_t kill_grace_ms;              /* between SIGTERM and SIGKILL */
    const struct process_limits *limits; /* NULL: none. They must outlive the host. */
};

/*
 * Starts a child: stdin, stdout, stderr are pipes, every other descriptor is closed, signal mask
 * and handlers are the default ones, it leads a process group of its own. posix_spawn: cheap for a
 * large parent. Returns NULL with `*error` an errno value (ENOENT, EACCES, EAGAIN, EMFILE, ENOMEM
 * …).
 * With limits the child is limited before its first instruction. It becomes the program later then:
 * what fails there (no such program, a working directory that its user may not enter) is not told
 * by NULL but by `ended` with PROCESS_NOT_STARTED.
 */
struct process *process_start(struct process_host *host, const struct process_options *options,
                              const struct process_callbacks *callbacks, void *data, int *error);

pid_t process_pid(const struct process *process);

/* Queues bytes for stdin (copied). KOINE_OK, KOINE_GONE (closed, or the child has closed it),
 * KOINE_NO_MEMORY. Writes what the pipe takes at once. */
int process_write(struct process *process, struct koine_text bytes);
/* The same for `head` (copied) and then `bytes` (malloc'd, any number), which are taken over and
 * not copied; they are freed in any case. */
int process_write_long(struct process *process, struct koine_text head, char *bytes, size_t size);
size_t process_write_queued(const struct process *process);
void process_close_input(struct process *process); /* after what is queued has been written */

/* Stops and goes on reading stdout; the child then waits in its write. Calls do not nest. */
void process_pause(struct process *process);
void process_resume(struct process *process);

/*
 * Whether something that the process has started goes on without it: in a session of its own, as a
 * tool's command does, or orphaned. What shares the process's session (a server that it keeps) does
 * not count. A look at /proc, some tens of microseconds.
 */
bool process_has_leftovers(struct process *process);

/*
 * Ends the whole tree: SIGTERM to each process in it, SIGKILL after the grace period, and again for
 * whatever appears, until none is left. Harmless twice. With `at_once` the grace is 0.
 * `ended` follows, never from inside. Output that still arrives is dropped.
 */
void process_end(struct process *process, bool at_once);

#endif
