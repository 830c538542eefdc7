/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of child processes share: a host, runs that record what they hear, and ways to
 * wait for it. Header only, so that a test is one file to link.
 */
#ifndef TESTS_UNIT_PROCESS_FIXTURE_H
#define TESTS_UNIT_PROCESS_FIXTURE_H

#include "runner/process.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A test that hangs is ended by this. */
#define PATIENCE_S 60

struct run {
    struct process *process;
    char text[512]; /* lines, each followed by '|', as far as they fit */
    size_t text_size;
    char last[64];
    int lines;
    size_t bytes;
    int errors;
    char first_error[64];
    size_t longest_error;
    int written;
    bool paused;
    bool ended;
    struct process_status status;
    void (*on_line)(struct run *run);
};

static struct event_base *base;
static struct process_host *host;
static struct process_options options;
static char token[32]; /* an argument that marks this test's processes, seen in no other */
static char log_text[4096];

static inline void record_line(void *data, char *line, size_t size) {
    struct run *run = data;
    const size_t used = run->text_size;
    ck_assert_int_eq(line[size], '\0');
    ck_assert(!run->ended);
    if (size + 1 < sizeof(run->text) - used) {
        memcpy(run->text + used, line, size);
        memcpy(run->text + used + size, "|", 2);
        run->text_size += size + 1;
    }
    const size_t kept = size < sizeof(run->last) ? size : sizeof(run->last) - 1;
    memcpy(run->last, line, kept);
    run->last[kept] = '\0';
    run->lines++;
    run->bytes += size;
    if (run->on_line) {
        run->on_line(run);
    }
}

static inline void record_error_line(void *data, const char *line, size_t size) {
    struct run *run = data;
    if (run->errors++ == 0) {
        snprintf(run->first_error, sizeof(run->first_error), "%.60s", line);
    }
    if (size > run->longest_error) {
        run->longest_error = size;
    }
}

static inline void record_written(void *data) {
    ((struct run *)data)->written++;
}

static inline void record_ended(void *data, const struct process_status *status) {
    struct run *run = data;
    ck_assert(!run->ended);
    run->ended = true;
    run->status = *status;
    run->process = NULL;
}

static const struct process_callbacks run_callbacks = {record_line, record_error_line,
                                                       record_written, record_ended};

static inline void record_log(void *data, int level, const char *message) {
    const size_t used = strlen(log_text);
    (void)data, (void)level;
    snprintf(log_text + used, sizeof(log_text) - used, "%s\n", message);
}

static struct run *runs[1024];
static size_t run_count;

/* NULL: refused with `*error`. */
static inline struct run *try_to_start(const char *path, const char *const *argv, int *error) {
    struct run *run = calloc(1, sizeof(*run));
    ck_assert_ptr_nonnull(run);
    options.path = path;
    options.argv = (char *const *)(uintptr_t)argv;
    options.envp = environ;
    run->process = process_start(host, &options, &run_callbacks, run, error);
    if (!run->process) {
        free(run);
        return NULL;
    }
    ck_assert_uint_lt(run_count, sizeof(runs) / sizeof(*runs));
    runs[run_count++] = run;
    return run;
}

static inline struct run *start_program(const char *path, const char *const *argv) {
    int error = 0;
    struct run *run = try_to_start(path, argv, &error);
    ck_assert_int_eq(error, 0);
    ck_assert_ptr_nonnull(run);
    return run;
}

/* The script's $0 is the token. */
static inline struct run *start_shell(const char *script) {
    const char *const argv[] = {"/bin/sh", "-c", script, token, NULL};
    return start_program("/bin/sh", argv);
}

static inline struct run *try_to_start_shell(const char *script) {
    const char *const argv[] = {"/bin/sh", "-c", script, token, NULL};
    int error = 0;
    struct run *run = try_to_start("/bin/sh", argv, &error);
    ck_assert_int_eq(error, run ? 0 : EMFILE);
    return run;
}

static inline bool no_longer(struct run *run) {
    return !run->ended;
}

static int wanted_lines;

static inline bool too_few_lines(struct run *run) {
    return run->lines < wanted_lines && !run->ended;
}

static inline void out_of_patience(evutil_socket_t fd, short what, void *data) {
    (void)fd, (void)what, (void)data;
    ck_abort_msg("waited %d s in vain; the log says: %s", PATIENCE_S, log_text);
}

static inline void wait_while(bool (*condition)(struct run *), struct run *run) {
    const struct timeval patience = {PATIENCE_S, 0};
    struct event *timer = evtimer_new(base, out_of_patience, NULL);
    evtimer_add(timer, &patience);
    while (condition(run)) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    event_free(timer);
}

static inline void wait_until_ended(struct run *run) {
    wait_while(no_longer, run);
}

static inline void wait_for_lines(struct run *run, int lines) {
    wanted_lines = lines;
    wait_while(too_few_lines, run);
    ck_assert_int_ge(run->lines, lines);
}

/* Lets the loop run for a time in which something must not happen. */
static inline void wait_until_idle_ms(struct run *run, int ms) {
    const struct timeval time = {ms / 1000, ms % 1000 * 1000};
    event_base_loopexit(base, &time);
    event_base_dispatch(base);
    ck_assert(!run->ended);
}

static inline void resume_run(evutil_socket_t fd, short what, void *data) {
    struct run *run = data;
    (void)fd, (void)what;
    run->paused = false;
    if (run->process) {
        process_resume(run->process);
    }
}

static inline void resume_from_the_loop(struct run *run) {
    const struct timeval now = {0, 0};
    event_base_once(base, -1, EV_TIMEOUT, resume_run, run, &now);
}

static inline int count_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}

static inline bool has_no_children(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static inline bool has_token(const char *pid) {
    char path[300], text[4096];
    snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
    const int fd = open(path, O_RDONLY);
    const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text));
    if (fd >= 0) {
        close(fd);
    }
    return size > 0 && memmem(text, (size_t)size, token, strlen(token));
}

/* Living processes, wherever they are, with the token among their arguments. */
static inline int count_with_token(void) {
    DIR *folder = opendir("/proc");
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && has_token(entry->d_name);
    }
    closedir(folder);
    return count;
}

static inline uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void set_up(void) {
    snprintf(token, sizeof(token), "1%09d.%d", (int)getpid(), 4711);
    base = event_base_new();
    host = process_host_create(base, record_log, NULL);
    ck_assert_ptr_nonnull(host);
    options = (struct process_options){.max_line_bytes = 1 << 20, .kill_grace_ms = 400};
}

static void tear_down(void) {
    process_host_destroy(host);
    event_base_free(base);
    for (size_t i = 0; i < run_count; i++) {
        free(runs[i]);
    }
    run_count = 0;
    ck_assert(has_no_children());
    ck_assert_int_eq(count_with_token(), 0);
}

static inline TCase *process_case(const char *name) {
    TCase *cases = tcase_create(name);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    return cases;
}

static inline int process_case_run(TCase *cases) {
    Suite *suite = suite_create("process");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
