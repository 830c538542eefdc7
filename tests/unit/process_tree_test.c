/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc tells of processes, and the record of a tree. The children here are forked by the
 * test itself and wait until they are killed.
 */
#include "runner/proc_file.h"
#include "runner/process_tree.h"

#include <check.h>
#include <fcntl.h>
#include <koine/base.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct process_tree tree;
static struct pid_list list;

static void sleep_for_ever(void) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a test fails */
    for (;;) {
        pause();
    }
}

static pid_t fork_sleeper(void) {
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        sleep_for_ever();
    }
    return pid;
}

/* A child with a child of its own, whose pid it tells. */
static pid_t fork_family(pid_t *grandchild) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        const pid_t child = fork_sleeper();
        if (write(ends[1], &child, sizeof(child)) == sizeof(child)) {
            sleep_for_ever();
        }
        _exit(1);
    }
    ck_assert_int_eq(read(ends[0], grandchild, sizeof(*grandchild)), sizeof(*grandchild));
    close(ends[0]);
    close(ends[1]);
    return pid;
}

/* Ends it and leaves the zombie. */
static void kill_and_keep(pid_t pid) {
    siginfo_t info;
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void end_child(pid_t pid) {
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void tear_down(void) {
    process_tree_finish(&tree);
    pid_list_finish(&list);
}

static bool listed(pid_t pid) {
    for (size_t i = 0; i < list.count; i++) {
        if (list.pids[i] == pid) {
            return true;
        }
    }
    return false;
}

START_TEST(stat_of_a_process_with_an_awkward_name)
{
    struct proc_stat stat;
    prctl(PR_SET_NAME, "a) Z 1 (b c");
    ck_assert(proc_stat_read(getpid(), &stat));
    ck_assert_str_eq(stat.name, "a) Z 1 (b c");
    ck_assert(!stat.dead);
    ck_assert_int_eq(stat.parent, getppid());
    ck_assert_int_eq(stat.group, getpgrp());
    ck_assert_int_eq(stat.session, getsid(0));
    ck_assert_uint_eq(stat.threads, 1);
    ck_assert_uint_gt(stat.start_ticks, 0);
}
END_TEST

START_TEST(a_zombie_is_dead_and_a_reaped_process_unknown)
{
    struct proc_stat stat;
    const pid_t pid = fork_sleeper();
    ck_assert(proc_stat_read(pid, &stat));
    ck_assert(!stat.dead);
    kill_and_keep(pid);
    ck_assert(proc_stat_read(pid, &stat));
    ck_assert(stat.dead);
    end_child(pid);
    ck_assert(!proc_stat_read(pid, &stat));
}
END_TEST

static int thread_ends[2];
static pid_t child_of_thread;

static void *fork_in_thread(void *data) {
    char byte;
    child_of_thread = fork();
    if (child_of_thread == 0) {
        for (;;) {
            pause();
        }
    }
    ck_assert_int_eq(write(*(int *)data, "x", 1), 1);
    return read(thread_ends[0], &byte, 1) < 0 ? data : NULL;
}

START_TEST(children_of_every_thread_are_found)
{
    int ready[2];
    char byte;
    pthread_t thread;
    ck_assert_int_eq(pipe(thread_ends), 0);
    ck_assert_int_eq(pipe(ready), 0);
    const pid_t child = fork_sleeper();
    ck_assert_int_eq(pthread_create(&thread, NULL, fork_in_thread, &ready[1]), 0);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);

    ck_assert_int_eq(proc_children(getpid(), 2, &list), KOINE_OK);
    ck_assert(listed(child));
    ck_assert(listed(child_of_thread));
    list.count = 0;
    ck_assert_int_eq(proc_children_by_scan(getpid(), &list), KOINE_OK);
    ck_assert(listed(child));
    ck_assert(listed(child_of_thread));

    ck_assert_int_eq(write(thread_ends[1], "x", 1), 1);
    pthread_join(thread, NULL);
    end_child(child);
    end_child(child_of_thread);
}
END_TEST

START_TEST(hundreds_of_children_are_listed)
{
    enum { COUNT = 900 }; /* more than one read of 4 KiB */
    static pid_t pids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pids[i] = fork_sleeper();
    }
    ck_assert_int_eq(proc_children(getpid(), 1, &list), KOINE_OK);
    ck_assert_uint_eq(list.count, COUNT);
    ck_assert_int_eq(process_tree_add(&tree, getpid(), 0), 1);
    ck_assert_int_eq(process_tree_walk(&tree, 0), COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(listed(pids[i]));
        ck_assert(process_tree_knows(&tree, pids[i]));
        end_child(pids[i]);
    }
    ck_assert_uint_eq(process_tree_refresh(&tree), 1);
}
END_TEST

START_TEST(a_process_without_children_or_that_is_gone_has_none)
{
    const pid_t pid = fork_sleeper();
    ck_assert_int_eq(proc_children(pid, 1, &list), KOINE_OK);
    ck_assert_uint_eq(list.count, 0);
    end_child(pid);
    ck_assert_int_eq(proc_children(pid, 1, &list), KOINE_OK);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* A child that runs with the given environment; it has run exec when the pipe is closed. */
static pid_t start_with_environment(const char *const *environment) {
    int ends[2];
    char byte;
    static const char *const argv[] = {"sleep", "1000", NULL};
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execve("/bin/sleep", (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
        _exit(1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    return pid;
}

static void expect_mark(const char *const *environment, const char *expected) {
    char value[8] = "";
    const pid_t pid = start_with_environment(environment);
    ck_assert_int_eq(proc_environ_read(pid, "MARK=", value, sizeof(value)), *expected != '\0');
    ck_assert_str_eq(value, expected);
    end_child(pid);
}

START_TEST(an_environment_variable_is_found_wherever_it_is)
{
    static char filler[40000] = "FILLER=";
    expect_mark((const char *[]){"MARK=abc", "A=1", NULL}, "abc");
    expect_mark((const char *[]){"XMARK=no", "A=MARK=no", NULL}, "");
    expect_mark((const char *[]){"MARK=toolong8", NULL}, "");
    expect_mark((const char *[]){NULL}, "");
    for (size_t size = 16 * 1024 - 30; size < 16 * 1024 + 10; size++) {
        memset(filler + 7, 'x', sizeof(filler) - 8);
        filler[size] = '\0';
        expect_mark((const char *[]){filler, "MARK=seven77", NULL}, "seven77");
    }
    filler[39000] = '\0';
    expect_mark((const char *[]){filler, filler, "MARK=abc", filler, NULL}, "abc");
}
END_TEST

START_TEST(a_tree_is_recorded_and_known_after_its_parent_has_died)
{
    pid_t grandchild;
    const pid_t child = fork_family(&grandchild);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ck_assert_int_eq(process_tree_add(&tree, child, 0), 1);
    ck_assert_int_eq(process_tree_add(&tree, child, 0), 0);
    ck_assert_int_eq(process_tree_walk(&tree, 0), 1);
    ck_assert_int_eq(process_tree_walk(&tree, 0), 0);
    ck_assert(process_tree_knows(&tree, grandchild));
    ck_assert_uint_eq(process_tree_refresh(&tree), 2);

    process_tree_signal(&tree, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(waitpid(grandchild, NULL, 0), grandchild);
    ck_assert_uint_eq(process_tree_refresh(&tree), 0);
    ck_assert(process_tree_knows(&tree, grandchild));
}
END_TEST

START_TEST(a_pid_with_another_start_time_is_another_process)
{
    const pid_t pid = fork_sleeper();
    ck_assert_int_eq(process_tree_add(&tree, pid, 0), 1);
    tree.members[0].start_ticks--; /* as if the pid had been given away */
    ck_assert_uint_eq(process_tree_refresh(&tree), 0);
    process_tree_signal(&tree, SIGKILL);
    process_tree_signal_new(&tree, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
    struct proc_stat stat;
    ck_assert(proc_stat_read(pid, &stat) && !stat.dead);
    end_child(pid);
}
END_TEST

START_TEST(a_signal_is_sent_on_sight_or_once)
{
    int status;
    const pid_t stopped = fork_sleeper();
    ck_assert_int_eq(process_tree_add(&tree, stopped, SIGSTOP), 1);
    ck_assert_int_eq(waitpid(stopped, &status, WUNTRACED), stopped);
    ck_assert(WIFSTOPPED(status));
    process_tree_signal_new(&tree, SIGCONT);
    ck_assert_int_eq(waitpid(stopped, &status, WCONTINUED), stopped);
    ck_assert(WIFCONTINUED(status));
    process_tree_signal_new(&tree, SIGKILL); /* it had its signal */
    process_tree_signal_new(&tree, SIGKILL);
    struct proc_stat stat;
    ck_assert(proc_stat_read(stopped, &stat) && !stat.dead);
    end_child(stopped);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("process_tree");
    tcase_add_checked_fixture(cases, NULL, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, stat_of_a_process_with_an_awkward_name);
    tcase_add_test(cases, a_zombie_is_dead_and_a_reaped_process_unknown);
    tcase_add_test(cases, children_of_every_thread_are_found);
    tcase_add_test(cases, hundreds_of_children_are_listed);
    tcase_add_test(cases, a_process_without_children_or_that_is_gone_has_none);
    tcase_add_test(cases, an_environment_variable_is_found_wherever_it_is);
    tcase_add_test(cases, a_tree_is_recorded_and_known_after_its_parent_has_died);
    tcase_add_test(cases, a_pid_with_another_start_time_is_another_process);
    tcase_add_test(cases, a_signal_is_sent_on_sight_or_once);
    Suite *suite = suite_create("process_tree");
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
