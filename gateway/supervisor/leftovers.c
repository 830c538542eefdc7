/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever loses its parent becomes a child of this process before the parent can be reaped. So
 * nothing is left once there are no more children; walking the descendants only makes it quicker.
 */
#include "supervisor/leftovers.h"
#include "runner/proc_file.h"
#include "worker.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

void leftovers_spare_children(struct process_tree *spared) {
    struct pid_list children = {0};
    proc_children(getpid(), 1, &children);
    for (size_t i = 0; i < children.count; i++)
        process_tree_add(spared, children.pids[i], 0);
    pid_list_finish(&children);
}

/* Whether there were new ones. */
static bool kill_children(struct process_tree *tree, struct process_tree *spared) {
    struct pid_list children = {0};
    bool found = proc_children(getpid(), 1, &children) != 0;
    process_tree_refresh(spared); /* a pid of one that is over may be another's now */
    for (size_t i = 0; i < children.count; i++) {
        if (process_tree_has_living(spared, children.pids[i]))
            continue;
        int added = process_tree_add(tree, children.pids[i], SIGKILL);
        if (added < 0) /* no memory to remember it */
            kill(children.pids[i], SIGKILL);
        found = found || added != 0;
    }
    pid_list_finish(&children);
    return found;
}

/* False when there are no children at all. */
static bool reap(void) {
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid == 0)
            return true;
        info.si_pid = 0;
    }
    return false;
}

size_t leftovers_kill(struct process_tree *spared, unsigned limit_ms, size_t *killed) {
    struct process_tree tree = {0};
    const uint64_t until_ms = worker_now_ms() + limit_ms;
    size_t living = 0;
    for (;;) {
        bool found = kill_children(&tree, spared);
        found = process_tree_walk(&tree, SIGKILL) != 0 || found;
        bool children = reap();
        living = process_tree_refresh(&tree);
        if (!children || (!found && !living) || worker_now_ms() >= until_ms)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    *killed = tree.count;
    process_tree_finish(&tree);
    return living;
}
