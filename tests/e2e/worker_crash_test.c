/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that are killed or crash: nothing that they started stays, clients wait for the next
 * worker, and the log says what it was. How the supervisor itself is stopped: supervisor_test.c. */
#include "support/process_search.h"
#include "support/process_table.h"
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GONE_MS = 3000, APPEAR_MS = 10000 };

static struct gateway *gateway;
static char *mark; /* in the command line of every process that a scenario starts */

static void setup(void) {
    gateway = gateway_start(&(struct gateway_options){.crashes = true});
    mark = scratch_text("MARK-%d", (int)gateway_supervisor_pid(gateway));
}

static void start_with_crash_module(const char *const *environment) {
    static const char *const modules[] = {"crash", NULL};
    char *config = modules_config(modules, NULL, NULL);
    gateway_stop(gateway);
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = environment, .crashes = true});
    free(config);
}

static void teardown(void) {
    gateway_stop(gateway);
    free(mark);
}

static void kill_worker(void) {
    ck_assert_int_eq(kill(gateway_pid(gateway), SIGKILL), 0);
}

static void assert_answers(void) {
    struct http_response answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- what is left behind */

static void assert_all_gone(void) {
    ck_assert_msg(process_search_await(mark, 0, GONE_MS), "%d processes are left after %d ms",
                  process_search_count(mark), GONE_MS);
}

static void assert_started(int count) {
    ck_assert_msg(process_search_await(mark, count, APPEAR_MS), "%d processes, expected %d",
                  process_search_count(mark), count);
}

/* Shells that only wait, with the mark as an argument. */
#define WAITER "sh -c 'while :; do sleep 1000; done' "
#define STUBBORN "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' "

START_TEST(a_killed_worker_takes_everything_with_it)
{
    pid_t before = gateway_pid(gateway);
    char *command = scratch_text("setsid " STUBBORN "%s & (setsid " STUBBORN "%s &) ; " WAITER "%s",
                                 mark, mark, mark);
    struct raw_client *client = begin_unread(gateway, tool_body("{}", command));
    assert_started(3);
    kill_worker();
    assert_all_gone();
    assert_answers();
    ck_assert_int_ne(gateway_pid(gateway), before);
    gateway_await_log(gateway, "was killed by SIGKILL; a new one starts at once");
    gateway_await_log(gateway, "left behind got SIGKILL");
    struct http_response health = http_get(gateway, "/health");
    ck_assert_int_eq(http_integer(&health, "workerRestarts"), 1);
    http_response_finish(&health);
    raw_close(client);
    free(command);
}
END_TEST

START_TEST(a_daemon_that_forgot_its_environment_goes_too)
{
    char *scenario = scratch_text("{'stray_daemon':'exec sh -c \\\"while :; do sleep 1000; done\\\""
                                  " %s','clear_env':true,'hang':'mid_text'}",
                                  mark);
    struct raw_client *client = begin_unread(gateway, scenario_body(scenario, NULL));
    assert_started(1);
    kill_worker();
    assert_all_gone();
    assert_answers();
    raw_close(client);
    free(scenario);
}
END_TEST

static bool some_live(const void *unused) {
    (void)unused;
    return process_search_count(mark) > 0;
}

/* Each lives for some milliseconds and leaves the rest to a child, as an orphan. */
START_TEST(processes_that_run_away_go_too)
{
    char *script = gateway_path(gateway, "run-away");
    /* The count ends it also when this test fails. */
    scratch_write(script, "sleep 0.005\n"
                          "if test $2 -gt 0; then setsid sh $0 $1 $(($2 - 1)) & fi\n");
    char *command =
        scratch_text("for i in 1 2 3 4; do sh %s %s 5000 & done; " WAITER, script, mark);
    struct raw_client *client = begin_unread(gateway, tool_body("{}", command));
    assert_started(4);
    kill_worker();
    assert_answers();
    ck_assert(!await(some_live, NULL, 200));
    raw_close(client);
    free(command);
    free(script);
}
END_TEST

START_TEST(the_next_turn_of_a_session_works_in_the_next_worker)
{
    struct http_response answer = generate(gateway, "{'text':'first'}", NULL);
    http_assert_status(&answer, 200);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    kill_worker();
    answer = generate(gateway, "{'text':'second'}", fields);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "second");
    http_response_finish(&answer);
    free(fields);
}
END_TEST

/* ---- the next worker */

START_TEST(crashes_in_a_row_are_answered_ever_later_and_clients_wait)
{
    static const double waits_s[] = {0, 1, 2};
    int descriptors = process_descriptors(gateway_supervisor_pid(gateway));
    for (size_t i = 0; i < sizeof waits_s / sizeof *waits_s; i++) {
        double since = now_s();
        kill_worker();
        assert_answers(); /* the connection is taken at once, the answer comes later */
        double took = now_s() - since;
        ck_assert_msg(took > waits_s[i] - 0.05, "crash %zu: %.2f s", i, took);
    }
    gateway_await_log(gateway, "was killed by SIGKILL; a new one starts in 2 s");
    ck_assert_int_eq(process_descriptors(gateway_supervisor_pid(gateway)), descriptors);
    ck_assert_int_eq(process_sockets(gateway_supervisor_pid(gateway)), 1);
}
END_TEST

START_TEST(a_worker_that_cannot_start_any_more_is_tried_again_until_it_can)
{
    char *directory = scratch_directory_create();
    char *file = scratch_text("%s/crash", directory);
    char *variable = scratch_text("KOINE_TEST_CRASH=%s", file);
    const char *const environment[] = {variable, NULL};
    start_with_crash_module(environment);
    scratch_write(file, "");
    kill_worker();
    gateway_await_log(gateway, "was killed by SIGKILL; a new one starts at once");
    gateway_await_log(gateway, "was killed by SIGABRT in module crash");
    gateway_await_log(gateway, "a new one starts in 1 s");
    unlink(file);
    assert_answers();
    free(variable);
    free(file);
    scratch_directory_destroy(directory);
}
END_TEST

START_TEST(stopping_does_not_wait_for_the_next_worker)
{
    for (int i = 0; i < 3; i++) {
        kill_worker();
        assert_answers();
    }
    kill_worker();
    gateway_await_log(gateway, "a new one starts in 4 s");
    double since = now_s();
    gateway_stop(gateway);
    gateway = NULL;
    ck_assert_msg(now_s() - since < 3, "%.2f s", now_s() - since);
}
END_TEST

/* ---- whose fault it was */

static void assert_module_is_named(const char *path, const char *sentence) {
    start_with_crash_module(NULL);
    char *request = scratch_text("GET %s HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n", path);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, request);
    ck_assert(!raw_readable(client, 50) || raw_ends(client));
    raw_close(client);
    gateway_await_log(gateway, sentence);
    assert_answers();
    free(request);
}

START_TEST(a_module_that_crashes_is_named)
{
    assert_module_is_named("/crash/handler", "was killed by SIGABRT in module crash");
    assert_module_is_named("/crash/timer", "was killed by SIGABRT in module crash");
    assert_module_is_named("/crash/end", "was killed by SIGABRT in module crash");
}
END_TEST

START_TEST(a_module_that_ends_the_process_is_named)
{ assert_module_is_named("/crash/exit", "ended with exit status 7 in module crash"); }
END_TEST

/* It would be a second worker with the same connections. */
START_TEST(a_child_of_a_module_does_not_come_back_to_the_gateway)
{
    start_with_crash_module(NULL);
    pid_t before = gateway_pid(gateway);
    for (int i = 0; i < 5; i++) {
        struct http_response answer = http_get(gateway, "/crash/fork");
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
    gateway_await_log(gateway, "module crash has forked a process that came back to the gateway");
    ck_assert_int_eq(gateway_pid(gateway), before);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_killed_worker_takes_everything_with_it,
        a_daemon_that_forgot_its_environment_goes_too,
        processes_that_run_away_go_too,
        the_next_turn_of_a_session_works_in_the_next_worker,
        crashes_in_a_row_are_answered_ever_later_and_clients_wait,
        a_worker_that_cannot_start_any_more_is_tried_again_until_it_can,
        stopping_does_not_wait_for_the_next_worker,
        a_module_that_crashes_is_named,
        a_module_that_ends_the_process_is_named,
        a_child_of_a_module_does_not_come_back_to_the_gateway,
    };
    return test_main("worker_crash", setup, teardown, tests, sizeof tests / sizeof *tests);
}
