/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that leave and gateways that are told to end: nothing that a run has started stays. */
#include "support/process_search.h"
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

/* From the client's leaving to the last process. Sanitizers and valgrind take their time. */
enum { GONE_MS = 1000, GONE_SLOWLY_MS = 3000, APPEAR_MS = 10000 };

static struct gateway *gateway;
static char *mark; /* in the command line of every process that a scenario starts */

static unsigned gone_ms(void) {
    return getenv("KOINE_SLOW") ? GONE_SLOWLY_MS : GONE_MS;
}

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
    mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
}

static void teardown(void) {
    gateway_stop(gateway);
    free(mark);
}

/* A turn whose Bash tool runs `command`. */
static struct raw_client *begin_tool(const char *more, const char *command) {
    return begin_unread(gateway, tool_body(more, command));
}

static void assert_all_gone(void) {
    ck_assert_msg(process_search_await(mark, 0, gone_ms()), "%d processes are left after %u ms",
                  process_search_count(mark), gone_ms());
    await_active_slots(gateway, 0, 1000);
}

static void assert_started(int count) {
    ck_assert_msg(process_search_await(mark, count, APPEAR_MS), "%d processes, expected %d",
                  process_search_count(mark), count);
    await_active_slots(gateway, 1, 1000);
}

/* Shells that only wait, with the mark as an argument. */
#define WAITER "sh -c 'while :; do sleep 1000; done' "
#define STUBBORN "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' "

START_TEST(a_tool_goes_with_its_client)
{
    start(NULL);
    char *command = scratch_text(WAITER "%s", mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(1);
    raw_close(client);
    assert_all_gone();
    free(command);
}
END_TEST

START_TEST(detached_and_stubborn_processes_go_too)
{
    start(NULL);
    char *command = scratch_text("setsid " WAITER "%s & (setsid " WAITER "%s &) ; " STUBBORN "%s",
                                 mark, mark, mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(3);
    raw_close(client);
    assert_all_gone();
    free(command);
}
END_TEST

START_TEST(a_cli_that_ignores_sigterm_goes_too)
{
    start(NULL);
    char *command = scratch_text(STUBBORN "%s", mark);
    struct raw_client *client = begin_tool("{'ignore_sigterm':true}", command);
    assert_started(1);
    raw_close(client);
    assert_all_gone();
    free(command);
}
END_TEST

START_TEST(a_daemon_that_forgot_its_environment_goes_too)
{
    start(NULL);
    char *scenario = scratch_text("{'stray_daemon':'exec sh -c \\\"while :; do sleep 1000; done\\\""
                                  " %s','clear_env':true,'hang':'mid_text'}",
                                  mark);
    struct raw_client *client = begin_unread(gateway, scenario_body(scenario, NULL));
    assert_started(1);
    raw_close(client);
    assert_all_gone();
    free(scenario);
}
END_TEST

START_TEST(a_daemon_does_not_outlive_a_finished_run)
{
    start(NULL);
    char *scenario = scratch_text("{'stray_daemon':'exec sh -c \\\"while :; do sleep 1000; done\\\""
                                  " %s','clear_env':true,'text':'done'}",
                                  mark);
    struct http_response answer = generate(gateway, scenario, NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    assert_all_gone();
    free(scenario);
}
END_TEST

START_TEST(a_reset_is_a_leave)
{
    start(NULL);
    char *command = scratch_text(WAITER "%s", mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(1);
    raw_reset(client);
    assert_all_gone();
    free(command);
}
END_TEST

START_TEST(a_half_close_is_a_leave)
{
    start(NULL);
    char *command = scratch_text(WAITER "%s", mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(1);
    raw_half_close(client);
    assert_all_gone();
    raw_close(client);
    free(command);
}
END_TEST

START_TEST(a_leave_behind_pipelined_bytes_is_seen)
{
    start(NULL);
    char *command = scratch_text(WAITER "%s", mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(1);
    raw_send_text(client, "GET /livez HTTP/1.1\r\n" RAW_HOST "\r\n");
    raw_close(client);
    assert_all_gone();
    free(command);
}
END_TEST

START_TEST(a_timeout_ends_the_tools_as_well)
{
    start("http: {request_timeout_ms: 1500}\n");
    char *command = scratch_text("setsid " STUBBORN "%s & " STUBBORN "%s", mark, mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(2);
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 504);
    assert_all_gone();
    raw_answer_finish(&answer);
    raw_close(client);
    free(command);
}
END_TEST

START_TEST(draining_refuses_new_work_and_finishes_the_old)
{
    start(NULL);
    struct http_call *running =
        generate_begin(gateway, "{'text':'finished','first_delay_ms':1500}", NULL);
    await_active_slots(gateway, 1, APPEAR_MS);
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining");
    struct http_response answer = http_get(gateway, "/readyz");
    http_assert_status(&answer, 503);
    http_response_finish(&answer);
    answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    answer = generate(gateway, "{}", NULL);
    http_assert_error(&answer, 503, "UNAVAILABLE");
    http_response_finish(&answer);
    answer = http_wait(running);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "finished");
    http_response_finish(&answer);
    gateway_join(gateway);
    gateway = NULL;
}
END_TEST

START_TEST(draining_ends_at_its_limit)
{
    start("drain_seconds: 1\n");
    char *command = scratch_text("setsid " STUBBORN "%s & " STUBBORN "%s", mark, mark);
    struct raw_client *client = begin_tool("{}", command);
    assert_started(2);
    gateway_terminate(gateway);
    gateway_join(gateway);
    gateway = NULL;
    ck_assert_msg(process_search_await(mark, 0, gone_ms()), "%d processes are left",
                  process_search_count(mark));
    raw_close(client);
    free(command);
}
END_TEST

/* Half a body on a connection of its own, with the head certainly read. */
static struct raw_client *begin_half(void) {
    struct raw_client *client = raw_connect(gateway);
    raw_send_text(client, "POST /generate-text HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                          "Content-Type: application/json\r\nContent-Length: 14\r\n"
                          "Expect: 100-continue\r\n\r\n");
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 100);
    raw_answer_finish(&answer);
    raw_send_text(client, "{\"prompt");
    return client;
}

START_TEST(at_its_limit_draining_refuses_a_body_that_still_arrives)
{
    start("drain_seconds: 1\n");
    struct raw_client *late = begin_half(), *in_time = begin_half();
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining");
    raw_send_text(in_time, "\":\"x\"}");
    struct raw_answer answer = raw_receive(in_time, false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    answer = raw_receive(late, false);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_msg(strstr(answer.body, "\"UNAVAILABLE\"") != NULL, "%s", answer.body);
    raw_answer_finish(&answer);
    gateway_join(gateway);
    gateway = NULL;
    raw_close(late);
    raw_close(in_time);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_tool_goes_with_its_client,
        detached_and_stubborn_processes_go_too,
        a_cli_that_ignores_sigterm_goes_too,
        a_daemon_that_forgot_its_environment_goes_too,
        a_daemon_does_not_outlive_a_finished_run,
        a_reset_is_a_leave,
        a_half_close_is_a_leave,
        a_leave_behind_pipelined_bytes_is_seen,
        a_timeout_ends_the_tools_as_well,
        draining_refuses_new_work_and_finishes_the_old,
        draining_ends_at_its_limit,
        at_its_limit_draining_refuses_a_body_that_still_arrives,
    };
    return test_main("leaving", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
