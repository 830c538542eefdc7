/* SPDX-License-Identifier: Apache-2.0 */
/* POST /generate-text when all goes well: the answer's fields, prompts of every kind, what the CLI
 * is given. Refusals and failures have their own programs. */
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

START_TEST(the_answer_has_every_field_of_the_contract)
{
    struct http_response answer =
        generate(gateway, "{'text':'Hello','usage':{'input_tokens':7,'output_tokens':5}}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "Hello");
    ck_assert_int_eq(http_integer(&answer, "usage.inputTokens"), 7);
    ck_assert_int_eq(http_integer(&answer, "usage.outputTokens"), 5);
    ck_assert_int_eq(http_integer(&answer, "usage.totalTokens"), 12);
    http_integer(&answer, "usage.cacheReadInputTokens");
    http_integer(&answer, "usage.cacheCreationInputTokens");
    ck_assert_uint_eq(strlen(http_string(&answer, "sessionId")), 36);
    ck_assert_str_eq(http_string(&answer, "model"), "claude-standin");
    ck_assert_int_eq(http_integer(&answer, "numTurns"), 1);
    ck_assert_int_ge(http_integer(&answer, "durationMs"), 0);
    ck_assert(json_is_real(http_member(&answer, "costUsd")));
    ck_assert_uint_eq(json_array_size(http_member(&answer, "permissionDenials")), 0);
    http_response_finish(&answer);
}
END_TEST

START_TEST(headers_tell_type_and_request_id)
{
    json_t *body = scenario_body("{'text':'x'}", NULL);
    char *text = json_dumps(body, 0);
    const char *const headers[] = {"X-Request-Id: my-request-17", NULL};
    struct http_response answer = http_send(
        gateway,
        &(struct http_request){.path = "/generate-text", .body = text, .headers = headers});
    char *type = http_header(&answer, "Content-Type"), *id = http_header(&answer, "X-Request-Id");
    http_assert_status(&answer, 200);
    ck_assert_pstr_eq(type, "application/json; charset=utf-8");
    ck_assert_pstr_eq(id, "my-request-17");
    free(type);
    free(id);
    free(text);
    json_decref(body);
    http_response_finish(&answer);
}
END_TEST

/* Sends a prompt and asserts that the CLI's turn held exactly that text. */
static void assert_prompt_arrives(json_t *prompt) {
    struct http_response first =
        http_post(gateway, "/generate-text", json_pack("{so}", "prompt", json_incref(prompt)));
    http_assert_status(&first, 200);
    json_t *again = scenario_body("{'echo':'history'}", NULL);
    json_object_set(again, "sessionId", http_member(&first, "sessionId"));
    struct http_response second = http_post(gateway, "/generate-text", again);
    json_t *history = echoed(&second), *said = http_json_at(history, "last_user");
    if (json_is_array(said))
        said = http_json_at(said, "0.text");
    ck_assert_msg(json_is_string(said), "%.1000s", second.body);
    ck_assert_uint_eq(json_string_length(said), json_string_length(prompt));
    ck_assert(json_equal(said, prompt));
    json_decref(history);
    json_decref(prompt);
    http_response_finish(&first);
    http_response_finish(&second);
}

START_TEST(prompts_that_look_like_flags_or_commands_are_text)
{
    static const char *const prompts[] = {"-p",
                                          "--dangerously-skip-permissions",
                                          "/cost",
                                          "/nosuch x",
                                          "@/etc/hostname",
                                          "!ls",
                                          "# remember"};
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        assert_prompt_arrives(json_string(prompts[i]));
}
END_TEST

START_TEST(a_prompt_may_hold_any_character)
{
    static const char odd[] = "tab\t quote\" back\\slash \xe2\x82\xac \xf0\x9f\x90\x98 \x7f\r\n.";
    assert_prompt_arrives(json_string(odd));
}
END_TEST

START_TEST(a_prompt_of_2_MB_arrives_whole)
{
    size_t size = 2 << 20;
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 26);
    text[size] = '\0';
    assert_prompt_arrives(json_string(text));
    free(text);
}
END_TEST

START_TEST(a_prompt_of_content_blocks_is_passed_on)
{
    struct http_response answer =
        http_post(gateway, "/generate-text",
                  quoted_json("{'prompt':[{'type':'image','source':{'type':'base64','media_type':"
                              "'image/png','data':'AAAA'}},"
                              "{'type':'text','text':'standin:{\\\"echo\\\":\\\"stdin\\\"}'}]}"));
    json_t *blocks = echoed(&answer);
    ck_assert_pstr_eq(json_string_value(http_json_at(blocks, "0.source.data")), "AAAA");
    json_decref(blocks);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_answer_of_2_MB_comes_back_whole)
{
    struct http_response answer =
        generate(gateway, "{'text':'0123456789abcdef','repeat':131072,'short_result':false}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_uint_eq(strlen(http_string(&answer, "text")), 2 << 20);
    http_response_finish(&answer);
}
END_TEST

START_TEST(unknown_fields_are_ignored)
{
    struct http_response answer = generate(gateway, "{'text':'x'}", "{'temperature':0.5}");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(system_texts_reach_the_model)
{
    struct http_response answer =
        generate(gateway, "{'echo':'state'}", "{'system':'Be brief.','appendSystem':'In verse.'}");
    json_t *state = echoed(&answer);
    ck_assert_pstr_eq(json_string_value(http_json_at(state, "system_prompt")), "Be brief.");
    ck_assert_pstr_eq(json_string_value(http_json_at(state, "append_system_prompt")), "In verse.");
    json_decref(state);
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_model_is_chosen)
{
    struct http_response answer = generate(gateway, "{'text':'x'}", "{'model':'claude-other-1'}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "model"), "claude-other-1");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_stray_line_is_logged_and_skipped)
{
    struct http_response answer =
        generate(gateway, "{'text':'still here','garbage':'Segmentation fault?'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "still here");
    gateway_await_log(gateway, "no message of its protocol");
    http_response_finish(&answer);
}
END_TEST

/* Lines of that length are taken for a program that is no CLI only while it has not answered. */
START_TEST(a_long_stray_line_is_skipped_too)
{
    char noise[100001] = "", *scenario;
    memset(noise, 'x', sizeof noise - 1);
    scenario = scratch_text("{'text':'still here','garbage':'%s'}", noise);
    struct http_response answer = generate(gateway, scenario, NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "still here");
    http_response_finish(&answer);
    free(scenario);
}
END_TEST

START_TEST(characters_split_between_two_writes_stay_whole)
{
    struct http_response answer =
        generate(gateway, "{'text':'\xe2\x82\xac\xf0\x9f\x90\x98','split_utf8':true}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "\xe2\x82\xac\xf0\x9f\x90\x98");
    http_response_finish(&answer);
}
END_TEST

START_TEST(noise_on_stderr_does_not_stop_the_answer)
{
    struct http_response answer =
        generate(gateway, "{'text':'quiet','stderr_bytes':1000000}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "quiet");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_answer_has_every_field_of_the_contract,
        headers_tell_type_and_request_id,
        prompts_that_look_like_flags_or_commands_are_text,
        a_prompt_may_hold_any_character,
        a_prompt_of_2_MB_arrives_whole,
        a_prompt_of_content_blocks_is_passed_on,
        an_answer_of_2_MB_comes_back_whole,
        unknown_fields_are_ignored,
        system_texts_reach_the_model,
        the_model_is_chosen,
        a_stray_line_is_logged_and_skipped,
        a_long_stray_line_is_skipped_too,
        characters_split_between_two_writes_stay_whole,
        noise_on_stderr_does_not_stop_the_answer,
    };
    return test_main("generate_text", setup, teardown, tests, sizeof tests / sizeof *tests);
}
