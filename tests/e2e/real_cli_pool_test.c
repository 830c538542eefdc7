/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of the real CLI that are started ahead, and what they leave: what the API receives from
 * a new session of such a process, and what a turn leaves behind. Next turns: real_cli_turns_test.
 */
#include "support/conversation.h"
#include "support/process_table.h"
#include "support/real_cli.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct real_cli *cli;

static void start(int version, const char *config) {
    cli = real_cli_start(version, config, NULL);
}

static void teardown(void) {
    real_cli_stop(cli);
}

static bool a_spare_waits(const void *data) {
    (void)data;
    return real_cli_count(cli, "processes.starting") == 0 &&
           real_cli_count(cli, "processes.running") == 0 &&
           real_cli_count(cli, "processes.warm") > 0;
}

static void await_spare(void) {
    ck_assert(await(a_spare_waits, NULL, 30000));
}

static void ask_for_200(const char *text, const char *fields) {
    free(real_cli_text(cli, text, NULL, fields));
}

static json_int_t max_tokens(const json_t *request) {
    return json_integer_value(json_object_get(request, "max_tokens"));
}

static void assert_holds(const json_t *request, const char *member, const char *text) {
    char *json = real_cli_member(request, member);
    ck_assert_msg(strstr(json, text) != NULL, "%s holds no %s: %.2000s", member, text, json);
    free(json);
}

/* ---- new sessions */

START_TEST(a_process_started_ahead_gets_everything_that_was_asked)
{
    start(_i, "pool: {warm: 1}\n");
    ask_for_200("hi", "{'model':'claude-opus-4-6','effort':'low'}");
    await_spare();
    ask_for_200("Say A", "{'model':'claude-opus-4-6','effort':'low','system':'You are a parrot.',"
                         "'maxTokens':321}");
    ck_assert_int_eq(real_cli_count(cli, "pool.hits"), 1);
    json_t *request = real_cli_request(cli);
    assert_conversation(request, "[['user','Say A']]");
    assert_holds(request, "system", "You are a parrot.");
    assert_holds(request, "model", "claude-opus-4-6");
    assert_holds(request, "output_config", "\"effort\":\"low\"");
    ck_assert_int_eq(max_tokens(request), 321);
    json_decref(request);
}
END_TEST

/* A schema with a name of its own, to be found in the tools of a request. */
#define SCHEMA(name)                                                                               \
    "{'schema':{'type':'object','properties':{'" name "':{'type':'string'}},'required':['" name    \
    "'],'additionalProperties':false}}"

static void ask_for_object(const char *script, const char *fields) {
    struct http_response answer = http_post(real_cli_gateway(cli), "/generate-object",
                                            real_cli_body("Make one", script, fields));
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}

START_TEST(a_schema_reaches_a_process_started_ahead)
{
    start(_i, "pool: {warm: 1}\n");
    await_spare();
    ask_for_object("{'object':{'first':'x'}}", SCHEMA("first"));
    ck_assert_int_eq(real_cli_count(cli, "pool.hits"), 1);
    json_t *request = real_cli_request(cli);
    assert_conversation(request, "[['user','Make one']]");
    ck_assert(real_cli_offers(request, "StructuredOutput"));
    assert_holds(request, "tools", "\"first\"");
    json_decref(request);
}
END_TEST

/* After three requests alike the next spare is initialized as they were: it is right for a fourth,
 * and nobody else gets it. */
START_TEST(a_spare_initialized_ahead_serves_only_its_like)
{
    start(_i, "pool: {warm: 1}\n");
    for (int i = 0; i < 3; i++)
        ask_for_200("hi", "{'system':'You are a parrot.'}");
    await_spare();
    ask_for_200("fourth", "{'system':'You are a parrot.','maxTokens':99}");
    ck_assert_int_eq(real_cli_count(cli, "pool.misses"), 0);
    json_t *request = real_cli_request(cli);
    assert_conversation(request, "[['user','fourth']]");
    assert_holds(request, "system", "You are a parrot.");
    ck_assert_int_eq(max_tokens(request), 99);
    json_decref(request);
    await_spare();
    ask_for_object("{'object':{'second':'x'}}", SCHEMA("second"));
    ck_assert_int_eq(real_cli_count(cli, "pool.misses"), 1);
    request = real_cli_request(cli);
    assert_conversation(request, "[['user','Make one']]");
    assert_holds(request, "tools", "\"second\"");
    char *system = real_cli_member(request, "system");
    ck_assert_ptr_null(strstr(system, "parrot"));
    free(system);
    json_decref(request);
}
END_TEST

/* ---- tools of a module */

START_TEST(a_tool_of_a_module_on_processes_of_the_pool)
{
    static const char *const modules[] = {"toolbox", NULL};
    static const char shout[] = "{'tool':{'name':'mcp__toolbox__shout','input':{}}}";
    char *config = modules_config(modules, NULL, "pool: {warm: 1}\n");
    start(_i, config);
    await_spare();
    struct http_response answer = real_cli_ask(cli, "Shout", shout, NULL);
    http_assert_status(&answer, 200);
    ck_assert_ptr_nonnull(strstr(http_string(&answer, "text"), "SHOUTED"));
    ck_assert_int_eq(real_cli_count(cli, "pool.hits"), 1);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    char *text = real_cli_text(cli, "Again", shout, fields);
    ck_assert_msg(strstr(text, " ok: ") && strstr(text, "SHOUTED"), "%s", text);
    ck_assert_int_eq(real_cli_count(cli, "pool.sessionHits"), 1);
    json_t *request = real_cli_request(cli);
    ck_assert(real_cli_offers(request, "mcp__toolbox__shout"));
    json_decref(request);
    free(text);
    free(fields);
    http_response_finish(&answer);
    free(config);
}
END_TEST

/* ---- what a turn leaves */

static bool nobody_has(const void *argument) {
    return processes_with_argument(argument) == 0;
}

/* Each ends with its turn, and with it the process: the next turn begins another. That tells the
 * model of what has ended, but no process begins a turn for it (2.1.197 does, rarely). */
START_TEST(what_a_tool_leaves_running_ends_with_its_turn)
{
    static const struct {
        const char *before, *after, *background;
    } commands[] = {{"setsid", " &", "false"}, {"", "", "true"}};
    char *seconds = scratch_text("1000.%d", (int)getpid());
    char *fields = scratch_text("{'allowedTools':['Bash']}");
    start(_i, "pool: {warm: 0}\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char *script =
            scratch_text("{'tool':{'name':'Bash','input':{'command':'%s sleep %s%s',"
                         "'description':'x','run_in_background':%s}}}",
                         commands[i].before, seconds, commands[i].after, commands[i].background);
        struct http_response answer = real_cli_ask(cli, "Do it", script, fields);
        http_assert_status(&answer, 200);
        ck_assert_ptr_nonnull(strstr(http_string(&answer, "text"), " ok: "));
        ck_assert_msg(await(nobody_has, seconds, 3000), "still there after %s", script);
        free(fields);
        fields = scratch_text("{'allowedTools':['Bash'],'sessionId':'%s'}",
                              http_string(&answer, "sessionId"));
        http_response_finish(&answer);
        free(script);
    }
    char *text = real_cli_text(cli, "And now?", "{'text':'Both are over.'}", fields);
    ck_assert_str_eq(text, "Both are over.");
    ck_assert_int_eq(real_cli_count(cli, "pool.starts"), 3);
    if (_i > 0)
        ck_assert_uint_eq(real_cli_request_count(cli), 2 + 2 + 1);
    json_t *request = real_cli_request(cli), *said = conversation_of(request);
    ck_assert_uint_ge(json_array_size(said), 4 + 4 + 1);
    json_decref(said);
    json_decref(request);
    free(text);
    free(fields);
    free(seconds);
}
END_TEST

/* ---- the gateway's end */

/* Two gateways with one state, one after the other. */
struct home {
    char *directory, *config, *variables[2];
};

static struct home make_home(void) {
    struct home home = {.directory = scratch_directory_create()};
    home.config =
        scratch_text("pool: {warm: 0}\nrunner: {working_directory: %s}\n", home.directory);
    home.variables[0] = scratch_text("HOME=%s", home.directory);
    home.variables[1] = scratch_text("STATE_DIRECTORY=%s/state", home.directory);
    return home;
}

static void start_at(int version, const struct home *home) {
    const char *const environment[] = {home->variables[0], home->variables[1], NULL};
    cli = real_cli_start(version, home->config, environment);
}

START_TEST(a_turn_is_kept_though_the_gateway_ends_at_once)
{
    struct home home = make_home();
    start_at(_i, &home);
    struct http_response answer =
        real_cli_ask(cli, "My name is Ada", "{'text':'Hello Ada.'}", NULL);
    real_cli_stop(cli);
    http_assert_status(&answer, 200);
    start_at(_i, &home);
    char *fields = scratch_text("{'sessionId':'%s'}", http_string(&answer, "sessionId"));
    ask_for_200("Who am I?", fields);
    json_t *request = real_cli_request(cli);
    assert_conversation(request, "[['user','My name is Ada'],['assistant','Hello Ada.'],"
                                 "['user','Who am I?']]");
    json_decref(request);
    free(fields);
    http_response_finish(&answer);
    real_cli_stop(cli);
    cli = NULL;
    free(home.config);
    free(home.variables[0]);
    free(home.variables[1]);
    scratch_directory_destroy(home.directory);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_process_started_ahead_gets_everything_that_was_asked,
        a_schema_reaches_a_process_started_ahead,
        a_spare_initialized_ahead_serves_only_its_like,
        a_tool_of_a_module_on_processes_of_the_pool,
        what_a_tool_leaves_running_ends_with_its_turn,
        a_turn_is_kept_though_the_gateway_ends_at_once,
    };
    return real_cli_main("real_cli_pool", teardown, tests, sizeof tests / sizeof *tests);
}
