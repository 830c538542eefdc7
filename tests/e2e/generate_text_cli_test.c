/* SPDX-License-Identifier: Apache-2.0 */
/* What POST /generate-text gives the CLI: its arguments, environment and tools. The stand-in echoes
 * what it got; a tool call shows what the policy really lets through. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static void restart(const char *config, const char *const *environment) {
    gateway_stop(gateway);
    gateway =
        gateway_start(&(struct gateway_options){.config = config, .environment = environment});
}

static json_t *echo(const char *what, const char *fields) {
    char *scenario = scratch_text("{'echo':'%s'}", what);
    struct http_response answer = generate(gateway, scenario, fields);
    json_t *value = echoed(&answer);
    http_response_finish(&answer);
    free(scenario);
    return value;
}

/* The argument that begins so; NULL: there is none. */
static const char *argument(json_t *argv, const char *begin) {
    for (size_t i = 1; i < json_array_size(argv); i++) {
        const char *text = json_string_value(json_array_get(argv, i));
        if (strncmp(text, begin, strlen(begin)) == 0)
            return text;
    }
    return NULL;
}

static void assert_argument(const char *fields, const char *begin, const char *want) {
    json_t *argv = echo("argv", fields);
    const char *got = argument(argv, begin);
    ck_assert_msg(got ? want && strcmp(got, want) == 0 : !want, "%s: %s, expected %s", fields,
                  got ? got : "nothing", want ? want : "nothing");
    json_decref(argv);
}

START_TEST(values_stand_behind_their_flag)
{
    assert_argument("{'model':'claude-x'}", "--model", "--model=claude-x");
    assert_argument("{'effort':'low'}", "--effort", "--effort=low");
    assert_argument("{'maxTurns':3}", "--max-turns", "--max-turns=3");
    assert_argument("{'maxBudgetUsd':0.5}", "--max-budget-usd", "--max-budget-usd=0.500000");
    assert_argument("{'profile':'bare'}", "--bare", "--bare");
    assert_argument("{}", "--bare", NULL);
    assert_argument("{}", "--resume", NULL);
    assert_argument("{}", "--dangerously-skip-permissions", NULL);
}
END_TEST

START_TEST(no_text_of_a_client_is_an_argument)
{
    static const char fields[] = "{'system':'SYSTEM-TEXT','appendSystem':'APPENDED-TEXT'}";
    json_t *argv = echo("argv", fields);
    char *text = json_dumps(argv, 0);
    ck_assert_msg(!strstr(text, "standin:"), "the prompt is in argv: %s", text);
    ck_assert_msg(!strstr(text, "-TEXT"), "a system text is in argv: %s", text);
    free(text);
    json_decref(argv);
}
END_TEST

START_TEST(the_cli_gets_no_key_of_the_gateway)
{
    const char *const environment[] = {"CLAUDECODE=1",
                                       "CLAUDE_CODE_ENTRYPOINT=cli",
                                       "CLAUDE_CODE_OAUTH_TOKEN=oauth-token",
                                       "UNRELATED=secret",
                                       "LC_TIME=C",
                                       NULL};
    restart(NULL, environment);
    json_t *environ_got = echo("environ", "{}");
    static const char *const withheld[] = {"CLAUDE_CODE_GATEWAY_API_KEY", "CLAUDECODE",
                                           "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_OAUTH_TOKEN",
                                           "UNRELATED"};
    for (size_t i = 0; i < sizeof withheld / sizeof *withheld; i++)
        ck_assert_msg(!json_object_get(environ_got, withheld[i]), "%s reaches the CLI",
                      withheld[i]);
    char *text = json_dumps(environ_got, 0);
    ck_assert_msg(!strstr(text, GATEWAY_KEY), "the key reaches the CLI: %s", text);
    free(text);
    static const char *const given[][2] = {{"ANTHROPIC_API_KEY", "sk-ant-for-the-cli"},
                                           {"LC_TIME", "C"}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        ck_assert_pstr_eq(json_string_value(json_object_get(environ_got, given[i][0])),
                          given[i][1]);
    json_decref(environ_got);
}
END_TEST

START_TEST(the_oauth_token_is_handed_on_when_there_is_no_api_key)
{
    const char *const environment[] = {"ANTHROPIC_API_KEY=", "CLAUDE_CODE_OAUTH_TOKEN=oauth-token",
                                       NULL};
    restart(NULL, environment);
    json_t *environ_got = echo("environ", "{}");
    ck_assert_pstr_eq(json_string_value(json_object_get(environ_got, "CLAUDE_CODE_OAUTH_TOKEN")),
                      "oauth-token");
    json_decref(environ_got);
}
END_TEST

START_TEST(offered_tools_are_those_of_the_policy)
{
    assert_argument("{'allowedTools':['Read','Glob']}", "--tools", "--tools=Read,Glob");
    assert_argument("{'allowedTools':['Bash(git:*)']}", "--tools", "--tools=Bash");
    assert_argument("{'disallowedTools':['*']}", "--tools", "--tools=");
    assert_argument("{}", "--tools", NULL);
    json_t *argv = echo("argv", "{'disallowedTools':['WebFetch']}");
    const char *denied = argument(argv, "--disallowedTools=");
    ck_assert_msg(denied && strstr(denied, "WebFetch"), "%s", denied ? denied : "no flag");
    json_decref(argv);
}
END_TEST

START_TEST(the_gateways_own_lists_bind)
{
    restart("tools:\n  allowed: [Read, Glob, \"Bash(git log:*)\"]\n  disallowed: [Glob]\n", NULL);
    struct http_response answer = generate(gateway, "{}", "{'allowedTools':['Write']}");
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
    assert_argument("{'allowedTools':['Read','Write']}", "--tools", "--tools=Read");
    assert_argument("{'allowedTools':['Bash(git:*)']}", "--tools", "--tools=Bash");
}
END_TEST

/* Without a text of its own the stand-in's answer is what the tool said. */
static bool tool_runs(const char *command, const char *fields) {
    char *scenario = scratch_text("{'tool':{'name':'Bash','input':{'command':'%s'},"
                                  "'output':'the tool ran'}}",
                                  command);
    struct http_response answer = generate(gateway, scenario, fields);
    http_assert_status(&answer, 200);
    bool ran = strcmp(http_string(&answer, "text"), "the tool ran") == 0;
    free(scenario);
    http_response_finish(&answer);
    return ran;
}

START_TEST(a_tool_runs_only_as_far_as_it_is_allowed)
{
    ck_assert_int_eq(tool_runs("touch proof", "{'allowedTools':['Bash']}"), true);
    ck_assert_int_eq(tool_runs("touch proof", "{}"), false);
    ck_assert_int_eq(tool_runs("touch proof", "{'allowedTools':['Read']}"), false);
    ck_assert_int_eq(tool_runs("touch proof", "{'allowedTools':['Bash(git:*)']}"), false);
    ck_assert_int_eq(tool_runs("git log", "{'allowedTools':['Bash(git:*)']}"), true);
    ck_assert_int_eq(tool_runs("git log; touch proof", "{'allowedTools':['Bash(git:*)']}"), false);
    const char *no_push = "{'allowedTools':['Bash(git:*)'],'disallowedTools':['Bash(git push:*)']}";
    ck_assert_int_eq(tool_runs("git log", no_push), true);
    ck_assert_int_eq(tool_runs("git push", no_push), false);
    ck_assert_int_eq(tool_runs("git  push", no_push), false); /* not one that can be judged */
    ck_assert_int_eq(tool_runs(" git push", no_push), false);
    ck_assert_int_eq(tool_runs("touch proof", "{'disallowedTools':['*']}"), false);
}
END_TEST

START_TEST(a_denied_call_is_listed)
{
    struct http_response answer = generate(
        gateway, "{'tool':{'name':'Bash','input':{'command':'touch x'},'run':'true'},'text':'y'}",
        "{'allowedTools':['Bash(git:*)']}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "permissionDenials.0.tool_name"), "Bash");
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_working_directory_is_the_gateways)
{
    struct http_response answer = generate(gateway, "{'echo':'cwd'}", NULL);
    char *work = gateway_path(gateway, "work");
    ck_assert_str_eq(http_string(&answer, "text"), work);
    free(work);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        values_stand_behind_their_flag,
        no_text_of_a_client_is_an_argument,
        the_cli_gets_no_key_of_the_gateway,
        the_oauth_token_is_handed_on_when_there_is_no_api_key,
        offered_tools_are_those_of_the_policy,
        the_gateways_own_lists_bind,
        a_tool_runs_only_as_far_as_it_is_allowed,
        a_denied_call_is_listed,
        the_working_directory_is_the_gateways,
    };
    return test_main("generate_text_cli", setup, teardown, tests, sizeof tests / sizeof *tests);
}
