/* SPDX-License-Identifier: Apache-2.0 */
/* POST /generate-text through the real CLI: what the API receives, and what becomes of its answers.
 * Tools have a file of their own. */
#include "support/real_cli.h"
#include "support/scratch_directory.h"

#include <stdlib.h>
#include <string.h>

static struct real_cli *cli;

static void start(int version) {
    cli = real_cli_start(version, NULL, NULL);
}

static void teardown(void) {
    real_cli_stop(cli);
}

/* Whether a member of the newest request holds the text. */
static bool received(const char *member, const char *text) {
    json_t *request = real_cli_request(cli);
    char *json = real_cli_member(request, member);
    bool found = strstr(json, text) != NULL;
    free(json);
    json_decref(request);
    return found;
}

static size_t system_bytes(void) {
    json_t *request = real_cli_request(cli);
    char *json = real_cli_member(request, "system");
    size_t size = strlen(json);
    free(json);
    json_decref(request);
    return size;
}

static void ask_for_200(const char *text, const char *script, const char *fields) {
    free(real_cli_text(cli, text, script, fields));
}

START_TEST(it_answers)
{
    start(_i);
    struct http_response answer = real_cli_ask(cli, "Say hello", "{'text':'Hello.'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "Hello.");
    ck_assert_int_gt(http_integer(&answer, "usage.outputTokens"), 0);
    ck_assert_int_eq(http_integer(&answer, "usage.totalTokens"),
                     http_integer(&answer, "usage.inputTokens") +
                         http_integer(&answer, "usage.outputTokens"));
    ck_assert_uint_eq(strlen(http_string(&answer, "sessionId")), 36);
    ck_assert(received("messages", "Say hello"));
    http_response_finish(&answer);
}
END_TEST

/* What the CLI says then is of its own terminal: "Please run /login". */
START_TEST(without_credentials_it_is_said_how_to_give_them)
{
    cli = real_cli_start(_i, "runner: {environment: {ANTHROPIC_API_KEY: ''}}\n", NULL);
    struct http_response answer = real_cli_ask(cli, "Say hello", NULL, NULL);
    http_assert_error(&answer, 502, "UPSTREAM_ERROR");
    const char *sentence = http_string(&answer, "error");
    ck_assert_msg(strstr(sentence, "run `claude` once") && strstr(sentence, "ANTHROPIC_API_KEY"),
                  "it says: %s", sentence);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_session_continues_with_what_was_said)
{
    start(_i);
    struct http_response answer =
        real_cli_ask(cli, "My name is Ada", "{'text':'Hello Ada.'}", NULL);
    http_assert_status(&answer, 200);
    char *session = scratch_text("%s", http_string(&answer, "sessionId"));
    char *fields = scratch_text("{'sessionId':'%s'}", session);
    http_response_finish(&answer);
    answer = real_cli_ask(cli, "What is my name?", "{'text':'Ada.'}", fields);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "Ada.");
    ck_assert_str_eq(http_string(&answer, "sessionId"), session);
    ck_assert(received("messages", "My name is Ada"));
    ck_assert(received("messages", "Hello Ada."));
    ck_assert(received("messages", "What is my name?"));
    http_response_finish(&answer);
    free(fields);
    free(session);
}
END_TEST

START_TEST(a_session_that_the_cli_does_not_know)
{
    start(_i);
    struct http_response answer =
        real_cli_ask(cli, "hi", NULL, "{'sessionId':'11111111-2222-4333-8444-555555555555'}");
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    ck_assert_uint_eq(real_cli_request_count(cli), 0);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_history_of_the_client_arrives_before_the_prompt)
{
    start(_i);
    ask_for_200("And now?", NULL,
                "{'history':[{'role':'user','content':'first question'},"
                "{'role':'assistant','content':'first answer'}]}");
    json_t *request = real_cli_request(cli);
    char *messages = real_cli_member(request, "messages");
    const char *question = strstr(messages, "first question");
    const char *answer = strstr(messages, "first answer");
    const char *prompt = strstr(messages, "And now?");
    ck_assert_msg(question && answer && prompt, "%s", messages);
    ck_assert_msg(question < answer && answer < prompt, "%s", messages);
    free(messages);
    json_decref(request);
}
END_TEST

/* ---- options */

START_TEST(system_replaces_the_instructions)
{
    start(_i);
    ask_for_200("hi", NULL, NULL);
    size_t usual = system_bytes();
    ask_for_200("hi", NULL, "{'system':'You are a parrot.'}");
    ck_assert(received("system", "You are a parrot."));
    ck_assert_uint_lt(system_bytes(), usual / 2);
}
END_TEST

START_TEST(append_system_adds_to_them)
{
    start(_i);
    ask_for_200("hi", NULL, NULL);
    size_t usual = system_bytes();
    ask_for_200("hi", NULL, "{'appendSystem':'Answer in Latin.'}");
    ck_assert(received("system", "Answer in Latin."));
    ck_assert_uint_gt(system_bytes(), usual / 2);
}
END_TEST

START_TEST(model_and_effort)
{
    start(_i);
    ask_for_200("hi", NULL, "{'model':'claude-opus-4-6','effort':'low'}");
    ck_assert(received("model", "claude-opus-4-6"));
    ck_assert(received("output_config", "\"effort\":\"low\""));
    ask_for_200("hi", NULL, "{'model':'claude-opus-4-6','effort':'high'}");
    ck_assert(!received("output_config", "\"effort\":\"low\""));
}
END_TEST

START_TEST(max_tokens_arrives)
{
    start(_i);
    ask_for_200("hi", NULL, "{'maxTokens':77}");
    json_t *request = real_cli_request(cli);
    ck_assert_int_eq(json_integer_value(json_object_get(request, "max_tokens")), 77);
    json_decref(request);
}
END_TEST

START_TEST(max_tokens_gives_the_cut_text)
{
    start(_i);
    char *text = real_cli_text(cli, "Tell a story",
                               "{'text':'Once upon a','stop_reason':"
                               "'max_tokens'}",
                               "{'maxTokens':3}");
    ck_assert_str_eq(text, "Once upon a");
    ck_assert_uint_le(real_cli_request_count(cli), 2); /* what the CLI asks on is not waited for */
    free(text);
}
END_TEST

/* ---- prompts */

START_TEST(an_image_block_arrives)
{
    static const char pixel[] =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
        "rkJggg==";
    start(_i);
    json_t *body = json_pack("{s:[{s:s,s:s},{s:s,s:{s:s,s:s,s:s}}]}", "prompt", "type", "text",
                             "text", "What is this?", "type", "image", "source", "type", "base64",
                             "media_type", "image/png", "data", pixel);
    struct http_response answer = http_post(real_cli_gateway(cli), "/generate-text", body);
    http_assert_status(&answer, 200);
    ck_assert(received("messages", "What is this?"));
    ck_assert(received("messages", "\"image/png\""));
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_prompt_is_text_and_no_command)
{
    static const char *const prompts[] = {"/cost", "/help me", "@/etc/hostname",
                                          "/nosuch @/etc/hostname"};
    start(_i);
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        ask_for_200(prompts[i], NULL, NULL);
        ck_assert_uint_eq(real_cli_request_count(cli), i + 1);
        char *expected = scratch_text("\"text\":\"%s\"", prompts[i]);
        ck_assert_msg(received("messages", expected), "%s did not arrive as it is", prompts[i]);
        ck_assert(!received("messages", "Called the Read tool"));
        free(expected);
    }
}
END_TEST

START_TEST(a_prompt_of_two_megabytes)
{
    start(_i);
    char *prompt = scratch_text("%02000000d", 7);
    ask_for_200(prompt, "{'text':'long'}", NULL);
    ck_assert(received("messages", "00000007"));
    free(prompt);
}
END_TEST

/* ---- failures */

START_TEST(a_failure_of_the_api_is_no_answer)
{
    start(_i);
    struct http_response answer = real_cli_ask(
        cli, "hi", "{'status':529,'type':'overloaded_error','message':'Overloaded'}", NULL);
    http_assert_error(&answer, 502, "UPSTREAM_ERROR");
    http_response_finish(&answer);
    ask_for_200("hi", NULL, NULL);
}
END_TEST

START_TEST(an_answer_that_does_not_come_in_time)
{
    start(_i);
    struct http_response answer = real_cli_ask(cli, "hi", "{'hang':true}", "{'timeoutMs':3000}");
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        it_answers,
        without_credentials_it_is_said_how_to_give_them,
        a_session_continues_with_what_was_said,
        a_session_that_the_cli_does_not_know,
        a_history_of_the_client_arrives_before_the_prompt,
        system_replaces_the_instructions,
        append_system_adds_to_them,
        model_and_effort,
        max_tokens_arrives,
        max_tokens_gives_the_cut_text,
        an_image_block_arrives,
        a_prompt_is_text_and_no_command,
        a_prompt_of_two_megabytes,
        a_failure_of_the_api_is_no_answer,
        an_answer_that_does_not_come_in_time,
    };
    return real_cli_main("real_cli", teardown, tests, sizeof tests / sizeof *tests);
}
