/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the client on both endpoints: the calls, their results, a forced one, and none of
 * the CLI's own tools. */
#include "support/openai.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <unistd.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

#define CHAT_TOOLS                                                                                 \
    "'tools':[{'type':'function','function':{'name':'weather','description':'d','strict':true,"    \
    "'parameters':{'type':'object','properties':{'city':{'type':'string'}}}}},"                    \
    "{'type':'function','function':{'name':'time'}}]"
#define RESPONSES_TOOLS                                                                            \
    "'tools':[{'type':'function','name':'weather','description':'d','strict':true,"                \
    "'parameters':{'type':'object','properties':{'city':{'type':'string'}}}},"                     \
    "{'type':'function','name':'time','parameters':null}]"
#define CALL(tool, arguments) "{'server':'openai','name':'" tool "','arguments':" arguments "}"
#define TWO_CALLS                                                                                  \
    "{'call_host_tool':[" CALL("weather", "{'city':'Rome'}") "," CALL("time", "{}") "]}"

static json_int_t starts(void) {
    struct http_response health = http_get(gateway, "/health");
    json_int_t count = http_integer(&health, "pool.hits") + http_integer(&health, "pool.misses");
    http_response_finish(&health);
    return count;
}

/* ---- chat */

/* Adds the answer's message as clients do, as it came. */
static void keep_message(json_t *body, const struct http_response *answer) {
    json_array_append(json_object_get(body, "messages"), http_member(answer, "choices.0.message"));
}

static void give_result(json_t *body, const struct http_response *answer, const char *path,
                        const char *content) {
    json_array_append_new(json_object_get(body, "messages"),
                          json_pack("{ssssss}", "role", "tool", "tool_call_id",
                                    http_string(answer, path), "content", content));
}

START_TEST(calls_of_chat_end_the_answer_and_their_results_go_on)
{
    json_t *body = openai_chat("{" CHAT_TOOLS "}");
    openai_say_scenario(body, TWO_CALLS);
    struct http_response first = openai_send(gateway, CHAT, body);
    http_assert_status(&first, 200);
    ck_assert_str_eq(http_string(&first, "choices.0.finish_reason"), "tool_calls");
    ck_assert(json_is_null(http_member(&first, "choices.0.message.content")));
    ck_assert_str_eq(http_string(&first, "choices.0.message.tool_calls.0.type"), "function");
    openai_assert_json(http_member(&first, "choices.0.message.tool_calls.0.function"),
                       "{'name':'weather','arguments':'{\\\"city\\\":\\\"Rome\\\"}'}");
    openai_assert_json(http_member(&first, "choices.0.message.tool_calls.1.function"),
                       "{'name':'time','arguments':'{}'}");
    await_active_slots(gateway, 0, 5000); /* while it waits */
    const json_int_t taken = starts();
    keep_message(body, &first);
    give_result(body, &first, "choices.0.message.tool_calls.0.id", "rain");
    give_result(body, &first, "choices.0.message.tool_calls.1.id", "noon");
    struct http_response second = openai_send(gateway, CHAT, body);
    http_assert_status(&second, 200);
    ck_assert_str_eq(openai_text_of(&second), "rain\nnoon");
    ck_assert_str_eq(http_string(&second, "choices.0.finish_reason"), "stop");
    ck_assert_int_eq(starts(), taken); /* the same run */
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

START_TEST(calls_of_chat_are_streamed)
{
    struct sse_recording all = openai_stream(gateway, CHAT, TWO_CALLS, "{" CHAT_TOOLS "}");
    const char *const member = "choices.0.delta.tool_calls.0";
    const struct sse_event *begin = &all.events[1], *arguments = &all.events[2];
    ck_assert_ptr_nonnull(strstr(begin->data, "\"index\":0,\"id\":\"toolu_"));
    json_t *call = sse_member(begin, member);
    openai_assert_json(json_object_get(call, "function"), "{'name':'weather','arguments':''}");
    openai_assert_json(sse_member(arguments, member),
                       "{'index':0,'function':{'arguments':'{\\\"city\\\":\\\"Rome\\\"}'}}");
    openai_assert_json(sse_member(&all.events[3], "choices.0.delta.tool_calls.0.function.name"),
                       "'time'");
    openai_assert_json(sse_member(&all.events[4], member),
                       "{'index':1,'function':{'arguments':'{}'}}");
    ck_assert_str_eq(sse_string(&all.events[5], "choices.0.finish_reason"), "tool_calls");
    ck_assert_str_eq(all.events[6].data, "[DONE]");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(one_call_at_a_time_where_the_client_wants_no_more)
{
    struct http_response answer =
        openai_ask(gateway, CHAT, TWO_CALLS, "{'parallel_tool_calls':false," CHAT_TOOLS "}");
    ck_assert_uint_eq(json_array_size(http_member(&answer, "choices.0.message.tool_calls")), 1);
    http_response_finish(&answer);
}
END_TEST

START_TEST(results_of_a_run_that_is_gone_are_replayed)
{
    json_t *body = openai_chat("{" CHAT_TOOLS "}");
    openai_say(body, "user", "What is the weather?");
    openai_add(body, "{'role':'assistant','content':null,'tool_calls':[{'id':'call_1','type':"
                     "'function','function':{'name':'weather','arguments':'{}'}},{'id':'call_2',"
                     "'type':'function','function':{'name':'time','arguments':''}}]}");
    openai_add(body, "{'role':'tool','tool_call_id':'call_1','content':'rain'}");
    openai_add(body, "{'role':'tool','tool_call_id':'call_2','content':[{'type':'text',"
                     "'text':'noon'}]}");
    struct http_response answer = openai_send(gateway, CHAT, body);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(a_forced_function_is_the_whole_answer)
{
    static const char *const choices[] = {
        "{'tool_choice':{'type':'function','function':{'name':'weather'}}," CHAT_TOOLS "}",
        "{'tool_choice':'required','tools':[{'type':'function','function':{'name':'weather'}}]}",
    };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct http_response answer =
            openai_ask(gateway, CHAT, "{'object':{'city':'Oslo'},'text':'hidden'}", choices[i]);
        ck_assert_uint_eq(json_array_size(http_member(&answer, "choices.0.message.tool_calls")), 1);
        openai_assert_json(http_member(&answer, "choices.0.message.tool_calls.0.function"),
                           "{'name':'weather','arguments':'{\\\"city\\\":\\\"Oslo\\\"}'}");
        ck_assert_str_eq(http_string(&answer, "choices.0.finish_reason"), "tool_calls");
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(the_clis_own_tools_are_off)
{
    json_t *body = openai_chat("{" CHAT_TOOLS "}");
    json_t *state = openai_echoed(gateway, CHAT, body, "state");
    char *tools = json_dumps(json_object_get(state, "tools"), JSON_COMPACT);
    ck_assert_msg(!strstr(tools, "Bash") && !strstr(tools, "Read"), "%s", tools);
    free(tools);
    json_decref(state);
    json_decref(body);
}
END_TEST

/* The name is the client's: it is the client that is called, and nobody else. */
START_TEST(a_function_may_bear_the_name_of_a_tool_of_the_cli)
{
    struct http_response answer =
        openai_ask(gateway, CHAT, "{'call_host_tool':" CALL("Bash", "{'command':'touch x'}") "}",
                   "{'tools':[{'type':'function','function':{'name':'Bash'}}]}");
    openai_assert_json(http_member(&answer, "choices.0.message.tool_calls.0.function"),
                       "{'name':'Bash','arguments':'{\\\"command\\\":\\\"touch x\\\"}'}");
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_clis_tool_of_that_name_stays_off)
{
    char *mark = gateway_path(gateway, "mark");
    char *scenario = scratch_text(
        "{'tool':{'name':'Bash','input':{'command':'x'},'run':'touch %s'},'text':'y'}", mark);
    struct http_response answer = openai_ask(
        gateway, CHAT, scenario, "{'tools':[{'type':'function','function':{'name':'Bash'}}]}");
    ck_assert_int_ne(access(mark, F_OK), 0);
    http_response_finish(&answer);
    free(scenario);
    free(mark);
}
END_TEST

/* A number that no C type holds, in a schema and in what a model has said. */
START_TEST(numbers_may_be_large)
{
    static const char body[] =
        "{\"model\":\"sonnet\",\"messages\":[{\"role\":\"user\",\"content\":\"Count.\"},"
        "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
        "\"function\":{\"name\":\"count\",\"arguments\":"
        "\"{\\\"n\\\":123456789012345678901234567890}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"many\"}],"
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"count\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"maximum\":"
        "123456789012345678901234567890}}}}}]}";
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = CHAT, .body = body});
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

/* ---- responses */

START_TEST(calls_of_responses_are_items_and_their_outputs_go_on)
{
    json_t *body = openai_response("{" RESPONSES_TOOLS "}");
    openai_say_scenario(body, TWO_CALLS);
    struct http_response first = openai_send(gateway, RESPONSES, body);
    http_assert_status(&first, 200);
    ck_assert_str_eq(http_string(&first, "status"), "completed");
    ck_assert_str_eq(http_string(&first, "output.0.type"), "function_call");
    ck_assert_str_eq(http_string(&first, "output.0.name"), "weather");
    ck_assert_str_eq(http_string(&first, "output.0.arguments"), "{\"city\":\"Rome\"}");
    ck_assert_str_eq(http_string(&first, "output.1.arguments"), "{}");
    const json_int_t taken = starts();
    json_array_extend(json_object_get(body, "input"), http_member(&first, "output"));
    for (int i = 0; i < 2; i++) {
        char *path = scratch_text("output.%d.call_id", i);
        json_array_append_new(json_object_get(body, "input"),
                              json_pack("{ssssss}", "type", "function_call_output", "call_id",
                                        http_string(&first, path), "output", "rain"));
        free(path);
    }
    struct http_response second = openai_send(gateway, RESPONSES, body);
    http_assert_status(&second, 200);
    ck_assert_str_eq(openai_text_of(&second), "rain\nrain");
    ck_assert_int_eq(starts(), taken); /* the same run */
    http_response_finish(&second);
    http_response_finish(&first);
    json_decref(body);
}
END_TEST

START_TEST(calls_of_responses_are_streamed)
{
    struct sse_recording all =
        openai_stream(gateway, RESPONSES, TWO_CALLS, "{" RESPONSES_TOOLS "}");
    sse_assert_outline(&all, "response.created response.in_progress response.output_item.added "
                             "response.function_call_arguments.delta "
                             "response.function_call_arguments.done response.output_item.done "
                             "response.output_item.added response.function_call_arguments.delta "
                             "response.function_call_arguments.done response.output_item.done "
                             "response.completed");
    const struct sse_event *done = sse_find(&all, "response.function_call_arguments.done");
    ck_assert_str_eq(sse_string(done, "arguments"), "{\"city\":\"Rome\"}");
    ck_assert_str_eq(sse_string(done, "name"), "weather");
    ck_assert(json_equal(sse_member(sse_find(&all, "response.completed"), "response.output.0"),
                         sse_member(sse_find(&all, "response.output_item.done"), "item")));
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_forced_function_of_responses)
{
    struct http_response answer =
        openai_ask(gateway, RESPONSES, "{'object':{'city':'Oslo'}}",
                   "{'tool_choice':{'type':'function','name':'weather'}," RESPONSES_TOOLS "}");
    ck_assert_str_eq(http_string(&answer, "output.0.arguments"), "{\"city\":\"Oslo\"}");
    ck_assert_uint_eq(json_array_size(http_member(&answer, "output")), 1);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        calls_of_chat_end_the_answer_and_their_results_go_on,
        calls_of_chat_are_streamed,
        one_call_at_a_time_where_the_client_wants_no_more,
        results_of_a_run_that_is_gone_are_replayed,
        a_forced_function_is_the_whole_answer,
        the_clis_own_tools_are_off,
        a_function_may_bear_the_name_of_a_tool_of_the_cli,
        the_clis_tool_of_that_name_stays_off,
        numbers_may_be_large,
        calls_of_responses_are_items_and_their_outputs_go_on,
        calls_of_responses_are_streamed,
        a_forced_function_of_responses,
    };
    return test_main("openai_functions", setup, teardown, tests, sizeof tests / sizeof *tests);
}
