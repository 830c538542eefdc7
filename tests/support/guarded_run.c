/* SPDX-License-Identifier: Apache-2.0 */
/* The guard is a child subreaper in a session of its own, so that a signal to the test's group does
 * not end it, and knows of its caller's death by a pipe. */
#include "support/guarded_run.h"

#include "support/process_family.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20 };

/* Again and again: who is missed in one look, or forks meanwhile, is found in the next. */
static void kill_descendants(void) {
    for (;;) {
        struct process_family family = process_family_of(getpid());
        for (size_t i = 0; i < family.count; i++)
            kill(family.items[i].pid, SIGSTOP);
        for (size_t i = 0; i < family.count; i++)
            kill(family.items[i].pid, SIGKILL);
        bool none = family.count == 0;
        process_family_finish(&family);
        pid_t reaped;
        while ((reaped = waitpid(-1, NULL, WNOHANG)) > 0)
            none = false;
        if (none && reaped < 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* Until the child is over, or the caller has died. */
static void watch(pid_t child, int caller, int *status) {
    struct pollfd gone = {.fd = caller, .events = POLLIN};
    for (;;) {
        int how = 0;
        pid_t reaped = waitpid(-1, &how, WNOHANG); /* orphans as well */
        if (reaped == child)
            *status = how;
        if (reaped == child || reaped < 0)
            return;
        if (reaped == 0 && poll(&gone, 1, LOOK_MS) > 0)
            return;
    }
}

static int exit_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static _Noreturn void begin_guard(int (*run)(void), int alive[2]) {
    close(alive[1]);
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t child = fork();
    if (child == 0) {
        close(alive[0]);
        exit(run());
    }
    if (child < 0)
        _exit(EXIT_FAILURE);
    int status = EXIT_FAILURE << 8;
    watch(child, alive[0], &status);
    kill_descendants();
    _exit(exit_status(status));
}

int guarded_run(int (*run)(void)) {
    int alive[2], status = 0;
    fflush(NULL);
    if (pipe2(alive, O_CLOEXEC) < 0)
        return EXIT_FAILURE;
    pid_t guarding = fork();
    if (guarding == 0)
        begin_guard(run, alive);
    close(alive[0]);
    if (guarding < 0 || waitpid(guarding, &status, 0) != guarding)
        status = EXIT_FAILURE << 8;
    close(alive[1]);
    return exit_status(status);
}
