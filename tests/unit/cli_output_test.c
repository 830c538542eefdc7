/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CLI's lines, as versions 2.1.197 and 2.1.330 write them, and what each of them tells.
 */
#include "cli_output_fixture.h"

static struct told told;

static void setup(void) {
    told_init(&told);
}

static void teardown(void) {
    told_finish(&told);
}

#define SESSION "\"session_id\":\"5b1c2f7e-0000-8000-8000-0123456789ab\""
#define MAIN "," SESSION ",\"parent_tool_use_id\":null,\"uuid\":\"c0e7a8b1\"}"
#define SUB "," SESSION ",\"parent_tool_use_id\":\"toolu_9\",\"uuid\":\"c0e7a8b1\"}"
#define EVENT "{\"type\":\"stream_event\",\"event\":"
#define DELTA(index, delta)                                                                        \
    EVENT "{\"type\":\"content_block_delta\",\"index\":" index ",\"delta\":" delta "}"
#define TEXT_DELTA(text) DELTA("0", "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define OBJECT_DELTA(index, text)                                                                  \
    DELTA(index, "{\"type\":\"input_json_delta\",\"partial_json\":\"" text "\"}")
#define BLOCK_START(index, block)                                                                  \
    EVENT "{\"type\":\"content_block_start\",\"index\":" index ",\"content_block\":" block "}"
#define STRUCTURED                                                                                 \
    "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"StructuredOutput\",\"input\":{}}"
#define BASH "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"Bash\",\"input\":{}}"
#define ASSISTANT(id, block)                                                                       \
    "{\"type\":\"assistant\",\"message\":{\"id\":\"" id                                            \
    "\",\"model\":\"claude-x-1\",\"content\":["                                                    \
    "" block "]},\"parent_tool_use_id\":null," SESSION "}"
#define MESSAGE_START                                                                              \
    EVENT "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","        \
          "\"role\":\"assistant\",\"model\":\"claude-x-1\",\"content\":[],\"stop_reason\":null,"   \
          "\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}" MAIN

START_TEST(a_turn_of_text)
{
    expect(&told,
           "{\"type\":\"system\",\"subtype\":\"init\",\"cwd\":\"/tmp\"," SESSION
           ",\"tools\":[],\"model\":\"claude-x-1\"}",
           "init 5b1c2f7e-0000-8000-8000-0123456789ab claude-x-1\n");
    expect(&told, "{\"type\":\"system\",\"subtype\":\"status\",\"status\":\"requesting\"}", "");
    expect(&told, MESSAGE_START, "");
    expect(&told, BLOCK_START("0", "{\"type\":\"text\",\"text\":\"\"}") MAIN, "");
    expect(&told, TEXT_DELTA("Grüße ") MAIN, "text Grüße \n");
    expect(&told, TEXT_DELTA("\\\"x\\\" \\ud83d\\ude00\\n") MAIN, "text \"x\" 😀\n\n");
    expect(&told,
           "{\"type\":\"assistant\",\"message\":{\"model\":\"claude-x-1\",\"content\":[{\"type\":"
           "\"text\",\"text\":\"Grüße\"}]},\"parent_tool_use_id\":null," SESSION "}",
           "");
    expect(&told, EVENT "{\"type\":\"content_block_stop\",\"index\":0}" MAIN, "");
    expect(&told,
           EVENT "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                 "\"usage\":{\"output_tokens\":5}}" MAIN,
           "");
    expect(&told, EVENT "{\"type\":\"message_stop\"}" MAIN,
           "message claude-x-1 end_turn tools=0 in=10 out=5\n");
}
END_TEST

START_TEST(thinking_and_what_means_nothing_here)
{
    expect(&told, DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"hmm\"}") MAIN,
           "thinking hmm\n");
    expect(&told, DELTA("0", "{\"type\":\"signature_delta\",\"signature\":\"c3Q=\"}") MAIN, "");
    expect(&told, DELTA("0", "{\"type\":\"future_delta\",\"text\":\"no\"}") MAIN, "");
    expect(&told, TEXT_DELTA("") MAIN, "");
    expect(&told, "{\"type\":\"system\",\"subtype\":\"thinking_tokens\",\"estimated_tokens\":1}",
           "");
    expect(&told, "{\"type\":\"keep_alive\"}", "");
    expect(&told, EVENT "{\"type\":\"ping\"}" MAIN, "");
    expect(&told, EVENT "null" MAIN, "");
}
END_TEST

START_TEST(a_structured_object_comes_in_pieces)
{
    expect(&told, MESSAGE_START, "");
    expect(&told, BLOCK_START("0", STRUCTURED) MAIN, "object\n");
    expect(&told, OBJECT_DELTA("0", "") MAIN, "");
    expect(&told, OBJECT_DELTA("0", "{\\\"n\\\":") MAIN, "delta {\"n\":\n");
    expect(&told, OBJECT_DELTA("0", "4}") MAIN, "delta 4}\n");
    expect(&told, EVENT "{\"type\":\"content_block_stop\",\"index\":0}" MAIN, "");
    expect(&told, OBJECT_DELTA("0", "late") MAIN, "");
}
END_TEST

START_TEST(a_rejected_object_starts_anew)
{
    expect(&told, BLOCK_START("1", STRUCTURED) MAIN, "object\n");
    expect(&told, OBJECT_DELTA("1", "{}") MAIN, "delta {}\n");
    expect(&told, EVENT "{\"type\":\"message_stop\"}" MAIN, "message   tools=0 in=0 out=0\n");
    expect(&told,
           "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
           "\"toolu_1\",\"is_error\":true,\"content\":\"Output does not match\"}]}}",
           "");
    expect(&told, MESSAGE_START, "");
    expect(&told, OBJECT_DELTA("1", "not yet") MAIN, "");
    expect(&told, BLOCK_START("0", STRUCTURED) MAIN, "object\n");
    expect(&told, OBJECT_DELTA("0", "{\\\"n\\\":1}") MAIN, "delta {\"n\":1}\n");
}
END_TEST

START_TEST(other_tools_do_not_mix_into_the_object)
{
    expect(&told, BLOCK_START("0", STRUCTURED) MAIN, "object\n");
    expect(&told, BLOCK_START("1", BASH) MAIN,
           "tool started toolu_2 name=Bash input= output= error=0 parent=\n");
    expect(&told, OBJECT_DELTA("1", "{\\\"command\\\":") MAIN, "");
    expect(&told, BLOCK_START("0", STRUCTURED) SUB, "");
    expect(&told, OBJECT_DELTA("0", "of a sub-agent") SUB, "");
    expect(&told, OBJECT_DELTA("0", "mine") MAIN, "delta mine\n");
}
END_TEST

START_TEST(a_tool_starts_has_its_input_and_ends)
{
    expect(&told, MESSAGE_START, "");
    expect(&told, BLOCK_START("0", BASH) MAIN,
           "tool started toolu_2 name=Bash input= output= error=0 parent=\n");
    expect(&told,
           "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"tool_use\",\"id\":"
           "\"toolu_2\",\"name\":\"Bash\",\"input\":{\"timeout\":0.1,\"n\":100000000000000000000}}"
           "]},\"parent_tool_use_id\":null}",
           "tool input toolu_2 name=Bash input={\"timeout\":0.1,\"n\":100000000000000000000} "
           "output= error=0 parent=\n");
    expect(&told,
           EVENT "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}" MAIN, "");
    expect(&told, EVENT "{\"type\":\"message_stop\"}" MAIN,
           "message claude-x-1 tool_use tools=1 in=10 out=1\n");
    expect(&told,
           "{\"type\":\"user\",\"message\":{\"content\":[{\"tool_use_id\":\"toolu_2\",\"type\":"
           "\"tool_result\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}],\"is_error\":false}]}"
           ",\"parent_tool_use_id\":null}",
           "tool ended toolu_2 name= input= output=[{\"type\":\"text\",\"text\":\"hi\"}] error=0 "
           "parent=\n");
}
END_TEST

START_TEST(a_tool_is_told_once)
{
    const char *whole = "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"tool_use\","
                        "\"id\":\"toolu_3\",\"name\":\"Read\",\"input\":{}}]}}";
    const char *ended = "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\","
                        "\"tool_use_id\":\"toolu_3\",\"is_error\":true}]}}";
    expect(&told, whole,
           "tool started toolu_3 name=Read input= output= error=0 parent=\n"
           "tool input toolu_3 name=Read input={} output= error=0 parent=\n");
    expect(&told, whole, "");
    expect(&told, ended, "tool ended toolu_3 name= input= output=\"\" error=1 parent=\n");
    expect(&told, ended, "");
}
END_TEST

START_TEST(many_tools_are_open_at_once)
{
    char line[256];
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line,
                 BLOCK_START("0", "{\"type\":\"tool_use\",\"id\":\"t%d\",\"name\":\"B\"}") MAIN, i);
        told_line(&told, line);
    }
    told_take(&told);
    for (int i = 0; i < 100; i++) {
        char expected[128];
        snprintf(line, sizeof line,
                 "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\","
                 "\"tool_use_id\":\"t%d\",\"content\":\"%d\"}]}}",
                 i, i);
        snprintf(expected, sizeof expected,
                 "tool ended t%d name= input= output=\"%d\" error=0 parent=\n", i, i);
        expect(&told, line, expected);
    }
}
END_TEST

START_TEST(of_sub_agents_only_tools_are_told)
{
    expect(&told, TEXT_DELTA("secret thoughts") SUB, "");
    expect(&told, BLOCK_START("0", BASH) SUB,
           "tool started toolu_2 name=Bash input= output= error=0 parent=toolu_9\n");
    expect(&told, EVENT "{\"type\":\"message_stop\"}" SUB, "");
    expect(&told,
           "{\"type\":\"assistant\",\"message\":{\"model\":\"small\",\"content\":[{\"type\":"
           "\"tool_use\",\"id\":\"toolu_2\",\"name\":\"Bash\",\"input\":{\"command\":\"ls\"}}]},"
           "\"parent_tool_use_id\":\"toolu_9\"}",
           "tool input toolu_2 name=Bash input={\"command\":\"ls\"} output= error=0 "
           "parent=toolu_9\n");
}
END_TEST

START_TEST(a_retry)
{
    expect(&told,
           "{\"type\":\"system\",\"subtype\":\"api_retry\",\"attempt\":1,\"max_retries\":10,"
           "\"retry_delay_ms\":604.5450174301411,\"error_status\":529,\"error\":\"overloaded\"}",
           "retry 1/10 status=529 delay=604\n");
    expect(&told,
           "{\"type\":\"system\",\"subtype\":\"api_retry\",\"attempt\":-1,\"max_retries\":1e300,"
           "\"error_status\":null}",
           "retry 0/4294967295 status=0 delay=0\n");
}
END_TEST

START_TEST(control_requests)
{
    expect(&told,
           "{\"type\":\"control_request\",\"request_id\":\"041f\",\"request\":{\"subtype\":"
           "\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{\"command\":\"touch z\",\"t\":0.1},"
           "\"permission_suggestions\":[{\"input\":{}}],\"tool_use_id\":\"toolu_1_0\"}}",
           "can_use_tool 041f Bash {\"command\":\"touch z\",\"t\":0.1} toolu_1_0\n");
    expect(&told,
           "{\"type\":\"control_request\",\"request_id\":\"2\",\"request\":{\"subtype\":"
           "\"mcp_message\",\"server_name\":\"koine\",\"message\":{\"method\":\"tools/list\","
           "\"jsonrpc\":\"2.0\",\"id\":1}}}",
           "mcp 2 koine {\"method\":\"tools/list\",\"jsonrpc\":\"2.0\",\"id\":1}\n");
    expect(&told,
           "{\"type\":\"control_request\",\"request_id\":\"3\",\"request\":{\"subtype\":"
           "\"hook_callback\"}}",
           "unknown 3 hook_callback\n");
    expect(&told, "{\"type\":\"control_request\",\"request_id\":\"4\"}", "unknown 4 \n");
    expect(&told, "{\"type\":\"control_request\",\"request\":{\"subtype\":\"can_use_tool\"}}", "");
    expect(&told, "{\"type\":\"control_cancel_request\",\"request_id\":\"041f\"}",
           "cancelled 041f\n");
}
END_TEST

START_TEST(a_question_without_input_is_still_asked)
{
    expect(&told,
           "{\"type\":\"control_request\",\"request_id\":\"1\",\"request\":{\"subtype\":"
           "\"can_use_tool\",\"tool_name\":\"Bash\"}}",
           "can_use_tool 1 Bash {} \n");
    expect(&told,
           "{\"type\":\"control_request\",\"request_id\":\"1\",\"request\":{\"subtype\":"
           "\"can_use_tool\",\"tool_name\":\"Bash\",\"inp\\u0075t\":{\"a\":1}}}",
           "can_use_tool 1 Bash {\"a\":1} \n");
}
END_TEST

START_TEST(control_responses)
{
    expect(&told,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":"
           "\"r1\",\"response\":{\"commands\":[]}}}",
           "response r1 ok\n");
    expect(&told,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"error\",\"request_id\":"
           "\"r2\",\"error\":\"nope\"}}",
           "response r2 error: nope\n");
    expect(&told,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"error\",\"request_id\":"
           "\"r3\"}}",
           "response r3 error: no reason given\n");
    expect(&told,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":"
           "\"r4\",\"response\":{\"categories\":[],\"totalTokens\":20}}}",
           "response r4 ok tokens=20\n");
    expect(&told,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":"
           "\"r5\",\"response\":{\"totalTokens\":\"20\"}}}",
           "response r5 ok\n");
    expect(&told,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":"
           "\"r6\",\"response\":{\"mcpServers\":[{\"status\":\"pending\"},{\"status\":"
           "\"connected\"},7]}}}",
           "response r6 ok pending=1\n");
}
END_TEST

/* ---- results */

#define USAGE                                                                                      \
    "\"usage\":{\"input_tokens\":10,\"cache_creation_input_tokens\":3,"                            \
    "\"cache_read_input_tokens\":2,\"output_tokens\":5,\"service_tier\":\"standard\"}"

START_TEST(a_result_of_the_older_version)
{
    expect(&told,
           "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,"
           "\"api_error_status\":null,\"duration_ms\":78,\"num_turns\":1,\"result\":\"Grüße\","
           "\"stop_reason\":\"end_turn\"," SESSION ",\"total_cost_usd\":0.000175," USAGE
           ",\"modelUsage\":{\"small\":{\"outputTokens\":1},\"claude-x-1\":{\"outputTokens\":5}},"
           "\"permission_denials\":[],\"terminal_reason\":\"completed\"}",
           "result success error=0 status=0 text=Grüße object= "
           "session=5b1c2f7e-0000-8000-8000-0123456789ab model=claude-x-1 stop=end_turn "
           "denials=[] errors= usage=10,5,2,3 cost=0.000175 turns=1\n");
}
END_TEST

START_TEST(a_result_of_the_newer_version_with_an_object)
{
    expect(&told, MESSAGE_START, "");
    expect(&told,
           "{\"duration_api_ms\":45,\"stop_reason\":\"tool_use\",\"modelUsage\":{\"yesterdays\":"
           "{\"outputTokens\":500}},\"is_error\":false,\"num_turns\":2,\"subtype\":\"success\","
           "\"result\":\"{\\\"n\\\":0.1}\",\"structured_output\":{\"n\":0.1},\"type\":\"result\"}",
           "result success error=0 status=0 text={\"n\":0.1} object={\"n\":0.1} session= "
           "model=claude-x-1 stop=tool_use denials=[] errors= usage=0,0,0,0 cost=0 turns=2\n");
}
END_TEST

/* Before the prompt of a session in which a task was left in the background. */
START_TEST(a_result_of_a_turn_that_nobody_asked_for_is_none)
{
    expect(&told,
           "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"num_turns\":0,"
           "\"result\":\"\"," USAGE ",\"origin\":{\"kind\":\"task-notification\"}}",
           "");
    expect(&told,
           "{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"x\",\"origin\":{\"kind\":"
           "\"human\"}}",
           "result success error=0 status=0 text=x object= session= model= stop= denials=[] "
           "errors= usage=0,0,0,0 cost=0 turns=0\n");
}
END_TEST

START_TEST(an_object_may_be_any_value_but_null)
{
    expect(&told, "{\"type\":\"result\",\"subtype\":\"success\",\"structured_output\":[1, \"}\"]}",
           "result success error=0 status=0 text= object=[1, \"}\"] session= model= stop= "
           "denials=[] errors= usage=0,0,0,0 cost=0 turns=0\n");
    expect(&told, "{\"type\":\"result\",\"subtype\":\"success\",\"structured_output\":null}",
           "result success error=0 status=0 text= object= session= model= stop= denials=[] "
           "errors= usage=0,0,0,0 cost=0 turns=0\n");
}
END_TEST

/* Where its stream fails the CLI asks the API for the whole message at once. */
START_TEST(a_message_that_was_not_streamed)
{
    expect(&told, MESSAGE_START, "");
    expect(&told, ASSISTANT("msg_1", "{\"type\":\"text\",\"text\":\"streamed\"}"), "");
    expect(&told, ASSISTANT("msg_2", "{\"type\":\"text\",\"text\":\"whole\"}"), "text whole\n");
    expect(&told,
           ASSISTANT("msg_2", "{\"type\":\"tool_use\",\"id\":\"toolu_9\",\"name\":"
                              "\"StructuredOutput\",\"input\":{\"n\": 1.0}}"),
           "object\ndelta {\"n\": 1.0}\n");
    expect(&told, MESSAGE_START, "");
    expect(&told, ASSISTANT("msg_1", "{\"type\":\"text\",\"text\":\"streamed\"}"), "");
}
END_TEST

START_TEST(a_failure_of_the_api)
{
    expect(&told, MESSAGE_START, "");
    expect(&told,
           "{\"type\":\"assistant\",\"message\":{\"model\":\"<synthetic>\",\"content\":[{\"type\":"
           "\"text\",\"text\":\"API Error\"}]},\"parent_tool_use_id\":null}",
           "");
    expect(&told,
           "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"api_error_status\":529"
           ",\"result\":\"API Error: 529\",\"stop_reason\":\"stop_sequence\"}",
           "result success error=1 status=529 text=API Error: 529 object= session= "
           "model=claude-x-1 stop=stop_sequence denials=[] errors= usage=0,0,0,0 cost=0 turns=0\n");
}
END_TEST

START_TEST(every_other_end)
{
    static const char *const subtypes[] = {"error_max_turns", "error_during_execution",
                                           "error_max_budget_usd",
                                           "error_max_structured_output_retries"};
    for (size_t i = 0; i < sizeof subtypes / sizeof *subtypes; i++) {
        char line[256];
        char expected[256];
        snprintf(line, sizeof line,
                 "{\"type\":\"result\",\"subtype\":\"%s\",\"is_error\":true,\"num_turns\":3,"
                 "\"stop_reason\":null,\"errors\":[\"Reached ($0.5)\"]}",
                 subtypes[i]);
        snprintf(expected, sizeof expected,
                 "result %s error=1 status=0 text= object= session= model= stop= denials=[] "
                 "errors=[\"Reached ($0.5)\"] usage=0,0,0,0 cost=0 turns=3\n",
                 subtypes[i]);
        expect(&told, line, expected);
    }
}
END_TEST

START_TEST(denials_are_handed_on_as_written)
{
    expect(&told,
           "{\"type\":\"result\",\"subtype\":\"success\",\"permission_denials\":[{\"tool_name\":"
           "\"Bash\",\"tool_use_id\":\"toolu_13_0\",\"tool_input\":{\"timeout\":0.1}}]}",
           "result success error=0 status=0 text= object= session= model= stop= "
           "denials=[{\"tool_name\":\"Bash\",\"tool_use_id\":\"toolu_13_0\",\"tool_input\":"
           "{\"timeout\":0.1}}] errors= usage=0,0,0,0 cost=0 turns=0\n");
}
END_TEST

START_TEST(a_new_turn_knows_nothing_of_the_last)
{
    told_line(&told, MESSAGE_START);
    told_line(&told, BLOCK_START("0", BASH) MAIN);
    told_line(&told, BLOCK_START("1", STRUCTURED) MAIN);
    told_take(&told);
    cli_output_reset(told.output);
    expect(&told, OBJECT_DELTA("1", "{}") MAIN, "");
    expect(&told, EVENT "{\"type\":\"message_stop\"}" MAIN, "message   tools=0 in=0 out=0\n");
    expect(&told,
           "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\","
           "\"tool_use_id\":\"toolu_2\"}]}}",
           "");
}
END_TEST

/* ---- what is no protocol */

START_TEST(lines_that_are_no_objects_are_stray)
{
    static const char *const lines[] = {"",
                                        "Segmentation fault",
                                        "[1]",
                                        "null",
                                        "{",
                                        "{} {}",
                                        "{\"type\":1}",
                                        "{\"a\":\"b\"}",
                                        "{\"type\":null}",
                                        "{\"type\":\"result\"",
                                        "{\"a\":1,}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "stray %s\n", lines[i]);
        expect(&told, lines[i], expected);
    }
}
END_TEST

START_TEST(a_schema_that_was_taken_shows_as_a_tool)
{
    expect(&told,
           "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"m\","
           "\"tools\":[\"Bash\",\"StructuredOutput\"]}",
           "init s m takes an object\n");
    expect(&told,
           "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"m\","
           "\"tools\":[\"Bash\",7]}",
           "init s m\n");
    expect(&told,
           "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\",\"model\":\"m\","
           "\"tools\":\"StructuredOutput\"}",
           "init s m\n");
}
END_TEST

START_TEST(a_carriage_return_at_the_end_does_no_harm)
{ expect(&told, TEXT_DELTA("x") MAIN "\r", "text x\n"); }
END_TEST

START_TEST(members_that_have_the_wrong_type_are_not_believed)
{
    expect(&told, "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":1,\"model\":[]}",
           "init  \n");
    expect(&told, "{\"type\":\"assistant\",\"message\":[]}", "");
    expect(&told, "{\"type\":\"assistant\",\"message\":{\"content\":[1,{\"type\":2}]}}", "");
    expect(&told, "{\"type\":\"user\",\"message\":{\"content\":\"hello\"}}", "");
    expect(&told, DELTA("0", "{\"type\":\"text_delta\",\"text\":7}") MAIN, "");
    expect(&told, BLOCK_START("-1", STRUCTURED) MAIN, "");
    expect(&told, OBJECT_DELTA("-1", "x") MAIN, "");
    expect(&told,
           "{\"type\":\"result\",\"subtype\":7,\"is_error\":\"yes\",\"result\":{},\"usage\":"
           "{\"input_tokens\":-5,\"output_tokens\":\"6\"},\"errors\":\"x\",\"num_turns\":1e99}",
           "result  error=0 status=0 text= object= session= model= stop= denials=[] errors= "
           "usage=0,0,0,0 cost=0 turns=4294967295\n");
}
END_TEST

START_TEST(half_a_surrogate_pair_costs_one_character)
{
    expect(&told, TEXT_DELTA("a\\ud83d") MAIN, "text a\xEF\xBF\xBD\n");
    expect(&told, TEXT_DELTA("\\ude00b") MAIN,
           "text \xEF\xBF\xBD"
           "b\n");
    expect(&told, TEXT_DELTA("\\ud83d\\ud83d\\ude00") MAIN, "text \xEF\xBF\xBD😀\n");
    expect(&told, TEXT_DELTA("\\\\ud83d") MAIN, "text \\ud83d\n");
    expect(&told, TEXT_DELTA("\\ud83dx\\ude00") MAIN, "text \xEF\xBF\xBDx\xEF\xBF\xBD\n");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_replaced)
{
    expect(&told,
           TEXT_DELTA("a\xFF"
                      "b") MAIN,
           "text a\xEF\xBF\xBD"
           "b\n");
    expect(&told, TEXT_DELTA("\xED\xA0\xBD") MAIN, "text \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n");
    expect(&told, "{\"type\":\"\xC3", "stray {\"type\":\"\xC3\n");
}
END_TEST

START_TEST(a_zero_character_is_text)
{
    static const char line[] = TEXT_DELTA("a\\u0000b") MAIN;
    ck_assert_int_eq(told_bytes(&told, line, sizeof line - 1), 0);
    fflush(told.to);
    ck_assert_mem_eq(told.text, "text a\0b\n", 9);
}
END_TEST

START_TEST(a_zero_byte_is_not_json)
{
    static const char line[] = TEXT_DELTA("a\0b") MAIN;
    ck_assert_int_eq(told_bytes(&told, line, sizeof line - 1), 0);
    ck_assert_int_eq(strncmp(told_take(&told), "stray ", 6), 0);
}
END_TEST

START_TEST(deep_nesting_is_refused_not_followed)
{
    const size_t depth = 1000000;
    char *line = malloc(depth + 32);
    ck_assert_ptr_nonnull(line);
    int begin = sprintf(line, "{\"type\":\"user\",\"x\":");
    memset(line + begin, '[', depth);
    line[begin + depth] = '\0';
    told_line(&told, line);
    ck_assert_int_eq(strncmp(told_take(&told), "stray ", 6), 0);
    free(line);
}
END_TEST

START_TEST(a_line_of_32_mib_is_read)
{
    const size_t size = 32u << 20;
    char *line = malloc(size + 512);
    ck_assert_ptr_nonnull(line);
    size_t at = (size_t)sprintf(line, DELTA("0", "{\"type\":\"text_delta\",\"text\":\""));
    at -= 1; /* the macro closes the event */
    memset(line + at, 'x', size);
    at += size;
    at += (size_t)sprintf(line + at, "\"}}%s", MAIN);
    ck_assert_int_eq(cli_output_line(told.output, line, at), 0);
    fflush(told.to);
    ck_assert_uint_eq(told.size, size + strlen("text \n"));
    free(line);
}
END_TEST

START_TEST(nobody_needs_to_listen)
{
    static const struct cli_output_callbacks deaf = {.stray = NULL};
    static const char *const lines[] = {
        TEXT_DELTA("x") MAIN,
        BLOCK_START("0", STRUCTURED) MAIN,
        BLOCK_START("1", BASH) MAIN,
        EVENT "{\"type\":\"message_stop\"}" MAIN,
        "{\"type\":\"system\",\"subtype\":\"init\"}",
        "{\"type\":\"result\"}",
        "{\"type\":\"control_request\",\"request_id\":\"1\",\"request\":{}}",
        "{\"type\":\"control_response\",\"response\":{\"request_id\":\"1\"}}",
        "stray",
    };
    struct cli_output *output = cli_output_create(&deaf, NULL);
    ck_assert_ptr_nonnull(output);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *line = strdup(lines[i]);
        ck_assert_int_eq(cli_output_line(output, line, strlen(line)), 0);
        free(line);
    }
    cli_output_destroy(output);
    cli_output_destroy(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli_output");
    TCase *turns = tcase_create("turns");
    TCase *results = tcase_create("results");
    TCase *garbage = tcase_create("garbage");
    tcase_add_checked_fixture(turns, setup, teardown);
    tcase_add_checked_fixture(results, setup, teardown);
    tcase_add_checked_fixture(garbage, setup, teardown);
    tcase_set_timeout(garbage, 60);
    tcase_add_test(turns, a_turn_of_text);
    tcase_add_test(turns, thinking_and_what_means_nothing_here);
    tcase_add_test(turns, a_structured_object_comes_in_pieces);
    tcase_add_test(turns, a_rejected_object_starts_anew);
    tcase_add_test(turns, other_tools_do_not_mix_into_the_object);
    tcase_add_test(turns, a_tool_starts_has_its_input_and_ends);
    tcase_add_test(turns, a_tool_is_told_once);
    tcase_add_test(turns, many_tools_are_open_at_once);
    tcase_add_test(turns, of_sub_agents_only_tools_are_told);
    tcase_add_test(turns, a_retry);
    tcase_add_test(turns, control_requests);
    tcase_add_test(turns, a_question_without_input_is_still_asked);
    tcase_add_test(turns, control_responses);
    tcase_add_test(results, a_result_of_the_older_version);
    tcase_add_test(results, a_result_of_the_newer_version_with_an_object);
    tcase_add_test(results, a_result_of_a_turn_that_nobody_asked_for_is_none);
    tcase_add_test(results, an_object_may_be_any_value_but_null);
    tcase_add_test(results, a_message_that_was_not_streamed);
    tcase_add_test(results, a_failure_of_the_api);
    tcase_add_test(results, every_other_end);
    tcase_add_test(results, denials_are_handed_on_as_written);
    tcase_add_test(results, a_new_turn_knows_nothing_of_the_last);
    tcase_add_test(garbage, lines_that_are_no_objects_are_stray);
    tcase_add_test(garbage, a_schema_that_was_taken_shows_as_a_tool);
    tcase_add_test(garbage, a_carriage_return_at_the_end_does_no_harm);
    tcase_add_test(garbage, members_that_have_the_wrong_type_are_not_believed);
    tcase_add_test(garbage, half_a_surrogate_pair_costs_one_character);
    tcase_add_test(garbage, bytes_that_are_no_utf8_are_replaced);
    tcase_add_test(garbage, a_zero_character_is_text);
    tcase_add_test(garbage, a_zero_byte_is_not_json);
    tcase_add_test(garbage, deep_nesting_is_refused_not_followed);
    tcase_add_test(garbage, a_line_of_32_mib_is_read);
    tcase_add_test(garbage, nobody_needs_to_listen);
    suite_add_tcase(suite, turns);
    suite_add_tcase(suite, results);
    suite_add_tcase(suite, garbage);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
