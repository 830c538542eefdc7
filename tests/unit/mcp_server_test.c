/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation that the CLI has with the tools of modules, message by message. */
#include "runner/mcp_server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NONE ((struct koine_text){NULL, 0})

static char weather[] = "weather";
static char weather_does[] = "Tells the \"weather\"";
static char weather_takes[] = "{\"type\":\"object\",\n\"properties\":{\"city\":{\"minLength\":1}}}";
static char clock_name[] = "clock";
static const struct mcp_tool tools[] = {{weather, weather_does, weather_takes, false},
                                        {clock_name, NULL, NULL, true}};

#define HINTS ",\"_meta\":{\"anthropic/alwaysLoad\":true}}"
#define PARALLEL ",\"annotations\":{\"readOnlyHint\":true}"

static void read_message(struct mcp_request *request, const char *message) {
    struct koine_text text = {message, strlen(message)};
    ck_assert_int_eq(mcp_request_read(request, text, "koine", tools, 2), 0);
}

static void expect_answer(const char *message, const char *response) {
    struct mcp_request request;
    read_message(&request, message);
    ck_assert_int_eq(request.what, MCP_ANSWERED);
    ck_assert_str_eq(request.response, response);
    mcp_request_finish(&request);
}

static void expect_nothing(const char *message) {
    struct mcp_request request;
    read_message(&request, message);
    ck_assert_int_eq(request.what, MCP_NOTIFICATION);
    ck_assert_ptr_null(request.response);
    mcp_request_finish(&request);
}

START_TEST(the_handshake)
{
    expect_answer("{\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\","
                  "\"capabilities\":{},\"clientInfo\":{}},\"jsonrpc\":\"2.0\",\"id\":0}",
                  "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-11-25\","
                  "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"koine\","
                  "\"version\":\"" KOINE_VERSION "\"}}}");
    expect_nothing("{\"method\":\"notifications/initialized\",\"jsonrpc\":\"2.0\"}");
    expect_answer(
        "{\"method\":\"initialize\",\"id\":\"a\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"protocolVersion\":\"2024-11-05\","
        "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"koine\","
        "\"version\":\"" KOINE_VERSION "\"}}}");
    expect_answer("{\"method\":\"ping\",\"id\":7}", "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
}
END_TEST

START_TEST(the_list_of_tools)
{
    expect_answer(
        "{\"method\":\"tools/list\",\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"weather\","
        "\"description\":\"Tells the \\\"weather\\\"\",\"inputSchema\":"
        "{\"type\":\"object\", \"properties\":{\"city\":{\"minLength\":1}}}" PARALLEL HINTS
        ",{\"name\":\"clock\",\"inputSchema\":{\"type\":\"object\"}" HINTS "]}}");
}
END_TEST

START_TEST(a_call_is_handed_on)
{
    struct mcp_request request;
    read_message(
        &request,
        "{\"method\":\"tools/call\",\"params\":{\"name\":\"clock\",\"arguments\":{\"a\":0.1,"
        "\"b\":\"}\"},\"_meta\":{\"claudecode/toolUseId\":\"toolu_1_0\","
        "\"progressToken\":2}},\"jsonrpc\":\"2.0\",\"id\":2}");
    ck_assert_int_eq(request.what, MCP_CALL);
    ck_assert_uint_eq(request.tool, 1);
    ck_assert_str_eq(request.id, "2");
    ck_assert_str_eq(request.arguments, "{\"a\":0.1,\"b\":\"}\"}");
    ck_assert_str_eq(request.tool_use_id, "toolu_1_0");
    ck_assert_ptr_null(request.response);
    mcp_request_finish(&request);
}
END_TEST

START_TEST(a_call_may_say_little)
{
    static const char *const calls[] = {
        "{\"method\":\"tools/call\",\"params\":{\"name\":\"weather\"},\"id\":\"\\u0041\"}",
        "{\"method\":\"tools/call\",\"params\":{\"name\":\"weather\",\"arguments\":null},"
        "\"id\":\"\\u0041\"}"};
    for (size_t i = 0; i < 2; i++) {
        struct mcp_request request;
        read_message(&request, calls[i]);
        ck_assert_int_eq(request.what, MCP_CALL);
        ck_assert_uint_eq(request.tool, 0);
        ck_assert_str_eq(request.id, "\"\\u0041\"");
        ck_assert_str_eq(request.arguments, "{}");
        ck_assert_ptr_null(request.tool_use_id);
        mcp_request_finish(&request);
    }
}
END_TEST

START_TEST(numbers_beyond_64_bits_survive)
{
    struct mcp_request request;
    read_message(&request, "{\"method\":\"tools/call\",\"params\":{\"name\":\"clock\","
                           "\"arguments\":{\"n\":100000000000000000000}},\"id\":1}");
    ck_assert_int_eq(request.what, MCP_CALL);
    ck_assert_str_eq(request.arguments, "{\"n\":100000000000000000000}");
    mcp_request_finish(&request);
}
END_TEST

#define FAILS(message, id, code, why)                                                              \
    expect_answer(message, "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code          \
                           ",\"message\":\"" why "\"}}")

START_TEST(what_cannot_be_answered_is_an_error)
{
    FAILS("{\"method\":\"resources/list\",\"id\":3}", "3", "-32601",
          "This server does not know this method.");
    FAILS("{\"method\":\"tools/call\",\"params\":{\"name\":\"nope\"},\"id\":4}", "4", "-32602",
          "There is no tool of this name.");
    FAILS("{\"method\":\"tools/call\",\"id\":4}", "4", "-32602", "There is no tool of this name.");
    FAILS("{\"method\":\"tools/call\",\"params\":{\"name\":\"clock\",\"arguments\":[]},\"id\":5}",
          "5", "-32602", "The arguments of a tool must be an object.");
    FAILS("not JSON", "null", "-32700", "The message is not JSON.");
    FAILS("[{\"method\":\"ping\",\"id\":1}]", "null", "-32600",
          "A message must be one JSON object.");
    FAILS("{\"id\":{}}", "null", "-32600", "A request needs a method.");
    FAILS("{\"method\":7,\"id\":7}", "7", "-32600", "A request needs a method.");
}
END_TEST

START_TEST(answers_to_nothing_are_ignored)
{
    expect_nothing("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    expect_nothing("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}");
    expect_nothing("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}");
}
END_TEST

static void expect_response(char *made, const char *expected) {
    ck_assert_ptr_nonnull(made);
    ck_assert_str_eq(made, expected);
    free(made);
}

START_TEST(the_answer_to_a_call)
{
    expect_response(mcp_call_response("2", KOINE_TEXT("12 \"degrees\""), NONE, false),
                    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"text\","
                    "\"text\":\"12 \\\"degrees\\\"\"}],\"isError\":false}}");
    expect_response(mcp_call_response("\"x\"", KOINE_TEXT(""), NONE, true),
                    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"content\":[{\"type\":\"text\","
                    "\"text\":\"\"}],\"isError\":true}}");
    expect_response(
        mcp_call_response("2", NONE, KOINE_TEXT("[{\"type\":\"image\",\"n\":0.1}]"), false),
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[{\"type\":\"image\","
        "\"n\":0.1}],\"isError\":false}}");
    expect_response(mcp_error_response("9", -32603, "it \"broke\""),
                    "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":-32603,"
                    "\"message\":\"it \\\"broke\\\"\"}}");
}
END_TEST

START_TEST(content_that_is_no_content_is_refused)
{
    static const char *const contents[] = {
        "{}", "[1]", "[{}]", "[{\"type\":1}]", "[", "", "[{\"type\":\"text\"},null]"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        struct koine_text content = {contents[i], strlen(contents[i])};
        ck_assert_ptr_null(mcp_call_response("1", NONE, content, false));
    }
    ck_assert_ptr_null(mcp_call_response("1", KOINE_TEXT("\xFF"), NONE, false));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mcp_server");
    TCase *messages = tcase_create("messages");
    tcase_add_test(messages, the_handshake);
    tcase_add_test(messages, the_list_of_tools);
    tcase_add_test(messages, a_call_is_handed_on);
    tcase_add_test(messages, a_call_may_say_little);
    tcase_add_test(messages, numbers_beyond_64_bits_survive);
    tcase_add_test(messages, what_cannot_be_answered_is_an_error);
    tcase_add_test(messages, answers_to_nothing_are_ignored);
    tcase_add_test(messages, the_answer_to_a_call);
    tcase_add_test(messages, content_that_is_no_content_is_refused);
    suite_add_tcase(suite, messages);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
