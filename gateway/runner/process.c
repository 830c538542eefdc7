/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process from its start to its last callback. Each way to its end leads through
 * process_proceed, which the loop calls: it delivers what is left, then says `ended`.
 */
#include "runner/process_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_POLL_MS 10
#define UNWATCHED_WAIT_MS 1000

static void finish(struct process *process) {
    process_launch_conclude(process);
    process_host_remove(process->host, process);
    process->callbacks.ended(process->data, &process->status);
    process_free(process);
}

void process_proceed(struct process *process) {
    if (process->written_due) {
        process->written_due = false;
        if (!process->dropping && process->callbacks.written) {
            process->callbacks.written(process->data);
        }
    }
    process_output_deliver(process);
    if (process->exited && process->phase == PROCESS_TREE_GONE) {
        if (process_output_drain(process)) {
            finish(process);
        }
    } else if (!process->paused && process->output.fd >= 0) {
        event_add(&process->output.event, NULL);
    }
}

static void turn(evutil_socket_t fd, short what, void *data) {
    (void)fd, (void)what;
    process_proceed(data);
}

void process_proceed_later(struct process *process) {
    /* A timer: an event made active would run before the loop has looked at anything else. */
    static const struct timeval now = {0, 0};
    if (event_add(&process->turn_event, &now) < 0) {
        event_active(&process->turn_event, EV_TIMEOUT, 1);
    }
}

void process_note_exit(struct process *process) {
    if (process->reaped && !process->exited) {
        process->exited = true;
        event_del(&process->exit_event);
        process_input_close(process);
    }
}

static void exit_ready(evutil_socket_t fd, short what, void *data) {
    struct process *process = data;
    siginfo_t info = {.si_code = CLD_EXITED, .si_status = -1};
    (void)fd, (void)what;
    if (!process->reaped) {
        const int result = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG);
        if (result < 0 ? errno != ECHILD : info.si_pid == 0) {
            return;
        }
        process_set_reaped(process, &info);
    }
    process_note_exit(process);
    if (process->phase != PROCESS_RUNNING) {
        process_look(-1, 0, process);
    } else if (process_end_strays(process)) {
        process->phase = PROCESS_TREE_GONE;
        process_proceed(process);
    }
}

static void assign_events(struct process *process) {
    struct event_base *base = process->host->base;
    event_assign(&process->exit_event, base, process->exit_fd, EV_READ | EV_PERSIST, exit_ready,
                 process);
    event_assign(&process->input.event, base, process->input.fd, EV_WRITE | EV_PERSIST,
                 process_input_ready, process);
    event_assign(&process->output.event, base, process->output.fd, EV_READ | EV_PERSIST,
                 process_output_ready, process);
    event_assign(&process->errors.event, base, process->errors.fd, EV_READ | EV_PERSIST,
                 process_errors_ready, process);
    evtimer_assign(&process->turn_event, base, turn, process);
    evtimer_assign(&process->look_event, base, process_look, process);
}

/* An old kernel, a strict container, valgrind: asked in short intervals then. */
static bool is_unsupported(int error) {
    return error == ENOSYS || error == EPERM || error == EACCES;
}

/* 0 or an errno value. The pid cannot be given to another process before it is reaped: no race. */
static int watch(struct process *process) {
    static const struct timeval interval = {0, EXIT_POLL_MS * 1000};
    process->exit_fd = pidfd_open(process->pid, 0);
    const int error = process->exit_fd < 0 ? errno : 0;
    assign_events(process);
    if (error && !is_unsupported(error)) {
        return error;
    }
    return event_add(&process->exit_event, error ? &interval : NULL) == 0 &&
                   event_add(&process->output.event, NULL) == 0 &&
                   event_add(&process->errors.event, NULL) == 0
               ? 0
               : ENOMEM;
}

/* It may have started others already. Blocks, for some milliseconds as a rule. */
static void kill_unwatched(struct process *process) {
    const uint64_t end_ms = process_now_ms() + UNWATCHED_WAIT_MS;
    while ((process_kill(process) > 0 || !process->reaped) && process_now_ms() < end_ms) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        process_host_reap(process->host);
    }
    process->host->counters.started--;
    process_host_remove(process->host, process);
    process_free(process);
}

struct process *process_start(struct process_host *host, const struct process_options *options,
                              const struct process_callbacks *callbacks, void *data, int *error) {
    struct process *process = calloc(1, sizeof(*process));
    if (!process) {
        *error = ENOMEM;
        return NULL;
    }
    process->host = host;
    process->callbacks = *callbacks;
    process->data = data;
    process->kill_grace_ms = options->kill_grace_ms;
    process->input.fd = process->output.fd = process->errors.fd = process->exit_fd = -1;
    process->plan_fd = -1;
    line_reader_init(&process->lines, options->max_line_bytes);
    if ((*error = process_spawn(process, options))) {
        free(process);
        return NULL;
    }
    process_host_add(host, process);
    if ((*error = watch(process))) {
        kill_unwatched(process);
        return NULL;
    }
    return process;
}

void process_free(struct process *process) {
    event_del(&process->exit_event);
    event_del(&process->turn_event);
    event_del(&process->look_event);
    process_input_close(process);
    process_pipe_close(&process->output);
    process_pipe_close(&process->errors);
    if (process->exit_fd >= 0) {
        close(process->exit_fd);
    }
    process_launch_finish(process);
    line_reader_finish(&process->lines);
    process_tree_finish(&process->tree);
    free(process);
}

pid_t process_pid(const struct process *process) {
    return process->pid;
}

void process_pause(struct process *process) {
    process->paused = true;
    if (process->output.fd >= 0 && !process->dropping) {
        event_del(&process->output.event);
    }
}

void process_resume(struct process *process) {
    if (process->paused) {
        process->paused = false;
        process_proceed_later(process);
    }
}
