/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations that the client keeps (koine-module/chat.h): found again or replayed, and the
 * client's tools: told, waited for, answered. */
#include "support/cli_watch.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>

static struct gateway *gateway;

/* The second key is "other-key". */
static const char other_key[] =
    "keys:\n- name: other\n"
    "  sha256: 580843d03d2216ff1a275d0991bad66e4d1af871171d929e9de604b7959f9bca\n";

/* `more` lines of the section "modules", the `rest` behind it. */
static void start(const char *more, const char *rest) {
    static const char *const modules[] = {"chat", NULL};
    gateway_stop(gateway);
    gateway = NULL;
    gateway = modules_start(modules, more, rest, NULL);
}

static void start_with(const char *rest) {
    start(NULL, rest);
}

static void setup(void) {
    start_with(other_key);
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* ---- a conversation, as a client keeps it: messages are added to `body` */

static json_t *ask(const char *fields) {
    json_t *body = quoted_json(fields ? fields : "{}");
    json_object_set_new(body, "messages", json_array());
    return body;
}

static json_t *messages_of(json_t *body) {
    return json_object_get(body, "messages");
}

static void say(json_t *body, const char *role, const char *text) {
    json_array_append_new(messages_of(body), json_pack("{ssss}", "role", role, "content", text));
}

/* Sends what has been said; the answer is added. */
static struct http_response send_as(const char *key, json_t *body) {
    struct http_response answer = http_post_as(gateway, key, "/chat", json_deep_copy(body));
    json_t *content = json_array();
    size_t at;
    json_t *block;
    http_assert_status(&answer, 200);
    json_array_foreach(http_member(&answer, "blocks"), at, block) {
        const char *type = json_string_value(json_object_get(block, "type"));
        if (strcmp(type, "text") == 0)
            json_array_append_new(content, json_pack("{sssO}", "type", "text", "text",
                                                     json_object_get(block, "text")));
        else if (strcmp(type, "tool_use") == 0)
            json_array_append_new(
                content,
                json_pack("{sssOsOso}", "type", "tool_use", "id", json_object_get(block, "id"),
                          "name", json_object_get(block, "name"), "input",
                          json_loads(json_string_value(json_object_get(block, "input")), 0, NULL)));
    }
    json_array_append_new(messages_of(body),
                          json_pack("{ssso}", "role", "assistant", "content", content));
    return answer;
}

static struct http_response send(json_t *body) {
    return send_as(NULL, body);
}

static void send_on(json_t *body) {
    struct http_response answer = send(body);
    http_response_finish(&answer);
}

static void assert_text(const struct http_response *answer, const char *expected) {
    ck_assert_str_eq(http_string(answer, "blocks.0.text"), expected);
}

static json_int_t pool_count(const char *name) {
    struct http_response health = http_get(gateway, "/health");
    char *path = scratch_text("pool.%s", name);
    json_int_t count = http_integer(&health, path);
    http_response_finish(&health);
    free(path);
    return count;
}

static void assert_session_hits(json_int_t expected) {
    ck_assert_int_eq(pool_count("sessionHits"), expected);
}

/* What the CLI knows of the conversation before this turn: {messages, last_user}. */
#define HISTORY "standin:{\"echo\":\"history\"}"

static void assert_history(const struct http_response *answer, json_int_t messages) {
    json_t *history = json_loads(http_string(answer, "blocks.0.text"), 0, NULL);
    ck_assert_msg(json_integer_value(json_object_get(history, "messages")) == messages,
                  "expected %d messages before: %s", (int)messages,
                  http_string(answer, "blocks.0.text"));
    json_decref(history);
}

/* ---- conversations */

START_TEST(an_answer_is_blocks_between_begin_and_done)
{
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"Hello there\"}");
    struct http_response answer = send(body);
    assert_text(&answer, "Hello there");
    ck_assert_str_eq(http_string(&answer, "events"), "BEGIN BLOCK TEXT END DONE");
    ck_assert_str_eq(http_string(&answer, "stop_reason"), "end_turn");
    ck_assert_int_gt(http_integer(&answer, "output_tokens"), 0);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(a_conversation_goes_on_in_the_process_that_has_said_it)
{
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"One\"}");
    send_on(body);
    assert_session_hits(0);
    say(body, "user", HISTORY);
    struct http_response answer = send(body);
    assert_history(&answer, 2);
    assert_session_hits(1);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(however_its_json_is_written)
{
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"One and two\"}");
    send_on(body);
    /* as blocks, the text in two, with a mark for the cache and thinking that is not ours */
    json_array_set_new(
        messages_of(body), 1,
        quoted_json("{'content':[{'type':'thinking','thinking':'hm','signature':'x'},"
                    "{'text':'One ','type':'text','cache_control':{'type':'ephemeral'}},"
                    "{'type':'text','text':''},{'type':'text','text':'and two'}],"
                    "'role':'assistant'}"));
    say(body, "user", HISTORY);
    send_on(body);
    assert_session_hits(1);
    json_decref(body);
}
END_TEST

START_TEST(an_edited_conversation_is_replayed)
{
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"One\"}");
    send_on(body);
    json_object_set_new(json_array_get(messages_of(body), 1), "content", json_string("Another"));
    say(body, "user", HISTORY);
    struct http_response answer = send(body);
    assert_history(&answer, 2);
    assert_session_hits(0);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

/* Its process has gone, and its transcript has been cleared away: the CLI itself finds nothing. */
START_TEST(a_session_that_is_gone_is_replayed)
{
    start_with("pool: {warm: 0, session_idle_seconds: 0}\n");
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"One\",\"persist\":false}");
    send_on(body);
    say(body, "user", HISTORY);
    struct http_response answer = send(body);
    assert_history(&answer, 2);
    ck_assert_str_eq(http_string(&answer, "events"), "BEGIN BLOCK TEXT END DONE");
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(the_same_question_twice_is_two_conversations)
{
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"One\"}");
    send_on(body);
    json_t *again = json_deep_copy(body);
    say(body, "user", HISTORY);
    say(again, "user", HISTORY);
    send_on(body);
    struct http_response answer = send(again); /* the session has moved on: its history it is */
    assert_history(&answer, 2);
    assert_session_hits(1);
    http_response_finish(&answer);
    json_decref(again);
    json_decref(body);
}
END_TEST

START_TEST(another_keys_conversation_is_not_found)
{
    json_t *body = ask(NULL);
    say(body, "user", "standin:{\"text\":\"One\"}");
    send_on(body);
    say(body, "user", HISTORY);
    struct http_response answer = send_as("other-key", body);
    assert_history(&answer, 2);
    assert_session_hits(0);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

/* ---- the client's tools */

#define TOOLS                                                                                      \
    "'tools':[{'name':'weather','description':'d','input_schema':{'type':'object'}},"              \
    "{'name':'time','input_schema':{'type':'object'}}]"
#define CALL(tool, city)                                                                           \
    "{\"server\":\"chat\",\"name\":\"" tool "\",\"arguments\":{\"city\":\"" city "\"}}"
#define CALLS(calls) "standin:{\"call_host_tool\":[" calls "]}"

static void give_results(json_t *body, const struct http_response *answer) {
    json_t *results = json_array();
    size_t at;
    json_t *block;
    json_array_foreach(http_member(answer, "blocks"), at, block) {
        if (strcmp(json_string_value(json_object_get(block, "type")), "tool_use") == 0)
            json_array_append_new(results, json_pack("{sssOss}", "type", "tool_result",
                                                     "tool_use_id", json_object_get(block, "id"),
                                                     "content", "result of it"));
    }
    json_array_append_new(messages_of(body),
                          json_pack("{ssso}", "role", "user", "content", results));
}

START_TEST(parallel_uses_end_the_answer_and_the_same_process_goes_on)
{
    json_t *body = ask("{" TOOLS "}");
    say(body, "user", CALLS(CALL("weather", "Paris") "," CALL("time", "Rome")));
    struct http_response first = send(body);
    ck_assert_str_eq(http_string(&first, "stop_reason"), "tool_use");
    ck_assert_str_eq(http_string(&first, "blocks.0.name"), "weather");
    ck_assert_str_eq(http_string(&first, "blocks.0.input"), "{\"city\":\"Paris\"}");
    ck_assert_str_eq(http_string(&first, "blocks.1.name"), "time");
    await_active_slots(gateway, 0, 5000); /* while it waits */
    const json_int_t taken = pool_count("hits") + pool_count("misses");
    give_results(body, &first);
    struct http_response second = send(body);
    ck_assert_str_eq(http_string(&second, "blocks.0.text"), "result of it\nresult of it");
    ck_assert_str_eq(http_string(&second, "stop_reason"), "end_turn");
    ck_assert_int_eq(pool_count("hits") + pool_count("misses"), taken); /* no other process */
    say(body, "user", HISTORY); /* and so does the session afterwards */
    send_on(body);
    assert_session_hits(1);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

START_TEST(one_use_at_a_time_when_the_client_wants_no_more)
{
    json_t *body = ask("{'one':true," TOOLS "}");
    say(body, "user", CALLS(CALL("weather", "Paris") "," CALL("time", "Rome")));
    struct http_response first = send(body);
    ck_assert_int_eq((int)json_array_size(http_member(&first, "blocks")), 1);
    give_results(body, &first);
    struct http_response second = send(body);
    ck_assert_msg(strstr(http_string(&second, "blocks.0.text"), "Only one use of a tool"),
                  "the second use was told: %s", second.body);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

START_TEST(a_run_that_does_not_fit_the_next_request_is_replaced)
{
    json_t *body = ask("{" TOOLS "}");
    say(body, "user", CALLS(CALL("weather", "Paris")));
    struct http_response first = send(body);
    give_results(body, &first);
    json_object_set_new(body, "system", json_string("Another system"));
    struct http_response second = send(body);
    ck_assert_str_eq(http_string(&second, "stop_reason"), "end_turn");
    await_active_slots(gateway, 0, 5000);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

START_TEST(results_that_nobody_waits_for_are_replayed)
{
    json_t *body = ask("{" TOOLS "}");
    say(body, "user", CALLS(CALL("weather", "Paris")));
    struct http_response first = send(body);
    start_with(NULL); /* all is forgotten */
    give_results(body, &first);
    say(body, "user", HISTORY);
    struct http_response second = send(body);
    ck_assert_str_eq(http_string(&second, "stop_reason"), "end_turn");
    assert_history(&second, 2);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

START_TEST(a_waiting_run_is_nobody_elses)
{
    json_t *body = ask("{" TOOLS "}");
    say(body, "user", CALLS(CALL("weather", "Paris")));
    struct http_response first = send(body);
    give_results(body, &first);
    json_t *stolen = json_deep_copy(body);
    struct http_response other = send_as("other-key", stolen); /* from the history it has sent */
    ck_assert_str_ne(http_string(&other, "blocks.0.text"), "result of it");
    json_t *late = json_deep_copy(body);
    struct http_response own = send(body);
    ck_assert_str_eq(http_string(&own, "blocks.0.text"), "result of it");
    send_on(late); /* the same results once more */
    http_response_finish(&own);
    http_response_finish(&other);
    http_response_finish(&first);
    json_decref(late);
    json_decref(stolen);
    json_decref(body);
}
END_TEST

START_TEST(a_waiting_run_that_is_forgotten_ends)
{
    start("  settings: {chat: {max_conversations: 1}}\n", NULL);
    json_t *one = ask("{" TOOLS "}"), *two = ask("{" TOOLS "}");
    say(one, "user", CALLS(CALL("weather", "Paris")));
    say(two, "user", CALLS(CALL("weather", "Rome")));
    struct http_response first = send(one);
    await_health(gateway, "processes.running", 1);
    struct http_response second = send(two);
    await_health(gateway, "processes.running", 1); /* not both until the first one's time is over */
    give_results(one, &first);
    give_results(two, &second);
    send_on(two);
    send_on(one);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(two);
    json_decref(one);
}
END_TEST

START_TEST(a_waiting_run_makes_room_for_work)
{
    start_with("pool: {max_processes: 1}\n");
    json_t *one = ask("{" TOOLS "}"), *two = ask(NULL);
    say(one, "user", CALLS(CALL("weather", "Paris")));
    struct http_response first = send(one);
    say(two, "user", "standin:{\"text\":\"Nobody has to wait\"}");
    struct http_response second = send(two);
    assert_text(&second, "Nobody has to wait");
    give_results(one, &first);
    send_on(one); /* from the history */
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(two);
    json_decref(one);
}
END_TEST

START_TEST(settings_of_a_wrong_type_are_refused)
{
    /* the module's own schema takes anything */
    start("  on_error: continue\n  settings: {chat: {profile: 5}}\n", NULL);
    ck_assert(gateway_log_has(gateway, "settings: profile is not of its type"));
    start("  on_error: continue\n  settings: {chat: {models: {fast: [haiku]}}}\n", NULL);
    ck_assert(gateway_log_has(gateway, "settings: models is not of its type"));
}
END_TEST

START_TEST(more_waiting_runs_than_are_allowed_are_replayed_too)
{
    start_with("runner: {parked_runs: 1}\n");
    json_t *one = ask("{" TOOLS "}"), *two = ask("{" TOOLS "}");
    say(one, "user", CALLS(CALL("weather", "Paris")));
    say(two, "user", CALLS(CALL("weather", "Rome")));
    struct http_response first = send(one), second = send(two);
    const json_int_t taken = pool_count("hits") + pool_count("misses");
    give_results(one, &first);
    give_results(two, &second);
    send_on(one);
    ck_assert_int_eq(pool_count("hits") + pool_count("misses"), taken);
    send_on(two);
    ck_assert_int_eq(pool_count("hits") + pool_count("misses"), taken + 1);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(two);
    json_decref(one);
}
END_TEST

/* The policy has taken the tool away, so the CLI refuses it: that use of it has no result yet. */
START_TEST(a_use_that_the_cli_has_refused_waits_for_its_result)
{
    start_with("tools: {disallowed: [mcp__chat__weather]}\n");
    json_t *body = ask("{" TOOLS "}");
    say(body, "user", CALLS(CALL("weather", "Paris")));
    struct http_response first = send(body);
    ck_assert_str_eq(http_string(&first, "blocks.0.name"), "weather");
    ck_assert_str_eq(http_string(&first, "stop_reason"), "tool_use");
    give_results(body, &first);
    send_on(body);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

#define CUT "\"cut_tool\":{\"name\":\"mcp__chat__weather\",\"input\":\"{\\\"city\\\":\\\"Pa\""

static struct http_response ask_for_cut(const char *fields, const char *scenario) {
    json_t *body = ask(fields);
    say(body, "user", scenario);
    struct http_response answer = http_post(gateway, "/chat", body);
    http_assert_status(&answer, 200);
    return answer;
}

START_TEST(a_use_that_broke_off_is_not_told)
{
    struct http_response answer =
        ask_for_cut("{" TOOLS "}", "standin:{" CUT "},\"text\":\"Another way\"}");
    ck_assert_str_eq(http_string(&answer, "events"), "BEGIN BLOCK TEXT END DONE");
    assert_text(&answer, "Another way");
    ck_assert_str_eq(http_string(&answer, "stop_reason"), "end_turn");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_stream_ends_where_its_use_of_a_tool_has_run_out_of_tokens)
{
    struct http_response answer =
        ask_for_cut("{'streams':true," TOOLS "}", "standin:{" CUT "},\"text\":\"Another way\"}");
    ck_assert_msg(!strstr(answer.body, "Another way"), "it went on: %s", answer.body);
    ck_assert_str_eq(http_string(&answer, "stop_reason"), "max_tokens");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_stream_fails_where_its_use_of_a_tool_broke_off)
{
    json_t *body = ask("{'streams':true," TOOLS "}");
    say(body, "user", "standin:{" CUT ",\"stop_reason\":\"tool_use\"},\"text\":\"Another way\"}");
    struct http_response answer = http_post(gateway, "/chat", body);
    http_assert_status(&answer, 500);
    ck_assert_msg(strstr(answer.body, "use of a tool broke off"), "no reason: %s", answer.body);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_forced_tool_is_the_whole_answer)
{
    json_t *body = ask("{'forced_tool':'weather','schema':{'type':'object'}," TOOLS "}");
    say(body, "user", "standin:{\"object\":{\"city\":\"Oslo\"},\"text\":\"hidden\"}");
    struct http_response answer = send(body);
    ck_assert_int_eq((int)json_array_size(http_member(&answer, "blocks")), 1);
    ck_assert_str_eq(http_string(&answer, "blocks.0.name"), "weather");
    ck_assert_str_eq(http_string(&answer, "blocks.0.input"), "{\"city\":\"Oslo\"}");
    ck_assert_str_eq(http_string(&answer, "stop_reason"), "tool_use");
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(a_tool_that_may_not_be_used_is_refused_to_the_model)
{
    json_t *body = ask("{'no_use':true," TOOLS "}");
    json_array_append_new(messages_of(body), json_pack("{ssss}", "role", "user", "content",
                                                       "standin:{\"text\":\"One\"}"));
    json_array_append_new(
        messages_of(body),
        quoted_json("{'role':'assistant','content':[{'type':'tool_use','id':'toolu_1','name':"
                    "'weather','input':{}}]}"));
    json_array_append_new(
        messages_of(body),
        quoted_json("{'role':'user','content':[{'type':'tool_result','tool_use_id':'toolu_1',"
                    "'content':'sunny'},{'type':'text','text':'and now?'}]}"));
    struct http_response answer = send(body);
    ck_assert_str_eq(http_string(&answer, "stop_reason"), "end_turn");
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

/* ---- what is no conversation */

static void assert_refused(const char *messages, const char *problem) {
    json_t *body = json_pack("{so}", "messages", quoted_json(messages));
    struct http_response answer = http_post(gateway, "/chat", body);
    http_assert_status(&answer, 400);
    ck_assert_msg(strstr(answer.body, problem), "expected \"%s\": %s", problem, answer.body);
    http_response_finish(&answer);
}

START_TEST(messages_that_are_no_conversation_are_refused)
{
    assert_refused("[]", "there is no message yet");
    assert_refused("[{'role':'assistant','content':'x'},{'role':'user','content':'x'}]",
                   "messages[0] must be the user's");
    assert_refused("[{'role':'user','content':'x'},{'role':'assistant','content':'x'}]",
                   "messages[1] must be the user's");
    assert_refused("[{'role':'user','content':''}]", "messages[0] must not be empty");
    assert_refused("[{'role':'user','content':'x'},{'role':'assistant','content':[{'type':"
                   "'tool_use','id':'a','name':'n','input':{}}]},{'role':'user','content':'x'}]",
                   "messages[2] must hold the result of each tool");
    assert_refused("[{'role':'user','content':[{'type':'tool_result','tool_use_id':'a'}]}]",
                   "messages[0] must hold results only");
    assert_refused("[{'role':'user','content':'x'},{'role':'assistant','content':[{'type':"
                   "'tool_use','id':'a','name':'n','input':{}}]},{'role':'user','content':'x'},"
                   "{'role':'user','content':[{'type':'tool_result','tool_use_id':'a'}]}]",
                   "messages[3] must hold the results of tools before all else");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_answer_is_blocks_between_begin_and_done,
        a_conversation_goes_on_in_the_process_that_has_said_it,
        however_its_json_is_written,
        an_edited_conversation_is_replayed,
        a_session_that_is_gone_is_replayed,
        the_same_question_twice_is_two_conversations,
        another_keys_conversation_is_not_found,
        parallel_uses_end_the_answer_and_the_same_process_goes_on,
        one_use_at_a_time_when_the_client_wants_no_more,
        a_run_that_does_not_fit_the_next_request_is_replaced,
        results_that_nobody_waits_for_are_replayed,
        a_waiting_run_is_nobody_elses,
        a_waiting_run_that_is_forgotten_ends,
        a_waiting_run_makes_room_for_work,
        settings_of_a_wrong_type_are_refused,
        more_waiting_runs_than_are_allowed_are_replayed_too,
        a_use_that_the_cli_has_refused_waits_for_its_result,
        a_use_that_broke_off_is_not_told,
        a_stream_ends_where_its_use_of_a_tool_has_run_out_of_tokens,
        a_stream_fails_where_its_use_of_a_tool_broke_off,
        a_forced_tool_is_the_whole_answer,
        a_tool_that_may_not_be_used_is_refused_to_the_model,
        messages_that_are_no_conversation_are_refused,
    };
    return test_main("chat", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
