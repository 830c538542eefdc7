/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a tree: whatever a child starts, and however it hides it, nothing stays. Each test
 * also checks in its tear-down that no process with its token and no zombie is left.
 */
#include "unit/process_fixture.h"

#include <sys/resource.h>

/* Ends the run; how long it took until `ended`, when nothing may be left. */
static int end_and_time(struct run *run, bool at_once) {
    const uint64_t start = now_ms();
    process_end(run->process, at_once);
    ck_assert(!run->ended); /* never from inside */
    wait_until_ended(run);
    const int took_ms = (int)(now_ms() - start);
    ck_assert_int_eq(run->status.how, PROCESS_ENDED);
    ck_assert_int_eq(count_with_token(), 0);
    return took_ms;
}

static struct process_host_counters counted(void) {
    struct process_host_counters counters;
    process_host_count(host, &counters);
    return counters;
}

/* Says that it is up, ignores SIGTERM and stays, its stdout open. The token is its $0. */
#define STUBBORN "sh -c 'trap \"\" TERM; echo up; while :; do sleep $0; done' $0"

START_TEST(a_willing_child_ends_long_before_the_grace_period)
{
    options.kill_grace_ms = 5000;
    struct run *run = start_shell("echo up; exec sleep $0");
    wait_for_lines(run, 1);
    ck_assert_int_lt(end_and_time(run, false), 1000);
    ck_assert_int_eq(run->status.signal, SIGTERM);
    ck_assert_uint_eq(counted().killed, 0);
}
END_TEST

START_TEST(a_child_can_clean_up_after_sigterm)
{
    options.kill_grace_ms = 5000;
    struct run *run = start_shell("trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done");
    wait_for_lines(run, 1);
    end_and_time(run, false);
    ck_assert_int_eq(run->status.exit_code, 5);
}
END_TEST

START_TEST(at_once_means_no_grace)
{
    options.kill_grace_ms = 60000;
    struct run *run = start_shell("trap '' TERM; " STUBBORN);
    wait_for_lines(run, 1);
    ck_assert_int_lt(end_and_time(run, true), 1000);
    ck_assert_int_eq(run->status.signal, SIGKILL);
}
END_TEST

START_TEST(at_once_shortens_a_grace_that_has_begun)
{
    options.kill_grace_ms = 60000;
    struct run *run = start_shell("trap '' TERM; " STUBBORN);
    wait_for_lines(run, 1);
    process_end(run->process, false);
    wait_until_idle_ms(run, 50);
    ck_assert_int_lt(end_and_time(run, true), 1000);
}
END_TEST

START_TEST(a_tree_that_ignores_sigterm_and_hides_is_gone_within_a_second)
{
    struct run *run = start_shell("trap '' TERM;" STUBBORN " &"
                                  "setsid " STUBBORN " &"
                                  "(setsid " STUBBORN " &) &"
                                  "env -i /usr/bin/setsid " STUBBORN " &"
                                  "(env -i /usr/bin/setsid " STUBBORN " &);"
                                  "(setsid sh -c '(env -i /usr/bin/setsid "
                                  "sh -c \"trap : TERM; echo up; while :; do sleep $0; done\" $0"
                                  " &)' $0 &) ; wait");
    wait_for_lines(run, 6);
    ck_assert_int_ge(count_with_token(), 7);
    ck_assert_int_lt(end_and_time(run, false), 1000);
    ck_assert_uint_eq(counted().killed, 1);
    ck_assert_uint_ge(counted().strays, 3);
}
END_TEST

START_TEST(strays_of_a_child_that_exits_are_ended_before_ended_comes)
{
    struct run *run = start_shell("setsid " STUBBORN " & env -i /usr/bin/setsid " STUBBORN " &"
                                  "read go; echo bye; exit 3");
    wait_for_lines(run, 2);
    process_write(run->process, KOINE_TEXT("go\n"));
    wait_until_ended(run);
    ck_assert_int_eq(count_with_token(), 0);
    ck_assert_int_eq(run->status.how, PROCESS_EXITED);
    ck_assert_int_eq(run->status.exit_code, 3);
    ck_assert_str_eq(run->last, "bye");
    ck_assert_uint_ge(counted().strays, 2);
    ck_assert_ptr_nonnull(strstr(log_text, "left"));
}
END_TEST

START_TEST(strays_of_another_run_are_left_alone)
{
    struct run *other = start_shell("(setsid " STUBBORN " &); echo up; exec sleep $0");
    wait_for_lines(other, 2);
    struct run *run = start_shell("echo up; exec sleep $0");
    wait_for_lines(run, 1);
    process_end(run->process, false);
    wait_until_ended(run);
    wait_until_ended(start_shell("exit 0"));
    ck_assert_uint_eq(counted().strays, 0);
    ck_assert_int_ge(count_with_token(), 2);
    end_and_time(other, false);
}
END_TEST

/* Without both marks and without a parent nobody can tell whose it is. */
START_TEST(a_stray_that_nobody_can_attribute_is_ended_when_no_run_is_left)
{
    struct run *run =
        start_shell("(env -i /usr/bin/setsid prlimit --locks=unlimited " STUBBORN " &); read go");
    struct run *other = start_shell("read go");
    wait_for_lines(run, 1);
    process_end(run->process, false);
    wait_until_ended(run);
    ck_assert_int_ge(count_with_token(), 2); /* it may be the other run's */
    process_end(other->process, false);
    wait_until_ended(other);
    const uint64_t start = now_ms();
    while (count_with_token() > 0) {
        ck_assert_uint_lt(now_ms() - start, 10000);
        event_base_loop(base, EVLOOP_ONCE);
    }
    ck_assert_ptr_nonnull(strstr(log_text, "belongs to no run"));
}
END_TEST

START_TEST(adopted_zombies_do_not_stay_while_the_run_goes_on)
{
    struct run *run = start_shell("(sleep 0 & echo $!); exec sleep $0");
    wait_for_lines(run, 1);
    const pid_t orphan = (pid_t)strtol(run->last, NULL, 10);
    const uint64_t start = now_ms();
    while (kill(orphan, 0) == 0) {
        ck_assert_uint_lt(now_ms() - start, 10000);
        wait_until_idle_ms(run, 20);
    }
    end_and_time(run, true);
}
END_TEST

/* Each process forks the next and exits: no process lives for long. */
START_TEST(a_chain_of_forks_is_ended)
{
    struct run *run = start_shell(
        "i=0; next() { i=$((i+1)); [ $i = 20000 ] || next & }; echo up; next; exec sleep $0");
    wait_for_lines(run, 1);
    ck_assert_int_lt(end_and_time(run, false), 1000);
}
END_TEST

START_TEST(a_chain_of_forks_is_ended_after_the_exit)
{
    struct run *run =
        start_shell("i=0; next() { i=$((i+1)); [ $i = 20000 ] || next & }; echo up; next");
    wait_until_ended(run);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

/* The same with a session of its own for each link, and nothing between fork and fork. */
static int chain_of_sessions(void) {
    puts("up");
    fflush(stdout);
    signal(SIGTERM, SIG_IGN);
    for (const uint64_t start = now_ms(); now_ms() - start < 15000;) {
        const pid_t child = fork();
        if (child != 0) {
            _exit(0);
        }
        setsid();
    }
    return 0;
}

START_TEST(a_chain_of_sessions_is_ended)
{
    const char *const argv[] = {"/proc/self/exe", "chain", token, NULL};
    struct run *run = start_program("/proc/self/exe", argv);
    wait_until_ended(run);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

START_TEST(a_spreading_tree_is_ended)
{
    struct run *run =
        start_shell("trap '' TERM; echo up; i=0; while [ $i -lt 3000 ]; do i=$((i+1));"
                    "env -i /usr/bin/setsid sh -c 'sleep $0' $0 & done; wait");
    wait_for_lines(run, 1);
    while (count_with_token() < 50) {
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    ck_assert_int_lt(end_and_time(run, true), 2000);
}
END_TEST

START_TEST(without_descriptors_a_tree_is_ended_all_the_same)
{
    struct run *run = start_shell("trap '' TERM; setsid " STUBBORN " & " STUBBORN);
    wait_for_lines(run, 2);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    const struct rlimit none = {0, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    process_end(run->process, false);
    wait_until_ended(run);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

START_TEST(destroy_ends_running_trees_without_callbacks)
{
    struct run *first = start_shell("trap '' TERM; (setsid " STUBBORN " &) ; " STUBBORN);
    struct run *second = start_shell("echo up; exec sleep $0");
    wait_for_lines(first, 2);
    wait_for_lines(second, 1);
    process_end(second->process, false);
    const uint64_t start = now_ms();
    process_host_destroy(host);
    ck_assert_int_lt((int)(now_ms() - start), 1000);
    ck_assert(!first->ended && !second->ended);
    ck_assert_int_eq(count_with_token(), 0);
    host = process_host_create(base, record_log, NULL);
}
END_TEST

START_TEST(forty_trees_end_together)
{
    struct run *many[40];
    for (int i = 0; i < 40; i++) {
        many[i] = start_shell("trap '' TERM; setsid " STUBBORN " & wait");
    }
    for (int i = 0; i < 40; i++) {
        wait_for_lines(many[i], 1);
    }
    const uint64_t start = now_ms();
    for (int i = 0; i < 40; i++) {
        process_end(many[i]->process, false);
    }
    for (int i = 0; i < 40; i++) {
        wait_until_ended(many[i]);
    }
    ck_assert_int_lt((int)(now_ms() - start), 3000);
    ck_assert_uint_eq(counted().running, 0);
    ck_assert_int_eq(count_with_token(), 0);
}
END_TEST

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "chain") == 0) {
        return chain_of_sessions();
    }
    TCase *cases = process_case("process_end");
    tcase_add_test(cases, a_willing_child_ends_long_before_the_grace_period);
    tcase_add_test(cases, a_child_can_clean_up_after_sigterm);
    tcase_add_test(cases, at_once_means_no_grace);
    tcase_add_test(cases, at_once_shortens_a_grace_that_has_begun);
    tcase_add_test(cases, a_tree_that_ignores_sigterm_and_hides_is_gone_within_a_second);
    tcase_add_test(cases, strays_of_a_child_that_exits_are_ended_before_ended_comes);
    tcase_add_test(cases, strays_of_another_run_are_left_alone);
    tcase_add_test(cases, a_stray_that_nobody_can_attribute_is_ended_when_no_run_is_left);
    tcase_add_test(cases, adopted_zombies_do_not_stay_while_the_run_goes_on);
    tcase_add_test(cases, a_chain_of_forks_is_ended);
    tcase_add_test(cases, a_chain_of_forks_is_ended_after_the_exit);
    tcase_add_test(cases, a_chain_of_sessions_is_ended);
    tcase_add_test(cases, a_spreading_tree_is_ended);
    tcase_add_test(cases, without_descriptors_a_tree_is_ended_all_the_same);
    tcase_add_test(cases, destroy_ends_running_trees_without_callbacks);
    tcase_add_test(cases, forty_trees_end_together);
    return process_case_run(cases);
}
