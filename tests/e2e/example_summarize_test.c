/* SPDX-License-Identifier: Apache-2.0 */
/* The example `summarize` in a gateway: bad bodies, a client that leaves, a model without tools,
 * and the two forms of its answer. */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>

static struct gateway *gateway;

static void start(const char *settings) {
    static const char *const modules[] = {"summarize", NULL};
    gateway_stop(gateway);
    gateway = NULL;
    /* Each request has a process of its own, which ends with it. */
    gateway = modules_start(modules, settings, "pool: {warm: 0, session_idle_seconds: 0}\n", NULL);
}

static void setup(void) {
    start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* The scenario stands in the text; `fields`: further members. */
static json_t *text_body(const char *scenario, const char *fields) {
    json_t *body = scenario_body(scenario, fields);
    json_object_set(body, "text", json_object_get(body, "prompt"));
    json_object_del(body, "prompt");
    return body;
}

static struct http_response summarize(const char *scenario, const char *fields) {
    return http_post(gateway, "/summarize", text_body(scenario, fields));
}

static struct sse_stream *begin_summary(const char *accept, const char *scenario) {
    const char *const headers[] = {accept, NULL};
    return sse_open_request(gateway, &(struct sse_request){.path = "/summarize",
                                                           .headers = headers,
                                                           .body = text_body(scenario, NULL)});
}

static void assert_problems(const char *body, const char *message) {
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = "/summarize", .body = body});
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    ck_assert_str_eq(http_string(&answer, "error"), message);
    http_response_finish(&answer);
}

START_TEST(bodies_that_do_not_fit)
{
    assert_problems("{}", "text: is required");
    assert_problems("{\"text\":\"\"}", "text: must not be empty");
    assert_problems("{\"text\":[\"a\"],\"maxWords\":4}",
                    "2 problems: text: must be a string, got an array; "
                    "maxWords: must be at least 5, got 4");
    assert_problems("{\"text\":\"a\",\"maxWords\":5001}",
                    "maxWords: must be at most 5000, got 5001");
}
END_TEST

START_TEST(settings_that_do_not_fit)
{
    start("  on_error: continue\n  settings: {summarize: {sytsem: Be brief}}\n");
    ck_assert(gateway_log_has(gateway, "modules.settings.summarize"));
    struct http_response answer = summarize("{}", NULL);
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

static bool no_process_left(const void *data) {
    (void)data;
    return processes_of_parent(gateway_pid(gateway)) == 0;
}

START_TEST(a_client_that_leaves_ends_the_run)
{
    struct sse_stream *stream =
        begin_summary("Accept: text/event-stream", "{'text':'half','hang':'mid_text'}");
    sse_expect(stream, "session");
    sse_expect(stream, "text");
    ck_assert_int_gt(processes_of_parent(gateway_pid(gateway)), 0);
    sse_stream_close(stream);
    ck_assert(await(no_process_left, NULL, 5000));
    await_active_slots(gateway, 0, 5000);
}
END_TEST

START_TEST(a_failure_of_the_cli)
{
    struct http_response answer = summarize("{'exit':{'code':3,'when':'mid_text'}}", NULL);
    http_assert_error(&answer, 500, "CLI_EXIT_ERROR");
    http_response_finish(&answer);
    struct sse_stream *stream = begin_summary("Accept: text/event-stream",
                                              "{'text':'a','exit':{'code':3,'when':'mid_text'}}");
    struct sse_recording recording = sse_read_all(stream);
    sse_assert_outline(&recording, "session text error done");
    sse_recording_finish(&recording);
    sse_stream_close(stream);
}
END_TEST

START_TEST(the_model_has_no_tools)
{
    struct http_response answer = summarize("{'echo':'state'}", NULL);
    json_t *state = echoed(&answer);
    ck_assert_uint_eq(json_array_size(json_object_get(state, "tools")), 0);
    json_decref(state);
    http_response_finish(&answer);
    answer = summarize("{'tool':{'name':'Bash','input':{'command':'id'},'run':'id'}}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_msg(!strstr(answer.body, "uid="), "a tool has run: %s", answer.body);
    http_response_finish(&answer);
}
END_TEST

static void assert_system(const char *fields, const char *expected) {
    struct http_response answer = summarize("{'echo':'state'}", fields);
    json_t *state = echoed(&answer);
    const char *system = json_string_value(json_object_get(state, "system_prompt"));
    ck_assert_msg(system && strstr(system, expected), "%s is not in %s", expected, system);
    json_decref(state);
    http_response_finish(&answer);
}

START_TEST(the_system_prompt_is_the_operators)
{
    assert_system(NULL, "You summarize texts.");
    assert_system("{'maxWords':12}", "of the text. Use at most 12 words.");
    assert_system("{'system':'Be a pirate'}", "You summarize texts."); /* no such field */
    start("  settings: {summarize: {system: \"R\\xE9sumez. 100 %s %n\"}}\n");
    assert_system(NULL, "R\u00e9sumez. 100 %s %n");
    assert_system("{'maxWords':50}", "R\u00e9sumez. 100 %s %n Use at most 50 words.");
}
END_TEST

START_TEST(a_whole_answer)
{
    struct http_response answer = summarize("{'text':'It says hello.'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "It says hello.");
    ck_assert_uint_eq(strlen(http_string(&answer, "sessionId")), 36);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_answer_as_events)
{
    static const char *const accepts[] = {
        "Accept: text/event-stream",
        "accept: application/json;q=0.5, TEXT/Event-Stream ; q=0.9",
    };
    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++) {
        struct sse_stream *stream = begin_summary(accepts[i], "{'text':'It says hello.'}");
        struct sse_recording recording = sse_read_all(stream);
        sse_assert_outline(&recording, "session text result done");
        ck_assert_str_eq(recording.text, "It says hello.");
        sse_recording_finish(&recording);
        sse_stream_close(stream);
    }
}
END_TEST

START_TEST(headers_that_ask_for_no_events)
{
    static const char *const accepts[] = {
        "Accept: */*",   "Accept: application/json",          "Accept: text/*",
        "Accept: ",      "Accept: text/event-stream;q=0.000", "Accept: text/event-streams",
        "Accept: ,;,=q",
    };
    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++) {
        const char *const headers[] = {accepts[i], NULL};
        json_t *body = text_body("{'text':'hi'}", NULL);
        char *text = json_dumps(body, 0);
        struct http_response answer = http_send(
            gateway,
            &(struct http_request){.path = "/summarize", .headers = headers, .body = text});
        http_assert_status(&answer, 200);
        ck_assert_str_eq(http_string(&answer, "text"), "hi");
        http_response_finish(&answer);
        free(text);
        json_decref(body);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        bodies_that_do_not_fit, settings_that_do_not_fit, a_client_that_leaves_ends_the_run,
        a_failure_of_the_cli,   the_model_has_no_tools,   the_system_prompt_is_the_operators,
        a_whole_answer,         an_answer_as_events,      headers_that_ask_for_no_events,
    };
    return test_main("example_summarize", setup, teardown, tests, sizeof tests / sizeof *tests);
}
