/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where this process may make cgroups: finds its own, and prepares it so that those made in it can
 * have limits. Only the kernel's files count; whoever manages them is asked for leave.
 */
#include "runner/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <koine/base.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The child that this process moves into. A cgroup of this name has been prepared before. */
#define OWN_NAME "koine-gateway"
#define MEMORY "memory"

const struct cgroup_sources cgroup_system = {"/proc/self", "/run/systemd/system"};

/* ---- files */

static FILE *open_in(const char *directory, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return fopen(path, "re");
}

static bool exists(const char *directory, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

/* 0 or an errno value. */
static int write_in(const char *directory, const char *name, const char *text) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    const int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
    close(fd);
    return error;
}

/* Whether a file of words separated by white space has this one. */
static bool lists_word(const char *directory, const char *name, const char *word) {
    FILE *file = open_in(directory, name);
    char found[64];
    bool has = false;
    while (file && !has && fscanf(file, "%63s", found) == 1) {
        has = strcmp(found, word) == 0;
    }
    if (file) {
        fclose(file);
    }
    return has;
}

static char *joined(const char *directory, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* ---- finding */

/* The path of the line of version 2, "0::PATH", malloc'd. */
static char *read_membership(const char *self) {
    FILE *file = open_in(self, "cgroup");
    char *line = NULL, *path = NULL;
    size_t capacity = 0;
    while (file && !path && getline(&line, &capacity, file) > 0) {
        if (strncmp(line, "0::/", 4) == 0) {
            path = strndup(line + 3, strcspn(line + 3, "\n"));
        }
    }
    if (file) {
        fclose(file);
    }
    free(line);
    return path;
}

/* Mountinfo spells blanks and backslashes as three octal digits. */
static void unescape(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] && from[2] && from[3]) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 3;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* The fourth and fifth field are what is mounted and where; the type follows a lone dash. */
static bool parse_mount(char *line, char **root, char **point) {
    char *rest = line;
    const char *type = strstr(line, " - ");
    if (!type || strncmp(type, " - cgroup2 ", 11) != 0) {
        return false;
    }
    for (int field = 0; field < 3; field++) {
        strsep(&rest, " ");
    }
    *root = strsep(&rest, " ");
    *point = strsep(&rest, " ");
    if (!*root || !*point) {
        return false;
    }
    unescape(*root);
    unescape(*point);
    return true;
}

/* The directory of the cgroup `path` below this mount, malloc'd; NULL: it does not show it. */
static char *directory_below(const char *root, const char *point, const char *path) {
    const size_t size = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(path, root, size) != 0 || (path[size] != '/' && path[size] != '\0')) {
        return NULL;
    }
    path += size + strspn(path + size, "/");
    char *directory = *path ? joined(point, path) : strdup(point);
    if (directory && !exists(directory, "cgroup.procs")) {
        free(directory); /* another mount hides it */
        directory = NULL;
    }
    return directory;
}

static char *find_directory(const char *self, const char *path) {
    FILE *mounts = open_in(self, "mountinfo");
    char *line = NULL, *directory = NULL, *root, *point;
    size_t capacity = 0;
    while (mounts && !directory && getline(&line, &capacity, mounts) > 0) {
        if (parse_mount(line, &root, &point)) {
            directory = directory_below(root, point, path);
        }
    }
    if (mounts) {
        fclose(mounts);
    }
    free(line);
    return directory;
}

char *cgroup_own(const struct cgroup_sources *sources, char *message, size_t size) {
    char *path = read_membership(sources->self);
    char *directory = path ? find_directory(sources->self, path) : NULL;
    if (!path) {
        snprintf(message, size, "this system has no cgroups of version 2");
    } else if (!directory) {
        snprintf(message, size, "the cgroup %.200s is mounted nowhere", path);
    }
    free(path);
    return directory;
}

/* ---- preparing */

/* systemd marks what it leaves to others: the first since version 236, the second since 251. */
static bool is_delegated(const char *directory) {
    char value[8];
    return getxattr(directory, "trusted.delegate", value, sizeof(value)) > 0 ||
           getxattr(directory, "user.delegate", value, sizeof(value)) > 0;
}

/* Whom this process may not move, its parent last: a supervisor is there for the same reason as its
 * worker. 0: nobody else lives there. */
static pid_t find_other(const char *directory) {
    char path[PATH_MAX];
    struct pid_list list = {0};
    pid_t other = 0;
    snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        proc_children_of_file(fd, &list);
        close(fd);
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.pids[i] != getpid() && (other == 0 || other == getppid())) {
            other = list.pids[i];
        }
    }
    pid_list_finish(&list);
    return other;
}

static bool may_prepare(const struct cgroup_sources *sources, const char *own, char *message,
                        size_t size) {
    pid_t other;
    if (!lists_word(own, "cgroup.controllers", MEMORY)) {
        snprintf(message, size, "%.200s does not have the memory controller", own);
    } else if (access(own, W_OK) != 0) {
        snprintf(message, size, "%.200s: %s", own, strerror(errno));
    } else if (geteuid() == 0 && access(sources->systemd, F_OK) == 0 && !is_delegated(own)) {
        snprintf(message, size, "systemd has not delegated %.200s: set Delegate=yes", own);
    } else if (exists(own, "cgroup.type") && (other = find_other(own)) != 0) {
        snprintf(message, size, "process %d shares %.200s with the gateway", (int)other, own);
    } else {
        return true;
    }
    return false;
}

/* The gateway's own leaf. 0 or an errno value; nothing has changed then. */
static int move_down(const char *own) {
    char leaf[PATH_MAX];
    snprintf(leaf, sizeof(leaf), "%s/" OWN_NAME, own);
    if (mkdir(leaf, 0755) < 0 && errno != EEXIST) {
        return errno;
    }
    const int error = write_in(leaf, "cgroup.procs", "0");
    if (error) {
        rmdir(leaf);
    }
    return error;
}

static void move_back(const char *own) {
    char leaf[PATH_MAX];
    snprintf(leaf, sizeof(leaf), "%s/" OWN_NAME, own);
    write_in(own, "cgroup.procs", "0");
    rmdir(leaf);
}

/* The root of all cgroups, and only that, hands controllers down although processes live in it; it
 * has no type either. */
static int hand_down_memory(const char *own) {
    const bool moves = exists(own, "cgroup.type");
    int error = moves ? move_down(own) : 0;
    if (!error && (error = write_in(own, "cgroup.subtree_control", "+" MEMORY)) && moves) {
        move_back(own);
    }
    return error;
}

/* The parent, malloc'd, when this process lives in a leaf that an earlier call has made. */
static char *prepared_parent(const char *own) {
    const char *name = strrchr(own, '/');
    char *parent =
        name && strcmp(name + 1, OWN_NAME) == 0 ? strndup(own, (size_t)(name - own)) : NULL;
    if (parent && !lists_word(parent, "cgroup.subtree_control", MEMORY)) {
        free(parent);
        parent = NULL;
    }
    return parent;
}

char *cgroup_prepare(const struct cgroup_sources *sources, const char *own, char *message,
                     size_t size) {
    char *parent = prepared_parent(own);
    if (parent || !may_prepare(sources, own, message, size)) {
        return parent;
    }
    const int error = hand_down_memory(own);
    if (error) {
        snprintf(message, size, "%.200s cannot be prepared: %s", own, strerror(error));
        return NULL;
    }
    if (!(parent = strdup(own))) {
        snprintf(message, size, "out of memory");
    }
    return parent;
}
