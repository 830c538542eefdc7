/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads /proc/meminfo and the files of the cgroups (version 2) that this process is in, each of
 * which may have a limit of its own. In a container the outermost shows at /sys/fs/cgroup.
 */
#include "runner/memory_available.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"

/* False: there is no such file. The text is terminated. */
static bool read_text(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static uint64_t of_machine(const char *line) {
    char text[4096];
    const char *at = read_text("/proc/meminfo", text, sizeof(text)) ? strstr(text, line) : NULL;
    return at ? strtoull(at + strlen(line), NULL, 10) * 1024 : UINT64_MAX;
}

/* A number of bytes in a file of a cgroup; UINT64_MAX for "max" and where there is none. */
static uint64_t of_cgroup(const char *group, const char *file) {
    char path[4352], text[64];
    char *end;
    snprintf(path, sizeof(path), CGROUPS "%s/%s", group, file);
    if (!read_text(path, text, sizeof(text)))
        return UINT64_MAX;
    uint64_t bytes = strtoull(text, &end, 10);
    return end != text ? bytes : UINT64_MAX;
}

/* The path of our cgroup, "" for the root and where there is none. */
static void own_cgroup(char *group, size_t size) {
    char text[4096];
    const char *at =
        read_text("/proc/self/cgroup", text, sizeof(text)) ? strstr(text, "0::/") : NULL;
    if (!at) {
        *group = '\0';
        return;
    }
    at += 3;
    snprintf(group, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* What the tightest of the cgroups leaves: its limit, less what is in use. */
static uint64_t least_of_cgroups(bool available) {
    char group[4096];
    uint64_t least = UINT64_MAX;
    own_cgroup(group, sizeof(group));
    for (;;) {
        uint64_t limit = of_cgroup(group, "memory.max");
        uint64_t used = available ? of_cgroup(group, "memory.current") : 0;
        if (limit != UINT64_MAX && used != UINT64_MAX) {
            uint64_t left = limit > used ? limit - used : 0;
            least = left < least ? left : least;
        }
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t memory_available_bytes(void) {
    return smaller(of_machine("MemAvailable:"), least_of_cgroups(true));
}

uint64_t memory_total_bytes(void) {
    return smaller(of_machine("MemTotal:"), least_of_cgroups(false));
}
