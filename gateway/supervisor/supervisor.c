/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop: start a worker, wait for its end, clear up behind it, judge. All signals are blocked
 * here and taken one by one, so nothing happens in between. How a worker is set up is
 * worker_process.c, how its remains are ended leftovers.c.
 */
#include "supervisor/supervisor.h"
#include "supervisor/block_watch.h"
#include "supervisor/leftovers.h"
#include "supervisor/worker_process.h"
#include "worker.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CLEAR_UP_MS = 5000,     /* for what a worker left behind */
    SERVED_WELL_MS = 60000, /* after which a crash is no crash in a row */
    LONGEST_DELAY_S = 30,   /* before the next worker */
    SAME_WISH_MS = 200,     /* a terminal, make or a manager signals a group, then each process */
    LAST_WORDS_MS = 3000,   /* what the worker adds to drain_seconds */
    UNRESPONSIVE_MS = 5000, /* … and what it may take to end everything */
    RETRY_MS = 1000,        /* after a fork that failed */
};
#define NEVER UINT64_MAX

struct supervisor {
    const struct supervisor_options *options;
    struct worker_notes *notes;
    struct process_tree spared; /* children from before: not a worker's */
    sigset_t handled, inherited;
    pid_t worker; /* 0: none */
    int control;  /* its pipe */
    uint64_t started_ms;
    uint64_t stop_asked_ms; /* 0: not */
    uint64_t kill_ms;       /* when patience with the worker ends */
    struct block_watch watch;
    uint64_t look_ms; /* when to look at what keeps its loop */
    bool aborted;     /* it has got SIGABRT for a module that hangs */
    unsigned crashes; /* in a row */
    uint32_t restarts;
    bool served; /* some worker has */
};

/* ---- signals */

/* 0: the time has come, or it was interrupted. */
static int next_signal(const struct supervisor *supervisor, uint64_t until_ms) {
    uint64_t now = worker_now_ms(), left = until_ms > now ? until_ms - now : 0;
    struct timespec wait = {(time_t)(left / 1000), (long)(left % 1000) * 1000000};
    int number = until_ms == NEVER ? sigwaitinfo(&supervisor->handled, NULL)
                                   : sigtimedwait(&supervisor->handled, NULL, &wait);
    return number < 0 ? 0 : number;
}

/* Passes the wish on. A worker that does not serve yet has nothing to drain. */
static void stop(struct supervisor *supervisor, int number) {
    uint64_t now = worker_now_ms(), before = supervisor->stop_asked_ms;
    if (before && now - before < SAME_WISH_MS)
        return;
    if (!before)
        close(supervisor->options->listener); /* when the worker closes it, nobody waits in vain */
    supervisor->stop_asked_ms = now;
    if (!supervisor->worker)
        return;
    uint64_t drain_ms = (uint64_t)supervisor->options->drain_seconds * 1000 + LAST_WORDS_MS;
    supervisor->kill_ms = now + (before ? 0 : drain_ms) + UNRESPONSIVE_MS;
    unsigned char byte = (unsigned char)number;
    if (!atomic_load(&supervisor->notes->ready) || write(supervisor->control, &byte, 1) != 1)
        kill(supervisor->worker, SIGKILL);
}

/* Ctrl-Z reaches this process only: the worker is in a group of its own. */
static void suspend(const struct supervisor *supervisor) {
    if (supervisor->worker)
        kill(supervisor->worker, SIGSTOP);
    raise(SIGSTOP);
    if (supervisor->worker)
        kill(supervisor->worker, SIGCONT);
}

static void handle(struct supervisor *supervisor, int number) {
    if (number == SIGTERM || number == SIGINT)
        stop(supervisor, number);
    else if (number == SIGTSTP)
        suspend(supervisor);
    else if (number == SIGUSR1)
        supervisor->look_ms = 0; /* the worker is at work again */
}

/* ---- a worker's life */

/* Reaps whatever is dead; true when the worker is. */
static bool reap(const struct supervisor *supervisor, siginfo_t *end) {
    bool ended = false;
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid) {
        if (info.si_pid == supervisor->worker) {
            *end = info;
            ended = true;
        }
        info.si_pid = 0;
    }
    return ended;
}

/* SIGABRT, so that a core tells where it hangs. */
static void abort_worker(struct supervisor *supervisor, const char *where, uint64_t now_ms) {
    log_print(supervisor->options->log, KOINE_LOG_ERROR, "supervisor",
              "%s has kept the event loop for %llu ms (modules.hang_timeout_ms is %u): worker %d "
              "gets SIGABRT",
              where, (unsigned long long)supervisor->watch.blocked_ms,
              supervisor->options->hang_timeout_ms, (int)supervisor->worker);
    kill(supervisor->worker, SIGABRT);
    supervisor->aborted = true;
    supervisor->look_ms = NEVER;
    if (supervisor->kill_ms > now_ms + UNRESPONSIVE_MS)
        supervisor->kill_ms = now_ms + UNRESPONSIVE_MS;
}

/* Looks whether the worker's loop is stuck in a module. */
static void watch_loop(struct supervisor *supervisor) {
    char where[256];
    uint64_t now = worker_now_ms();
    if (supervisor->aborted || now < supervisor->look_ms)
        return;
    enum block_verdict verdict =
        block_watch_look(&supervisor->watch, supervisor->notes, supervisor->worker,
                         supervisor->options->hang_timeout_ms, now, &supervisor->look_ms);
    if (verdict == BLOCK_NONE)
        return;
    notes_describe(supervisor->notes, supervisor->watch.inside, where, sizeof(where));
    if (verdict == BLOCK_TOO_LONG)
        abort_worker(supervisor, where, now);
    else
        log_print(supervisor->options->log, KOINE_LOG_WARNING, "supervisor",
                  "%s has kept the event loop for %llu s; nothing else is served meanwhile", where,
                  (unsigned long long)supervisor->watch.blocked_ms / 1000);
}

static void await_end(struct supervisor *supervisor, siginfo_t *end) {
    supervisor->kill_ms = NEVER;
    supervisor->look_ms = 0;
    while (!reap(supervisor, end)) {
        watch_loop(supervisor);
        handle(supervisor, next_signal(supervisor, supervisor->kill_ms < supervisor->look_ms
                                                       ? supervisor->kill_ms
                                                       : supervisor->look_ms));
        if (worker_now_ms() < supervisor->kill_ms)
            continue;
        log_print(supervisor->options->log, KOINE_LOG_ERROR, "supervisor",
                  "worker %d does not end: it gets SIGKILL", (int)supervisor->worker);
        kill(supervisor->worker, SIGKILL);
        supervisor->kill_ms = NEVER;
    }
    supervisor->worker = 0;
    close(supervisor->control);
}

static void clear_up(struct supervisor *supervisor, pid_t worker) {
    struct log *log = supervisor->options->log;
    size_t killed, living = leftovers_kill(&supervisor->spared, CLEAR_UP_MS, &killed);
    if (killed)
        log_print(log, KOINE_LOG_WARNING, "supervisor",
                  "%zu processes that worker %d left behind got SIGKILL", killed, (int)worker);
    if (living)
        log_print(log, KOINE_LOG_ERROR, "supervisor",
                  "%zu of them live on; find them with: ps --ppid %d", living, (int)getpid());
}

/* ---- what its end means */

static void describe(const struct supervisor *supervisor, const siginfo_t *end, char *out,
                     size_t size) {
    unsigned inside = atomic_load(&supervisor->notes->inside);
    char where[256];
    const char *name = sigabbrev_np(end->si_status);
    int n;
    if (end->si_code == CLD_EXITED)
        n = snprintf(out, size, "worker %d ended with exit status %d", (int)end->si_pid,
                     end->si_status);
    else
        n = snprintf(out, size, "worker %d was killed by SIG%s", (int)end->si_pid,
                     name ? name : "?");
    unsigned thread = supervisor->aborted ? 0 : atomic_load(&supervisor->notes->crashed_thread);
    if (thread == NOTES_SOME_THREAD)
        n += snprintf(out + n, size - (size_t)n,
                      " in a thread that is not the event loop's; of which module is not known");
    else if (thread && thread <= NOTES_MODULES)
        n += snprintf(out + n, size - (size_t)n, " in a thread of module %.*s", NOTES_NAME_SIZE,
                      supervisor->notes->modules[thread - 1]);
    else if (inside)
        n += snprintf(out + n, size - (size_t)n, " in %s",
                      notes_describe(supervisor->notes, inside, where, sizeof(where)));
    if (end->si_code == CLD_DUMPED)
        snprintf(out + n, size - (size_t)n, " (core dumped)");
}

/* No new worker follows: either that was wanted, or none has served yet. */
static int final_status(const struct supervisor *supervisor, const siginfo_t *end) {
    char what[400];
    bool wanted = supervisor->stop_asked_ms, exited = end->si_code == CLD_EXITED;
    if (exited && (wanted || end->si_status == 1))
        return end->si_status; /* it has said why */
    if (wanted && !atomic_load(&supervisor->notes->ready))
        return 0; /* ended by stop(), with nothing to drain */
    describe(supervisor, end, what, sizeof(what));
    log_print(supervisor->options->log, KOINE_LOG_ERROR, "supervisor", "%s %s", what,
              wanted ? "while it drained" : "before it served");
    return exited && end->si_status ? end->si_status : 1;
}

/* 0, 1, 2, 4 … seconds from one crash to the next worker. */
static unsigned next_delay_s(struct supervisor *supervisor) {
    bool served_well = atomic_load(&supervisor->notes->ready) &&
                       worker_now_ms() - supervisor->started_ms >= SERVED_WELL_MS;
    unsigned before = served_well ? 0 : supervisor->crashes;
    supervisor->crashes = before + 1;
    if (before == 0)
        return 0;
    return before > 5 ? LONGEST_DELAY_S : 1u << (before - 1);
}

/* When the next worker is to start. */
static uint64_t plan_restart(struct supervisor *supervisor, const siginfo_t *end) {
    char what[400], when[24] = "at once";
    unsigned delay_s = next_delay_s(supervisor);
    if (delay_s)
        snprintf(when, sizeof(when), "in %u s", delay_s);
    describe(supervisor, end, what, sizeof(what));
    log_print(supervisor->options->log, KOINE_LOG_ERROR, "supervisor", "%s; a new one starts %s",
              what, when);
    supervisor->restarts++;
    return worker_now_ms() + (uint64_t)delay_s * 1000;
}

/* The first start failed for a module, and goes on without it. */
static bool leaves_out(const struct supervisor *supervisor, const siginfo_t *end) {
    unsigned module = NOTES_MODULE(atomic_load(&supervisor->notes->inside));
    char what[400], name[NOTES_NAME_SIZE + 1];
    if (!module || module > NOTES_MODULES)
        return false;
    describe(supervisor, end, what, sizeof(what));
    snprintf(name, sizeof(name), "%.*s", NOTES_NAME_SIZE, supervisor->notes->modules[module - 1]);
    return supervisor->options->leave_out(supervisor->options->data, name, what);
}

static void wait_until(struct supervisor *supervisor, uint64_t until_ms) {
    while (!supervisor->stop_asked_ms && worker_now_ms() < until_ms)
        handle(supervisor, next_signal(supervisor, until_ms));
}

/* ---- together */

static bool set_up(struct supervisor *supervisor) {
    void *page = mmap(NULL, sizeof(struct worker_notes), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
        log_print(supervisor->options->log, KOINE_LOG_ERROR, "supervisor", "cannot supervise: %m");
        return false;
    }
    supervisor->notes = page;
    signal(SIGCHLD, SIG_DFL); /* whoever started us may have ignored it */
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&supervisor->handled);
    sigaddset(&supervisor->handled, SIGCHLD);
    sigaddset(&supervisor->handled, SIGTERM);
    sigaddset(&supervisor->handled, SIGINT);
    sigaddset(&supervisor->handled, SIGTSTP);
    sigaddset(&supervisor->handled, SIGUSR1);
    sigprocmask(SIG_BLOCK, &supervisor->handled, &supervisor->inherited);
    leftovers_spare_children(&supervisor->spared);
    return true;
}

/* As worker_process_start. */
static pid_t start(struct supervisor *supervisor, struct supervised *given) {
    memset(supervisor->notes, 0, sizeof(*supervisor->notes));
    supervisor->watch = (struct block_watch){0};
    supervisor->aborted = false;
    given->supervisor = getpid();
    pid_t pid = worker_process_start(&supervisor->inherited, &given->control);
    if (pid == 0) {
        given->notes = supervisor->notes;
        given->restarts = supervisor->restarts;
        process_tree_finish(&supervisor->spared);
    } else if (pid > 0) {
        supervisor->worker = pid;
        supervisor->control = given->control;
        supervisor->started_ms = worker_now_ms();
    }
    return pid;
}

/* A fork that fails (too many processes, no memory) is tried again: clients wait meanwhile. */
static pid_t start_at_last(struct supervisor *supervisor, struct supervised *given) {
    pid_t pid;
    while ((pid = start(supervisor, given)) < 0 && !supervisor->stop_asked_ms) {
        log_print(supervisor->options->log, KOINE_LOG_ERROR, "supervisor",
                  "cannot start a worker: %m");
        if (!supervisor->served)
            break;
        wait_until(supervisor, worker_now_ms() + RETRY_MS);
    }
    return pid;
}

/* The life of one worker and what it leaves. True: a next one is to be started. */
static bool see_through(struct supervisor *supervisor, int *status) {
    siginfo_t end = {0};
    pid_t worker = supervisor->worker;
    await_end(supervisor, &end);
    supervisor->served = supervisor->served || atomic_load(&supervisor->notes->ready);
    bool first = !supervisor->served;
    bool last = supervisor->stop_asked_ms || (first && !leaves_out(supervisor, &end));
    uint64_t next_ms = last || first ? 0 : plan_restart(supervisor, &end);
    *status = last ? final_status(supervisor, &end) : 0;
    clear_up(supervisor, worker);
    wait_until(supervisor, next_ms);
    return !last && !supervisor->stop_asked_ms;
}

int supervisor_run(const struct supervisor_options *options) {
    struct supervisor supervisor = {.options = options};
    struct supervised given;
    int status = 1;
    if (!set_up(&supervisor))
        return 1;
    do {
        pid_t pid = start_at_last(&supervisor, &given);
        if (pid == 0)
            return options->work(options->data, &given);
        if (pid < 0) {
            status = supervisor.stop_asked_ms ? 0 : 1;
            break;
        }
    } while (see_through(&supervisor, &status));
    process_tree_finish(&supervisor.spared);
    return status;
}
