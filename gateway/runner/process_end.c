/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certain end of a tree: looks again and again which processes belong to it, asks them with
 * SIGTERM, and after the grace period stops and kills them until a look finds none.
 */
#include "runner/process_internal.h"

#include <koine/log.h>
#include <unistd.h>

#define FIRST_LOOK_MS 2
#define SLOWEST_LOOK_MS 15
#define GIVE_UP_MS 3000
/* Rounds of stopping before a kill: a process that keeps forking is rarely faster. */
#define STOP_ROUNDS 16

/* How often a list of children is read again when one of them died while it was looked at. */
#define LIST_ROUNDS 8

/*
 * Records an adopted child that belongs to the process. True: nothing is left to learn about it.
 * False: it was dead already, so what it started meanwhile is in no list that was read so far.
 */
static bool add_adopted_one(struct process *process, pid_t pid, int signal, int *found) {
    const enum process_ownership ownership = process_owns(process, pid);
    if (ownership != PROCESS_OWN) {
        return ownership == PROCESS_FOREIGN;
    }
    const bool recorded = process_tree_knows(&process->tree, pid);
    if (signal && !recorded) {
        kill(pid, signal); /* only we can reap it, so the pid is still its own */
    }
    const int added = process_tree_add(&process->tree, pid, signal);
    if (added < 0) {
        kill(pid, SIGKILL); /* cannot be remembered: it gets no grace */
    }
    process->host->counters.strays += added != 0 && !recorded;
    *found += added != 0;
    return added != 0 || process_tree_has_living(&process->tree, pid);
}

/* Descendants that are not found by descent: their parent is dead, so they are our children. How
 * many are new, one more when that is not certain. */
static int add_adopted(struct process *process, int signal) {
    struct pid_list adopted = {0};
    bool certain = false;
    int found = 0;
    for (int round = 0; round < LIST_ROUNDS && !certain; round++) {
        adopted.count = 0;
        process_host_reap(process->host);
        certain = process_host_adopted(process->host, &adopted) == KOINE_OK;
        for (size_t i = 0; i < adopted.count; i++) {
            certain &= add_adopted_one(process, adopted.pids[i], signal, &found);
        }
    }
    pid_list_finish(&adopted);
    return found + !certain;
}

/* Whoever lives in the cgroup is of the tree, whatever else it has shed. As add_adopted. */
static int add_cgroup(struct process *process, int signal) {
    struct pid_list members = {0};
    const bool certain = cgroup_list(process->cgroup, &members) == KOINE_OK;
    int found = 0;
    for (size_t i = 0; i < members.count; i++) {
        const bool recorded = process_tree_knows(&process->tree, members.pids[i]);
        const int added = process_tree_add(&process->tree, members.pids[i], signal);
        process->host->counters.strays += added != 0 && !recorded;
        found += added != 0;
    }
    pid_list_finish(&members);
    return found + !certain;
}

/* Brings the record up to date; new processes get `signal`. How many are new, one more when there
 * may be others, so that the caller looks again. */
static int collect(struct process *process, int signal) {
    int root = 0;
    if (!process->reaped) {
        root = process_tree_add(&process->tree, process->pid, signal);
    }
    const int adopted = add_adopted(process, signal);
    const int walked = process_tree_walk(&process->tree, signal);
    const int others = adopted + (process->cgroup ? add_cgroup(process, signal) : 0);
    return root < 0 || walked < 0 ? others + 1 : root + others + walked;
}

/* Certainly: nobody lived when this look began, and it found nobody. A member that dies during a
 * look may have forked since the last one. */
static bool is_empty(struct process *process, int signal) {
    return process_tree_refresh(&process->tree) == 0 && collect(process, signal) == 0;
}

static size_t terminate(struct process *process) {
    collect(process, 0);
    process_tree_signal_new(&process->tree, SIGTERM);
    const size_t living = process_tree_refresh(&process->tree);
    return living == 0 ? !is_empty(process, 0) : living;
}

/* A whole group dies in one step, also what it forks meanwhile. Only a group that this tree has
 * made: one led by a member, or in a session that is not ours. */
static void kill_groups(const struct process *process) {
    const pid_t own_session = getsid(0);
    pid_t last = 0;
    if (!process->reaped) {
        kill(-process->pid, SIGKILL);
    }
    for (size_t i = 0; i < process->tree.count; i++) {
        const struct process_tree_member *member = &process->tree.members[i];
        if (member->alive && member->group > 1 && member->group != last &&
            member->group != getpgrp() &&
            (member->session != own_session || member->group == process->pid ||
             process_tree_knows(&process->tree, member->group))) {
            last = member->group;
            kill(-last, SIGKILL);
        }
    }
}

size_t process_kill(struct process *process) {
    if (process->cgroup) {
        cgroup_kill(process->cgroup);
    }
    process_tree_refresh(&process->tree);
    process_tree_signal(&process->tree, SIGSTOP);
    for (int round = 0; round < STOP_ROUNDS && collect(process, SIGSTOP) > 0; round++) {
    }
    const size_t living = process_tree_refresh(&process->tree);
    kill_groups(process);
    process_tree_signal(&process->tree, SIGKILL);
    return living == 0 ? !is_empty(process, SIGSTOP) : living;
}

static void look_later(struct process *process) {
    const struct timeval delay = {0, (suseconds_t)process->look_interval_ms * 1000};
    if (event_add(&process->look_event, &delay) < 0) {
        event_active(&process->look_event, EV_TIMEOUT, 1); /* no memory: at once, then */
    }
    if (process->look_interval_ms < SLOWEST_LOOK_MS) {
        process->look_interval_ms *= 2;
    }
}

static void begin_kill(struct process *process) {
    process->phase = PROCESS_KILLING;
    process->phase_ends_ms = process_now_ms() + GIVE_UP_MS;
    process->look_interval_ms = FIRST_LOOK_MS;
}

/* How many were alive; they got their signal. */
static size_t look(struct process *process) {
    if (process->phase == PROCESS_TERMINATING) {
        const size_t living = terminate(process);
        if (living == 0 || process_now_ms() < process->phase_ends_ms) {
            return living;
        }
        process->host->counters.killed++;
        begin_kill(process);
    }
    return process_kill(process);
}

static void give_up(struct process *process, size_t living) {
    process_log(process->host, KOINE_LOG_ERROR,
                "Process %d: %zu of its tree are alive after %d ms of SIGKILL (another user's, or"
                " waiting for a device); the run is over without them.",
                (int)process->pid, living, GIVE_UP_MS);
    process->dropping = true;
    if (!process->reaped) {
        process->status.exit_code = -1;
        process->status.signal = SIGKILL;
    }
    process->exited = true;
    process_pipe_close(&process->output);
    process_pipe_close(&process->errors);
    process->phase = PROCESS_TREE_GONE;
    process_proceed(process);
}

void process_look(evutil_socket_t fd, short what, void *data) {
    struct process *process = data;
    (void)fd, (void)what;
    process_host_reap(process->host);
    process_note_exit(process);
    const size_t living = look(process);
    if (living == 0 && process->exited) {
        event_del(&process->look_event);
        process->phase = PROCESS_TREE_GONE;
        process_proceed(process);
    } else if (process->phase == PROCESS_KILLING && process_now_ms() >= process->phase_ends_ms) {
        give_up(process, living);
    } else {
        look_later(process);
    }
}

static void begin(struct process *process, uint32_t grace_ms) {
    process->phase = PROCESS_TERMINATING;
    process->phase_ends_ms = process_now_ms() + grace_ms;
    process->look_interval_ms = FIRST_LOOK_MS;
    if (grace_ms == 0) {
        begin_kill(process);
    }
    look(process);
    look_later(process);
}

/* The cheap look of the usual case: one list, in which nothing is ours. */
static bool has_no_strays(struct process *process) {
    struct pid_list adopted = {0};
    bool none = process_host_adopted(process->host, &adopted) == KOINE_OK;
    for (size_t i = 0; i < adopted.count && none; i++) {
        none = process_owns(process, adopted.pids[i]) == PROCESS_FOREIGN;
    }
    pid_list_finish(&adopted);
    return none;
}

static bool has_empty_cgroup(const struct process *process) {
    struct pid_list members = {0};
    const bool empty = !process->cgroup ||
                       (cgroup_list(process->cgroup, &members) == KOINE_OK && members.count == 0);
    pid_list_finish(&members);
    return empty;
}

bool process_end_strays(struct process *process) {
    process_host_reap(process->host);
    if (has_empty_cgroup(process) && has_no_strays(process)) {
        return true;
    }
    const uint64_t before = process->host->counters.strays;
    begin(process, process->kill_grace_ms);
    const uint64_t strays = process->host->counters.strays - before;
    if (strays > 0) {
        process_log(process->host, KOINE_LOG_INFO,
                    "Process %d has ended and left %llu processes running: they are ended too.",
                    (int)process->pid, (unsigned long long)strays);
    }
    return false;
}

/* Living descendants, told by descent, that are in another session than the process itself. */
static bool has_detached_descendants(const struct process *process) {
    struct process_tree tree = {0};
    bool found = process_tree_add(&tree, process->pid, 0) < 0 || process_tree_walk(&tree, 0) < 0;
    for (size_t i = 1; i < tree.count && !found; i++)
        found = tree.members[i].alive && tree.members[i].session != tree.members[0].session;
    process_tree_finish(&tree);
    return found;
}

bool process_has_leftovers(struct process *process) {
    process_host_reap(process->host);
    return !process->reaped && (has_detached_descendants(process) || !has_no_strays(process));
}

void process_end_as(struct process *process, enum process_end how, bool at_once) {
    if (process->status.how == PROCESS_EXITED) {
        process->status.how = how;
    }
    process->dropping = true;
    process_input_close(process);
    if (process->output.fd >= 0) {
        event_add(&process->output.event, NULL); /* it may be paused: what comes is dropped */
    }
    if (process->phase == PROCESS_TREE_GONE) {
        process_proceed_later(process);
    } else if (process->phase == PROCESS_RUNNING) {
        begin(process, at_once ? 0 : process->kill_grace_ms);
    } else if (process->phase == PROCESS_TERMINATING && at_once) {
        begin(process, 0);
    }
}

void process_end(struct process *process, bool at_once) {
    process_end_as(process, PROCESS_ENDED, at_once);
}
