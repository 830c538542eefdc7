/* SPDX-License-Identifier: Apache-2.0 */
/* What a child leaves behind: families, detached or not, are ended; children from before are not.
 * The processes here are forked by the test itself and wait until they are killed. */
#include "runner/proc_file.h"
#include "supervisor/leftovers.h"
#include "support/test_main.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 5000, DEPTH = 3 };

static struct process_tree spared;
static int told[2]; /* a byte for each process that lives */

static void setup(void) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ck_assert_int_eq(pipe(told), 0);
}

static void teardown(void) {
    process_tree_finish(&spared);
    close(told[0]);
    close(told[1]);
}

static void live(void) {
    signal(SIGTERM, SIG_IGN);
    alarm(60); /* also when a test fails */
    if (write(told[1], "x", 1) == 1)
        for (;;)
            pause();
    _exit(1);
}

/* A process in a session of its own with a child, and so on. */
static void live_with_children(int depth) {
    for (; depth > 0 && fork() == 0; depth--)
        setsid();
    live();
}

static pid_t fork_child(void (*run)(void)) {
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        run();
    return pid;
}

static void await_living(int count) {
    char byte;
    while (count-- > 0)
        ck_assert_int_eq(read(told[0], &byte, 1), 1);
}

/* Ends and leaves two families behind. */
static void leave_families(void) {
    for (int i = 0; i < 2; i++)
        if (fork() == 0)
            live_with_children(DEPTH);
    _exit(0);
}

static void fork_and_reap_parent(void) {
    pid_t pid = fork_child(leave_families);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    await_living(2 * (DEPTH + 1));
}

START_TEST(nothing_is_left_of_families)
{
    size_t killed = 0;
    fork_and_reap_parent();
    ck_assert_uint_eq(leftovers_kill(&spared, LIMIT_MS, &killed), 0);
    ck_assert_uint_eq(killed, 2 * (DEPTH + 1));
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(children_from_before_are_spared)
{
    size_t killed = 0;
    pid_t before = fork_child(live);
    await_living(1);
    leftovers_spare_children(&spared);
    fork_and_reap_parent();
    ck_assert_uint_eq(leftovers_kill(&spared, LIMIT_MS, &killed), 0);
    ck_assert_uint_eq(killed, 2 * (DEPTH + 1));
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
    ck_assert_int_eq(kill(before, SIGKILL), 0);
    ck_assert_int_eq(waitpid(before, NULL, 0), before);
}
END_TEST

START_TEST(nothing_left_is_nothing_to_do)
{
    size_t killed = 1;
    ck_assert_uint_eq(leftovers_kill(&spared, LIMIT_MS, &killed), 0);
    ck_assert_uint_eq(killed, 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {nothing_is_left_of_families, children_from_before_are_spared,
                                  nothing_left_is_nothing_to_do};
    return test_main("leftovers", setup, teardown, tests, sizeof tests / sizeof *tests);
}
