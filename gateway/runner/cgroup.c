/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One cgroup: its files are its interface. What an older kernel does not have is left out, but for
 * the limit itself.
 */
#include "runner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <koine/base.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct cgroup {
    size_t path_size;
    char path[]; /* absolute */
};

#define PREFIX "koine-run-"
#define NAME_BYTES sizeof(PREFIX "-2147483648-0123456789abcdef")

/* The name says whose it is: "koine-run-PID-RANDOM". */
static int make_directory(struct cgroup *cgroup, const char *parent) {
    uint64_t number;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        return -1;
    }
    snprintf(cgroup->path, cgroup->path_size, "%s/" PREFIX "%d-%016llx", parent, (int)getpid(),
             (unsigned long long)number);
    return mkdir(cgroup->path, 0755);
}

static struct cgroup *allocate(const char *parent) {
    const size_t path_size = strlen(parent) + 1 + NAME_BYTES;
    struct cgroup *cgroup = malloc(sizeof(*cgroup) + path_size);
    if (cgroup) {
        cgroup->path_size = path_size;
    }
    return cgroup;
}

struct cgroup *cgroup_create(const char *parent) {
    struct cgroup *cgroup = allocate(parent);
    if (cgroup && make_directory(cgroup, parent) < 0) {
        free(cgroup);
        cgroup = NULL;
    }
    return cgroup;
}

bool cgroup_destroy(struct cgroup *cgroup) {
    const bool removed = !cgroup || rmdir(cgroup->path) == 0 || errno == ENOENT;
    free(cgroup);
    return removed;
}

const char *cgroup_path(const struct cgroup *cgroup) {
    return cgroup->path;
}

static int open_file(const struct cgroup *cgroup, const char *name, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", cgroup->path, name);
    return open(path, flags | O_CLOEXEC);
}

/* 0 or an errno value. */
static int write_file(const struct cgroup *cgroup, const char *name, const char *text) {
    const int fd = open_file(cgroup, name, O_WRONLY);
    if (fd < 0) {
        return errno;
    }
    const int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return error;
}

int cgroup_limit_memory(const struct cgroup *cgroup, uint64_t bytes) {
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
    const int error = write_file(cgroup, "memory.max", text);
    if (!error) {
        write_file(cgroup, "memory.swap.max", "0");
        write_file(cgroup, "memory.oom.group", "1");
    }
    return error;
}

bool cgroup_was_out_of_memory(const struct cgroup *cgroup) {
    static const char name[] = "\noom_kill "; /* never the first line */
    char text[512];
    const int fd = open_file(cgroup, "memory.events", O_RDONLY);
    const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    const char *found = strstr(text, name);
    return found && strtoull(found + strlen(name), NULL, 10) > 0;
}

int cgroup_list(const struct cgroup *cgroup, struct pid_list *list) {
    const int fd = open_file(cgroup, "cgroup.procs", O_RDONLY);
    if (fd < 0) {
        return KOINE_OK; /* out of descriptors: the tree is known without it */
    }
    const int result = proc_children_of_file(fd, list);
    close(fd);
    return result;
}

void cgroup_kill(const struct cgroup *cgroup) {
    write_file(cgroup, "cgroup.kill", "1");
}

static bool is_left_behind(const char *name) {
    char *end;
    if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0) {
        return false;
    }
    const long pid = strtol(name + sizeof(PREFIX) - 1, &end, 10);
    return pid > 0 && *end == '-' && strlen(name) < NAME_BYTES && kill((pid_t)pid, 0) < 0 &&
           errno == ESRCH;
}

void cgroup_remove_left_behind(const char *parent) {
    DIR *directory = opendir(parent);
    struct cgroup *cgroup = allocate(parent);
    for (const struct dirent *entry; directory && cgroup && (entry = readdir(directory));) {
        if (is_left_behind(entry->d_name)) {
            snprintf(cgroup->path, cgroup->path_size, "%s/%s", parent, entry->d_name);
            cgroup_kill(cgroup);
            rmdir(cgroup->path); /* or the next time, when they are dead */
        }
    }
    free(cgroup);
    if (directory) {
        closedir(directory);
    }
}
