/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a worker learns that its supervisor is gone: its pipe ends, and the loop acts on that. Should
 * the loop hang, SIGALRM ends it: the kernel sends one at the supervisor's death, whose handler
 * arms a second one without a handler.
 */
#include "supervisor/worker_process.h"
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void on_alone(int number) {
    (void)number;
    alarm(WORKER_PROCESS_ALONE_S);
}

/* A handler, where ignoring would pass to programs that modules start. */
static void on_stop(int number) {
    (void)number;
}

static void set_handler(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | flags};
    sigaction(number, &action, NULL);
}

static void become_worker(pid_t supervisor, const sigset_t *mask) {
    setpgid(0, 0); /* not setsid: the kernel shares the processors out among sessions */
    prctl(PR_SET_NAME, "koine-worker");
    set_handler(SIGTERM, on_stop, 0);
    set_handler(SIGINT, on_stop, 0);
    set_handler(SIGHUP, on_stop, 0);
    set_handler(SIGTTOU, SIG_IGN, 0); /* or it stops when it logs to a terminal with `tostop` */
    set_handler(SIGALRM, on_alone, (int)SA_RESETHAND);
    prctl(PR_SET_PDEATHSIG, SIGALRM);
    if (getppid() != supervisor)
        raise(SIGALRM); /* it was quicker than the line before */
    sigprocmask(SIG_SETMASK, mask, NULL);
}

pid_t worker_process_start(const sigset_t *mask, int *control) {
    int ends[2];
    pid_t supervisor = getpid();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        become_worker(supervisor, mask);
    close(ends[pid == 0 ? 1 : 0]);
    *control = ends[pid == 0 ? 0 : 1];
    if (pid < 0)
        close(*control);
    return pid;
}
