/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of processes with their start times, searched by pid. Built by walking the children
 * breadth first; what a walk misses (a child forked meanwhile) the next one finds.
 */
#include "runner/process_tree.h"
#include "runner/proc_file.h"

#include <assert.h>
#include <koine/base.h>
#include <signal.h>
#include <stdlib.h>

void process_tree_finish(struct process_tree *tree) {
    free(tree->members);
    free(tree->slots);
    *tree = (struct process_tree){0};
}

static size_t slot_of(const struct process_tree *tree, pid_t pid) {
    assert(tree->slot_count > 0);
    size_t slot = (size_t)((uint32_t)pid * UINT32_C(2654435761)) & (tree->slot_count - 1);
    while (tree->slots[slot] && tree->members[tree->slots[slot] - 1].pid != pid) {
        slot = (slot + 1) & (tree->slot_count - 1);
    }
    return slot;
}

static struct process_tree_member *find(const struct process_tree *tree, pid_t pid) {
    if (tree->slot_count == 0) {
        return NULL;
    }
    const uint32_t index = tree->slots[slot_of(tree, pid)];
    return index ? &tree->members[index - 1] : NULL;
}

bool process_tree_knows(const struct process_tree *tree, pid_t pid) {
    return find(tree, pid) != NULL;
}

bool process_tree_has_living(const struct process_tree *tree, pid_t pid) {
    const struct process_tree_member *member = find(tree, pid);
    return member && member->alive;
}

/* Keeps the slots at most half full. */
static int grow(struct process_tree *tree) {
    const size_t capacity = tree->capacity ? tree->capacity * 2 : 16;
    struct process_tree_member *members = reallocarray(tree->members, capacity, sizeof(*members));
    if (!members) {
        return KOINE_NO_MEMORY;
    }
    tree->members = members;
    uint32_t *slots = calloc(capacity * 2, sizeof(*slots));
    if (!slots) {
        return KOINE_NO_MEMORY; /* capacity is unchanged: the larger block does no harm */
    }
    free(tree->slots);
    tree->slots = slots;
    tree->slot_count = capacity * 2;
    tree->capacity = capacity;
    for (size_t i = 0; i < tree->count; i++) {
        tree->slots[slot_of(tree, tree->members[i].pid)] = (uint32_t)i + 1;
    }
    return KOINE_OK;
}

static struct process_tree_member *append(struct process_tree *tree, pid_t pid) {
    if (tree->count == tree->capacity && grow(tree) != KOINE_OK) {
        return NULL;
    }
    tree->members[tree->count] = (struct process_tree_member){.pid = pid};
    tree->slots[slot_of(tree, pid)] = (uint32_t)tree->count + 1;
    return &tree->members[tree->count++];
}

static bool is_same(const struct process_tree_member *member, const struct proc_stat *stat) {
    return member->start_ticks == stat->start_ticks || member->start_ticks == 0 ||
           stat->start_ticks == 0;
}

int process_tree_add(struct process_tree *tree, pid_t pid, int signal) {
    struct process_tree_member *member = find(tree, pid);
    struct proc_stat stat;
    if (!proc_stat_read(pid, &stat) || stat.dead) {
        if (member) {
            member->alive = false;
        }
        return 0;
    }
    if (member && member->alive && is_same(member, &stat)) {
        return 0;
    }
    if (!member && !(member = append(tree, pid))) {
        return KOINE_NO_MEMORY;
    }
    *member = (struct process_tree_member){.pid = pid,
                                           .group = stat.group,
                                           .session = stat.session,
                                           .threads = stat.threads,
                                           .start_ticks = stat.start_ticks,
                                           .alive = true};
    if (signal) {
        kill(pid, signal);
    }
    return 1;
}

int process_tree_walk(struct process_tree *tree, int signal) {
    struct pid_list children = {0};
    int found = 0;
    /* The members added on the way are walked in their turn. */
    for (size_t i = 0; i < tree->count && found >= 0; i++) {
        if (!tree->members[i].alive) {
            continue;
        }
        children.count = 0;
        if (proc_children(tree->members[i].pid, tree->members[i].threads, &children) != KOINE_OK) {
            found = KOINE_NO_MEMORY;
        }
        for (size_t c = 0; c < children.count && found >= 0; c++) {
            const int added = process_tree_add(tree, children.pids[c], signal);
            found = added < 0 ? added : found + added;
        }
    }
    pid_list_finish(&children);
    return found;
}

size_t process_tree_refresh(struct process_tree *tree) {
    size_t living = 0;
    for (size_t i = 0; i < tree->count; i++) {
        struct process_tree_member *member = &tree->members[i];
        struct proc_stat stat;
        if (!member->alive) {
            continue;
        }
        member->alive = proc_stat_read(member->pid, &stat) && !stat.dead && is_same(member, &stat);
        living += member->alive;
        if (member->alive && stat.start_ticks) {
            member->threads = stat.threads;
            member->group = stat.group;
            member->session = stat.session;
            member->start_ticks = stat.start_ticks;
        }
    }
    return living;
}

void process_tree_signal_new(struct process_tree *tree, int signal) {
    for (size_t i = 0; i < tree->count; i++) {
        struct process_tree_member *member = &tree->members[i];
        if (member->alive && !member->signalled) {
            member->signalled = true;
            kill(member->pid, signal);
        }
    }
}

void process_tree_signal(const struct process_tree *tree, int signal) {
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->members[i].alive) {
            kill(tree->members[i].pid, signal);
        }
    }
}
