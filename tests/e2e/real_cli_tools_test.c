/* SPDX-License-Identifier: Apache-2.0 */
/* Tools of the real CLI under the gateway's policy: what is offered to the model, what runs, and
 * what leaves no trace. */
#include "support/process_table.h"
#include "support/raw_client.h"
#include "support/real_cli.h"
#include "support/scratch_directory.h"
#include "support/test_modules.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct real_cli *cli;

static void start(int version) {
    cli = real_cli_start(version, NULL, NULL);
}

static void start_with(int version, const char *variable) {
    const char *const environment[] = {variable, NULL};
    cli = real_cli_start(version, NULL, environment);
}

static void teardown(void) {
    real_cli_stop(cli);
}

/* Whether a call of Bash made this entry in the CLI's working directory. */
static bool made(const char *name) {
    char *path = scratch_text("%s/work/%s", gateway_directory(real_cli_gateway(cli)), name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* The model calls Bash with the command; gives the tool's result as the answer's text. */
static struct http_response call_bash(const char *command, const char *fields) {
    char *script = scratch_text(
        "{'tool':{'name':'Bash','input':{'command':'%s','description':'x'}}}", command);
    struct http_response answer = real_cli_ask(cli, "Do it", script, fields);
    free(script);
    http_assert_status(&answer, 200);
    return answer;
}

static size_t denials(const struct http_response *answer) {
    return json_array_size(http_member(answer, "permissionDenials"));
}

static void assert_runs(const char *command, const char *fields) {
    struct http_response answer = call_bash(command, fields);
    const char *text = http_string(&answer, "text");
    ck_assert_msg(denials(&answer) == 0 && strstr(text, " ok: "), "%s was denied: %s", command,
                  text);
    http_response_finish(&answer);
}

static void assert_denied(const char *command, const char *fields) {
    struct http_response answer = call_bash(command, fields);
    const char *text = http_string(&answer, "text");
    ck_assert_msg(strstr(text, " error: ") != NULL, "%s was not denied: %s", command, text);
    http_response_finish(&answer);
}

/* ---- what is offered */

START_TEST(allowed_tools_alone_are_offered)
{
    start(_i);
    free(real_cli_text(cli, "hi", NULL, "{'allowedTools':['Read','Grep']}"));
    json_t *request = real_cli_request(cli);
    ck_assert(real_cli_offers(request, "Read"));
    ck_assert(!real_cli_offers(request, "Bash"));
    ck_assert(!real_cli_offers(request, "Write"));
    json_decref(request);
}
END_TEST

START_TEST(no_tool_is_offered_when_all_are_disallowed)
{
    start(_i);
    free(real_cli_text(cli, "hi", NULL, "{'disallowedTools':['*']}"));
    json_t *request = real_cli_request(cli);
    ck_assert_uint_eq(json_array_size(json_object_get(request, "tools")), 0);
    json_decref(request);
}
END_TEST

START_TEST(disallowed_tools_are_not_offered)
{
    start(_i);
    free(real_cli_text(cli, "hi", NULL, "{'disallowedTools':['Bash']}"));
    json_t *request = real_cli_request(cli);
    ck_assert(!real_cli_offers(request, "Bash"));
    ck_assert(!real_cli_offers(request, "AskUserQuestion"));
    ck_assert(real_cli_offers(request, "Read"));
    json_decref(request);
}
END_TEST

START_TEST(the_gateways_allow_list_bounds_the_requests)
{
    start_with(_i, "KOINE_ALLOWED_TOOLS=[\"Read\",\"Grep\"]");
    free(real_cli_text(cli, "hi", NULL, "{'allowedTools':['Read','Bash']}"));
    json_t *request = real_cli_request(cli);
    ck_assert(real_cli_offers(request, "Read"));
    ck_assert(!real_cli_offers(request, "Bash"));
    ck_assert(!real_cli_offers(request, "Grep"));
    json_decref(request);
    struct http_response answer = real_cli_ask(cli, "hi", NULL, "{'allowedTools':['Bash']}");
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_gateways_disallow_list_wins)
{
    start_with(_i, "KOINE_DISALLOWED_TOOLS=[\"Bash\"]");
    free(real_cli_text(cli, "hi", NULL, "{'allowedTools':['Read','Bash']}"));
    json_t *request = real_cli_request(cli);
    ck_assert(real_cli_offers(request, "Read"));
    ck_assert(!real_cli_offers(request, "Bash"));
    json_decref(request);
    assert_denied("touch unwanted", NULL);
    ck_assert(!made("unwanted"));
}
END_TEST

/* ---- what runs */

START_TEST(an_allowed_tool_runs)
{
    start(_i);
    assert_runs("touch wanted", "{'allowedTools':['Bash']}");
    ck_assert(made("wanted"));
}
END_TEST

START_TEST(a_tool_that_is_not_allowed_does_not_run)
{
    static const char *const lists[] = {
        "{}",
        "{'allowedTools':['Read']}",
        "{'disallowedTools':['*']}",
        "{'disallowedTools':['Bash']}",
        "{'allowedTools':['Bash'],'disallowedTools':['Bash(touch:*)']}",
        "{'allowedTools':['Bash(mkdir:*)']}",
    };
    start(_i);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert_denied("touch unwanted", lists[i]);
        ck_assert_msg(!made("unwanted"), "it ran with %s", lists[i]);
    }
}
END_TEST

START_TEST(a_pattern_lets_its_commands_run)
{
    start(_i);
    assert_runs("mkdir wanted", "{'allowedTools':['Bash(mkdir:*)']}");
    ck_assert(made("wanted"));
    assert_runs("git --version", "{'allowedTools':['Bash(git:*)']}");
}
END_TEST

START_TEST(a_denied_pattern_within_an_allowed_one)
{
    static const char fields[] =
        "{'allowedTools':['Bash(mkdir:*)'],'disallowedTools':['Bash(mkdir unwanted:*)']}";
    start(_i);
    assert_denied("mkdir unwanted", fields);
    ck_assert(!made("unwanted"));
    assert_runs("mkdir wanted", fields);
}
END_TEST

/* The CLI by itself runs commands that it takes to be harmless. */
START_TEST(a_pattern_denies_commands_that_only_read)
{
    start(_i);
    assert_denied("ls", "{'allowedTools':['Bash(git:*)']}");
    assert_denied("cat /etc/hostname", "{'allowedTools':['Bash(git:*)']}");
    assert_denied("echo harmless", "{'allowedTools':['Bash(git:*)','Read']}");
}
END_TEST

START_TEST(a_pattern_does_not_let_a_second_command_in)
{
    static const char *const commands[] = {
        "git --version && touch unwanted", "git --version; touch unwanted",
        "git --version | tee unwanted",    "git --version $(touch unwanted)",
        "git --version > unwanted",        "git --version\\ntouch unwanted",
    };
    start(_i);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        assert_denied(commands[i], "{'allowedTools':['Bash(git:*)']}");
        ck_assert_msg(!made("unwanted"), "%s ran", commands[i]);
    }
}
END_TEST

START_TEST(a_denial_is_told)
{
    start(_i);
    struct http_response answer = call_bash("touch unwanted", "{}");
    ck_assert_uint_eq(denials(&answer), 1);
    ck_assert_str_eq(http_string(&answer, "permissionDenials.0.tool_name"), "Bash");
    http_response_finish(&answer);
}
END_TEST

/* ---- tools of a module */

static void start_with_toolbox(int version, const char *variable) {
    static const char *const modules[] = {"toolbox", NULL};
    const char *const environment[] = {variable, NULL};
    char *config = modules_config(modules, NULL, NULL);
    cli = real_cli_start(version, config, environment);
    free(config);
}

static const char shout[] = "{'tool':{'name':'mcp__toolbox__shout','input':{}}}";

START_TEST(a_tool_of_a_module_answers_the_model)
{
    static const char *const fields[] = {"{}", "{'profile':'bare'}"};
    start_with_toolbox(_i, NULL);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *text = real_cli_text(cli, "Shout", shout, fields[i]);
        ck_assert_msg(strstr(text, " ok: ") && strstr(text, "SHOUTED"), "%s: %s", fields[i], text);
        json_t *request = real_cli_request(cli);
        ck_assert(real_cli_offers(request, "mcp__toolbox__shout"));
        json_decref(request);
        free(text);
    }
}
END_TEST

START_TEST(a_tool_of_a_module_obeys_the_policy)
{
    start_with_toolbox(_i, "KOINE_DISALLOWED_TOOLS=[\"mcp__toolbox__shout\"]");
    char *text = real_cli_text(cli, "Shout", shout, NULL);
    ck_assert_msg(!strstr(text, "SHOUTED"), "%s", text);
    free(text);
}
END_TEST

/* ---- a client that leaves */

struct trace {
    char argument[32];
    pid_t gateway;
};

static bool command_runs(const void *data) {
    const struct trace *trace = data;
    return processes_with_argument(trace->argument) > 0;
}

static bool nothing_is_left(const void *data) {
    const struct trace *trace = data;
    return !command_runs(data) && processes_of_parent(trace->gateway) == 0;
}

START_TEST(a_client_that_leaves_takes_all_processes_along)
{
    struct trace trace = {.argument = ""};
    start(_i);
    trace.gateway = gateway_pid(real_cli_gateway(cli));
    /* A file that no other process of this machine follows. */
    snprintf(trace.argument, sizeof trace.argument, "watched-%d", (int)getpid());
    char *script = scratch_text(
        "{'tool':{'name':'Bash','input':{'command':'touch %s && tail -f %s','description':'x'}}}",
        trace.argument, trace.argument);
    json_t *body = real_cli_body("Do it", script, "{'allowedTools':['Bash']}");
    char *text = json_dumps(body, 0);
    char *head = scratch_text("POST /generate-text HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                              "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                              strlen(text), text);
    struct raw_client *client = raw_connect(real_cli_gateway(cli));
    raw_send_text(client, head);
    ck_assert(await(command_runs, &trace, 30000));
    raw_close(client);
    ck_assert(await(nothing_is_left, &trace, 1000));
    free(head);
    free(text);
    json_decref(body);
    free(script);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        allowed_tools_alone_are_offered,
        no_tool_is_offered_when_all_are_disallowed,
        disallowed_tools_are_not_offered,
        the_gateways_allow_list_bounds_the_requests,
        the_gateways_disallow_list_wins,
        an_allowed_tool_runs,
        a_tool_that_is_not_allowed_does_not_run,
        a_pattern_lets_its_commands_run,
        a_denied_pattern_within_an_allowed_one,
        a_pattern_denies_commands_that_only_read,
        a_pattern_does_not_let_a_second_command_in,
        a_denial_is_told,
        a_tool_of_a_module_answers_the_model,
        a_tool_of_a_module_obeys_the_policy,
        a_client_that_leaves_takes_all_processes_along,
    };
    return real_cli_main("real_cli_tools", teardown, tests, sizeof tests / sizeof *tests);
}
