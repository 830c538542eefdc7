/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc; a process that ends meanwhile counts as gone. */
#include "support/process_table.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POLL_NS = 5000000, PAUSE_MS = 250, ARGUMENTS = 65536 };

/* Bytes read, 0 when the process is gone; terminated. */
static size_t read_entry(pid_t pid, const char *name, char *out, size_t capacity) {
    char path[64];
    size_t size = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;
    while (fd >= 0 && size < capacity - 1 && got > 0) {
        got = read(fd, out + size, capacity - 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        close(fd);
    out[size] = '\0';
    return size;
}

static char read_state(pid_t pid, pid_t *parent) {
    char stat[512];
    char state = 'Z';
    int found = -1;
    if (!read_entry(pid, "stat", stat, sizeof stat))
        return 0;
    const char *rest = strrchr(stat, ')'); /* the name may hold anything */
    bool good = rest && sscanf(rest + 1, " %c %d", &state, &found) == 2 && state != 'Z';
    *parent = (pid_t)found;
    return (char)(good ? state : 0);
}

char process_state(pid_t pid) {
    pid_t parent;
    return read_state(pid, &parent);
}

static bool has_parent(pid_t pid, const void *wanted) {
    pid_t parent;
    return read_state(pid, &parent) && parent == *(const pid_t *)wanted;
}

static bool has_argument(pid_t pid, const void *argument) {
    char *line = malloc(ARGUMENTS);
    ck_assert_ptr_nonnull(line);
    size_t size = read_entry(pid, "cmdline", line, ARGUMENTS);
    bool found = false;
    for (size_t at = 0; !found && at < size; at += strlen(line + at) + 1)
        found = strcmp(line + at, argument) == 0;
    free(line);
    return found;
}

/* How many match, and the last of them. */
static int count(bool (*matches)(pid_t pid, const void *data), const void *data, pid_t *last) {
    DIR *proc = opendir("/proc");
    ck_assert_ptr_nonnull(proc);
    int found = 0;
    for (struct dirent *entry; (entry = readdir(proc));) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && pid > 0 && matches((pid_t)pid, data)) {
            found++;
            *last = (pid_t)pid;
        }
    }
    closedir(proc);
    return found;
}

int processes_of_parent(pid_t parent) {
    pid_t last;
    return count(has_parent, &parent, &last);
}

/* As count(has_parent), by the kernel's own list: some tests ask again and again. */
static int count_children(pid_t parent, pid_t *last) {
    char name[32], list[256];
    snprintf(name, sizeof name, "task/%d/children", (int)parent);
    if (!read_entry(parent, name, list, sizeof list))
        return count(has_parent, &parent, last); /* or this kernel has none */
    int found = 0;
    char *end;
    for (char *at = list; *at; at = end + strspn(end, " ")) {
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (process_state(pid)) {
            found++;
            *last = pid;
        }
    }
    return found;
}

pid_t process_child(pid_t parent) {
    pid_t child = 0;
    int found = count_children(parent, &child);
    ck_assert_msg(found == 1, "process %d has %d children, expected one", (int)parent, found);
    return child;
}

int processes_of_parent_listed(pid_t parent) {
    char path[32], list[16384], *rest = list, *end;
    int found = 0;
    snprintf(path, sizeof path, "task/%d/children", (int)parent);
    read_entry(parent, path, list, sizeof list);
    for (long pid; (pid = strtol(rest, &end, 10)), end != rest; rest = end)
        found += has_parent((pid_t)pid, &parent);
    return found;
}

int processes_with_argument(const char *argument) {
    pid_t last;
    return count(has_argument, argument, &last);
}

/* Descriptors whose target begins so. */
static int count_descriptors(pid_t pid, const char *kind) {
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    int found = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        ssize_t size = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        target[size > 0 ? size : 0] = '\0';
        found += size > 0 && strncmp(target, kind, strlen(kind)) == 0;
    }
    closedir(directory);
    return found;
}

int process_descriptors(pid_t pid) {
    return count_descriptors(pid, "");
}

int process_sockets(pid_t pid) {
    return count_descriptors(pid, "socket:");
}

uint64_t process_bytes_read(pid_t pid) {
    char text[512];
    uint64_t bytes = 0;
    ck_assert_uint_gt(read_entry(pid, "io", text, sizeof text), 0);
    ck_assert_int_eq(sscanf(text, "rchar: %" SCNu64, &bytes), 1);
    return bytes;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool await(bool (*holds)(const void *data), const void *data, unsigned timeout_ms) {
    uint64_t until = now_ms() + timeout_ms;
    bool result;
    while (!(result = holds(data)) && now_ms() < until)
        nanosleep(&(struct timespec){0, POLL_NS}, NULL);
    return result;
}

struct reading {
    pid_t pid;
    uint64_t *bytes, *since_ms;
};

static bool has_paused(const void *data) {
    const struct reading *reading = data;
    uint64_t bytes = process_bytes_read(reading->pid), now = now_ms();
    if (bytes != *reading->bytes) {
        *reading->bytes = bytes;
        *reading->since_ms = now;
    }
    return now - *reading->since_ms >= PAUSE_MS;
}

bool await_reading_paused(pid_t pid, unsigned timeout_ms) {
    uint64_t bytes = process_bytes_read(pid), since_ms = now_ms();
    const struct reading reading = {pid, &bytes, &since_ms};
    return await(has_paused, &reading, timeout_ms);
}
