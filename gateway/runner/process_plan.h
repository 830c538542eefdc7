/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the launcher is told, in a file in memory that both sides share: this header, the groups,
 * and strings that end with a zero byte. Both sides are the same program file, so it has no
 * version. Only process_launch.c writes it, only process_launcher.c reads it.
 */
#ifndef RUNNER_PROCESS_PLAN_H
#define RUNNER_PROCESS_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define PROCESS_PLAN_FD 3
#define PROCESS_LAUNCHER_FD 4
#define PROCESS_PLAN_LIMITS 4

/* In the order in which the launcher takes them. */
enum process_step {
    PROCESS_STEP_LAUNCHER, /* it has not said anything yet */
    PROCESS_STEP_CGROUP,
    PROCESS_STEP_NICE,
    PROCESS_STEP_USER,
    PROCESS_STEP_LIMIT,
    PROCESS_STEP_DIRECTORY,
    PROCESS_STEP_PROGRAM, /* with no error: it runs */
};

struct process_plan_limit {
    int resource; /* RLIMIT_… */
    rlim_t soft, hard;
};

struct process_plan {
    /* Written by the launcher, which cannot fail in this: it shares the page. */
    int32_t step; /* enum process_step: the last that was begun */
    int32_t error;

    int32_t nice;
    uint32_t limit_count;
    struct process_plan_limit limits[PROCESS_PLAN_LIMITS];
    bool becomes_user;
    uid_t uid;
    gid_t gid;

    uint32_t group_count;    /* gid_t's that follow this struct */
    uint32_t argument_count; /* of the strings: the cgroup, the directory, the program, these, */
    uint32_t variable_count; /* these. An empty cgroup or directory: none. */
};

#endif
