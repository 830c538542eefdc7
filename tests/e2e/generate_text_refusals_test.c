/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that POST /generate-text refuses before any CLI is started: bodies, tools, slots. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(&(struct gateway_options){.config = "slots: {nonstreaming: 1}\n"});
}

static void teardown(void) {
    gateway_stop(gateway);
}

START_TEST(wrong_values_name_their_field)
{
    static const struct {
        const char *body, *field;
    } cases[] = {
        {"{}", "prompt"},
        {"{'prompt':''}", "prompt"},
        {"{'prompt':7}", "prompt"},
        {"{'prompt':null}", "prompt"},
        {"{'prompt':[]}", "prompt"},
        {"{'prompt':'x','system':1}", "system"},
        {"{'prompt':'x','sessionId':''}", "sessionId"},
        {"{'prompt':'x','sessionId':'--dangerously-skip-permissions'}", "sessionId"},
        {"{'prompt':'x','sessionId':'../../etc/passwd'}", "sessionId"},
        {"{'prompt':'x','model':''}", "model"},
        {"{'prompt':'x','model':'--verbose'}", "model"},
        {"{'prompt':'x','allowedTools':'Read'}", "allowedTools"},
        {"{'prompt':'x','allowedTools':[1]}", "allowedTools"},
        {"{'prompt':'x','maxTokens':0}", "maxTokens"},
        {"{'prompt':'x','maxTokens':-1}", "maxTokens"},
        {"{'prompt':'x','maxTokens':1.5}", "maxTokens"},
        {"{'prompt':'x','maxTokens':'9'}", "maxTokens"},
        {"{'prompt':'x','maxTokens':99999999999999999999}", "maxTokens"},
        {"{'prompt':'x','maxTurns':0}", "maxTurns"},
        {"{'prompt':'x','maxBudgetUsd':0}", "maxBudgetUsd"},
        {"{'prompt':'x','maxBudgetUsd':'1'}", "maxBudgetUsd"},
        {"{'prompt':'x','timeoutMs':0}", "timeoutMs"},
        {"{'prompt':'x','effort':'bogus'}", "effort"},
        {"{'prompt':'x','profile':'nosuch'}", "profile"},
        {"{'prompt':'x','forkSession':true}", "forkSession"},
        {"{'prompt':'x','history':'y'}", "history"},
        {"{'prompt':'x','history':[{'role':'user','content':'y'}],"
         "'sessionId':'11111111-2222-4333-8444-555555555555'}",
         "history"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = scratch_text("%s", cases[i].body);
        for (char *at = body; (at = strchr(at, '\'')); at++)
            *at = '"';
        struct http_response answer = generate_raw(gateway, body);
        ck_assert_msg(answer.status == 400, "%s: %ld %s", body, answer.status, answer.body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), cases[i].field);
        json_t *raw = json_loads(http_string(&answer, "rawText"), 0, NULL);
        ck_assert_msg(json_equal(raw, http_member(&answer, "issues")), "%s", answer.body);
        json_decref(raw);
        http_response_finish(&answer);
        free(body);
    }
}
END_TEST

START_TEST(bodies_that_are_no_object)
{
    static const char *const bodies[] = {"",
                                         "null",
                                         "[]",
                                         "\"x\"",
                                         "{",
                                         "{\"prompt\":\"x\"",
                                         "{\"prompt\":\"x\"} x",
                                         "{'prompt':'x'}",
                                         "{\"prompt\":}",
                                         "\xef\xbb\xbf{\"prompt\":\"x\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct http_response answer = generate_raw(gateway, bodies[i]);
        ck_assert_msg(answer.status == 400, "%s: %ld %s", bodies[i], answer.status, answer.body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(a_body_of_another_type)
{
    const char *const headers[] = {"Content-Type: text/plain", NULL};
    struct http_response answer = http_send(
        gateway, &(struct http_request){
                     .path = "/generate-text", .headers = headers, .body = "{\"prompt\":\"x\"}"});
    http_assert_error(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
    http_response_finish(&answer);
}
END_TEST

START_TEST(paths_and_methods)
{
    struct http_response answer = http_get(gateway, "/generate-text");
    http_assert_error(&answer, 405, "METHOD_NOT_ALLOWED");
    char *allow = http_header(&answer, "Allow");
    ck_assert_pstr_eq(allow, "POST");
    free(allow);
    http_response_finish(&answer);
    answer = http_get(gateway, "/nothing-here");
    http_assert_error(&answer, 404, "NOT_FOUND");
    http_response_finish(&answer);
}
END_TEST

START_TEST(no_tools_left)
{
    struct http_response answer = generate(gateway, "{}", "{'allowedTools':[]}");
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
    answer = generate(gateway, "{}", "{'allowedTools':['Read'],'disallowedTools':['Read']}");
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
    answer = generate(gateway, "{}", "{'allowedTools':['Bash(']}");
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(no_slot_left)
{
    struct http_call *running =
        generate_begin(gateway, "{'hang':'mid_text'}", "{'timeoutMs':2000}");
    await_active_slots(gateway, 1, 2000);
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    ck_assert_str_eq(http_string(&answer, "error"), "Concurrency limit exceeded");
    char *retry = http_header(&answer, "Retry-After");
    ck_assert_pstr_eq(retry, "5");
    free(retry);
    http_response_finish(&answer);
    answer = http_wait(running);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    await_active_slots(gateway, 0, 3000);
}
END_TEST

/* The client has its answer when the slot is free: who waits for one may send the next at once. */
START_TEST(a_slot_is_free_once_the_answer_is_there)
{
    for (int i = 0; i < 20; i++) {
        struct http_response answer = generate(gateway, "{'text':'x'}", NULL);
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        wrong_values_name_their_field,
        bodies_that_are_no_object,
        a_body_of_another_type,
        paths_and_methods,
        no_tools_left,
        no_slot_left,
        a_slot_is_free_once_the_answer_is_there,
    };
    return test_main("generate_text_refusals", setup, teardown, tests,
                     sizeof tests / sizeof *tests);
}
