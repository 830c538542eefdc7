/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over /proc for all parents, then the tree out of the list. */
#include "support/process_family.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct process_list {
    struct process_relative *items;
    size_t count, capacity;
};

static size_t read_file(pid_t pid, const char *name, char *out, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* False: gone, or a zombie. */
static bool look_at(pid_t pid, struct process_relative *out) {
    char stat[512], state = 'Z';
    unsigned long long ticks = 0;
    int parent = 0;
    if (!read_file(pid, "stat", stat, sizeof stat))
        return false;
    const char *rest = strrchr(stat, ')'); /* the name may hold anything */
    if (!rest || sscanf(rest + 1,
                        " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                        "%*d %llu",
                        &state, &parent, &ticks) != 3)
        return false;
    uint64_t began_ms = ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK), now = now_ms();
    *out = (struct process_relative){pid, parent, now > began_ms ? now - began_ms : 0};
    return state != 'Z' && state != 'X';
}

static void append(struct process_list *list, struct process_relative item) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        struct process_relative *grown =
            realloc(list->items, capacity * sizeof(struct process_relative));
        if (!grown)
            abort();
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

static struct process_list everybody(void) {
    struct process_list all = {0};
    DIR *proc = opendir("/proc");
    for (const struct dirent *entry; proc && (entry = readdir(proc));) {
        struct process_relative one;
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && pid > 0 && look_at((pid_t)pid, &one))
            append(&all, one);
    }
    if (proc)
        closedir(proc);
    return all;
}

static void add_children(struct process_list *family, const struct process_list *all,
                         pid_t parent) {
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].parent == parent)
            append(family, all->items[i]);
}

struct process_family process_family_of(pid_t root) {
    struct process_list all = everybody(), family = {0};
    add_children(&family, &all, root);
    for (size_t i = 0; i < family.count; i++)
        add_children(&family, &all, family.items[i].pid);
    free(all.items);
    return (struct process_family){family.items, family.count};
}

void process_family_finish(struct process_family *family) {
    free(family->items);
    *family = (struct process_family){0};
}

bool process_is_child_of(pid_t pid, pid_t parent) {
    struct process_relative one;
    return look_at(pid, &one) && one.parent == parent;
}

size_t process_arguments(pid_t pid, char *out, size_t size) {
    size_t got = read_file(pid, "cmdline", out, size - 1);
    out[got] = out[got + 1] = '\0';
    return got;
}

const char *process_argument(const char *arguments, size_t size, const char *prefix) {
    for (const char *at = arguments; at < arguments + size; at += strlen(at) + 1)
        if (strncmp(at, prefix, strlen(prefix)) == 0)
            return at + strlen(prefix);
    return NULL;
}

size_t process_descriptors(pid_t pid) {
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    for (const struct dirent *entry; directory && (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return count;
}
