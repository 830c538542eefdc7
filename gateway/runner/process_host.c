/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent's side of all children. As a child subreaper this process adopts what its
 * descendants leave behind: this file reaps them and says whose they are.
 * It takes every child of this process for its own: nothing else here may wait for children.
 */
#include "runner/process_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <koine/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long an adopted zombie may stay. Armed only while there are children. */
#define SWEEP_MS 2000
#define SWEEP_SOON_MS 20
#define DESTROY_WAIT_MS 1000

enum ownership {
    OWNED,  /* by a process of this host */
    ORPHAN, /* marked by one that is over */
    UNKNOWN_OWNER
};

uint64_t process_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void process_log(struct process_host *host, int level, const char *format, ...) {
    if (!host->log) {
        return;
    }
    char message[640];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof(message), format, values);
    va_end(values);
    host->log(host->log_data, level, message);
}

static void sweep_in(struct process_host *host, int ms) {
    const struct timeval delay = {ms / 1000, ms % 1000 * 1000};
    event_add(&host->sweep_event, &delay);
}

void process_host_add(struct process_host *host, struct process *process) {
    process->next = host->first;
    if (host->first) {
        host->first->previous = process;
    }
    host->first = process;
    host->counters.started++;
    host->counters.running++;
    if (!evtimer_pending(&host->sweep_event, NULL)) {
        sweep_in(host, SWEEP_MS);
    }
}

void process_host_remove(struct process_host *host, struct process *process) {
    if (process->previous) {
        process->previous->next = process->next;
    } else {
        host->first = process->next;
    }
    if (process->next) {
        process->next->previous = process->previous;
    }
    process->next = process->previous = NULL;
    host->counters.running--;
    if (!process_host_reap(host)) {
        event_del(&host->sweep_event);
    } else if (!host->first) {
        sweep_in(host, SWEEP_SOON_MS);
    }
    if (!host->first) {
        process_tree_finish(&host->unknown);
    }
}

void process_host_set_quiet(struct process_host *host, bool quiet) {
    host->quiet = quiet;
}

void process_host_count(const struct process_host *host, struct process_host_counters *counters) {
    *counters = host->counters;
}

static struct process *started_here(const struct process_host *host, pid_t pid) {
    struct process *process = host->first;
    while (process && (process->pid != pid || process->reaped)) {
        process = process->next;
    }
    return process;
}

void process_set_reaped(struct process *process, const siginfo_t *info) {
    const bool by_itself = info->si_code == CLD_EXITED;
    process->reaped = true;
    process->status.exit_code = by_itself ? info->si_status : -1;
    process->status.signal = by_itself ? 0 : info->si_status;
}

bool process_host_reap(struct process_host *host) {
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        if (info.si_pid == 0) {
            return true;
        }
        struct process *process = started_here(host, info.si_pid);
        if (process) {
            process_set_reaped(process, &info); /* its pidfd stays readable */
        }
    }
}

static int own_children(const struct process_host *host, struct pid_list *children) {
    /* A thread's orphans go to the main thread as well, so one file has all adopted ones. */
    return host->children_fd >= 0 ? proc_children_of_file(host->children_fd, children)
                                  : proc_children_by_scan(getpid(), children);
}

int process_host_adopted(struct process_host *host, struct pid_list *adopted) {
    const int result = own_children(host, adopted);
    size_t kept = 0;
    for (size_t i = 0; i < adopted->count; i++) {
        if (!started_here(host, adopted->pids[i])) {
            adopted->pids[kept++] = adopted->pids[i];
        }
    }
    adopted->count = kept;
    return result;
}

/* The file is readable for everybody. The system call is not for a process of another user, unless
 * root has all its capabilities: in a container it seldom has. */
static bool read_tag(pid_t pid, rlim_t *tag) {
    struct rlimit limit;
    uint64_t locks;
    if (prlimit(pid, RLIMIT_LOCKS, NULL, &limit) == 0) {
        *tag = limit.rlim_cur;
        return true;
    }
    const bool found = errno == EPERM && proc_locks_limit_read(pid, &locks);
    *tag = found ? locks : 0;
    return found;
}

/* 0 when it was started elsewhere, removed its tag, or may not be looked at. */
static rlim_t tag_of(pid_t pid) {
    const rlim_t first = (rlim_t)1 << 62;
    rlim_t tag;
    return read_tag(pid, &tag) && tag >= first && tag < first * 2 ? tag : 0;
}

static bool is_related(const struct process *process, pid_t pid) {
    struct proc_stat stat;
    return proc_stat_read(pid, &stat) && stat.start_ticks &&
           (stat.group == process->pid || stat.session == process->pid ||
            process_tree_knows(&process->tree, stat.group) ||
            process_tree_knows(&process->tree, stat.session));
}

static bool is_in_cgroup(const struct process *process, pid_t pid) {
    struct pid_list members = {0};
    bool found = false;
    if (process->cgroup) {
        cgroup_list(process->cgroup, &members);
    }
    for (size_t i = 0; i < members.count && !found; i++) {
        found = members.pids[i] == pid;
    }
    pid_list_finish(&members);
    return found;
}

/* The costly way, for those that shed their tag. */
static enum ownership owner_without_tag(const struct process_host *host, pid_t pid,
                                        const struct process **owner) {
    char marker[PROCESS_MARKER_DIGITS + 1];
    const bool marked = proc_environ_read(pid, PROCESS_MARKER_NAME, marker, sizeof(marker)) &&
                        strlen(marker) == PROCESS_MARKER_DIGITS;
    for (*owner = host->first; *owner; *owner = (*owner)->next) {
        const char *digits = (*owner)->marker + strlen(PROCESS_MARKER_NAME);
        if (marked ? strcmp(digits, marker) == 0
                   : is_related(*owner, pid) || is_in_cgroup(*owner, pid)) {
            return OWNED;
        }
    }
    return marked ? ORPHAN : UNKNOWN_OWNER;
}

static enum ownership owner_of(const struct process_host *host, pid_t pid,
                               const struct process **owner) {
    for (*owner = host->first; *owner; *owner = (*owner)->next) {
        if (process_tree_knows(&(*owner)->tree, pid)) {
            return OWNED;
        }
    }
    const rlim_t tag = tag_of(pid);
    if (tag == 0) {
        return owner_without_tag(host, pid, owner);
    }
    for (*owner = host->first; *owner; *owner = (*owner)->next) {
        if ((*owner)->tag == tag) {
            return OWNED;
        }
    }
    return ORPHAN;
}

enum process_ownership process_owns(const struct process *process, pid_t pid) {
    const struct process *owner;
    struct proc_stat stat;
    switch (owner_of(process->host, pid, &owner)) {
    case OWNED:
        return owner == process ? PROCESS_OWN : PROCESS_FOREIGN;
    case UNKNOWN_OWNER:
        return proc_stat_read(pid, &stat) && !stat.dead ? PROCESS_FOREIGN : PROCESS_TOO_LATE;
    case ORPHAN:
        break;
    }
    return PROCESS_FOREIGN;
}

static void end_ownerless(struct process_host *host, pid_t pid, const char *why) {
    struct proc_stat stat;
    if (!proc_stat_read(pid, &stat) || stat.dead) {
        return;
    }
    process_log(host, KOINE_LOG_WARNING, "Process %d (%s) %s: it gets SIGKILL.", (int)pid,
                stat.name, why);
    host->counters.strays++;
    kill(pid, SIGKILL);
    sweep_in(host, SWEEP_SOON_MS);
}

static void look_at_adopted(struct process_host *host, pid_t pid) {
    const struct process *owner;
    const enum ownership ownership = owner_of(host, pid, &owner);
    if (ownership == ORPHAN) {
        end_ownerless(host, pid, "has outlived the run that started it");
    } else if (ownership == UNKNOWN_OWNER && (!host->first || host->quiet)) {
        end_ownerless(host, pid, "belongs to no run, and no run is left");
    } else if (ownership == UNKNOWN_OWNER && process_tree_add(&host->unknown, pid, 0) == 1) {
        process_log(host, KOINE_LOG_WARNING,
                    "Process %d was left behind by a run that cannot be told; it is ended when no"
                    " run is left.",
                    (int)pid);
    }
}

static void sweep(evutil_socket_t fd, short what, void *data) {
    struct process_host *host = data;
    struct pid_list adopted = {0};
    (void)fd, (void)what;
    if (!process_host_reap(host)) {
        return; /* no children: the next start arms it again */
    }
    sweep_in(host, SWEEP_MS);
    process_host_adopted(host, &adopted);
    for (size_t i = 0; i < adopted.count; i++) {
        look_at_adopted(host, adopted.pids[i]);
    }
    pid_list_finish(&adopted);
}

static void ignore_broken_pipes(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
        signal(SIGPIPE, SIG_IGN); /* a child that ends while it is written to */
    }
}

struct process_host *process_host_create(struct event_base *base,
                                         void (*log)(void *data, int level, const char *message),
                                         void *data) {
    struct process_host *host = calloc(1, sizeof(*host));
    if (!host) {
        return NULL;
    }
    host->base = base;
    host->log = log;
    host->log_data = data;
    host->scratch = malloc(LINE_READER_READ_BYTES);
    if (!host->scratch || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        goto error;
    }
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    host->children_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (host->children_fd < 0 && errno != ENOENT) {
        goto error;
    }
    evtimer_assign(&host->sweep_event, base, sweep, host);
    ignore_broken_pipes();
    return host;
error:
    free(host->scratch);
    free(host);
    return NULL;
}

/* One round; false when no child is left. */
static bool kill_everything(struct process_host *host) {
    struct pid_list adopted = {0};
    for (struct process *process = host->first; process; process = process->next) {
        process_kill(process);
    }
    process_host_adopted(host, &adopted);
    for (size_t i = 0; i < adopted.count; i++) {
        kill(adopted.pids[i], SIGKILL);
    }
    pid_list_finish(&adopted);
    return process_host_reap(host);
}

void process_host_destroy(struct process_host *host) {
    if (!host) {
        return;
    }
    const uint64_t end_ms = process_now_ms() + DESTROY_WAIT_MS;
    while (process_host_reap(host) && kill_everything(host) && process_now_ms() < end_ms) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    while (host->first) {
        struct process *process = host->first;
        process_host_remove(host, process);
        process_free(process);
    }
    event_del(&host->sweep_event);
    process_tree_finish(&host->unknown);
    if (host->children_fd >= 0) {
        close(host->children_fd);
    }
    free(host->scratch);
    free(host);
}
