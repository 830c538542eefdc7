/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers for /proc/PID/stat, /proc/PID/task/TID/children, environ and limits. Every value is
 * a snapshot: the process may be gone when the caller acts on it.
 */
#include "runner/proc_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <koine/base.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pid_list_finish(struct pid_list *list) {
    free(list->pids);
    *list = (struct pid_list){0};
}

static int pid_list_add(struct pid_list *list, pid_t pid) {
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? list->capacity * 2 : 32;
        pid_t *pids = reallocarray(list->pids, capacity, sizeof(*pids));
        if (!pids) {
            return KOINE_NO_MEMORY;
        }
        list->pids = pids;
        list->capacity = capacity;
    }
    list->pids[list->count++] = pid;
    return KOINE_OK;
}

static ssize_t read_all(int fd, char *bytes, size_t size) {
    ssize_t got;
    do {
        got = read(fd, bytes, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

#define FIELD_COUNT 19

/* Text between the first '(' and the last ')' is the name and may hold anything; the numbered
 * fields of proc(5) follow. */
static bool parse_stat(char *text, struct proc_stat *stat) {
    char *open = strchr(text, '(');
    char *close = strrchr(text, ')');
    if (!open || !close || close < open) {
        return false;
    }
    *close = '\0';
    snprintf(stat->name, sizeof(stat->name), "%s", open + 1);

    char *text_left = close + 1;
    unsigned long long
        fields[FIELD_COUNT]; /* from the parent, field 4, to the start time, field 22 */
    const char state = text_left[0] == ' ' ? text_left[1] : '\0';
    if (state == '\0') {
        return false;
    }
    text_left += 2;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        char *from = text_left;
        fields[i] = strtoull(from, &text_left, 10); /* a negative one wraps: none of ours is */
        if (text_left == from) {
            return false;
        }
    }
    /* The first thread may have ended before the others: that is no dead process. */
    stat->dead = (state == 'Z' && fields[16] <= 1) || state == 'X' || state == 'x';
    stat->parent = (pid_t)fields[0];
    stat->group = (pid_t)fields[1];
    stat->session = (pid_t)fields[2];
    stat->threads = (uint32_t)fields[16];
    stat->start_ticks = fields[18];
    return true;
}

/* Out of descriptors: better a process of which nothing is known than one that counts as gone. */
static bool stat_unreadable(pid_t pid, struct proc_stat *stat) {
    *stat = (struct proc_stat){.name = "?", .threads = 1};
    return kill(pid, 0) == 0;
}

bool proc_stat_read(pid_t pid, struct proc_stat *stat) {
    char text[1024];
    snprintf(text, sizeof(text), "/proc/%d/stat", (int)pid);
    const int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno != ENOENT && errno != ESRCH && stat_unreadable(pid, stat);
    }
    const ssize_t size = read_all(fd, text, sizeof(text) - 1);
    close(fd);
    if (size <= 0) {
        return false;
    }
    text[size] = '\0';
    return parse_stat(text, stat);
}

int proc_children_of_file(int fd, struct pid_list *list) {
    char text[4096];
    off_t offset = 0;
    pid_t pid = 0;
    for (;;) {
        const ssize_t size = pread(fd, text, sizeof(text), offset);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return KOINE_OK; /* each number is followed by a space: nothing is left over */
        }
        offset += size;
        for (ssize_t i = 0; i < size; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid > 0) {
                if (pid_list_add(list, pid) != KOINE_OK) {
                    return KOINE_NO_MEMORY;
                }
                pid = 0;
            }
        }
    }
}

/* KOINE_NOT_FOUND: there is no such file. */
static int children_of_thread(pid_t pid, const char *thread, struct pid_list *list) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid, thread);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return KOINE_NOT_FOUND;
    }
    const int result = proc_children_of_file(fd, list);
    close(fd);
    return result;
}

static bool is_number(const char *name) {
    return name[0] >= '0' && name[0] <= '9';
}

static int children_of_threads(pid_t pid, struct pid_list *list) {
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (!threads) {
        return errno == ENOMEM ? KOINE_NO_MEMORY : KOINE_OK;
    }
    int result = KOINE_OK;
    const struct dirent *entry;
    while (result != KOINE_NO_MEMORY && (entry = readdir(threads))) {
        if (is_number(entry->d_name)) {
            result = children_of_thread(pid, entry->d_name, list);
        }
    }
    closedir(threads);
    return result == KOINE_NO_MEMORY ? result : KOINE_OK;
}

int proc_children(pid_t pid, uint32_t threads, struct pid_list *list) {
    char thread[24];
    snprintf(thread, sizeof(thread), "%d", (int)pid);
    const int result = children_of_thread(pid, thread, list);
    if (result == KOINE_NOT_FOUND) {
        struct proc_stat stat;
        return proc_stat_read(pid, &stat) && !stat.dead ? proc_children_by_scan(pid, list)
                                                        : KOINE_OK;
    }
    if (result != KOINE_OK || threads <= 1) {
        return result;
    }
    return children_of_threads(pid, list); /* the first thread's come twice: harmless */
}

int proc_children_by_scan(pid_t pid, struct pid_list *list) {
    DIR *processes = opendir("/proc");
    if (!processes) {
        return errno == ENOMEM ? KOINE_NO_MEMORY : KOINE_OK;
    }
    int result = KOINE_OK;
    const struct dirent *entry;
    while (result == KOINE_OK && (entry = readdir(processes))) {
        struct proc_stat stat;
        const pid_t child = (pid_t)strtol(entry->d_name, NULL, 10);
        if (is_number(entry->d_name) && proc_stat_read(child, &stat) && stat.parent == pid) {
            result = pid_list_add(list, child);
        }
    }
    closedir(processes);
    return result;
}

bool proc_locks_limit_read(pid_t pid, uint64_t *limit) {
    static const char name[] = "Max file locks ";
    char text[4096];
    snprintf(text, sizeof(text), "/proc/%d/limits", (int)pid);
    const int fd = open(text, O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? -1 : read_all(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    const char *line = strstr(text, name);
    char *end = NULL;
    *limit = line ? strtoull(line + strlen(name), &end, 10) : 0;
    return line && *end == ' ' && *limit > 0; /* else "unlimited" */
}

/* Looks at one window of the environment; entries end with a zero byte. */
static bool find_entry(const char *text, size_t size, bool at_start, const char *name, char *value,
                       size_t value_size) {
    const size_t name_size = strlen(name);
    const char *found = text;
    const char *end = text + size;
    while ((found = memmem(found, (size_t)(end - found), name, name_size))) {
        const char *from = found + name_size;
        const bool whole = found == text ? at_start : found[-1] == '\0';
        const char *zero = memchr(from, '\0', (size_t)(end - from));
        if (whole && zero && (size_t)(zero - from) < value_size) {
            memcpy(value, from, (size_t)(zero - from) + 1);
            return true;
        }
        found++;
    }
    return false;
}

bool proc_environ_read(pid_t pid, const char *name, char *value, size_t size) {
    char text[16 * 1024];
    snprintf(text, sizeof(text), "/proc/%d/environ", (int)pid);
    const int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    /* Windows overlap by more than an entry, and by the zero byte before it. */
    const size_t overlap = strlen(name) + size + 2;
    bool found = false;
    bool at_start = true;
    size_t kept = 0;
    ssize_t got;
    while (!found && (got = read_all(fd, text + kept, sizeof(text) - kept)) > 0) {
        const size_t filled = kept + (size_t)got;
        found = find_entry(text, filled, at_start, name, value, size);
        if (filled > overlap) {
            at_start = false;
            kept = overlap;
            memmove(text, text + filled - overlap, overlap);
        } else {
            kept = filled;
        }
    }
    close(fd);
    return found;
}
