/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the launcher does with its plan, step by step. It has no environment until it becomes the
 * child: what is set for a child must not steer a program that may still be root. Whatever fails is
 * said in the plan and ends it; nothing is ever started with less than all its limits.
 */
#include "runner/process_launcher.h"

#include "runner/process_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAILED_STATUS 127

struct launch {
    struct process_plan *plan;
    const gid_t *groups;
    const char *cgroup, *directory, *program;
    char **arguments, **variables;
};

static _Noreturn void fail(struct process_plan *plan, int error) {
    plan->error = error;
    _exit(FAILED_STATUS);
}

static void step(const struct launch *launch, enum process_step step) {
    launch->plan->step = step;
}

static void check(const struct launch *launch, bool good) {
    if (!good) {
        fail(launch->plan, errno);
    }
}

/* ---- reading */

/* The next string; what is behind the last one is an error of ours. */
static char *take_string(char **at, const char *end) {
    char *text = *at;
    const char *zero = memchr(text, '\0', (size_t)(end - text));
    if (!zero) {
        _exit(FAILED_STATUS);
    }
    *at = text + (zero - text) + 1;
    return text;
}

static char **take_strings(char **at, const char *end, size_t count) {
    char **strings = calloc(count + 1, sizeof(*strings));
    for (size_t i = 0; strings && i < count; i++) {
        strings[i] = take_string(at, end);
    }
    return strings;
}

static void read_plan(struct launch *launch) {
    struct stat status;
    if (fstat(PROCESS_PLAN_FD, &status) < 0 || (size_t)status.st_size < sizeof(*launch->plan)) {
        _exit(FAILED_STATUS);
    }
    const size_t size = (size_t)status.st_size;
    char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, PROCESS_PLAN_FD, 0);
    if (bytes == MAP_FAILED) {
        _exit(FAILED_STATUS);
    }
    launch->plan = (struct process_plan *)(void *)bytes;
    char *at = bytes + sizeof(*launch->plan);
    const char *end = bytes + size;
    launch->groups = (const gid_t *)(const void *)at;
    at += launch->plan->group_count * sizeof(gid_t);
    launch->cgroup = take_string(&at, end);
    launch->directory = take_string(&at, end);
    launch->program = take_string(&at, end);
    launch->arguments = take_strings(&at, end, launch->plan->argument_count);
    launch->variables = take_strings(&at, end, launch->plan->variable_count);
    check(launch, launch->arguments && launch->variables);
    close(PROCESS_PLAN_FD);
    close(PROCESS_LAUNCHER_FD);
}

/* ---- the steps */

static void join_cgroup(const struct launch *launch) {
    if (launch->cgroup[0]) {
        step(launch, PROCESS_STEP_CGROUP);
        const int fd = open(launch->cgroup, O_WRONLY | O_CLOEXEC);
        check(launch, fd >= 0);
        check(launch, write(fd, "0", 1) == 1);
        close(fd);
    }
}

static void stand_back(const struct launch *launch) {
    step(launch, PROCESS_STEP_NICE);
    errno = 0; /* -1 may be a result */
    check(launch, launch->plan->nice == 0 || nice(launch->plan->nice) != -1 || errno == 0);
}

/* Whoever is put under another user is not to leave it: programs with the set-user-id bit, as sudo,
 * would lead to one whom no limit binds. */
static void become_user(const struct launch *launch) {
    const struct process_plan *plan = launch->plan;
    if (plan->becomes_user) {
        step(launch, PROCESS_STEP_USER);
        check(launch, setgroups(plan->group_count, launch->groups) == 0);
        check(launch, setresgid(plan->gid, plan->gid, plan->gid) == 0);
        check(launch, setresuid(plan->uid, plan->uid, plan->uid) == 0);
        check(launch, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    }
}

/* "At most": where the system allows less already, that stays. */
static void set_limits(const struct launch *launch) {
    step(launch, PROCESS_STEP_LIMIT);
    for (uint32_t i = 0; i < launch->plan->limit_count; i++) {
        const struct process_plan_limit *wanted = &launch->plan->limits[i];
        struct rlimit limit;
        check(launch, getrlimit(wanted->resource, &limit) == 0);
        limit.rlim_max = wanted->hard < limit.rlim_max ? wanted->hard : limit.rlim_max;
        limit.rlim_cur = wanted->soft < limit.rlim_max ? wanted->soft : limit.rlim_max;
        check(launch, setrlimit(wanted->resource, &limit) == 0);
    }
}

/* As the user that it is to be accessible for. */
static void enter_directory(const struct launch *launch) {
    if (launch->directory[0]) {
        step(launch, PROCESS_STEP_DIRECTORY);
        check(launch, chdir(launch->directory) == 0);
    }
}

void process_launcher_main(char **argv) {
    struct launch launch;
    if (!argv[0] || strcmp(argv[0], PROCESS_LAUNCHER_NAME) != 0) {
        return;
    }
    prctl(PR_SET_NAME, PROCESS_LAUNCHER_NAME);
    read_plan(&launch);
    join_cgroup(&launch);
    stand_back(&launch);
    become_user(&launch);
    set_limits(&launch);
    enter_directory(&launch);
    step(&launch, PROCESS_STEP_PROGRAM);
    execve(launch.program, launch.arguments, launch.variables);
    fail(launch.plan, errno);
}
