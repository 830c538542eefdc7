/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of process_limits.h, for the files that start and end processes; nobody else. */
#ifndef RUNNER_PROCESS_LIMITS_INTERNAL_H
#define RUNNER_PROCESS_LIMITS_INTERNAL_H

#include "runner/process_limits.h"

struct process_limits {
    struct process_limits_options options;
    struct process_user user; /* {0}: none */
    bool becomes_user;        /* false: this process is that user, and can be no other */
    char *cgroup_parent;      /* NULL: memory is limited for each process by itself */
    char why_no_cgroup[320];  /* "": nobody wanted one, or there is one */
    int launcher_fd;
};

#endif
