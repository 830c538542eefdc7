/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked up once for all children: the user, the place for cgroups, the launcher. */
#include "runner/process_limits_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Above what the file actions of a start put in their places. */
#define FIRST_FD 10

/* This program's file, whatever has become of its name since. */
static int open_launcher(char *message, size_t size) {
    const int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    const int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
    if (moved < 0) {
        snprintf(message, size, "the gateway's own program file cannot be opened: %s",
                 strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return moved;
}

/* Only root may become somebody else. */
static int find_user(struct process_limits *limits, char *message, size_t size) {
    const char *name = limits->options.user;
    if (!name) {
        return 0;
    }
    if (process_user_find(&limits->user, name, message, size) < 0) {
        return -1;
    }
    limits->becomes_user = geteuid() == 0;
    if (!limits->becomes_user && limits->user.uid != geteuid()) {
        snprintf(message, size,
                 "runner.user: the gateway does not run as root, so it cannot start the CLI as "
                 "\"%.64s\"; leave the key out, or start the gateway as root",
                 name);
        return -1;
    }
    return 0;
}

/* Better known now than at each start. 0 or an errno value. */
static int try_cgroup(const struct process_limits *limits) {
    struct cgroup *cgroup = cgroup_create(limits->cgroup_parent);
    const int error = cgroup ? cgroup_limit_memory(cgroup, limits->options.memory_bytes) : errno;
    cgroup_destroy(cgroup);
    return error;
}

static void find_cgroup(struct process_limits *limits, const struct cgroup_sources *sources) {
    char *why = limits->why_no_cgroup;
    const size_t size = sizeof(limits->why_no_cgroup);
    char *own = cgroup_own(sources, why, size);
    limits->cgroup_parent = own ? cgroup_prepare(sources, own, why, size) : NULL;
    const int error = limits->cgroup_parent ? try_cgroup(limits) : 0;
    if (error) {
        snprintf(why, size, "%.200s: %s", limits->cgroup_parent, strerror(error));
        free(limits->cgroup_parent);
        limits->cgroup_parent = NULL;
    } else if (limits->cgroup_parent) {
        cgroup_remove_left_behind(limits->cgroup_parent);
    }
    free(own);
}

static bool limits_anything(const struct process_limits_options *options) {
    return options->user || options->nice || options->memory_bytes || options->cpu_seconds ||
           options->open_files || options->file_bytes;
}

int process_limits_create(struct process_limits **limits,
                          const struct process_limits_options *options,
                          const struct cgroup_sources *sources, char *message, size_t size) {
    struct process_limits *made = NULL;
    *limits = NULL;
    if (!limits_anything(options)) {
        return 0;
    }
    if (!(made = calloc(1, sizeof(*made)))) {
        snprintf(message, size, "out of memory");
        return -1;
    }
    made->options = *options;
    made->launcher_fd = -1;
    if (find_user(made, message, size) < 0 ||
        (made->launcher_fd = open_launcher(message, size)) < 0) {
        process_limits_destroy(made);
        return -1;
    }
    made->options.user = made->user.name;
    if (options->memory_bytes && options->cgroup) {
        find_cgroup(made, sources ? sources : &cgroup_system);
    }
    *limits = made;
    return 0;
}

void process_limits_destroy(struct process_limits *limits) {
    if (!limits) {
        return;
    }
    process_user_finish(&limits->user);
    free(limits->cgroup_parent);
    if (limits->launcher_fd >= 0) {
        close(limits->launcher_fd);
    }
    free(limits);
}

const char *process_limits_without_cgroup(const struct process_limits *limits) {
    return limits && limits->why_no_cgroup[0] ? limits->why_no_cgroup : NULL;
}

const struct process_user *process_limits_user(const struct process_limits *limits) {
    return limits && limits->user.name ? &limits->user : NULL;
}
