/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that the CLI is sent, byte by byte. */
#include "runner/cli_input.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NONE ((struct koine_text){NULL, 0})

/* Compares a line, ended by a newline, and frees it. */
#define expect(line, expected)                                                                     \
    do {                                                                                           \
        size_t size = 0;                                                                           \
        char *made = line;                                                                         \
        ck_assert_ptr_nonnull(made);                                                               \
        ck_assert_str_eq(made, expected "\n");                                                     \
        ck_assert_uint_eq(size, sizeof(expected));                                                 \
        free(made);                                                                                \
    } while (0)

#define refuse(line)                                                                               \
    do {                                                                                           \
        size_t size = 0;                                                                           \
        char *made = line;                                                                         \
        ck_assert_ptr_null(made);                                                                  \
    } while (0)

#define USER "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":"
#define INITIALIZE                                                                                 \
    "{\"type\":\"control_request\",\"request_id\":\"i\",\"request\":{\"subtype\":\"initialize\","  \
    "\"systemPromptSnapshot\":false"
#define SUCCESS                                                                                    \
    "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"r\","   \
    "\"response\":"

START_TEST(a_prompt_may_run_a_command_only_where_allowed)
{
    expect(cli_input_user(KOINE_TEXT("/cost"), NONE, true, &size),
           USER "[{\"type\":\"text\",\"text\":\"/cost\"}]}}");
    expect(cli_input_user(KOINE_TEXT("/cost"), NONE, false, &size),
           USER "[{\"type\":\"text\",\"text\":\"/cost\"},{\"type\":\"text\",\"text\":\"\"}]}}");
    expect(cli_input_user(KOINE_TEXT("read @/etc/passwd"), NONE, false, &size),
           USER "[{\"type\":\"text\",\"text\":\"read @/etc/passwd\"},"
                "{\"type\":\"text\",\"text\":\"\"}]}}");
}
END_TEST

START_TEST(blocks_are_passed_on_as_written)
{
    const struct koine_text blocks =
        KOINE_TEXT("[ {\"type\":\"text\",\"n\":0.10, \"text\":\"]\"}\n] ");
    expect(cli_input_user(NONE, blocks, true, &size),
           USER "[ {\"type\":\"text\",\"n\":0.10, \"text\":\"]\"} ] }}");
    expect(cli_input_user(NONE, blocks, false, &size),
           USER "[ {\"type\":\"text\",\"n\":0.10, \"text\":\"]\"} ,"
                "{\"type\":\"text\",\"text\":\"\"}]}}");
}
END_TEST

START_TEST(a_text_never_breaks_the_line)
{
    expect(cli_input_user(KOINE_TEXT("\"\\\n\r\t\x01\x7F ü 😀"), NONE, true, &size),
           USER "[{\"type\":\"text\",\"text\":\"\\\"\\\\\\n\\r\\t\\u0001\\u007f ü 😀\"}]}}");
    expect(cli_input_user(KOINE_TEXT("\u2028\u2029\u202A"), NONE, true, &size),
           USER "[{\"type\":\"text\",\"text\":\"\\u2028\\u2029\u202A\"}]}}");
    expect(cli_input_user(KOINE_TEXT("a\0b"), NONE, true, &size),
           USER "[{\"type\":\"text\",\"text\":\"a\\u0000b\"}]}}");
    expect(cli_input_permit("r", KOINE_TEXT("{\"a\":\"\u2028\"\r\n}"), &size),
           SUCCESS "{\"behavior\":\"allow\",\"updatedInput\":{\"a\":\"\\u2028\"  }}}}");
}
END_TEST

START_TEST(a_text_that_is_no_utf8_is_refused)
{
    refuse(cli_input_user(KOINE_TEXT("\xFF"), NONE, true, &size));
    refuse(cli_input_user(KOINE_TEXT("cut \xF0\x9F\x98"), NONE, true, &size));
    refuse(cli_input_user(KOINE_TEXT("\xED\xA0\xBD"), NONE, true, &size));
    refuse(cli_input_deny("r", KOINE_TEXT("\xC0\x80"), &size));
}
END_TEST

START_TEST(a_long_prompt)
{
    const size_t bytes = 10u << 20;
    char *prompt = malloc(bytes);
    ck_assert_ptr_nonnull(prompt);
    memset(prompt, '\n', bytes);
    size_t size = 0;
    char *line = cli_input_user((struct koine_text){prompt, bytes}, NONE, false, &size);
    ck_assert_ptr_nonnull(line);
    json_t *parsed = json_loadb(line, size, 0, NULL);
    const json_t *content = json_object_get(json_object_get(parsed, "message"), "content");
    const json_t *text = json_object_get(json_array_get(content, 0), "text");
    ck_assert_uint_eq(json_string_length(text), bytes);
    json_decref(parsed);
    free(line);
    free(prompt);
}
END_TEST

START_TEST(an_initialize_says_what_it_is_given)
{
    const struct koine_text servers[] = {KOINE_TEXT("koine"), KOINE_TEXT("x-1")};
    expect(cli_input_initialize("i", NONE, NONE, NONE, NULL, 0, &size), INITIALIZE "}}");
    expect(cli_input_initialize("i", KOINE_TEXT("Be brief."), NONE, NONE, NULL, 0, &size),
           INITIALIZE ",\"systemPrompt\":[\"Be brief.\"]}}");
    expect(cli_input_initialize("i", KOINE_TEXT(""), KOINE_TEXT("And \"kind\"."),
                                KOINE_TEXT("{\"type\":\"object\",\"minimum\":0.1}"), servers, 2,
                                &size),
           INITIALIZE ",\"systemPrompt\":[\"\"],\"appendSystemPrompt\":\"And \\\"kind\\\".\","
                      "\"jsonSchema\":{\"type\":\"object\",\"minimum\":0.1},"
                      "\"sdkMcpServers\":[\"koine\",\"x-1\"]}}");
    refuse(cli_input_initialize("i", NONE, NONE, KOINE_TEXT("[]"), NULL, 0, &size));
    refuse(cli_input_initialize("i", NONE, NONE, KOINE_TEXT("{}}"), NULL, 0, &size));
}
END_TEST

START_TEST(servers_of_the_host)
{
    const struct koine_text servers[] = {KOINE_TEXT("koine"), KOINE_TEXT("x-1")};
    expect(cli_input_servers("s", servers, 2, &size),
           "{\"type\":\"control_request\",\"request_id\":\"s\",\"request\":{\"subtype\":"
           "\"mcp_set_servers\",\"servers\":{\"koine\":{\"type\":\"sdk\",\"name\":\"koine\"},"
           "\"x-1\":{\"type\":\"sdk\",\"name\":\"x-1\"}}}}");
    expect(cli_input_servers("s", NULL, 0, &size),
           "{\"type\":\"control_request\",\"request_id\":\"s\",\"request\":{\"subtype\":"
           "\"mcp_set_servers\",\"servers\":{}}}");
}
END_TEST

START_TEST(answers_about_tools)
{
    expect(
        cli_input_permit("r", KOINE_TEXT("{\"timeout\":0.1,\"n\":100000000000000000000}"), &size),
        SUCCESS "{\"behavior\":\"allow\",\"updatedInput\":"
                "{\"timeout\":0.1,\"n\":100000000000000000000}}}}");
    refuse(cli_input_permit("r", KOINE_TEXT("[]"), &size));
    refuse(cli_input_permit("r", KOINE_TEXT("{}},\"x\":{"), &size));
    expect(cli_input_deny("r", KOINE_TEXT("not \"allowed\""), &size),
           SUCCESS "{\"behavior\":\"deny\",\"message\":\"not \\\"allowed\\\"\"}}}");
}
END_TEST

START_TEST(answers_of_tools)
{
    expect(cli_input_mcp("r", KOINE_TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"), &size),
           SUCCESS "{\"mcp_response\":{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}}}}");
    expect(cli_input_mcp("r", NONE, &size),
           SUCCESS "{\"mcp_response\":{\"jsonrpc\":\"2.0\",\"result\":{},\"id\":0}}}}");
    refuse(cli_input_mcp("r", KOINE_TEXT("not JSON"), &size));
}
END_TEST

START_TEST(errors_and_interrupts)
{
    expect(cli_input_error("a\"b", KOINE_TEXT("not supported"), &size),
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"error\","
           "\"request_id\":\"a\\\"b\",\"error\":\"not supported\"}}");
    expect(cli_input_settings("set", KOINE_TEXT("{\"env\":{\"A\":null}}"), &size),
           "{\"type\":\"control_request\",\"request_id\":\"set\",\"request\":{\"subtype\":"
           "\"apply_flag_settings\",\"settings\":{\"env\":{\"A\":null}}}}");
    ck_assert_ptr_null(cli_input_settings("set", KOINE_TEXT("[]"), &(size_t){0}));
    expect(cli_input_request("stop", "interrupt", &size),
           "{\"type\":\"control_request\",\"request_id\":\"stop\","
           "\"request\":{\"subtype\":\"interrupt\"}}");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cli_input");
    TCase *lines = tcase_create("lines");
    tcase_set_timeout(lines, 30);
    tcase_add_test(lines, a_prompt_may_run_a_command_only_where_allowed);
    tcase_add_test(lines, blocks_are_passed_on_as_written);
    tcase_add_test(lines, a_text_never_breaks_the_line);
    tcase_add_test(lines, a_text_that_is_no_utf8_is_refused);
    tcase_add_test(lines, a_long_prompt);
    tcase_add_test(lines, an_initialize_says_what_it_is_given);
    tcase_add_test(lines, servers_of_the_host);
    tcase_add_test(lines, answers_about_tools);
    tcase_add_test(lines, answers_of_tools);
    tcase_add_test(lines, errors_and_interrupts);
    suite_add_tcase(suite, lines);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
