/* SPDX-License-Identifier: Apache-2.0 */
/* What POST /stream refuses, it refuses as JSON before any event, and starts no CLI for it. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define OTHER_KEY "other-key-0123456789abcdef"
#define TWO_KEYS                                                                                   \
    "keys:\n- name: other\n"                                                                       \
    "  sha256: ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9\n"

static struct gateway *gateway;

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct http_response refused(const struct sse_request *request) {
    struct sse_stream *stream = sse_open_request(gateway, request);
    struct http_response answer = sse_refusal(stream);
    sse_stream_close(stream);
    return answer;
}

static struct http_response refused_body(json_t *body) {
    return refused(&(struct sse_request){.path = "/stream", .body = body});
}

static struct http_response refused_scenario(const char *fields) {
    return refused_body(scenario_body("{}", fields));
}

START_TEST(wrong_values_name_their_field)
{
    static const struct {
        const char *body, *field;
    } cases[] = {
        {"{}", "prompt"},
        {"{'prompt':''}", "prompt"},
        {"{'prompt':7}", "prompt"},
        {"{'prompt':'x','sessionId':''}", "sessionId"},
        {"{'prompt':'x','sessionId':'../../etc/passwd'}", "sessionId"},
        {"{'prompt':'x','model':'--verbose'}", "model"},
        {"{'prompt':'x','allowedTools':'Read'}", "allowedTools"},
        {"{'prompt':'x','maxTokens':0}", "maxTokens"},
        {"{'prompt':'x','timeoutMs':-1}", "timeoutMs"},
        {"{'prompt':'x','profile':'nosuch'}", "profile"},
        {"{'prompt':'x','forkSession':true}", "forkSession"},
        {"{'prompt':'x','history':[{'role':'user','content':'y'}],"
         "'sessionId':'11111111-2222-4333-8444-555555555555'}",
         "history"},
    };
    start(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_response answer = refused_body(quoted_json(cases[i].body));
        ck_assert_msg(answer.status == 400, "%s: %ld %s", cases[i].body, answer.status,
                      answer.body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), cases[i].field);
        http_response_finish(&answer);
    }
    await_active_streams(gateway, 0, 0);
}
END_TEST

START_TEST(all_problems_are_named_at_once)
{
    start(NULL);
    struct http_response answer = refused_body(
        quoted_json("{'prompt':7,'maxTokens':0,'events':['bogus'],'model':'--verbose'}"));
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    ck_assert_uint_ge(json_array_size(http_member(&answer, "issues")), 3);
    http_response_finish(&answer);
}
END_TEST

START_TEST(bodies_that_are_none)
{
    static const char *const bodies[] = {
        "", "null", "[]", "{", "{\"prompt\":\"x\"} x", "{\"prompt\":\"x\",\"prompt\":\"y\"}"};
    start("http: {max_body_bytes: 2KiB}\n");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct http_response answer = http_send(
            gateway,
            &(struct http_request){.path = "/stream", .method = "POST", .body = bodies[i]});
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        http_response_finish(&answer);
    }
    char *long_prompt = scratch_text("%03000d", 7);
    struct http_response answer = refused_body(json_pack("{ss}", "prompt", long_prompt));
    http_assert_error(&answer, 413, "PAYLOAD_TOO_LARGE");
    http_response_finish(&answer);
    free(long_prompt);
    const char *const headers[] = {"Content-Type: text/plain", NULL};
    answer = http_send(gateway, &(struct http_request){.path = "/stream",
                                                       .headers = headers,
                                                       .body = "{\"prompt\":\"x\"}"});
    http_assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
    http_response_finish(&answer);
}
END_TEST

START_TEST(keys)
{
    start(NULL);
    struct http_response answer = refused(
        &(struct sse_request){.path = "/stream", .key = "", .body = scenario_body("{}", NULL)});
    http_assert_error(&answer, 401, "UNAUTHORIZED");
    http_response_finish(&answer);
    answer = refused(&(struct sse_request){
        .path = "/stream", .key = OTHER_KEY, .body = scenario_body("{}", NULL)});
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_that_may_not_use_this_route)
{
    start(TWO_KEYS "  routes: [/generate-text]\n");
    struct http_response answer = refused(&(struct sse_request){
        .path = "/stream", .key = OTHER_KEY, .body = scenario_body("{}", NULL)});
    http_assert_error(&answer, 403, "AUTH_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(no_tools_left)
{
    start(NULL);
    static const char *const fields[] = {"{'allowedTools':[]}",
                                         "{'allowedTools':['Read'],'disallowedTools':['Read']}"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct http_response answer = refused_scenario(fields[i]);
        http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
        http_response_finish(&answer);
    }
    await_active_streams(gateway, 0, 0);
}
END_TEST

START_TEST(no_slot_left)
{
    start("slots: {streaming: 2}\n");
    struct sse_stream *first = begin_stream(gateway, "{'hang':'mid_text'}", NULL);
    struct sse_stream *second = begin_stream(gateway, "{'hang':'mid_text'}", NULL);
    await_active_streams(gateway, 2, 0);
    struct http_response answer = refused_scenario(NULL);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    ck_assert_str_eq(http_string(&answer, "error"), "Concurrency limit exceeded");
    char *retry = http_header(&answer, "Retry-After");
    ck_assert_pstr_eq(retry, "5");
    free(retry);
    http_response_finish(&answer);
    answer = generate(gateway, "{'text':'another class'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    sse_stream_close(second);
    await_active_streams(gateway, 1, 3000);
    struct sse_recording all = stream_all(gateway, "{'text':'in its place'}", NULL);
    ck_assert_str_eq(all.text, "in its place");
    sse_recording_finish(&all);
    sse_stream_close(first);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

START_TEST(a_limit_of_0_refuses_all)
{
    start("slots: {streaming: 0}\n");
    struct http_response answer = refused_scenario(NULL);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_key_has_its_own_limit)
{
    start(TWO_KEYS "  max_streaming: 1\n");
    const struct sse_request of_other = {.path = "/stream", .key = OTHER_KEY};
    struct sse_request request = of_other;
    request.body = scenario_body("{'hang':'mid_text'}", NULL);
    struct sse_stream *running = sse_open_request(gateway, &request);
    sse_expect(running, "session");
    request.body = scenario_body("{}", NULL);
    struct http_response answer = refused(&request);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
    struct sse_recording all = stream_all(gateway, "{'text':'not its concern'}", NULL);
    sse_recording_finish(&all);
    sse_stream_close(running);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

/* `done` says that the slot is free: who waits for it may send the next request at once. */
START_TEST(a_slot_is_free_once_done_is_there)
{
    start("slots: {streaming: 1}\n");
    for (int i = 0; i < 20; i++) {
        struct sse_stream *stream = begin_stream(gateway, "{'text':'x'}", NULL);
        sse_await(stream, "done");
        struct sse_recording next = stream_all(gateway, "{'text':'y'}", NULL);
        sse_recording_finish(&next);
        sse_stream_close(stream);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        wrong_values_name_their_field,
        all_problems_are_named_at_once,
        bodies_that_are_none,
        keys,
        a_key_that_may_not_use_this_route,
        no_tools_left,
        no_slot_left,
        a_limit_of_0_refuses_all,
        a_key_has_its_own_limit,
        a_slot_is_free_once_done_is_there,
    };
    return test_main("stream_refusals", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
