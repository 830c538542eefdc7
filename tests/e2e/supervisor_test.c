/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to the gateway's two processes, as terminals, service managers and people send them.
 * Workers that crash: worker_crash_test.c. */
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

/* Alone, a worker has five seconds; one that hangs ten. Sanitizers take their time. */
enum { ALONE_MS = 5000, ALONE_HANGING_MS = 12000, APPEAR_MS = 10000 };

static struct gateway *gateway;
static char *mark; /* in the command line of every process that a scenario starts */

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
    mark = scratch_text("MARK-%d", (int)gateway_supervisor_pid(gateway));
}

static void teardown(void) {
    gateway_stop(gateway);
    free(mark);
}

static void send_signal(pid_t pid, int number) {
    ck_assert_int_eq(kill(pid, number), 0);
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static void join(int status) {
    ck_assert_int_eq(gateway_join_status(gateway), status);
    gateway = NULL;
}

#define STUBBORN "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' "

static json_t *stubborn_body(void) {
    char *command = scratch_text("setsid " STUBBORN "%s & " STUBBORN "%s", mark, mark);
    json_t *body = tool_body("{}", command);
    free(command);
    return body;
}

static void await_stubborn(void) {
    ck_assert_msg(process_search_await(mark, 2, APPEAR_MS), "%d processes, expected 2",
                  process_search_count(mark));
}

/* ---- draining */

/* A request that takes a second; told once it runs. */
static struct http_call *begin_request(void) {
    struct http_call *call =
        generate_begin(gateway, "{'text':'finished','first_delay_ms':1000}", NULL);
    await_active_slots(gateway, 1, APPEAR_MS);
    return call;
}

static void assert_drained(struct http_call *call) {
    struct http_response answer = http_wait(call);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "finished");
    http_response_finish(&answer);
    gateway_join(gateway);
    gateway = NULL;
}

START_TEST(a_signal_to_the_process_group_drains)
{
    start(NULL);
    struct http_call *call = begin_request();
    send_signal(-gateway_supervisor_pid(gateway), SIGTERM);
    assert_drained(call);
}
END_TEST

START_TEST(a_signal_to_each_process_drains)
{
    start(NULL);
    struct http_call *call = begin_request();
    pid_t worker = gateway_pid(gateway);
    send_signal(worker, SIGTERM);
    send_signal(gateway_supervisor_pid(gateway), SIGTERM);
    send_signal(worker, SIGTERM);
    send_signal(worker, SIGINT);
    assert_drained(call);
}
END_TEST

START_TEST(a_signal_that_comes_twice_in_a_moment_drains)
{
    start(NULL);
    struct http_call *call = begin_request();
    send_signal(gateway_supervisor_pid(gateway), SIGINT);
    send_signal(gateway_supervisor_pid(gateway), SIGTERM);
    assert_drained(call);
}
END_TEST

START_TEST(a_second_interrupt_stops_at_once)
{
    start(NULL);
    struct raw_client *client = begin_unread(gateway, stubborn_body());
    await_stubborn();
    send_signal(gateway_supervisor_pid(gateway), SIGINT);
    gateway_await_log(gateway, "SIGINT: draining 1 open requests");
    pause_ms(300);
    ck_assert_int_eq(process_search_count(mark), 2);
    send_signal(gateway_supervisor_pid(gateway), SIGINT);
    ck_assert(process_search_await(mark, 0, 2000));
    join(0);
    raw_close(client);
}
END_TEST

/* ---- a supervisor that is killed */

static bool is_gone(const void *pid) {
    return process_state(*(const pid_t *)pid) == 0;
}

START_TEST(a_killed_supervisor_takes_everything_with_it)
{
    start(NULL);
    pid_t worker = gateway_pid(gateway);
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", stubborn_body());
    await_stubborn();
    send_signal(-gateway_supervisor_pid(gateway), SIGKILL); /* the group: the worker is not in it */
    ck_assert(await(is_gone, &worker, ALONE_MS));
    ck_assert_int_eq(process_search_count(mark), 0);
    ck_assert_str_eq(sse_string(sse_await(stream, "error"), "code"), "UNAVAILABLE");
    ck_assert_str_eq(sse_string(sse_expect(stream, "done"), "reason"), "shutdown");
    sse_stream_close(stream);
    join(-1);
}
END_TEST

START_TEST(so_does_one_that_is_killed_while_it_drains)
{
    start(NULL);
    pid_t worker = gateway_pid(gateway);
    struct raw_client *client = begin_unread(gateway, stubborn_body());
    await_stubborn();
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining");
    send_signal(gateway_supervisor_pid(gateway), SIGKILL);
    ck_assert(await(is_gone, &worker, ALONE_MS));
    ck_assert_int_eq(process_search_count(mark), 0);
    raw_close(client);
    join(-1);
}
END_TEST

/* ---- a worker that hangs */

static void start_and_hang(void) {
    static const char *const modules[] = {"crash", NULL};
    gateway = modules_start(modules, NULL, NULL, NULL);
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, "GET /crash/hang HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION "\r\n");
    ck_assert(!raw_readable(client, 200));
    raw_close(client);
}

START_TEST(a_worker_that_hangs_is_killed_when_it_shall_end)
{
    start_and_hang();
    gateway_terminate(gateway);
    pause_ms(300);
    gateway_terminate(gateway); /* or it takes drain_seconds more */
    gateway_await_log(gateway, "does not end: it gets SIGKILL");
    gateway_await_log(
        gateway,
        "was killed by SIGKILL in module crash (handler of GET /crash/{place}) while it drained");
    join(1);
}
END_TEST

START_TEST(a_worker_that_hangs_does_not_outlive_its_supervisor)
{
    start_and_hang();
    pid_t worker = gateway_pid(gateway);
    send_signal(gateway_supervisor_pid(gateway), SIGKILL);
    ck_assert(await(is_gone, &worker, ALONE_HANGING_MS));
    join(-1);
}
END_TEST

/* ---- job control */

static bool is_stopped(const void *pid) {
    return process_state(*(const pid_t *)pid) == 'T';
}

START_TEST(a_stop_from_the_terminal_stops_the_worker_too)
{
    start(NULL);
    pid_t supervisor = gateway_supervisor_pid(gateway), worker = gateway_pid(gateway);
    send_signal(supervisor, SIGTSTP);
    ck_assert(await(is_stopped, &worker, APPEAR_MS));
    ck_assert(await(is_stopped, &supervisor, APPEAR_MS));
    send_signal(supervisor, SIGCONT);
    struct http_response answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_signal_to_the_process_group_drains,
        a_signal_to_each_process_drains,
        a_signal_that_comes_twice_in_a_moment_drains,
        a_second_interrupt_stops_at_once,
        a_killed_supervisor_takes_everything_with_it,
        so_does_one_that_is_killed_while_it_drains,
        a_worker_that_hangs_is_killed_when_it_shall_end,
        a_worker_that_hangs_does_not_outlive_its_supervisor,
        a_stop_from_the_terminal_stops_the_worker_too,
    };
    return test_main("supervisor", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
