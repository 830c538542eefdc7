/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that a module provides to the model: of one run, of every run, and such whose results a
 * later request brings while the run is parked. */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>

/* One slot: a parked run must have given it back. The second key is "other-key". */
static const char config[] =
    "slots: {nonstreaming: 1}\n"
    "keys:\n- name: other\n"
    "  sha256: 580843d03d2216ff1a275d0991bad66e4d1af871171d929e9de604b7959f9bca\n";

static struct gateway *gateway;

static void start(const char *rest, const char *variable) {
    static const char *const modules[] = {"toolbox", NULL};
    const char *const environment[] = {variable, NULL};
    gateway_stop(gateway);
    gateway = NULL;
    gateway = modules_start(modules, NULL, rest, environment);
}

static void setup(void) {
    start(config, NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct http_response post_as(const char *key, const char *path, const char *body) {
    return http_send(gateway, &(struct http_request){.path = path, .key = key, .body = body});
}

static struct http_response post(const char *path, const char *body) {
    return post_as(NULL, path, body);
}

#define CALL(tool) "{\"server\":\"toolbox\",\"name\":\"" tool "\",\"arguments\":{}}"
#define ASK(calls) "standin:{\"call_host_tool\":[" calls "]}"

START_TEST(tools_of_a_run_answer_at_once_and_from_a_thread)
{
    struct http_response answer = post("/ask", ASK(CALL("slow") "," CALL("add")));
    http_assert_status(&answer, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "added up"));
    ck_assert_ptr_nonnull(strstr(answer.body, "slow is done"));
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_tool_for_every_run_reaches_another_module)
{
    struct http_response answer = generate(
        gateway, "{'call_host_tool':{'server':'toolbox','name':'shout','arguments':{}}}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "SHOUTED");
    http_response_finish(&answer);
}
END_TEST

START_TEST(tools_of_a_run_stay_in_it)
{
    struct http_response answer = generate(
        gateway, "{'call_host_tool':{'server':'toolbox','name':'add','arguments':{}}}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_ptr_null(strstr(http_string(&answer, "text"), "added up"));
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_policy_takes_a_tool_away)
{
    start(NULL, "KOINE_DISALLOWED_TOOLS=[\"mcp__toolbox__add\",\"mcp__toolbox__shout\"]");
    struct http_response answer = post("/ask", ASK(CALL("add") "," CALL("shout") "," CALL("slow")));
    http_assert_status(&answer, 200);
    ck_assert_ptr_null(strstr(answer.body, "added up"));
    ck_assert_ptr_null(strstr(answer.body, "SHOUTED"));
    ck_assert_ptr_nonnull(strstr(answer.body, "slow is done"));
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_list_of_the_request_takes_a_tool_away)
{
    struct http_response answer =
        generate(gateway, "{'call_host_tool':{'server':'toolbox','name':'shout','arguments':{}}}",
                 "{'disallowedTools':['mcp__toolbox']}");
    http_assert_status(&answer, 200);
    ck_assert_ptr_null(strstr(http_string(&answer, "text"), "SHOUTED"));
    http_response_finish(&answer);
}
END_TEST

/* ---- results that the client brings */

/* The path that takes the result of the call; the caller frees. */
static char *park(void) {
    struct http_response answer = post("/functions", ASK(CALL("client")));
    http_assert_status(&answer, 200);
    ck_assert_uint_eq(strspn(answer.body, "0123456789/"), answer.body_size);
    char *path = scratch_text("/functions/%s", answer.body);
    http_response_finish(&answer);
    return path;
}

START_TEST(a_later_request_brings_the_result)
{
    char *path = park();
    struct http_response answer = post(path, "sunny, 23 degrees");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "sunny, 23 degrees");
    http_response_finish(&answer);
    free(path);
}
END_TEST

START_TEST(a_parked_run_holds_no_slot)
{
    char *path = park();
    await_active_slots(gateway, 0, 2000);
    struct http_response answer = generate(gateway, "{'text':'meanwhile'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    answer = post(path, "done");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "done");
    http_response_finish(&answer);
    free(path);
}
END_TEST

START_TEST(a_result_needs_a_slot)
{
    char *path = park();
    await_active_slots(gateway, 0, 2000);
    struct http_call *other = generate_begin(gateway, "{'hang':true}", "{'timeoutMs':1000}");
    await_active_slots(gateway, 1, 2000);
    struct http_response answer = post(path, "too early");
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
    answer = http_wait(other);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    await_active_slots(gateway, 0, 6000);
    answer = post(path, "in time");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "in time");
    http_response_finish(&answer);
    free(path);
}
END_TEST

START_TEST(a_result_is_taken_once)
{
    char *path = park();
    struct http_response answer = post(path, "first");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    answer = post(path, "second");
    http_assert_error(&answer, 410, "GONE");
    http_response_finish(&answer);
    free(path);
}
END_TEST

START_TEST(a_parked_run_belongs_to_its_key)
{
    char *path = park();
    struct http_response answer = post_as("other-key", path, "intruder");
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
    answer = post(path, "owner");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "owner");
    http_response_finish(&answer);
    free(path);
}
END_TEST

static bool no_process_left(const void *data) {
    (void)data;
    return processes_of_parent(gateway_pid(gateway)) == 0;
}

START_TEST(a_parked_run_ends_when_its_time_is_over)
{
    start("runner: {parked_timeout_ms: 1000}\npool: {warm: 0, session_idle_seconds: 0}\n", NULL);
    char *path = park();
    ck_assert_int_gt(processes_of_parent(gateway_pid(gateway)), 0);
    ck_assert(await(no_process_left, NULL, 5000));
    struct http_response answer = post(path, "too late");
    http_assert_error(&answer, 410, "GONE");
    http_response_finish(&answer);
    free(path);
}
END_TEST

/* The gateway's end takes a parked run along; teardown asserts that it ends with 0. */
START_TEST(a_gateway_stops_while_a_run_is_parked)
{ free(park()); }
END_TEST

int main(void) {
    const TTest *const tests[] = {
        tools_of_a_run_answer_at_once_and_from_a_thread,
        a_tool_for_every_run_reaches_another_module,
        tools_of_a_run_stay_in_it,
        the_policy_takes_a_tool_away,
        a_list_of_the_request_takes_a_tool_away,
        a_later_request_brings_the_result,
        a_parked_run_holds_no_slot,
        a_result_needs_a_slot,
        a_result_is_taken_once,
        a_parked_run_belongs_to_its_key,
        a_parked_run_ends_when_its_time_is_over,
        a_gateway_stops_while_a_run_is_parked,
    };
    return test_main("modules_toolbox", setup, teardown, tests, sizeof tests / sizeof *tests);
}
