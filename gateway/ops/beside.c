/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel knows where the program is, however it was called. */
#include "ops/beside.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char *beside_program(const char *place) {
    char program[PATH_MAX], *path = NULL;
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[size > 0 ? size : 0] = '\0';
    const char *slash = strrchr(program, '/');
    if (!slash || asprintf(&path, "%.*s/%s", (int)(slash - program), program, place) < 0)
        return NULL;
    return path;
}
