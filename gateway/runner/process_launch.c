/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a child with limits, seen from the gateway: writes the launcher's plan, and says
 * afterwards what the launcher failed at, or which limit has ended the child.
 */
#include "runner/process_internal.h"
#include "runner/process_limits_internal.h"
#include "runner/process_plan.h"
#include "runner/string_block.h"

#include <errno.h>
#include <fcntl.h>
#include <koine/log.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the plan */

static void add_limit(struct process_plan *plan, int resource, rlim_t soft, rlim_t hard) {
    if (soft) {
        plan->limits[plan->limit_count++] = (struct process_plan_limit){resource, soft, hard};
    }
}

/*
 * RLIMIT_DATA: private memory that can be written. RLIMIT_AS would count the CLI's program file
 * and the address space that JavaScript engines reserve and never use.
 * The second between the limits of CPU time: the first one's signal says why the process died.
 */
static void fill_limits(struct process_plan *plan, const struct process_limits *limits) {
    const struct process_limits_options *options = &limits->options;
    if (!limits->cgroup_parent) {
        add_limit(plan, RLIMIT_DATA, options->memory_bytes, options->memory_bytes);
    }
    add_limit(plan, RLIMIT_CPU, options->cpu_seconds, options->cpu_seconds + 1);
    add_limit(plan, RLIMIT_NOFILE, options->open_files, options->open_files);
    add_limit(plan, RLIMIT_FSIZE, options->file_bytes, options->file_bytes);
}

static void add_string(struct string_block *block, const char *text, const char *more) {
    string_block_add(block, (struct koine_text){text, strlen(text)},
                     (struct koine_text){more, strlen(more)});
}

static uint32_t add_strings(struct string_block *block, char *const *strings) {
    uint32_t count = 0;
    for (; strings[count]; count++) {
        add_string(block, strings[count], "");
    }
    return count;
}

/* 0 or an errno value. */
static int write_bytes(int fd, const void *bytes, size_t size) {
    const char *at = bytes;
    while (size > 0) {
        const ssize_t written = write(fd, at, size);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        at += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int write_plan(int fd, const struct process *process, const struct process_options *options,
                      char *const *environment) {
    const struct process_limits *limits = options->limits;
    struct string_block strings = {0};
    struct process_plan plan = {.nice = (int32_t)limits->options.nice,
                                .becomes_user = limits->becomes_user,
                                .uid = limits->user.uid,
                                .gid = limits->user.gid,
                                .group_count = (uint32_t)limits->user.group_count};
    fill_limits(&plan, limits);
    add_string(&strings, process->cgroup ? cgroup_path(process->cgroup) : "",
               process->cgroup ? "/cgroup.procs" : "");
    add_string(&strings, options->working_directory ? options->working_directory : "", "");
    add_string(&strings, options->path, "");
    plan.argument_count = add_strings(&strings, options->argv);
    plan.variable_count = add_strings(&strings, environment);
    int error = strings.failed ? ENOMEM : write_bytes(fd, &plan, sizeof(plan));
    if (!error) {
        error = write_bytes(fd, limits->user.groups, plan.group_count * sizeof(gid_t));
    }
    if (!error) {
        error = write_bytes(fd, strings.bytes, strings.size);
    }
    string_block_finish(&strings);
    return error;
}

/* Above the descriptors that the child gets by number. */
static int open_plan(void) {
    const int fd = memfd_create("koine-launch", MFD_CLOEXEC);
    const int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, PROCESS_LAUNCHER_FD + 1);
    const int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = error;
    return moved;
}

static int make_cgroup(struct process *process, const struct process_limits *limits) {
    if (!limits->cgroup_parent) {
        return 0;
    }
    int error = 0;
    process->cgroup = cgroup_create(limits->cgroup_parent);
    if (!process->cgroup ||
        (error = cgroup_limit_memory(process->cgroup, limits->options.memory_bytes))) {
        error = error ? error : errno;
        process_log(process->host, KOINE_LOG_ERROR,
                    "A cgroup with a limit of memory cannot be made in %.120s: %s. Nothing is"
                    " started without its limit; restart the gateway, or set runner.cgroup: off.",
                    limits->cgroup_parent, strerror(error));
    }
    return error;
}

int process_launch_prepare(struct process *process, const struct process_options *options,
                           char *const *environment) {
    process->limits = options->limits;
    int error = make_cgroup(process, options->limits);
    if (error) {
        return error;
    }
    process->plan_fd = open_plan();
    return process->plan_fd < 0 ? errno
                                : write_plan(process->plan_fd, process, options, environment);
}

void process_launch_finish(struct process *process) {
    if (process->plan_fd >= 0) {
        close(process->plan_fd);
        process->plan_fd = -1;
    }
    if (process->cgroup && !cgroup_destroy(process->cgroup)) {
        process_log(process->host, KOINE_LOG_WARNING,
                    "The cgroup of process %d cannot be removed: %s. It stays.", (int)process->pid,
                    strerror(errno));
    }
    process->cgroup = NULL;
}

/* ---- what came of it */

/* The strings at the plan's beginning. */
enum subject { SUBJECT_CGROUP, SUBJECT_DIRECTORY, SUBJECT_PROGRAM, SUBJECT_NONE };

static const struct {
    const char *failed; /* before the name of what it failed at */
    enum subject subject;
    const char *advice;
} steps[] = {
    [PROCESS_STEP_LAUNCHER] = {"its launcher has ended before it had read its plan", SUBJECT_NONE,
                               "The memory that it may use is too little even for that, or somebody"
                               " has ended it"},
    [PROCESS_STEP_CGROUP] = {"it cannot move into its cgroup", SUBJECT_CGROUP,
                             "Something else seems to change the gateway's cgroups"},
    [PROCESS_STEP_NICE] = {"its priority cannot be set", SUBJECT_NONE, "Leave runner.nice out"},
    [PROCESS_STEP_USER] = {"it cannot become its user", SUBJECT_NONE,
                           "The gateway needs the capabilities SETUID and SETGID"},
    [PROCESS_STEP_LIMIT] = {"its limits cannot be set", SUBJECT_NONE, "Look at runner.limits"},
    [PROCESS_STEP_DIRECTORY] = {"it cannot enter its working directory", SUBJECT_DIRECTORY,
                                "The directory and those above it must be accessible for the user"
                                " that it runs as"},
    [PROCESS_STEP_PROGRAM] = {"it cannot execute", SUBJECT_PROGRAM,
                              "The file must be executable, and the directories above it"
                              " accessible, for the user that it runs as"},
};

static const char *find_subject(const struct process *process, const struct process_plan *plan,
                                enum subject subject, char *text, size_t size) {
    const off_t offset = (off_t)(sizeof(*plan) + plan->group_count * sizeof(gid_t));
    const ssize_t got = pread(process->plan_fd, text, size - 1, offset);
    const char *end = text + (got > 0 ? got : 0), *at = text;
    text[got > 0 ? got : 0] = '\0';
    for (int i = 0; i < (int)subject && at < end; i++) {
        at += strlen(at) + 1;
    }
    return subject == SUBJECT_NONE || at >= end ? "" : at;
}

static void say_not_started(const struct process *process, const struct process_plan *plan) {
    const bool known = plan->step >= 0 && plan->step <= PROCESS_STEP_PROGRAM;
    const int step = known ? plan->step : PROCESS_STEP_LAUNCHER;
    const char *user = process->limits->user.name;
    char text[1024];
    const char *subject = find_subject(process, plan, steps[step].subject, text, sizeof(text));
    process_log(process->host, KOINE_LOG_ERROR,
                "Process %d could not be started%s%.64s: %s%s%.200s%s%s. %s.", (int)process->pid,
                user ? " as user " : "", user ? user : "", steps[step].failed, *subject ? " " : "",
                subject, plan->error ? ": " : "", plan->error ? strerror(plan->error) : "",
                steps[step].advice);
}

static bool read_report(const struct process *process, struct process_plan *plan) {
    return process->plan_fd >= 0 &&
           pread(process->plan_fd, plan, sizeof(*plan), 0) == (ssize_t)sizeof(*plan);
}

static const char *const limit_texts[] = {
    [PROCESS_LIMIT_MEMORY] = "memory than runner.limits.memory_bytes",
    [PROCESS_LIMIT_CPU] = "processor time than runner.limits.cpu_seconds",
    [PROCESS_LIMIT_FILE] = "for one file than runner.limits.file_bytes",
};

static enum process_limit find_limit(const struct process *process) {
    const struct process_limits_options *options = &process->limits->options;
    const int signal = process->status.signal;
    if (process->cgroup && signal == SIGKILL && cgroup_was_out_of_memory(process->cgroup)) {
        return PROCESS_LIMIT_MEMORY;
    }
    if (options->cpu_seconds && signal == SIGXCPU) {
        return PROCESS_LIMIT_CPU;
    }
    return options->file_bytes && signal == SIGXFSZ ? PROCESS_LIMIT_FILE : PROCESS_LIMIT_NONE;
}

/* An allocation that RLIMIT_DATA refuses is the program's own affair: most give up like this. */
static bool may_have_lacked_memory(const struct process *process) {
    const int signal = process->status.signal;
    return process->limits->options.memory_bytes && !process->cgroup &&
           (signal == SIGABRT || signal == SIGTRAP || signal == SIGILL || signal == SIGSEGV ||
            signal == SIGBUS);
}

static void say_limit(const struct process *process) {
    if (process->status.limit != PROCESS_LIMIT_NONE) {
        process_log(process->host, KOINE_LOG_WARNING,
                    "Process %d has used more %s allows: the kernel has ended it%s.",
                    (int)process->pid, limit_texts[process->status.limit],
                    process->cgroup ? " and all that it started" : "");
    } else if (may_have_lacked_memory(process)) {
        process_log(process->host, KOINE_LOG_WARNING,
                    "Process %d was ended by signal %d, perhaps as it needed more memory than"
                    " runner.limits.memory_bytes allows.",
                    (int)process->pid, process->status.signal);
    }
}

void process_launch_conclude(struct process *process) {
    struct process_plan plan;
    if (!process->limits || process->status.how != PROCESS_EXITED) {
        return;
    }
    if (read_report(process, &plan) && (plan.step != PROCESS_STEP_PROGRAM || plan.error)) {
        process->status.how = PROCESS_NOT_STARTED;
        process->status.error = plan.error ? plan.error : ECANCELED;
        say_not_started(process, &plan);
    } else {
        process->status.limit = find_limit(process);
        say_limit(process);
    }
}
