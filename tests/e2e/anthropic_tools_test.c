/* SPDX-License-Identifier: Apache-2.0 */
/* Tools of the client on /v1/messages: told to the model, used by it, answered by the client; and
 * nothing of the CLI's own that nobody has allowed. */
#include "anthropic_fixture.h"

#define WEATHER                                                                                    \
    "'tools':[{'name':'weather','description':'Of a city','input_schema':{'type':'object',"        \
    "'properties':{'city':{'type':'string'}}}},{'type':'custom','name':'time','input_schema':{"    \
    "'type':'object'},'strict':true,'cache_control':{'type':'ephemeral'}}]"

#define CALL(city) "{'server':'anthropic','name':'weather','arguments':{'city':'" city "'}}"
#define TWO_CALLS "{'call_host_tool':[" CALL("Oslo") "," CALL("Rome") "]}"

/* The results of all uses in the last answer, as the user's next message. */
static void give_results(json_t *body, const struct http_response *answer) {
    json_t *results = json_array();
    size_t at;
    json_t *block;
    json_array_foreach(http_member(answer, "content"), at, block) {
        if (strcmp(json_string_value(json_object_get(block, "type")), "tool_use") == 0)
            json_array_append_new(
                results,
                json_pack("{s:s,s:O,s:o}", "type", "tool_result", "tool_use_id",
                          json_object_get(block, "id"), "content",
                          json_sprintf("sunny in %s",
                                       json_string_value(http_json_at(block, "input.city")))));
    }
    json_array_append_new(json_object_get(body, "messages"),
                          json_pack("{s:s,s:o}", "role", "user", "content", results));
}

START_TEST(parallel_uses_end_the_answer_and_results_go_on_with_it)
{
    json_t *body = ask("{" WEATHER "}");
    say_scenario(body, TWO_CALLS);
    struct http_response first = converse(body);
    assert_member(&first, "stop_reason", "'tool_use'");
    ck_assert_int_eq((int)json_array_size(http_member(&first, "content")), 2);
    assert_member(&first, "content.0.type", "'tool_use'");
    assert_member(&first, "content.0.name", "'weather'");
    assert_member(&first, "content.0.input", "{'city':'Oslo'}");
    assert_member(&first, "content.0.caller", "{'type':'direct'}");
    assert_member(&first, "content.1.input", "{'city':'Rome'}");
    ck_assert_int_eq(strncmp(http_string(&first, "content.0.id"), "toolu_", 6), 0);
    give_results(body, &first);
    struct http_response second = converse(body);
    assert_member(&second, "stop_reason", "'end_turn'");
    ck_assert_msg(strstr(http_string(&second, "content.0.text"), "sunny in Oslo") &&
                      strstr(http_string(&second, "content.0.text"), "sunny in Rome"),
                  "%s", second.body);
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
    await_active_slots(gateway, 0, 5000);
}
END_TEST

START_TEST(the_input_of_a_tool_is_streamed)
{
    json_t *body = ask("{'stream':true," WEATHER "}");
    say_scenario(body, "{'call_host_tool':[" CALL("Oslo") "]}");
    struct sse_stream *stream = sse_open_stream(gateway, MESSAGES, body);
    struct sse_recording all = sse_read_all(stream);
    sse_stream_close(stream);
    sse_assert_outline(&all, "message_start ping content_block_start content_block_delta "
                             "content_block_stop message_delta message_stop");
    const struct sse_event *start = sse_find(&all, "content_block_start");
    ck_assert_str_eq(sse_string(start, "content_block.type"), "tool_use");
    ck_assert_str_eq(sse_string(start, "content_block.name"), "weather");
    assert_json(sse_member(start, "content_block.input"), "{}");
    char input[256] = "";
    for (size_t i = 0; i < all.count; i++)
        if (strcmp(all.events[i].name, "content_block_delta") == 0) {
            ck_assert_str_eq(sse_string(&all.events[i], "delta.type"), "input_json_delta");
            strcat(input, sse_string(&all.events[i], "delta.partial_json"));
        }
    json_t *whole = json_loads(input, 0, NULL);
    assert_json(whole, "{'city':'Oslo'}");
    ck_assert_str_eq(sse_string(sse_find(&all, "message_delta"), "delta.stop_reason"), "tool_use");
    json_decref(whole);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(one_use_at_a_time_when_the_client_takes_no_more)
{
    json_t *body =
        ask("{'tool_choice':{'type':'auto','disable_parallel_tool_use':true}," WEATHER "}");
    say_scenario(body, TWO_CALLS);
    struct http_response answer = converse(body);
    ck_assert_int_eq((int)json_array_size(http_member(&answer, "content")), 1);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

#define FORCED "{'object':{'city':'Oslo'},'text':'hidden'}"

START_TEST(a_tool_that_must_be_used_is_the_whole_answer)
{
    struct http_response named = message_of(
        ask_scenario(FORCED, "{'tool_choice':{'type':'tool','name':'weather'}," WEATHER "}"));
    struct http_response only =
        message_of(ask_scenario(FORCED, "{'tool_choice':{'type':'any'},'tools':[{'name':'weather',"
                                        "'input_schema':{'type':'object'}}]}"));
    assert_member(&named, "stop_reason", "'tool_use'");
    assert_member(&named, "content.0.name", "'weather'");
    assert_member(&named, "content.0.input", "{'city':'Oslo'}");
    ck_assert_int_eq((int)json_array_size(http_member(&named, "content")), 1);
    assert_member(&only, "content.0.name", "'weather'");
    http_response_finish(&only);
    http_response_finish(&named);
}
END_TEST

START_TEST(tools_that_may_not_be_used_are_not)
{
    struct http_response answer = message_of(
        ask_scenario("{'text':'no tools'}", "{'tool_choice':{'type':'none'}," WEATHER "}"));
    assert_member(&answer, "content", "[{'type':'text','text':'no tools'}]");
    http_response_finish(&answer);
}
END_TEST

static bool was_run(void) {
    char *path = gateway_path(gateway, "work/run");
    const bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

/* The policy allows Bash: a native route runs it. Clients of this API have no tools but theirs. */
START_TEST(the_clis_own_tools_are_off)
{
    static const char scenario[] =
        "{'tool':{'name':'Bash','input':{'command':'touch run'},'run':'touch run'},'text':'done'}";
    struct http_response answer = message_of(
        ask_scenario(scenario, "{'tools':[{'name':'Bash','input_schema':{'type':'object'}}]}"));
    ck_assert_msg(!was_run(), "the CLI's Bash was run: %s", answer.body);
    struct http_response native = generate(gateway, scenario, "{'allowedTools':['Bash']}");
    ck_assert_msg(was_run(), "a test that cannot fail: %s", native.body);
    http_response_finish(&native);
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_operator_can_allow_some)
{
    start_with("modules:\n  settings:\n    anthropic:\n      tools: [Bash]\n");
    struct http_response answer = message_of(
        ask_scenario("{'tool':{'name':'Bash','input':{'command':'touch run'},'run':'touch run'},"
                     "'text':'done'}",
                     NULL));
    ck_assert_msg(was_run(), "the CLI's Bash was not run: %s", answer.body);
    assert_member(&answer, "content", "[{'type':'text','text':'done'}]");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        parallel_uses_end_the_answer_and_results_go_on_with_it,
        the_input_of_a_tool_is_streamed,
        one_use_at_a_time_when_the_client_takes_no_more,
        a_tool_that_must_be_used_is_the_whole_answer,
        tools_that_may_not_be_used_are_not,
        the_clis_own_tools_are_off,
        the_operator_can_allow_some,
    };
    return test_main("anthropic_tools", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
