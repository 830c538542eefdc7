/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files behind process.h share. Nobody else includes this.
 *
 *   process.c         the interface, from the start to the last callback
 *   process_spawn.c   pipes, environment, posix_spawn
 *   process_launch.c  a start with limits, and what came of it (process_limits.h)
 *   process_input.c   the queue for stdin
 *   process_output.c  stdout and stderr as lines
 *   process_end.c     the end of a tree
 *   process_host.c    reaping, and whom an adopted process belongs to
 *
 * A run is recognised by two marks that its descendants inherit: the variable KOINE_RUN in the
 * environment, which a program can clear, and the soft limit RLIMIT_LOCKS, which Linux has not
 * enforced since 2.4 but still hands down through fork, exec and setsid. The limit costs one
 * system call to read, the variable a file in /proc.
 */
#ifndef RUNNER_PROCESS_INTERNAL_H
#define RUNNER_PROCESS_INTERNAL_H

#include "runner/line_reader.h"
#include "runner/proc_file.h"
#include "runner/process.h"
#include "runner/process_tree.h"

#include <event2/buffer.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <sys/resource.h>

#define PROCESS_MARKER_NAME "KOINE_RUN="
#define PROCESS_MARKER_DIGITS 32
#define PROCESS_ERROR_LINE_BYTES 4096
#define PROCESS_ERROR_TOTAL_BYTES ((size_t)64 * 1024)

struct process_host {
    struct event_base *base;
    void (*log)(void *data, int level, const char *message);
    void *log_data;
    struct process_host_counters counters;
    struct process *first;
    struct event sweep_event;
    int children_fd; /* children of the main thread: where the adopted ones are; -1: no such file */
    char *scratch;   /* LINE_READER_READ_BYTES for what is read and not kept */
    bool quiet;      /* no process is at work */
    struct process_tree unknown; /* were logged as belonging to no run that can be told */
};

enum process_phase {
    PROCESS_RUNNING,
    PROCESS_TERMINATING, /* SIGTERM was sent */
    PROCESS_KILLING,     /* SIGSTOP and SIGKILL */
    PROCESS_TREE_GONE    /* only output is left to deliver */
};

struct process_pipe {
    int fd; /* -1: closed */
    struct event event;
};

struct process_error_line {
    char bytes[PROCESS_ERROR_LINE_BYTES + 1];
    size_t size;
    size_t total; /* delivered so far */
};

struct process {
    struct process_host *host;
    struct process *next, *previous;
    struct process_callbacks callbacks;
    void *data;
    uint32_t kill_grace_ms;

    pid_t pid;
    int exit_fd; /* a pidfd; -1 where they are not to be had */
    char marker[sizeof(PROCESS_MARKER_NAME) + PROCESS_MARKER_DIGITS];
    rlim_t tag;
    const struct process_limits *limits; /* NULL: none; then there is no plan and no cgroup */
    int plan_fd;                         /* what the launcher was told, and what it says */
    struct cgroup *cgroup;               /* NULL: none */
    struct event exit_event;
    bool reaped; /* `status` tells how */
    bool exited; /* and the unit has acted on it */
    struct process_status status;

    struct process_pipe input;
    struct evbuffer *input_queue;
    bool input_closing;
    bool written_due;

    struct process_pipe output, errors;
    struct line_reader lines;
    struct process_error_line error_line;
    bool paused;
    bool dropping; /* no more lines: it is being ended */
    bool draining; /* the tree is gone: `drain_bytes` are what the pipe still held */
    size_t drain_bytes;

    struct event turn_event; /* what must not happen inside a call of the user */
    struct event look_event;
    enum process_phase phase;
    uint64_t phase_ends_ms;
    uint32_t look_interval_ms;
    struct process_tree tree;
};

/* process.c */
/* Goes on with whatever can go on; called by the loop only. May free the process. */
void process_proceed(struct process *process);
/* From anywhere: process_proceed in the next turn of the loop. */
void process_proceed_later(struct process *process);
/* When it has been reaped: no more input, no more watching for it. */
void process_note_exit(struct process *process);
/* Without a callback. */
void process_free(struct process *process);

/* process_spawn.c: 0 or an errno value; sets pid, marker, tag and the pipes. */
int process_spawn(struct process *process, const struct process_options *options);

/* process_launch.c */
/* Makes the launcher's plan, and the cgroup. 0 or an errno value; _finish is called either way. */
int process_launch_prepare(struct process *process, const struct process_options *options,
                           char *const *environment);
/* It is over: whether it was started at all, and which limit has ended it. */
void process_launch_conclude(struct process *process);
void process_launch_finish(struct process *process);

/* process_input.c */
void process_input_ready(evutil_socket_t fd, short what, void *data);
void process_input_close(struct process *process);

/* process_output.c */

void process_output_ready(evutil_socket_t fd, short what, void *data);
void process_errors_ready(evutil_socket_t fd, short what, void *data);
void process_output_deliver(struct process *process);
void process_pipe_close(struct process_pipe *pipe);
/* Reads what the pipes still hold; true when all of it is read and delivered. */
bool process_output_drain(struct process *process);

/* process_end.c */
void process_end_as(struct process *process, enum process_end how, bool at_once);
/* After its exit: whether it left nothing behind; otherwise that is being ended now. */
bool process_end_strays(struct process *process);
void process_look(evutil_socket_t fd, short what, void *data);
/* One round of SIGKILL; the number of processes that were found alive. */
size_t process_kill(struct process *process);

/* process_host.c */
uint64_t process_now_ms(void);
void process_log(struct process_host *host, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void process_host_add(struct process_host *host, struct process *process);
void process_host_remove(struct process_host *host, struct process *process);
/* Reaps whatever is dead. False when there are no children at all. */
bool process_host_reap(struct process_host *host);
/* Keeps how it ended; the caller or its exit event acts on it. */
void process_set_reaped(struct process *process, const siginfo_t *info);
/* Our children that were not started here. */
int process_host_adopted(struct process_host *host, struct pid_list *adopted);

enum process_ownership {
    PROCESS_OWN,
    PROCESS_FOREIGN,  /* another run's, or nobody's */
    PROCESS_TOO_LATE, /* dead before it could be told */
};
enum process_ownership process_owns(const struct process *process, pid_t pid);

#endif
