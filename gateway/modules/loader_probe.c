/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries a module's file in a process of its own, so that a constructor which throws, ends the
 * process or hangs does that there. What it writes meanwhile is kept for the message; the child
 * writes no log and leaves without the gateway's exit handlers.
 */
#include "modules/loader.h"
#include "worker.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_MS = 20, /* how often to look when the child has closed its output, or given it away */
    READS_A_LOOK = 16, /* of a child that writes without end */
    TAIL_SIZE = 512
};

/* Shared with the child. */
struct verdict {
    _Atomic int stage;
    atomic_bool reached; /* judged: `fine`, or the message says why not */
    bool fine;
    struct loader_message message;
};

struct probe {
    const char *path;
    struct verdict *verdict;
    pid_t pid;
    int output;           /* what the child writes; -1: it has ended */
    char tail[TAIL_SIZE]; /* of that */
    size_t tail_size;
    int status; /* of waitpid */
};

static void run_child(const struct probe *probe, pid_t parent, int output) {
    const struct rlimit no_core = {0, 0};
    void *library;
    setpgid(0, 0); /* what it starts is ended with it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "koine-probe");
    setrlimit(RLIMIT_CORE, &no_core);
    if (getppid() != parent || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(1);
    struct verdict *verdict = probe->verdict;
    verdict->fine = loader_open(probe->path, &library, &verdict->stage, &verdict->message) != NULL;
    atomic_store(&verdict->reached, true);
    _exit(0);
}

/* ---- watching it */

static void keep_tail(struct probe *probe, const char *bytes, size_t size) {
    if (size > TAIL_SIZE) {
        bytes += size - TAIL_SIZE;
        size = TAIL_SIZE;
    }
    size_t kept = probe->tail_size + size > TAIL_SIZE ? TAIL_SIZE - size : probe->tail_size;
    memmove(probe->tail, probe->tail + probe->tail_size - kept, kept);
    memcpy(probe->tail + kept, bytes, size);
    probe->tail_size = kept + size;
}

/* Reads what is there, within limits; closes the pipe at its end. */
static void read_output(struct probe *probe) {
    char bytes[4096];
    for (int i = 0; i < READS_A_LOOK && probe->output >= 0; i++) {
        ssize_t size = read(probe->output, bytes, sizeof(bytes));
        if (size < 0)
            return;
        if (size > 0) {
            keep_tail(probe, bytes, (size_t)size);
            continue;
        }
        close(probe->output);
        probe->output = -1;
    }
}

/* True once it has ended, but is not reaped; false: the time is over. */
static bool await_end(struct probe *probe, uint32_t timeout_ms) {
    const uint64_t until_ms = worker_now_ms() + timeout_ms;
    for (;;) {
        siginfo_t end = {0};
        read_output(probe);
        bool over = atomic_load(&probe->verdict->reached); /* it leaves at once */
        int failed =
            waitid(P_PID, (id_t)probe->pid, &end, WEXITED | WNOWAIT | (over ? 0 : WNOHANG));
        if (end.si_pid == probe->pid || (failed && errno != EINTR))
            return true;
        uint64_t now_ms = worker_now_ms();
        if (now_ms >= until_ms)
            return false;
        struct pollfd poller = {.fd = probe->output, .events = POLLIN};
        poll(&poller, 1, until_ms - now_ms < LOOK_MS ? (int)(until_ms - now_ms) : LOOK_MS);
    }
}

/* ---- what its end means */

/* The end of a sentence: the last line that it wrote; "" when it wrote nothing. */
static void last_words(const struct probe *probe, char *out, size_t size) {
    const char *bytes = probe->tail;
    size_t end = probe->tail_size, begin;
    while (end && strchr(" \t\r\n", bytes[end - 1]))
        end--;
    for (begin = end; begin && bytes[begin - 1] != '\n';)
        begin--;
    while (begin < end && (bytes[begin] == ' ' || bytes[begin] == '\t'))
        begin++;
    out[0] = '\0';
    if (begin < end)
        snprintf(out, size, "; the last that it wrote: %.*s", (int)(end - begin), bytes + begin);
    for (char *at = out; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = '?';
}

static const char *place(const struct probe *probe) {
    return atomic_load(&probe->verdict->stage) < LOADER_ASKS ? "one of its constructors"
                                                             : "its koine_module()";
}

static bool refuse_end(const struct probe *probe, struct loader_message *message) {
    char words[TAIL_SIZE + 40];
    last_words(probe, words, sizeof(words));
    if (WIFSIGNALED(probe->status)) {
        const char *name = sigabbrev_np(WTERMSIG(probe->status));
        return loader_refuse(message, probe->path,
                             "%s crashed (SIG%s) when it was tried out, so it is not loaded; what "
                             "can fail belongs into create or init, which can say so%s",
                             place(probe), name ? name : "?", words);
    }
    return loader_refuse(
        message, probe->path,
        "%s ended the process (exit status %d) when it was tried out, so it is "
        "not loaded; what can fail belongs into create or init, which can say so%s",
        place(probe), WEXITSTATUS(probe->status), words);
}

static bool refuse_hanging(const struct probe *probe, uint32_t timeout_ms,
                           struct loader_message *message) {
    char words[TAIL_SIZE + 40];
    last_words(probe, words, sizeof(words));
    return loader_refuse(message, probe->path,
                         "%s did not come back within %u ms (modules.load_timeout_ms) when it was "
                         "tried out, so it is not loaded; what takes time belongs into a thread "
                         "that start begins%s",
                         place(probe), timeout_ms, words);
}

static bool watch(struct probe *probe, uint32_t timeout_ms, struct loader_message *message) {
    bool ended = await_end(probe, timeout_ms);
    kill(-probe->pid, SIGKILL); /* with what it has started */
    kill(probe->pid, SIGKILL);  /* it may not have come to lead its group */
    waitpid(probe->pid, &probe->status, 0);
    read_output(probe);
    const struct verdict *verdict = probe->verdict;
    if (!ended)
        return refuse_hanging(probe, timeout_ms, message);
    if (!atomic_load(&verdict->reached))
        return refuse_end(probe, message);
    *message = verdict->message;
    return verdict->fine;
}

bool loader_try(const char *path, uint32_t timeout_ms, struct loader_message *message) {
    int ends[2];
    pid_t parent = getpid();
    struct verdict *verdict =
        mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (verdict == MAP_FAILED)
        return loader_refuse(message, path, "cannot be tried out: %s", strerror(errno));
    struct probe probe = {.path = path, .verdict = verdict, .pid = -1, .output = -1};
    if (pipe2(ends, O_CLOEXEC) == 0) {
        probe.output = ends[0];
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        probe.pid = fork();
        if (probe.pid == 0)
            run_child(&probe, parent, ends[1]);
        close(ends[1]);
    }
    bool fine = probe.pid > 0
                    ? watch(&probe, timeout_ms, message)
                    : loader_refuse(message, path, "cannot be tried out: %s", strerror(errno));
    if (probe.output >= 0)
        close(probe.output);
    munmap(verdict, sizeof(*verdict));
    return fine;
}
