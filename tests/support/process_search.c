/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines in /proc, whole arguments compared: a shell's script that mentions the mark is not
 * the process that was started with it. */
#include "support/process_search.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool has_argument(const char *pid, const char *mark) {
    char path[300], bytes[16384];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof bytes - 1);
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return false;
    bytes[size] = '\0';
    for (const char *at = bytes; at < bytes + size; at += strlen(at) + 1)
        if (strcmp(at, mark) == 0)
            return true;
    return false;
}

int process_search_count(const char *mark) {
    DIR *directory = opendir("/proc");
    int count = 0;
    for (const struct dirent *entry; directory && (entry = readdir(directory));)
        count += isdigit((unsigned char)entry->d_name[0]) && has_argument(entry->d_name, mark);
    if (directory)
        closedir(directory);
    return count;
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool process_search_await(const char *mark, int count, unsigned timeout_ms) {
    /* Between two looks the others get the processor; nothing depends on how long. */
    const struct timespec pause = {.tv_nsec = 5000000};
    long until = now_ms() + (long)timeout_ms;
    for (;;) {
        bool late = now_ms() > until;
        if (process_search_count(mark) == count)
            return true;
        if (late)
            return false;
        nanosleep(&pause, NULL);
    }
}
