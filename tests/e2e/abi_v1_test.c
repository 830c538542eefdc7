/* SPDX-License-Identifier: Apache-2.0 */
/* A module that was built against ABI 1.0 is loaded and served: the binary of then
 * (tests/abi/v1/module_v1.so) and its source with today's headers. Each route calls another
 * service. */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The second key is "other-key". */
static const char settings[] = "  settings:\n    fixture: {text: from the file, number: 2.5,"
                               " boolean: true, nested: {integer: 42}}\n";
static const char keys[] =
    "keys:\n- name: other\n"
    "  sha256: 580843d03d2216ff1a275d0991bad66e4d1af871171d929e9de604b7959f9bca\n";

static const char *file;
static struct gateway *gateway;

static void start(const char *more) {
    char *path = strchr(file, '/') ? realpath(file, NULL) : test_module(file);
    ck_assert_msg(path != NULL, "%s: not there; the test is run at the top of the repository",
                  file);
    const char *const modules[] = {path, NULL};
    gateway = modules_start(modules, more, keys, NULL);
    free(path);
}

static void setup(void) {
    start(settings);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct http_response ask(const char *method, const char *path, const char *body) {
    return http_send(gateway, &(struct http_request){.method = method, .path = path, .body = body});
}

/* Asserts the status and that the answer holds each of the lines, in this order. */
static void expect(struct http_response answer, long status, const char *const *lines) {
    http_assert_status(&answer, status);
    const char *at = answer.body;
    for (; *lines; lines++) {
        at = strstr(at, *lines);
        ck_assert_msg(at != NULL, "'%s' is not there, or not in its place:\n%s", *lines,
                      answer.body);
    }
    http_response_finish(&answer);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- requests */

START_TEST(a_request_shows_all_its_parts)
{
    static const char *const headers[] = {"X-Probe: seen", "X-Request-Id: given-by-client", NULL};
    struct http_response answer =
        http_send(gateway, &(struct http_request){.method = "PUT",
                                                  .path = "/fixture/request/a%20b?c=d&e",
                                                  .headers = headers,
                                                  .body = "the body"});
    char *header = http_header(&answer, "X-Fixture");
    ck_assert_str_eq(header, "v1");
    free(header);
    expect(answer, 200,
           LINES("method=PUT\n", "path=/fixture/request/a b\n", "query=c=d&e\n", "param=a b\n",
                 "header=seen\n", "withheld=-8\n", "body=the body\n",
                 "request_id=given-by-client\n", "peer=1\n", "key=default\n"));
}
END_TEST

START_TEST(a_request_without_an_answer_meets_its_deadline)
{
    struct http_response answer = http_get(gateway, "/fixture/deadline");
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    gateway_await_log(gateway, "fixture: the request ended, how=2");
}
END_TEST

START_TEST(a_refusal_in_the_form_of_the_host)
{
    struct http_response answer = http_get(gateway, "/fixture/refuse");
    http_assert_error(&answer, 418, "TEAPOT");
    char *after = http_header(&answer, "Retry-After");
    ck_assert_str_eq(after, "7");
    ck_assert_str_eq(http_string(&answer, "issues.0.message"), "b");
    free(after);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_refusal_in_the_form_of_the_module)
{
    expect(ask(NULL, "/fixture-dialect/refuse", "short"), 418, LINES("rendered 418 TEAPOT"));
    expect(ask(NULL, "/fixture-dialect/refuse", "longer than sixteen bytes"), 413,
           LINES("rendered 413 PAYLOAD_TOO_LARGE"));
    expect(ask("GET", "/fixture-dialect/nothing", NULL), 404, LINES("rendered 404 NOT_FOUND"));
}
END_TEST

/* ---- timer, thread, file descriptor */

START_TEST(a_stream_from_a_timer)
{ expect(ask("GET", "/fixture/ticks", NULL), 202, LINES("data: 1\n\ndata: 2\n\ndata: 3\n\n")); }
END_TEST

START_TEST(an_answer_from_a_thread)
{
    expect(ask("GET", "/fixture/thread", NULL), 200, LINES("{\"from\":\"thread\"}"));
    gateway_await_log(gateway, "fixture: on a thread");
}
END_TEST

START_TEST(an_answer_when_a_file_descriptor_is_ready)
{ expect(ask("GET", "/fixture/pipe", NULL), 200, LINES("ready=1\n", "read=byte\n")); }
END_TEST

/* ---- policy, slots, keys, settings */

START_TEST(the_policy_of_a_request_is_narrowed)
{
    expect(ask(NULL, "/fixture/narrow", "Read"), 200,
           LINES("\"allowed\":[\"Read\"]", "WebFetch", "asked=1\n", "denied=0\n"));
    struct http_response answer = ask(NULL, "/fixture/narrow", "Bash((");
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_slot_of_a_class_of_its_own)
{
    expect(ask("GET", "/fixture/slot", NULL), 200,
           LINES("active=1\n", "limit=3\n", "released=0\n", "active=0\n"));
}
END_TEST

START_TEST(a_public_route_asks_for_a_key_itself)
{
    expect(ask("GET", "/fixture/who", NULL), 200,
           LINES("before=-8\n", "key=default\n", "session=-4\n", "code=VALIDATION_ERROR\n"));
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/fixture/who", .key = ""});
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
    expect(http_send(gateway, &(struct http_request){.path = "/fixture/who?act", .key = ""}), 200,
           LINES("before=-8\n", "key=other\n"));
}
END_TEST

START_TEST(settings_have_their_types)
{
    expect(ask("GET", "/fixture/config", NULL), 200,
           LINES("text=from the file\n", "integer=42\n", "number=2.5\n", "boolean=1\n",
                 "missing=-8\n", "section={", "directory=1\n", "started=1\n", "enabled=1\n"));
}
END_TEST

START_TEST(settings_that_its_schema_refuses)
{
    gateway_stop(gateway);
    start("  on_error: continue\n  settings: {fixture: {number: many}}\n");
    ck_assert(gateway_log_has(gateway, "modules.settings.fixture"));
    expect(ask("GET", "/fixture/config", NULL), 404, LINES("NOT_FOUND"));
}
END_TEST

/* ---- runs */

START_TEST(a_run_with_its_events)
{
    expect(ask(NULL, "/fixture/run", "standin:{\"text\":\"four\",\"thinking\":\"two and two\"}"),
           200,
           LINES("event=session\n", "event=thinking\n", "event=text\n", "event=message\n",
                 "event=result\n", "answer=four\n", "session_bytes=36\n", "turns=1\n",
                 "stop=end_turn\n", "event=end\n", "reason=\n"));
    expect(ask("GET", "/metrics", NULL), 200, LINES("koine_fixture_runs_total{kind=\"run\"} 1\n"));
}
END_TEST

START_TEST(metrics_of_every_kind)
{
    struct http_response metrics = ask("GET", "/metrics", NULL);
    static const char *const lines[] = {
        "# TYPE koine_fixture_runs_total counter\n", "koine_fixture_level 4\n",
        "koine_fixture_wait_seconds_bucket{le=\"0.1\"} 0\n",
        "koine_fixture_wait_seconds_bucket{le=\"1\"} 1\n", "koine_fixture_wait_seconds_sum 0.5\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(metrics.body, lines[i]) != NULL, "'%s' is missing:\n%s", lines[i],
                      metrics.body);
    http_response_finish(&metrics);
}
END_TEST

START_TEST(a_run_whose_answer_is_an_object)
{
    expect(ask(NULL, "/fixture/run?schema", "standin:{\"object\":{\"a\":1}}"), 200,
           LINES("event=session\n", "event=object_begin\n", "event=delta\n", "object={\"a\":1}\n",
                 "event=end\n"));
}
END_TEST

START_TEST(a_run_whose_tools_are_the_cli_s_and_the_module_s)
{
    expect(ask(NULL, "/fixture/run",
               "standin:{\"tool\":{\"name\":\"Read\",\"input\":{\"file_path\":\"/a\"},"
               "\"output\":\"read\"}}"),
           200, LINES("event=session\n", "event=tool\n", "tool=Read\n", "event=result\n"));
    expect(ask(NULL, "/fixture/run",
               "standin:{\"call_host_tool\":[{\"server\":\"fixture\",\"name\":\"add\","
               "\"arguments\":{\"a\":1}}]}"),
           200,
           LINES("event=tool_call\n", "input={\"a\":1}\n", "event=result\n", "answer=added up\n"));
}
END_TEST

START_TEST(a_run_that_is_tried_again_or_fails)
{
    expect(ask(NULL, "/fixture/run", "standin:{\"retry\":1,\"delay_ms\":1}"), 200,
           LINES("event=retry\n", "attempt=1\n", "event=result\n"));
    expect(ask(NULL, "/fixture/run", "standin:{\"exit\":{\"code\":3,\"when\":\"mid_text\"}}"), 200,
           LINES("event=failure\n", "code=", "event=end\n"));
}
END_TEST

START_TEST(a_run_that_the_module_cancels)
{
    expect(ask(NULL, "/fixture/cancelled", "standin:{\"hang\":true}"), 200,
           LINES("event=end\n", "reason=cancelled\n"));
}
END_TEST

START_TEST(a_run_tied_to_a_stream)
{
    struct http_response answer =
        ask(NULL, "/fixture/stream", "standin:{\"text\":\"0123456789\",\"repeat\":100000}");
    http_assert_status(&answer, 200);
    ck_assert_uint_eq(answer.body_size, 1000000);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_parked_run_is_adopted_by_the_next_request)
{
    struct http_response answer =
        ask(NULL, "/fixture/park",
            "standin:{\"call_host_tool\":[{\"server\":\"fixture\",\"name\":\"add\","
            "\"arguments\":{}}]}");
    expect(answer, 202, LINES("{\"parked\":true}"));
    expect(ask(NULL, "/fixture/adopt", "brought later"), 200,
           LINES("event=result\n", "answer=brought later\n", "event=end\n"));
}
END_TEST

/* ---- what the module offers to all */

START_TEST(its_tool_reaches_other_modules)
{
    struct http_response answer = generate(
        gateway, "{'call_host_tool':{'server':'fixture','name':'shout','arguments':{}}}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "SHOUTED BY V1");
    http_response_finish(&answer);
}
END_TEST

START_TEST(it_goes_through_its_whole_life)
{
    ck_assert(gateway_log_has(gateway, "fixture 1.0.0: Calls every function of ABI 1.0"));
    gateway_terminate(gateway);
    gateway_await_log(gateway, "fixture: quiesce");
    gateway_join(gateway);
    gateway = NULL;
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_request_shows_all_its_parts,
        a_request_without_an_answer_meets_its_deadline,
        a_refusal_in_the_form_of_the_host,
        a_refusal_in_the_form_of_the_module,
        a_stream_from_a_timer,
        an_answer_from_a_thread,
        an_answer_when_a_file_descriptor_is_ready,
        the_policy_of_a_request_is_narrowed,
        a_slot_of_a_class_of_its_own,
        a_public_route_asks_for_a_key_itself,
        settings_have_their_types,
        settings_that_its_schema_refuses,
        a_run_with_its_events,
        metrics_of_every_kind,
        a_run_whose_answer_is_an_object,
        a_run_whose_tools_are_the_cli_s_and_the_module_s,
        a_run_that_is_tried_again_or_fails,
        a_run_that_the_module_cancels,
        a_run_tied_to_a_stream,
        a_parked_run_is_adopted_by_the_next_request,
        its_tool_reaches_other_modules,
        it_goes_through_its_whole_life,
    };
    int status = 0;
#if defined(__x86_64__)
    file = "tests/abi/v1/module_v1.so";
    status = test_main("abi_v1: the binary", setup, teardown, tests, sizeof tests / sizeof *tests);
#else
    puts("SKIPPED the binary of ABI 1.0 is for x86-64; its source is tested");
#endif
    file = "module_v1";
    return status |
           test_main("abi_v1: the source", setup, teardown, tests, sizeof tests / sizeof *tests);
}
