/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work of the command in a process of its own, so that a module which crashes, ends the process
 * or never comes back is told of, with the call that it was in. Judges nothing else.
 */
#include "test-host/command.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 20, ORPHANS_MS = 2000 };

static const struct timespec look = {0, LOOK_MS * 1000000};

/* Shared with the child. */
struct watched {
    struct koine_test_place place;
    atomic_bool done; /* the status is what the work says */
    atomic_bool mute; /* … but what it wrote went nowhere */
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void run_child(struct command *command, struct watched *watched, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    command->options.place = &watched->place;
    int status = command_work(command);
    atomic_store(&watched->mute, fflush(stdout) || ferror(stdout) || fflush(stderr));
    atomic_store(&watched->done, true);
    exit(status);
}

/* Waits for its end; false: one call into the module took longer than it may. */
static bool await_end(pid_t pid, const struct watched *watched, uint64_t limit_ms, int *status) {
    uint64_t since_ms = now_ms();
    unsigned seen = 0;
    for (;;) {
        pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return true;
        unsigned calls = watched->place.calls;
        if (calls != seen || !calls)
            since_ms = now_ms();
        seen = calls;
        if (watched->place.call[0] && now_ms() - since_ms > limit_ms)
            return false;
        nanosleep(&look, NULL);
    }
}

/* A process that the module has forked may come back to the host after the work is done, on a busy
 * machine. One that lives on by itself is not waited for. */
static void await_orphans(void) {
    const uint64_t until_ms = now_ms() + ORPHANS_MS;
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) >= 0 && now_ms() < until_ms)
        if (!ended)
            nanosleep(&look, NULL);
}

static const char *where(const struct watched *watched) {
    return watched->place.call[0]
               ? watched->place.call
               : "no call of the host's: in a thread of its own, or in the test host";
}

static int judge(const struct command *command, const struct watched *watched, int status) {
    const char *module = command->options.module;
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        fprintf(stderr, "koine-test-host: module %s: crashed (SIG%s) in %s\n", module,
                name ? name : "?", where(watched));
        return 1;
    }
    const char *wrong = NULL;
    if (watched->place.forked)
        wrong = "forked a process that came back to the host: a child must call exec or _exit";
    else if (atomic_load(&watched->mute))
        wrong = "the output could not be written: most likely the module has closed it";
    if (wrong)
        fprintf(stderr, "koine-test-host: module %s: %s\n", module, wrong);
    if (atomic_load(&watched->done))
        return wrong && !WEXITSTATUS(status) ? 1 : WEXITSTATUS(status);
    fprintf(stderr, "koine-test-host: module %s: ended the process (exit status %d) in %s\n",
            module, WEXITSTATUS(status), where(watched));
    return 1;
}

int command_watch(struct command *command) {
    int status = 0;
    pid_t parent = getpid();
    struct watched *watched =
        mmap(NULL, sizeof(*watched), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!command->timeout_ms || watched == MAP_FAILED)
        return command_work(command);
    fflush(NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t pid = fork();
    if (pid == 0)
        run_child(command, watched, parent);
    if (pid < 0)
        return command_work(command);
    if (await_end(pid, watched, command->timeout_ms, &status)) {
        await_orphans();
        status = judge(command, watched, status);
    } else {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        fprintf(stderr, "koine-test-host: module %s: did not come back within %u ms from %s\n",
                command->options.module, command->timeout_ms, where(watched));
        status = 1;
    }
    munmap(watched, sizeof(*watched));
    return status;
}
