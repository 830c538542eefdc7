/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that stay with their sessions: the next turn, what it may change, what it costs, and
 * what becomes of a session whose process is gone. Turns that meet each other are
 * session_waiting_test.c. */
#include "support/cli_watch.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#define OTHER_KEY "other-key-0123456789abcdef"
#define TWO_KEYS                                                                                   \
    "keys:\n- name: other\n"                                                                       \
    "  sha256: ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9\n"

static struct gateway *gateway;
static struct cli_report *report;

static void start(const char *config) {
    report = cli_report_create(NULL);
    gateway = gateway_start(
        &(struct gateway_options){.config = config, .environment = cli_report_environment(report)});
}

static void teardown(void) {
    gateway_stop(gateway);
    cli_report_destroy(report);
}

/* ---- turns; a session is an id, NULL for a new one */

static json_t *turn_body(const char *id, const char *scenario, const char *fields) {
    json_t *body = scenario_body(scenario, fields);
    if (id)
        json_object_set_new(body, "sessionId", json_string(id));
    return body;
}

static struct http_response turn(const char *id, const char *scenario, const char *fields) {
    return http_post(gateway, "/generate-text", turn_body(id, scenario, fields));
}

static char *begin_session(const char *fields) {
    struct http_response answer = turn(NULL, "{}", fields);
    http_assert_status(&answer, 200);
    char *id = scratch_text("%s", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    return id;
}

/* What the process that does this turn knows, itself included. */
static json_t *state(const char *id, const char *fields) {
    struct http_response answer = turn(id, "{'echo':'state'}", fields);
    json_t *json = echoed(&answer);
    http_response_finish(&answer);
    return json;
}

static json_int_t number(json_t *json, const char *path) {
    json_t *value = http_json_at(json, path);
    ck_assert_msg(json_is_integer(value), "%s is no integer", path);
    return json_integer_value(value);
}

/* The process of this turn; asserts how many messages came before it. */
static json_int_t pid_with_history(const char *id, json_int_t messages) {
    json_t *seen = state(id, NULL);
    json_int_t pid = number(seen, "pid");
    ck_assert_int_eq(number(seen, "history.messages"), messages);
    json_decref(seen);
    return pid;
}

static bool was_resumed(json_int_t pid, const char *id) {
    char *flag = scratch_text("--resume=%s", id);
    bool resumed = cli_report_has_argument(report, pid, flag);
    free(flag);
    return resumed;
}

/* ---- the process stays */

START_TEST(the_next_turn_is_done_by_the_same_process)
{
    start(NULL);
    char *id = begin_session(NULL);
    json_int_t pid = pid_with_history(id, 2);
    ck_assert_int_eq(pid_with_history(id, 4), pid);
    struct sse_stream *stream =
        sse_open_stream(gateway, "/stream", turn_body(id, "{'echo':'pid'}", NULL));
    struct sse_recording all = sse_read_all(stream);
    ck_assert_int_eq(strtol(all.text, NULL, 10), pid);
    ck_assert(!was_resumed(pid, id));
    assert_health(gateway, "pool.sessionHits", 3);
    assert_health(gateway, "processes.idle", 1);
    sse_recording_finish(&all);
    sse_stream_close(stream);
    free(id);
}
END_TEST

START_TEST(sessions_do_not_get_each_others_process)
{
    start(NULL);
    char *ids[] = {begin_session(NULL), begin_session(NULL)};
    json_int_t first = pid_with_history(ids[0], 2), second = pid_with_history(ids[1], 2);
    ck_assert_int_ne(first, second);
    ck_assert_int_eq(pid_with_history(ids[0], 4), first);
    ck_assert_int_eq(pid_with_history(ids[1], 4), second);
    free(ids[0]);
    free(ids[1]);
}
END_TEST

START_TEST(a_conversation_that_the_client_had_kept_goes_on_in_its_process)
{
    start(NULL);
    char *id = begin_session("{'history':[{'role':'user','content':'Who are you?'},"
                             "{'role':'assistant','content':'A stand-in.'}]}");
    json_int_t pid = pid_with_history(id, 4);
    ck_assert(was_resumed(pid, id)); /* of what was written for it: no spare knows it */
    ck_assert_int_eq(pid_with_history(id, 6), pid);
    assert_health(gateway, "pool.sessionHits", 2);
    free(id);
}
END_TEST

/* ---- the process is gone */

START_TEST(a_session_whose_process_was_killed_goes_on)
{
    start(NULL);
    char *id = begin_session(NULL);
    json_int_t pid = pid_with_history(id, 2);
    ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
    await_health(gateway, "processes.idle", 0);
    json_int_t next = pid_with_history(id, 4);
    ck_assert(was_resumed(next, id));
    ck_assert_int_eq(pid_with_history(id, 6), next);
    free(id);
}
END_TEST

START_TEST(a_session_whose_process_had_waited_long_enough_goes_on)
{
    start("pool: {warm: 0, session_idle_seconds: 1}\n");
    char *id = begin_session(NULL);
    await_children(gateway, 0);
    ck_assert(was_resumed(pid_with_history(id, 2), id));
    free(id);
}
END_TEST

START_TEST(a_session_whose_process_made_room_goes_on)
{
    start("pool: {warm: 0, max_processes: 1}\n");
    char *id = begin_session(NULL), *other = begin_session(NULL);
    ck_assert(was_resumed(pid_with_history(id, 2), id));
    ck_assert(was_resumed(pid_with_history(other, 2), other));
    free(id);
    free(other);
}
END_TEST

/* Another gateway with the same home has gone on with it: the process that waits would not know. */
START_TEST(a_session_that_somebody_else_has_gone_on_with)
{
    char *directory = scratch_directory_create();
    char *home = scratch_text("HOME=%s", directory);
    char *states = scratch_text("STATE_DIRECTORY=%s", directory);
    char *config = scratch_text("runner: {working_directory: %s}\n", directory);
    report = cli_report_create(NULL);
    const char *const environment[] = {*cli_report_environment(report), home, states, NULL};
    const struct gateway_options options = {.config = config, .environment = environment};
    struct gateway *other = gateway_start(&options);
    gateway = gateway_start(&options);
    char *id = begin_session(NULL);
    json_int_t pid = pid_with_history(id, 2);
    struct http_response answer = http_post(
        other, "/generate-text", turn_body(id, "{'first_delay_ms':2200,'echo':'history'}", NULL));
    json_t *history = echoed(&answer);
    ck_assert_int_eq(number(history, "messages"), 4);
    json_int_t next = pid_with_history(id, 6);
    ck_assert_int_ne(next, pid);
    ck_assert(was_resumed(next, id));
    ck_assert_int_eq(pid_with_history(id, 8), next);
    gateway_stop(other);
    scratch_directory_destroy(directory);
    json_decref(history);
    http_response_finish(&answer);
    free(config);
    free(states);
    free(home);
    free(id);
}
END_TEST

/* ---- what the next turn may change */

static void assert_text(json_t *seen, const char *path, const char *text) {
    const char *value = json_string_value(http_json_at(seen, path));
    ck_assert_msg(text ? value && strcmp(value, text) == 0 : !value, "%s is '%s', expected '%s'",
                  path, value ? value : "(none)", text ? text : "(none)");
}

struct change {
    const char *fields;
    const char *system, *append, *title, *model, *tools;
};

static char *tools_of(json_t *seen) {
    char *text = json_dumps(http_json_at(seen, "tools"), JSON_COMPACT);
    for (char *at = text; (at = strchr(at, '"')); at++)
        *at = '\'';
    return text;
}

static void assert_change(const struct change *change, json_t *seen) {
    char *tools = tools_of(seen);
    assert_text(seen, "system_prompt", change->system);
    assert_text(seen, "append_system_prompt", change->append);
    assert_text(seen, "json_schema.title", change->title);
    assert_text(seen, "model", change->model ? change->model : "claude-standin");
    if (change->tools)
        ck_assert_str_eq(tools, change->tools);
    else
        ck_assert_ptr_nonnull(strstr(tools, "'Bash'"));
    free(tools);
}

/* An object's turn does not say its state as text. */
static json_t *object_state(const char *id, const char *fields) {
    struct http_response answer =
        http_post(gateway, "/generate-object", turn_body(id, "{'object_echo':'state'}", fields));
    http_assert_status(&answer, 200);
    json_t *seen = json_incref(http_member(&answer, "object"));
    http_response_finish(&answer);
    return seen;
}

START_TEST(each_turn_has_its_own_instructions_and_the_whole_history)
{
    static const struct change changes[] = {
        {"{'system':'A'}", .system = "A"},
        {"{'system':'A'}", .system = "A"},
        {"{'system':'B'}", .system = "B"},
        {.fields = NULL},
        {"{'appendSystem':'C'}", .append = "C"},
        {"{'schema':{'type':'object','title':'T'}}", .title = "T"},
        {"{'schema':{'type':'object','title':'U'}}", .title = "U"},
        {.fields = NULL},
        {"{'allowedTools':['Read']}", .tools = "['Read']"},
        {"{'allowedTools':['Read','Grep']}", .tools = "['Grep','Read']"},
        {.fields = NULL},
        {"{'disallowedTools':['*']}", .tools = "[]"},
        {.fields = NULL},
        {"{'model':'claude-of-tests'}", .model = "claude-of-tests"},
        {"{'model':'claude-of-tests','system':'A'}", .model = "claude-of-tests", .system = "A"},
        {.fields = NULL},
    };
    start(NULL);
    char *id = begin_session(NULL);
    json_int_t messages = 2;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++, messages += 2) {
        json_t *seen =
            changes[i].title ? object_state(id, changes[i].fields) : state(id, changes[i].fields);
        assert_change(&changes[i], seen);
        ck_assert_int_eq(number(seen, "history.messages"), messages);
        assert_text(seen, "session", id);
        json_decref(seen);
    }
    assert_health(gateway, "pool.sessionHits", 1); /* only one turn was as the one before */
    free(id);
}
END_TEST

static const char rm[] = "{'echo':'state','tool':{'name':'Bash','input':{'command':'rm -f x'}}}";

/* Does a turn that calls rm; asserts what came of it. Gives the process. */
static json_int_t call_rm(const char *id, const char *fields, const char *deny, bool denied) {
    struct http_response answer = turn(id, rm, fields);
    json_t *seen = echoed(&answer);
    char *rules = json_dumps(http_json_at(seen, "flag_settings.permissions.deny"), JSON_ENCODE_ANY);
    ck_assert_str_eq(rules ? rules : "(none)", deny);
    ck_assert_uint_eq(json_array_size(http_member(&answer, "permissionDenials")), denied);
    json_int_t pid = number(seen, "pid");
    http_response_finish(&answer);
    json_decref(seen);
    free(rules);
    return pid;
}

START_TEST(patterns_that_a_turn_denies_hold_for_that_turn)
{
    start(NULL);
    char *id = begin_session("{'allowedTools':['Bash']}");
    json_int_t pid = call_rm(id, "{'allowedTools':['Bash']}", "(none)", false);
    ck_assert_int_eq(call_rm(id, "{'allowedTools':['Bash'],'disallowedTools':['Bash(rm:*)']}",
                             "[\"Bash(rm:*)\"]", true),
                     pid);
    ck_assert_int_eq(call_rm(id, "{'allowedTools':['Bash'],'disallowedTools':['Bash(ls:*)']}",
                             "[\"Bash(ls:*)\"]", false),
                     pid);
    ck_assert_int_eq(call_rm(id, "{'allowedTools':['Bash']}", "(none)", false), pid);
    free(id);
}
END_TEST

#define LIMIT "flag_settings.env.CLAUDE_CODE_MAX_OUTPUT_TOKENS"

static json_int_t assert_limit(const char *id, const char *fields, const char *limit) {
    json_t *seen = state(id, fields);
    assert_text(seen, LIMIT, limit);
    json_int_t pid = number(seen, "pid");
    json_decref(seen);
    return pid;
}

START_TEST(a_limit_of_answers_holds_for_its_turn)
{
    start(NULL);
    char *id = begin_session(NULL);
    json_int_t pid = assert_limit(id, "{'maxTokens':123}", "123");
    ck_assert_int_eq(assert_limit(id, NULL, NULL), pid);
    ck_assert_int_eq(assert_limit(id, "{'maxTokens':456}", "456"), pid);
    ck_assert_int_eq(assert_limit(id, "{'maxTokens':789}", "789"), pid);
    ck_assert_int_eq(assert_limit(id, "{'disallowedTools':['Bash(rm:*)']}", NULL), pid);
    ck_assert_int_eq(assert_limit(id, "{'maxTokens':9,'disallowedTools':['Bash(rm:*)']}", "9"),
                     pid);
    ck_assert_int_eq(assert_limit(id, NULL, NULL), pid);
    free(id);
}
END_TEST

/* A limit that the environment sets cannot be given back to a process: another one goes on. */
START_TEST(the_limit_of_the_environment_comes_back)
{
    report = cli_report_create(NULL);
    const char *const environment[] = {*cli_report_environment(report),
                                       "CLAUDE_CODE_MAX_OUTPUT_TOKENS=1000", NULL};
    gateway = gateway_start(&(struct gateway_options){.environment = environment});
    char *id = begin_session(NULL);
    json_int_t pid = assert_limit(id, "{'maxTokens':123}", "123");
    ck_assert_int_ne(assert_limit(id, NULL, NULL), pid);
    struct http_response answer = turn(id, "{'echo':'environ'}", NULL);
    json_t *variables = echoed(&answer);
    assert_text(variables, "CLAUDE_CODE_MAX_OUTPUT_TOKENS", "1000");
    json_decref(variables);
    http_response_finish(&answer);
    free(id);
}
END_TEST

/* ---- what it costs */

/* A turn that costs so much and used so many tokens. */
static void assert_cost(const char *id, double cost_usd, int tokens) {
    char *scenario =
        scratch_text("{'cost_usd':%.9f,'usage':{'input_tokens':%d,'output_tokens':%d}}", cost_usd,
                     tokens, tokens + 1);
    struct http_response answer = turn(id, scenario, NULL);
    http_assert_status(&answer, 200);
    double told = json_number_value(http_member(&answer, "costUsd"));
    ck_assert_msg(fabs(told - cost_usd) < 1e-9, "costUsd is %.9f, expected %.9f", told, cost_usd);
    ck_assert_int_eq(http_integer(&answer, "usage.inputTokens"), tokens);
    ck_assert_int_eq(http_integer(&answer, "usage.outputTokens"), tokens + 1);
    http_response_finish(&answer);
    free(scenario);
}

static void assert_refused(const char *id, const char *scenario, const char *fields, long status,
                           const char *code) {
    struct http_response answer = turn(id, scenario, fields);
    http_assert_error(&answer, status, code);
    http_response_finish(&answer);
}

START_TEST(each_turn_costs_what_it_alone_has_cost)
{
    start(NULL);
    char *id = begin_session(NULL);
    json_int_t pid = pid_with_history(id, 2);
    assert_cost(id, 0.25, 10);
    assert_cost(id, 0.5, 3);
    assert_refused(id, "{'is_error':'API Error: 529 busy','cost_usd':16}", NULL, 502,
                   "UPSTREAM_ERROR");
    assert_cost(id, 0.125, 7);
    assert_refused(id, "{'subtype':'error_max_turns','cost_usd':8}", NULL, 422, "LIMIT_REACHED");
    assert_cost(id, 0.75, 1);
    assert_refused(id, "{'first_delay_ms':60000,'cost_usd':4}", "{'timeoutMs':300}", 504,
                   "TIMEOUT_ERROR");
    await_health(gateway, "processes.idle", 1);
    assert_cost(id, 0.0625, 2);
    assert_cost(id, 0, 4);
    ck_assert_int_eq(pid_with_history(id, 22), pid);
    ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
    await_health(gateway, "processes.idle", 0);
    assert_cost(id, 0.375, 5);
    assert_cost(id, 0.875, 6);
    free(id);
}
END_TEST

/* maxTokens ends the turn, whose text so far is the answer: what it has cost is told, and the next
 * one does not pay for it. */
START_TEST(a_turn_that_was_cut_costs_what_it_alone_has_cost)
{
    start(NULL);
    char *id = begin_session(NULL);
    assert_cost(id, 0.25, 10);
    struct http_response answer =
        turn(id, "{'cut_message':'as far as','cost_usd':0.5}", "{'maxTokens':16}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "as far as");
    double told = json_number_value(http_member(&answer, "costUsd"));
    ck_assert_msg(fabs(told - 0.5) < 1e-9, "costUsd is %.9f, expected 0.5", told);
    http_response_finish(&answer);
    assert_cost(id, 0.125, 3);
    assert_health(gateway, "pool.sessionHits", 3);
    free(id);
}
END_TEST

/* ---- copies */

/* The id of a copy that knows this of the conversation. */
static char *copy(const char *id, const char *fields, json_int_t messages, const char *system) {
    struct http_response answer = turn(id, "{'echo':'state'}", fields);
    json_t *seen = echoed(&answer);
    char *copied = scratch_text("%s", http_string(&answer, "sessionId"));
    ck_assert_str_ne(copied, id);
    assert_text(seen, "session", copied);
    assert_text(seen, "system_prompt", system);
    ck_assert_int_eq(number(seen, "history.messages"), messages);
    json_decref(seen);
    http_response_finish(&answer);
    return copied;
}

START_TEST(a_copy_of_a_live_session_leaves_it_as_it_is)
{
    start(NULL);
    char *id = begin_session(NULL), *first = copy(id, "{'forkSession':true}", 2, NULL);
    json_int_t original = pid_with_history(id, 2), copied = pid_with_history(first, 4);
    ck_assert_int_ne(original, copied);
    char *second = copy(id, "{'forkSession':true,'system':'only here'}", 4, "only here");
    ck_assert_str_ne(second, first);
    ck_assert_int_eq(pid_with_history(first, 6), copied);
    ck_assert_int_ne(pid_with_history(second, 6), copied);
    original = pid_with_history(id, 4);
    ck_assert_int_eq(pid_with_history(id, 6), original);
    free(first);
    free(second);
    free(id);
}
END_TEST

/* ---- whose they are */

static void assert_not_found(const char *key, const char *path, const char *id,
                             const char *fields) {
    struct http_response answer = http_post_as(gateway, key, path, turn_body(id, "{}", fields));
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
}

static char *begin_session_as(const char *key) {
    struct http_response answer =
        http_post_as(gateway, key, "/generate-text", scenario_body("{}", NULL));
    http_assert_status(&answer, 200);
    char *id = scratch_text("%s", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    return id;
}

static void assert_strangers_kept_out(const char *mine, const char *others) {
    static const char foreign[] = "11111111-2222-8333-8444-555555555555";
    assert_not_found(NULL, "/generate-text", others, NULL);
    assert_not_found(NULL, "/stream", others, NULL);
    assert_not_found(NULL, "/generate-text", others, "{'forkSession':true}");
    assert_not_found(OTHER_KEY, "/generate-text", mine, NULL);
    assert_not_found(NULL, "/generate-text", foreign, NULL);
    assert_not_found(OTHER_KEY, "/stream", foreign, NULL);
}

START_TEST(a_live_session_answers_its_own_key_alone)
{
    char *directory = scratch_directory_create();
    char *home = scratch_text("HOME=%s", directory);
    char *states = scratch_text("STATE_DIRECTORY=%s", directory);
    report = cli_report_create(NULL);
    const char *const environment[] = {*cli_report_environment(report), home, states, NULL};
    const struct gateway_options options = {.config = TWO_KEYS, .environment = environment};
    gateway = gateway_start(&options);
    char *mine = begin_session_as(NULL), *others = begin_session_as(OTHER_KEY);
    assert_health(gateway, "processes.idle", 2);
    assert_strangers_kept_out(mine, others);
    assert_health(gateway, "processes.idle", 2);
    json_int_t pid = pid_with_history(mine, 2);
    gateway_stop(gateway);
    gateway = gateway_start(&options);
    assert_strangers_kept_out(mine, others);
    ck_assert_int_ne(pid_with_history(mine, 4), pid);
    assert_strangers_kept_out(mine, others);
    scratch_directory_destroy(directory);
    free(home);
    free(states);
    free(mine);
    free(others);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_next_turn_is_done_by_the_same_process,
        sessions_do_not_get_each_others_process,
        a_conversation_that_the_client_had_kept_goes_on_in_its_process,
        a_session_whose_process_was_killed_goes_on,
        a_session_whose_process_had_waited_long_enough_goes_on,
        a_session_whose_process_made_room_goes_on,
        a_session_that_somebody_else_has_gone_on_with,
        each_turn_has_its_own_instructions_and_the_whole_history,
        patterns_that_a_turn_denies_hold_for_that_turn,
        a_limit_of_answers_holds_for_its_turn,
        the_limit_of_the_environment_comes_back,
        each_turn_costs_what_it_alone_has_cost,
        a_turn_that_was_cut_costs_what_it_alone_has_cost,
        a_copy_of_a_live_session_leaves_it_as_it_is,
        a_live_session_answers_its_own_key_alone,
    };
    return test_main("pool_sessions", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
