/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a child with pipes and both marks (process_internal.h), through posix_spawn: its cost does
 * not depend on the size of this process. Leaves nothing behind when it fails.
 */
#include "runner/process_internal.h"
#include "runner/process_launcher.h"
#include "runner/process_limits_internal.h"
#include "runner/process_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define STRING_OF(text) #text
#define STRING(macro) STRING_OF(macro)

struct child_pipes {
    int fds[3][2]; /* by the child's descriptor: [0] is read, [1] is written */
};

/* What the child gets, and what stays here. */
static int *child_side(struct child_pipes *pipes, int number) {
    return &pipes->fds[number][number == STDIN_FILENO ? 0 : 1];
}

static int *own_side(struct child_pipes *pipes, int number) {
    return &pipes->fds[number][number == STDIN_FILENO ? 1 : 0];
}

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void pipes_close(struct child_pipes *pipes) {
    for (int i = 0; i < 3; i++) {
        close_fd(&pipes->fds[i][0]);
        close_fd(&pipes->fds[i][1]);
    }
}

/* Above the standard descriptors, which the child's file actions overwrite one by one. */
static int move_up(int *fd) {
    if (*fd > STDERR_FILENO) {
        return 0;
    }
    const int moved = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (moved < 0) {
        return errno;
    }
    close(*fd);
    *fd = moved;
    return 0;
}

static int pipes_open(struct child_pipes *pipes) {
    int error = 0;
    memset(pipes, -1, sizeof(*pipes));
    for (int i = 0; i < 3 && !error; i++) {
        if (pipe2(pipes->fds[i], O_CLOEXEC) < 0 ||
            fcntl(*own_side(pipes, i), F_SETFL, O_NONBLOCK) < 0) {
            error = errno;
        } else if (!(error = move_up(&pipes->fds[i][0]))) {
            error = move_up(&pipes->fds[i][1]);
        }
    }
    if (error) {
        pipes_close(pipes);
    }
    return error;
}

static int make_marks(struct process *process) {
    unsigned char random[PROCESS_MARKER_DIGITS / 2];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return EAGAIN;
    }
    char *digits = stpcpy(process->marker, PROCESS_MARKER_NAME);
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(digits + 2 * i, 3, "%02x", random[i]);
    }
    uint64_t number;
    memcpy(&number, random, sizeof(number));
    process->tag = ((rlim_t)1 << 62) | (number >> 2);
    return 0;
}

/* The given environment with our marker first and no other. Free the array only. */
static char **marked_environment(struct process *process, char *const *given) {
    size_t count = 0;
    while (given && given[count]) {
        count++;
    }
    char **environment = calloc(count + 2, sizeof(*environment));
    if (!environment) {
        return NULL;
    }
    size_t used = 0;
    environment[used++] = process->marker;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(given[i], PROCESS_MARKER_NAME, strlen(PROCESS_MARKER_NAME)) != 0) {
            environment[used++] = given[i];
        }
    }
    return environment;
}

/* The launcher gets its plan and its own file, by number. */
static int add_launcher(posix_spawn_file_actions_t *actions, const struct process *process) {
    const int error = posix_spawn_file_actions_adddup2(actions, process->plan_fd, PROCESS_PLAN_FD);
    return error ? error
                 : posix_spawn_file_actions_adddup2(actions, process->limits->launcher_fd,
                                                    PROCESS_LAUNCHER_FD);
}

/* Call `actions_destroy` after success. */
static int actions_init(posix_spawn_file_actions_t *actions, struct child_pipes *pipes,
                        const struct process *process, const char *working_directory) {
    int error = posix_spawn_file_actions_init(actions);
    if (error) {
        return error;
    }
    for (int i = 0; i < 3 && !error; i++) {
        error = posix_spawn_file_actions_adddup2(actions, *child_side(pipes, i), i);
    }
    if (!error && process->limits) {
        error = add_launcher(actions, process);
    }
    if (!error && working_directory) {
        error = posix_spawn_file_actions_addchdir_np(actions, working_directory);
    }
    if (!error) {
        const int last = process->limits ? PROCESS_LAUNCHER_FD : STDERR_FILENO;
        error = posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
    }
    if (error) {
        posix_spawn_file_actions_destroy(actions);
    }
    return error;
}

/* A process group of its own, all signals default and unblocked: an ignored SIGPIPE, too, would
 * be inherited. */
static int attributes_init(posix_spawnattr_t *attributes) {
    const int error = posix_spawnattr_init(attributes);
    if (error) {
        return error;
    }
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETPGROUP);
    return 0;
}

/* The child inherits our own limit: it carries the tag before its first instruction. Where the
 * hard limit is too low it has only the marker. */
static int spawn_tagged(struct process *process, const struct process_options *options,
                        const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes) {
    struct rlimit own;
    bool tagged = false;
    if (getrlimit(RLIMIT_LOCKS, &own) == 0) {
        const struct rlimit tag = {process->tag, own.rlim_max};
        tagged = setrlimit(RLIMIT_LOCKS, &tag) == 0;
    }
    const int error = posix_spawn(&process->pid, options->path, actions, attributes, options->argv,
                                  options->envp);
    if (tagged) {
        setrlimit(RLIMIT_LOCKS, &own);
    }
    return error;
}

/* The same as a start of the launcher, which has no environment and no directory of its own. */
static int turn_into_launch(struct process *process, struct process_options *start) {
    static char name[] = PROCESS_LAUNCHER_NAME, *arguments[] = {name, NULL}, *nothing[] = {NULL};
    static const char path[] = "/proc/self/fd/" STRING(PROCESS_LAUNCHER_FD);
    const int error = process_launch_prepare(process, start, start->envp);
    start->path = path;
    start->argv = arguments;
    start->envp = nothing;
    start->working_directory = NULL;
    return error;
}

static int spawn_child(struct process *process, const struct process_options *options,
                       struct child_pipes *pipes) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    struct process_options start = *options;
    char **environment = marked_environment(process, options->envp);
    start.envp = environment;
    int error = environment ? 0 : ENOMEM;
    if (error || (options->limits && (error = turn_into_launch(process, &start))) ||
        (error = actions_init(&actions, pipes, process, start.working_directory))) {
        goto out;
    }
    if (!(error = attributes_init(&attributes))) {
        error = spawn_tagged(process, &start, &actions, &attributes);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
out:
    free(environment);
    return error;
}

int process_spawn(struct process *process, const struct process_options *options) {
    struct child_pipes pipes;
    int error = make_marks(process);
    if (error || (error = pipes_open(&pipes))) {
        return error;
    }
    if (!(error = spawn_child(process, options, &pipes))) {
        process->input.fd = *own_side(&pipes, STDIN_FILENO);
        process->output.fd = *own_side(&pipes, STDOUT_FILENO);
        process->errors.fd = *own_side(&pipes, STDERR_FILENO);
        for (int i = 0; i < 3; i++) {
            *own_side(&pipes, i) = -1;
        }
    }
    pipes_close(&pipes);
    if (error) {
        process_launch_finish(process);
    }
    return error;
}
