/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which the CLI can fail has its status and code, frees its slot and gives nothing
 * away. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void start(const char *config, const char *const *environment, const char *cli) {
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = environment, .cli = cli});
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* One slot only: a slot that is not given back shows in the very next request. */
static void assert_failure(const char *scenario, const char *fields, long status,
                           const char *code) {
    struct http_response answer = generate(gateway, scenario, fields);
    ck_assert_msg(answer.status == status && strstr(answer.body, code),
                  "%s: %ld %.500s, expected %ld %s", scenario, answer.status, answer.body, status,
                  code);
    http_assert_error(&answer, status, code);
    ck_assert_msg(!strstr(answer.body, "sk-secret"), "a secret shows: %s", answer.body);
    http_response_finish(&answer);
    await_active_slots(gateway, 0, 3000);
    char *log = gateway_log(gateway);
    ck_assert_msg(!strstr(log, "sk-secret"), "a secret is logged: %s", log);
    free(log);
}

START_TEST(failures_of_a_running_cli)
{
    static const struct {
        const char *scenario, *fields;
        long status;
        const char *code;
    } cases[] = {
        {"{'exit':{'code':3,'when':'after_init','stderr':'sk-secret'}}", NULL, 500,
         "CLI_EXIT_ERROR"},
        {"{'text':'half','exit':{'code':0,'when':'mid_text'}}", NULL, 500, "CLI_EXIT_ERROR"},
        {"{'text':'half','exit':{'code':1,'when':'mid_text','partial_line':true}}", NULL, 500,
         "CLI_EXIT_ERROR"},
        {"{'text':'half','no_result':true,'exit':{'code':0,'when':'after_result'}}", NULL, 500,
         "CLI_EXIT_ERROR"},
        {"{'text':'half','signal':{'number':9,'when':'mid_text'}}", NULL, 500, "CLI_EXIT_ERROR"},
        {"{'signal':{'number':6,'when':'after_init'}}", NULL, 500, "CLI_EXIT_ERROR"},
        {"{'long_line_bytes':200000}", NULL, 500, "PARSE_ERROR"},
        {"{'hang':{'when':'after_init'}}", "{'timeoutMs':300}", 504, "TIMEOUT_ERROR"},
        {"{'hang':{'when':'mid_text','ignore_sigterm':true}}", "{'timeoutMs':300}", 504,
         "TIMEOUT_ERROR"},
        {"{'no_result':true}", "{'timeoutMs':300}", 504, "TIMEOUT_ERROR"},
        {"{'is_error':{'text':'API Error: 529 busy','api_error_status':529}}", NULL, 502,
         "UPSTREAM_ERROR"},
        {"{'is_error':{'text':'bad key sk-secret','api_error_status':401}}", NULL, 502,
         "UPSTREAM_ERROR"},
        {"{'is_error':{'text':'bad key sk-secret','api_error_status':403}}", NULL, 502,
         "UPSTREAM_ERROR"},
        {"{'subtype':'error_max_turns'}", "{'maxTurns':1}", 422, "LIMIT_REACHED"},
        {"{'subtype':'error_max_budget_usd'}", "{'maxBudgetUsd':0.01}", 422, "LIMIT_REACHED"},
        {"{'subtype':'error_during_execution'}", NULL, 500, "CLI_EXIT_ERROR"},
        {"{'subtype':'error_of_tomorrow'}", NULL, 500, "CLI_EXIT_ERROR"},
    };
    start("slots: {nonstreaming: 1}\nrunner: {max_line_bytes: 64KiB}\n", NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_failure(cases[i].scenario, cases[i].fields, cases[i].status, cases[i].code);
    struct http_response answer = generate(gateway, "{'text':'fine'}", NULL);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_limit_names_its_field)
{
    start(NULL, NULL, NULL);
    struct http_response answer =
        generate(gateway, "{'subtype':'error_max_turns'}", "{'maxTurns':1}");
    http_assert_error(&answer, 422, "LIMIT_REACHED");
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "error"), "maxTurns"));
    http_response_finish(&answer);
    answer = generate(gateway, "{'subtype':'error_max_budget_usd'}", "{'maxBudgetUsd':0.5}");
    http_assert_error(&answer, 422, "LIMIT_REACHED");
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "error"), "maxBudgetUsd"));
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_cli_that_exits_at_once)
{
    const char *const environment[] = {
        "CLAUDE_CODE_STANDIN={\"exit\":{\"code\":7,\"when\":\"start\",\"stderr\":\"sk-secret\"}}",
        NULL};
    start("slots: {nonstreaming: 1}\n", environment, NULL);
    assert_failure("{}", NULL, 500, "CLI_EXIT_ERROR");
    assert_failure("{}", NULL, 500, "CLI_EXIT_ERROR");
}
END_TEST

START_TEST(a_cli_that_never_says_a_word)
{
    const char *const environment[] = {"CLAUDE_CODE_STANDIN={\"hang\":\"start\"}", NULL};
    start("slots: {nonstreaming: 1}\nrunner: {start_timeout_ms: 300}\n", environment, NULL);
    assert_failure("{}", NULL, 504, "TIMEOUT_ERROR");
}
END_TEST

START_TEST(a_cli_that_says_nothing_of_its_turn)
{
    start("slots: {nonstreaming: 1}\nrunner: {first_byte_timeout_ms: 300}\n", NULL, NULL);
    assert_failure("{'hang':'start'}", NULL, 504, "TIMEOUT_ERROR");
}
END_TEST

START_TEST(a_cli_that_falls_silent)
{
    start("slots: {nonstreaming: 1}\nrunner: {silence_timeout_ms: 300}\n", NULL, NULL);
    assert_failure("{'text':'half','hang':'mid_text'}", NULL, 504, "TIMEOUT_ERROR");
}
END_TEST

START_TEST(a_request_over_the_gateways_own_limit)
{
    start("slots: {nonstreaming: 1}\nhttp: {request_timeout_ms: 1000}\n", NULL, NULL);
    assert_failure("{'hang':'mid_text'}", "{'timeoutMs':100000}", 504, "TIMEOUT_ERROR");
}
END_TEST

START_TEST(a_cli_that_cannot_be_started)
{
    start("slots: {nonstreaming: 1}\nrunner: {command: /nonexistent/claude}\n", NULL, NULL);
    assert_failure("{}", NULL, 500, "SPAWN_ERROR");
    gateway_await_log(gateway, "/nonexistent/claude");
}
END_TEST

START_TEST(a_cli_that_is_no_program)
{
    start("slots: {nonstreaming: 1}\n", NULL, "/etc/hostname");
    assert_failure("{}", NULL, 500, "SPAWN_ERROR");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        failures_of_a_running_cli,
        a_limit_names_its_field,
        a_cli_that_exits_at_once,
        a_cli_that_never_says_a_word,
        a_cli_that_says_nothing_of_its_turn,
        a_cli_that_falls_silent,
        a_request_over_the_gateways_own_limit,
        a_cli_that_cannot_be_started,
        a_cli_that_is_no_program,
    };
    return test_main("generate_text_failures", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
