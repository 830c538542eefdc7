/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dialects of other APIs need of a run beyond its text, with the stand-in CLI: blocks, calls
 * of tools at the same time, the API's own status, profiles that lack their credentials.
 */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>

static struct gateway *gateway;

/* The gateway of the tests has a key; of a variable that is there twice the first counts. */
#define NO_KEY "ANTHROPIC_API_KEY="

static void start_with(const char *rest, const char *variable, const char *more) {
    static const char *const modules[] = {"conversation", NULL};
    const char *const environment[] = {variable, more, NULL};
    gateway = modules_start(modules, NULL, rest, environment);
}

static void start(void) {
    start_with(NULL, NULL, NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct http_response converse(const char *scenario, const char *fields) {
    return http_post(gateway, "/conversation", scenario_body(scenario, fields));
}

/* All events of the run, a line each. */
static void assert_told(const char *scenario, const char *fields, const char *expected) {
    struct http_response answer = converse(scenario, fields);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, expected);
    http_response_finish(&answer);
}

/* ---- blocks */

#define WANT_THINKING "4"
#define WANT_BLOCKS "16"

START_TEST(text_and_thinking_are_blocks)
{
    start();
    assert_told("{'thinking':'hmm','text':'yes','usage':{'input_tokens':5}}",
                "{'flags':" WANT_BLOCKS "}",
                "message begins\n"
                "[0 thinking \n"
                "+0 signature_delta c3RhbmQtaW4=\n"
                "]0\n"
                "[1 text \n"
                "text yes\n"
                "]1\n"
                "message end_turn\n"
                "result end_turn input_tokens=5 yes\n"
                "end \n");
}
END_TEST

START_TEST(nobody_who_does_not_want_blocks_is_told)
{
    start();
    assert_told("{'thinking':'hmm','text':'yes','usage':{'input_tokens':5}}",
                "{'flags':" WANT_THINKING "}",
                "thinking hmm\ntext yes\nresult end_turn input_tokens=5 yes\nend \n");
}
END_TEST

START_TEST(structured_output_is_no_block)
{
    start();
    assert_told("{'object':{'n':4},'usage':{'input_tokens':5}}",
                "{'flags':" WANT_BLOCKS ",'schema':{'type':'object'}}",
                "message begins\n"
                "object\n"
                "message tool_use\n"
                "result tool_use input_tokens=5 {\"n\":4}\n"
                "end \n");
}
END_TEST

START_TEST(a_message_that_came_whole_has_blocks)
{
    start();
    assert_told("{'streamed':false,'text':'yes','usage':{'input_tokens':5}}",
                "{'flags':" WANT_BLOCKS "}",
                "[0 text \n"
                "text yes\n"
                "]0\n"
                "result end_turn input_tokens=5 yes\n"
                "end \n");
}
END_TEST

START_TEST(a_cut_answer_ends_with_the_message_that_was_cut)
{
    start();
    struct http_response answer = converse("{'cut_message':'half','text':'other half'}",
                                           "{'flags':" WANT_BLOCKS ",'maxTokens':5}");
    http_assert_status(&answer, 200);
    const char *cut = strstr(answer.body, "message max_tokens\nresult max_tokens");
    ck_assert_msg(cut != NULL, "something stands between the cut and the result: %s", answer.body);
    http_response_finish(&answer);
}
END_TEST

/* ---- tools */

#define CALL(tool) "{'server':'conversation','name':'" tool "','arguments':{'n':1}}"
#define BOTH "{'call_host_tool':[" CALL("sun") "," CALL("moon") "],'usage':{'input_tokens':5}}"
#define TOOLS "'tools':['sun','moon']"

START_TEST(calls_of_one_message_are_open_at_once)
{
    start();
    assert_told(BOTH, "{" TOOLS ",'hold':2}",
                "call sun {\"n\":1}\n"
                "call moon {\"n\":1}\n"
                "text done\ndone\n"
                "result end_turn input_tokens=5 done\ndone\n"
                "end \n");
}
END_TEST

/* As the real CLI does it: whoever waits for the message to be complete must remember them. */
START_TEST(tools_are_called_while_the_message_comes)
{
    start();
    struct http_response answer = converse(BOTH, "{" TOOLS ",'hold':2,'flags':" WANT_BLOCKS "}");
    http_assert_status(&answer, 200);
    const char *call = strstr(answer.body, "call moon"), *end = strstr(answer.body, "message tool");
    ck_assert_msg(call && end && call < end, "called after the message: %s", answer.body);
    http_response_finish(&answer);
}
END_TEST

START_TEST(tools_that_are_alone_are_called_one_after_the_other)
{
    start();
    struct http_response answer =
        converse(BOTH, "{" TOOLS ",'toolFlags':1,'hold':1,'flags':" WANT_BLOCKS "}");
    http_assert_status(&answer, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "[1 tool_use mcp__conversation__moon\n"
                                              "+1 input_json_delta {\"n\":1}\n"
                                              "]1\n"
                                              "message tool_use\n"
                                              "call sun {\"n\":1}\n"
                                              "call moon {\"n\":1}\n"
                                              "message begins\n"));
    http_response_finish(&answer);
}
END_TEST

static void assert_unknown(const char *fields) {
    struct http_response answer = converse("{'text':'yes'}", fields);
    http_assert_error(&answer, 500, "INTERNAL_ERROR");
    http_response_finish(&answer);
}

START_TEST(flags_that_nobody_knows_are_not_ignored)
{
    start();
    assert_unknown("{'flags':64}");
    assert_unknown("{" TOOLS ",'toolFlags':2}");
}
END_TEST

/* ---- a history that ends with uses of tools */

#define USE(id) "{'type':'tool_use','id':'" id "','name':'mcp__conversation__sun','input':{}}"
#define RESULT(id) "{'type':'tool_result','tool_use_id':'" id "','content':'bright'}"
#define USED                                                                                       \
    "'history':[{'role':'user','content':'How is it?'},"                                           \
    "{'role':'assistant','content':[" USE("toolu_a") "," USE("toolu_b") "]}]"

static struct http_response post_quoted(const char *path, const char *body) {
    return http_post(gateway, path, quoted_json(body));
}

START_TEST(results_of_tools_go_on_with_a_history)
{
    start();
    struct http_response answer =
        post_quoted("/conversation",
                    "{" USED ",'prompt':[" RESULT("toolu_b") "," RESULT(
                        "toolu_a") ","
                                   "{'type':'text','text':'standin:{\\'echo\\':\\'history\\'}'}]}");
    http_assert_status(&answer, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "{\"messages\":2,\"last_user\":\"How is it?\"}"));
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_result_that_is_missing_is_named)
{
    static const char *const prompts[] = {"[" RESULT("toolu_a") "]", "'sunny'"};
    static const char *const missing[] = {"toolu_b", "toolu_a"};
    start();
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        char *body = scratch_text("{" USED ",'prompt':%s}", prompts[i]);
        struct http_response answer = post_quoted("/conversation", body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        const char *message = http_string(&answer, "issues.0.message");
        ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), "prompt");
        ck_assert_msg(strstr(message, missing[i]) != NULL, "%s is not named: %s", missing[i],
                      message);
        http_response_finish(&answer);
        free(body);
    }
}
END_TEST

/* ---- counting tokens: in the stand-in each byte is one */

#define COUNT "'flags':32"

static long long counted(const char *body) {
    struct http_response answer = post_quoted("/conversation", body);
    unsigned long long tokens = 0;
    http_assert_status(&answer, 200);
    int read = sscanf(answer.body, "result  input_tokens=%llu \nend \n", &tokens);
    ck_assert_msg(read == 1, "no count alone: %s", answer.body);
    http_response_finish(&answer);
    return (long long)tokens;
}

START_TEST(a_conversation_is_counted_and_not_answered)
{
    start();
    long long prompt = (long long)strlen("[{'type':'text','text':'How is it?'}]");
    ck_assert_int_eq(counted("{" COUNT ",'prompt':'How is it?'}"), prompt);
    ck_assert_int_eq(counted("{" COUNT ",'prompt':[{'type':'text','text':'How is it?'}]}"), prompt);
    ck_assert_int_eq(counted("{" COUNT ",'prompt':'How is it?','system':'abc'}"), prompt + 3);
    ck_assert_int_eq(
        counted("{" COUNT ",'prompt':'How is it?','history':[{'role':'user','content':'hello'},"
                "{'role':'assistant','content':[{'type':'text','text':'hi'}]}]}"),
        prompt + (long long)strlen("'hello'") + (long long)strlen("[{'type':'text','text':'hi'}]"));
}
END_TEST

START_TEST(tools_count_once_the_cli_knows_them)
{
    start();
    long long without = counted("{" COUNT ",'prompt':'x'}");
    long long with_one = counted("{" COUNT ",'prompt':'x','tools':['sun']}");
    long long with_two = counted("{" COUNT ",'prompt':'x','tools':['sun','moon']}");
    ck_assert_int_gt(with_one, without);
    /* a comma, and one letter more */
    ck_assert_int_eq(with_two - with_one, with_one - without - (long long)strlen("[]") + 2);
}
END_TEST

static bool no_transcript_left(const void *data) {
    char *count = scratch_text("find '%s' -name '*.jsonl' | wc -l", gateway_directory(gateway));
    FILE *output = popen(count, "r");
    int files = -1;
    (void)data;
    ck_assert_int_eq(fscanf(output, "%d", &files), 1);
    ck_assert_int_eq(pclose(output), 0);
    free(count);
    return files == 0;
}

/* It goes with the end of the run, a moment behind the answer. */
static void assert_no_transcript(void) {
    ck_assert_msg(await(no_transcript_left, NULL, 5000), "a transcript was left behind");
    await_active_slots(gateway, 0, 5000);
}

START_TEST(what_is_counted_leaves_nothing_behind)
{
    start();
    counted("{" COUNT ",'prompt':'x'}");
    assert_no_transcript();
}
END_TEST

START_TEST(what_cannot_be_counted_is_refused)
{
    static const struct {
        const char *fields, *path;
    } cases[] = {
        {"'sessionId':'11111111-1111-4111-8111-111111111111'", "sessionId"},
        {"'schema':{'type':'object'}", "schema"},
    };
    start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = scratch_text("{" COUNT ",'prompt':'x',%s}", cases[i].fields);
        struct http_response answer = post_quoted("/conversation", body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), cases[i].path);
        http_response_finish(&answer);
        free(body);
    }
}
END_TEST

static void assert_cannot_count(const char *usage) {
    char *variable = scratch_text("CLAUDE_CODE_STANDIN={\"context_usage\":%s}", usage);
    start_with(NULL, variable, NULL);
    struct http_response answer = post_quoted("/conversation", "{" COUNT ",'prompt':'x'}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body, "failure 501 NOT_SUPPORTED upstream=0 retry_after=0\nend \n");
    http_response_finish(&answer);
    free(variable);
}

START_TEST(a_cli_that_refuses_to_count)
{ assert_cannot_count("null"); }
END_TEST

START_TEST(a_cli_that_counts_in_another_way)
{ assert_cannot_count("{\"tokens\":7}"); }
END_TEST

START_TEST(a_count_that_does_not_come_leaves_nothing_behind)
{
    start_with("runner: {start_timeout_ms: 500}\n", "CLAUDE_CODE_STANDIN={\"hang\":\"start\"}",
               NULL);
    struct http_response answer = post_quoted("/conversation", "{" COUNT ",'prompt':'x'}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(answer.body,
                     "failure 504 TIMEOUT_ERROR upstream=0 retry_after=0\nend timeout\n");
    assert_no_transcript();
    http_response_finish(&answer);
}
END_TEST

/* ---- failures of the API */

START_TEST(the_apis_own_status_is_told)
{
    static const struct {
        const char *failure, *expected;
    } cases[] = {
        {"{'text':'API Error: 529 busy','api_error_status':529}", "upstream=529 retry_after=5"},
        {"{'text':'API Error: 400 {}','api_error_status':429}", "upstream=429 retry_after=5"},
        {"{'text':'API Error: Repeated 529 Overloaded'}", "upstream=529 retry_after=5"},
        {"{'text':'API Error: 401 {\\'type\\'}'}", "upstream=401 retry_after=0"},
        {"{'text':'API Error: 500'}", "upstream=500 retry_after=0"},
        {"{'text':'API Error: Connection refused 127.0.0.1:443'}", "upstream=0 retry_after=0"},
        {"{'text':'API Error: 500ms are over'}", "upstream=0 retry_after=0"},
        {"{'text':'API Error: 4290'}", "upstream=0 retry_after=0"},
        {"{'text':'API Error: 200'}", "upstream=0 retry_after=0"},
        {"{'text':'API Error:'}", "upstream=0 retry_after=0"},
        {"{'text':'Not logged in 500'}", "upstream=0 retry_after=0"},
    };
    start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *scenario = scratch_text("{'is_error':%s}", cases[i].failure);
        struct http_response answer = converse(scenario, NULL);
        http_assert_status(&answer, 200);
        char *line = scratch_text("failure 502 UPSTREAM_ERROR %s\n", cases[i].expected);
        ck_assert_msg(strstr(answer.body, line) != NULL, "%s: expected %s in %s", cases[i].failure,
                      line, answer.body);
        free(line);
        free(scenario);
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(an_overloaded_api_makes_clients_wait)
{
    start();
    struct http_response answer =
        generate(gateway, "{'is_error':{'text':'API Error: Repeated 529 Overloaded'}}", NULL);
    http_assert_error(&answer, 502, "UPSTREAM_ERROR");
    char *wait = http_header(&answer, "Retry-After");
    ck_assert_str_eq(wait ? wait : "(none)", "5");
    free(wait);
    http_response_finish(&answer);
}
END_TEST

/* ---- profiles */

static void assert_profile(const char *name, long status, const char *code) {
    char *path = scratch_text("/profile/%s", name);
    struct http_response answer = http_post(gateway, path, json_object());
    if (status == 200)
        http_assert_status(&answer, 200);
    else
        http_assert_error(&answer, status, code);
    http_response_finish(&answer);
    free(path);
}

#define PROFILES                                                                                   \
    "profiles:\n"                                                                                  \
    "  helped:\n    flags: [--bare, '--settings={\"apiKeyHelper\":\"/bin/key\"}']\n"               \
    "  set: {flags: ['--settings={\"env\":{\"ANTHROPIC_API_KEY\":\"k\"}}', --bare]}\n"             \
    "  unset: {flags: [--bare, '--settings={\"env\":{\"ANTHROPIC_API_KEY\":\"\"}}']}\n"

START_TEST(bare_needs_an_api_key)
{
    start_with(PROFILES, NO_KEY, NULL);
    assert_profile("full", 200, NULL);
    assert_profile("bare", 503, "UNAVAILABLE");
    assert_profile("helped", 200, NULL);
    assert_profile("set", 200, NULL);
    assert_profile("unset", 503, "UNAVAILABLE");
    assert_profile("none", 400, "VALIDATION_ERROR");
    struct http_response answer = http_post(gateway, "/profile/bare", json_object());
    ck_assert_str_eq(http_string(&answer, "error"),
                     "The profile bare needs ANTHROPIC_API_KEY in "
                     "the gateway's environment (--bare takes no login): set it there and start "
                     "the gateway again.");
    http_response_finish(&answer);
}
END_TEST

START_TEST(bare_takes_the_key_of_the_environment)
{
    start_with(NULL, "ANTHROPIC_API_KEY=k", NULL);
    assert_profile("bare", 200, NULL);
}
END_TEST

START_TEST(bare_takes_a_token)
{
    start_with(NULL, NO_KEY, "ANTHROPIC_AUTH_TOKEN=t");
    assert_profile("bare", 200, NULL);
}
END_TEST

START_TEST(bare_takes_the_key_of_the_config)
{
    start_with("runner:\n  environment: {ANTHROPIC_API_KEY: k}\n", NO_KEY, NULL);
    assert_profile("bare", 200, NULL);
}
END_TEST

START_TEST(a_login_is_nothing_to_bare)
{
    start_with(NULL, NO_KEY, "CLAUDE_CODE_OAUTH_TOKEN=t");
    assert_profile("bare", 503, "UNAVAILABLE");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        text_and_thinking_are_blocks,
        nobody_who_does_not_want_blocks_is_told,
        structured_output_is_no_block,
        a_message_that_came_whole_has_blocks,
        a_cut_answer_ends_with_the_message_that_was_cut,
        calls_of_one_message_are_open_at_once,
        tools_are_called_while_the_message_comes,
        tools_that_are_alone_are_called_one_after_the_other,
        flags_that_nobody_knows_are_not_ignored,
        results_of_tools_go_on_with_a_history,
        a_result_that_is_missing_is_named,
        a_conversation_is_counted_and_not_answered,
        tools_count_once_the_cli_knows_them,
        what_is_counted_leaves_nothing_behind,
        what_cannot_be_counted_is_refused,
        a_cli_that_refuses_to_count,
        a_cli_that_counts_in_another_way,
        a_count_that_does_not_come_leaves_nothing_behind,
        the_apis_own_status_is_told,
        an_overloaded_api_makes_clients_wait,
        bare_needs_an_api_key,
        bare_takes_the_key_of_the_environment,
        bare_takes_a_token,
        bare_takes_the_key_of_the_config,
        a_login_is_nothing_to_bare,
    };
    return test_main("conversation", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
