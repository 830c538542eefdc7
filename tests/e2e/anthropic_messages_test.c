/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/messages without a stream: what is asked for reaches the CLI, and its answer is a
 * message of Anthropic's API. */
#include "anthropic_fixture.h"

START_TEST(an_answer_is_a_message)
{
    struct http_response answer = message_of(
        ask_scenario("{'text':'Hello there','message_usage':{'input_tokens':7,'output_tokens':3,"
                     "'cache_read_input_tokens':5,'cache_creation_input_tokens':2}}",
                     NULL));
    ck_assert_int_eq(strncmp(http_string(&answer, "id"), "msg_", 4), 0);
    assert_member(&answer, "type", "'message'");
    assert_member(&answer, "role", "'assistant'");
    assert_member(&answer, "content", "[{'type':'text','text':'Hello there'}]");
    assert_member(&answer, "stop_reason", "'end_turn'");
    assert_member(&answer, "stop_sequence", "null");
    assert_member(&answer, "stop_details", "null");
    assert_member(&answer, "container", "null");
    assert_member(&answer, "usage",
                  "{'input_tokens':7,'output_tokens':3,'cache_read_input_tokens':5,"
                  "'cache_creation_input_tokens':2,'cache_creation':null,'server_tool_use':null,"
                  "'output_tokens_details':null,'service_tier':null,'inference_geo':null}");
    ck_assert_uint_gt(strlen(http_string(&answer, "model")), 0);
    http_response_finish(&answer);
}
END_TEST

START_TEST(each_answer_has_an_id_and_names_its_request)
{
    struct http_response one = message_of(ask_scenario("{'text':'x'}", NULL));
    struct http_response two = message_of(ask_scenario("{'text':'x'}", NULL));
    char *request_id = http_header(&one, "request-id"), *own = http_header(&one, "X-Request-Id");
    ck_assert_str_ne(http_string(&one, "id"), http_string(&two, "id"));
    ck_assert_ptr_nonnull(request_id);
    ck_assert_str_eq(request_id, own);
    free(own);
    free(request_id);
    http_response_finish(&two);
    http_response_finish(&one);
}
END_TEST

START_TEST(the_key_may_be_in_x_api_key)
{
    static const char *const headers[] = {"X-Api-Key: " GATEWAY_KEY,
                                          "anthropic-version: 2023-06-01", NULL};
    struct http_response answer = http_send(
        gateway, &(struct http_request){
                     .path = MESSAGES,
                     .key = "",
                     .headers = headers,
                     .body = "{\"model\":\"sonnet\",\"max_tokens\":9,\"messages\":[{\"role\":"
                             "\"user\",\"content\":\"standin:{\\\"text\\\":\\\"in\\\"}\"}]}"});
    http_assert_status(&answer, 200);
    assert_member(&answer, "content.0.text", "'in'");
    http_response_finish(&answer);
}
END_TEST

/* ---- what reaches the CLI */

static json_t *state_of(const char *fields) {
    struct http_response answer = message_of(ask_scenario("{'echo':'state'}", fields));
    json_t *state = json_loads(http_string(&answer, "content.0.text"), 0, NULL);
    ck_assert_ptr_nonnull(state);
    http_response_finish(&answer);
    return state;
}

START_TEST(model_and_limit_reach_the_cli)
{
    json_t *state = state_of("{'model':'opus','max_tokens':77}");
    char *text = json_dumps(state, 0);
    assert_json(json_object_get(state, "model"), "'opus'");
    ck_assert_msg(strstr(text, "\"CLAUDE_CODE_MAX_OUTPUT_TOKENS\": \"77\"") != NULL, "%s", text);
    free(text);
    json_decref(state);
}
END_TEST

/* The arguments with which the process was started, and what it was told later. */
static char *started_with(const char *fields) {
    struct http_response answer = message_of(ask_scenario("{'echo':'argv'}", fields));
    char *text = strdup(http_string(&answer, "content.0.text"));
    http_response_finish(&answer);
    return text;
}

START_TEST(effort_reaches_the_cli)
{
    char *arguments = started_with("{'output_config':{'effort':'high'}}");
    ck_assert_msg(strstr(arguments, "--effort=high") != NULL, "%s", arguments);
    free(arguments);
}
END_TEST

START_TEST(aliases_of_the_operator_are_models)
{
    start_with("modules:\n  settings:\n    anthropic:\n      models: {claude-then: haiku}\n");
    json_t *state = state_of("{'model':'claude-then'}");
    assert_json(json_object_get(state, "model"), "'haiku'");
    json_decref(state);
}
END_TEST

/* The lines that the CLI was given for the turn. */
static json_t *heard(json_t *body) {
    struct http_response answer = message_of(body);
    json_t *lines = json_loads(http_string(&answer, "content.0.text"), 0, NULL);
    ck_assert_msg(lines != NULL, "no JSON: %s", answer.body);
    http_response_finish(&answer);
    return lines;
}

START_TEST(images_and_documents_reach_the_cli_as_they_are)
{
    json_t *body = ask(NULL);
    say(body, "user",
        "[{'type':'text','text':'standin:{\\'echo\\':\\'stdin\\'}'},"
        "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'iVBORw0='},"
        "'cache_control':{'type':'ephemeral'}},"
        "{'type':'image','source':{'type':'url','url':'https://example.org/a.png'}},"
        "{'type':'document','title':'T','context':null,'citations':{'enabled':false},"
        "'source':{'type':'text','media_type':'text/plain','data':'words'}},"
        "{'type':'document','source':{'type':'content','content':[{'type':'text','text':'a'}]}}]");
    json_t *lines = heard(body);
    char *text = json_dumps(lines, JSON_COMPACT);
    ck_assert_msg(strstr(text, "iVBORw0=") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "https://example.org/a.png") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "words") != NULL, "%s", text);
    ck_assert_msg(!strstr(text, "cache_control"), "%s", text);
    ck_assert_msg(!strstr(text, "citations"), "%s", text);
    free(text);
    json_decref(lines);
}
END_TEST

static void assert_system(const char *fields, const char *expected) {
    json_t *state = state_of(fields);
    assert_json(json_object_get(state, "system_prompt"), expected);
    json_decref(state);
}

START_TEST(the_system_prompt_reaches_the_cli)
{
    assert_system("{'system':'Be terse.'}", "'Be terse.'");
    assert_system("{'system':[{'type':'text','text':'One.'},{'type':'text','text':''},"
                  "{'type':'text','text':'Two.','cache_control':{'type':'ephemeral','ttl':'1h'}}]}",
                  "'One.\\n\\nTwo.'");
    assert_system(NULL, "''");
}
END_TEST

/* ---- conversations */

#define HISTORY "{'echo':'history'}"

static json_int_t session_hits(void) {
    struct http_response health = http_get(gateway, "/health");
    json_int_t hits = http_integer(&health, "pool.sessionHits");
    http_response_finish(&health);
    return hits;
}

static void assert_history(const struct http_response *answer, json_int_t messages) {
    const char *text = http_string(answer, "content.0.text");
    json_t *history = json_loads(text, 0, NULL);
    ck_assert_msg(json_integer_value(json_object_get(history, "messages")) == messages,
                  "expected %d messages before: %s", (int)messages, text);
    json_decref(history);
}

START_TEST(a_conversation_goes_on_in_the_process_that_has_said_it)
{
    json_t *body = ask(NULL);
    say_scenario(body, "{'text':'One'}");
    struct http_response one = converse(body);
    say_scenario(body, HISTORY);
    struct http_response two = converse(body);
    assert_history(&two, 2);
    ck_assert_int_eq(session_hits(), 1);
    http_response_finish(&two);
    http_response_finish(&one);
    json_decref(body);
}
END_TEST

START_TEST(a_conversation_from_elsewhere_is_replayed)
{
    json_t *body = ask(NULL);
    say(body, "user", "'What is a koine?'");
    say(body, "assistant",
        "[{'type':'thinking','thinking':'hm','signature':'c2ln'},"
        "{'type':'text','text':'A common language.','citations':null},"
        "{'type':'tool_use','id':'toolu_9','name':'look','input':{'word':'koine'},"
        "'caller':{'type':'direct'}}]");
    say(body, "user",
        "[{'type':'tool_result','tool_use_id':'toolu_9','content':'Greek','is_error':false}]");
    say(body, "assistant", "'It was Greek.'");
    say_scenario(body, HISTORY);
    json_object_set_new(body, "tools",
                        quoted_json("[{'name':'look','input_schema':{'type':'object'}}]"));
    struct http_response answer = converse(body);
    assert_history(&answer, 4);
    ck_assert_int_eq(session_hits(), 0);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

/* ---- how the answer ends, and what it is made of */

START_TEST(max_tokens_ends_an_answer)
{
    struct http_response answer =
        message_of(ask_scenario("{'cut_message':'half','text':'other half'}", "{'max_tokens':5}"));
    assert_member(&answer, "stop_reason", "'max_tokens'");
    assert_member(&answer, "content", "[{'type':'text','text':'half'}]");
    http_response_finish(&answer);
}
END_TEST

#define THOUGHT "{'thinking':'deep','text':'yes'}"

START_TEST(thinking_comes_when_it_is_asked_for)
{
    struct http_response without = message_of(ask_scenario(THOUGHT, NULL));
    struct http_response disabled =
        message_of(ask_scenario(THOUGHT, "{'thinking':{'type':'disabled'}}"));
    struct http_response with = message_of(ask_scenario(
        THOUGHT, "{'max_tokens':2000,'thinking':{'type':'enabled','budget_tokens':1024}}"));
    struct http_response omitted =
        message_of(ask_scenario(THOUGHT, "{'thinking':{'type':'adaptive','display':'omitted'}}"));
    assert_member(&without, "content", "[{'type':'text','text':'yes'}]");
    assert_member(&disabled, "content", "[{'type':'text','text':'yes'}]");
    assert_member(&with, "content",
                  "[{'type':'thinking','thinking':'deep','signature':'c3RhbmQtaW4='},"
                  "{'type':'text','text':'yes'}]");
    assert_member(&omitted, "content",
                  "[{'type':'thinking','thinking':'','signature':'c3RhbmQtaW4='},"
                  "{'type':'text','text':'yes'}]");
    http_response_finish(&omitted);
    http_response_finish(&with);
    http_response_finish(&disabled);
    http_response_finish(&without);
}
END_TEST

START_TEST(an_answer_can_be_held_to_a_schema)
{
    static const char format[] =
        "{'type':'json_schema','schema':{'type':'object','properties':{'n':{'type':'integer'}}}}";
    char *new_form = scratch_text("{'output_config':{'format':%s}}", format);
    char *old_form = scratch_text("{'output_format':%s}", format);
    struct http_response one = message_of(ask_scenario("{'object':{'n':4}}", new_form));
    struct http_response two = message_of(ask_scenario("{'object':{'n':5}}", old_form));
    assert_member(&one, "content", "[{'type':'text','text':'{\\'n\\':4}'}]");
    assert_member(&two, "content", "[{'type':'text','text':'{\\'n\\':5}'}]");
    assert_member(&one, "stop_reason", "'end_turn'");
    http_response_finish(&two);
    http_response_finish(&one);
    free(old_form);
    free(new_form);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_answer_is_a_message,
        each_answer_has_an_id_and_names_its_request,
        the_key_may_be_in_x_api_key,
        model_and_limit_reach_the_cli,
        effort_reaches_the_cli,
        aliases_of_the_operator_are_models,
        images_and_documents_reach_the_cli_as_they_are,
        the_system_prompt_reaches_the_cli,
        a_conversation_goes_on_in_the_process_that_has_said_it,
        a_conversation_from_elsewhere_is_replayed,
        max_tokens_ends_an_answer,
        thinking_comes_when_it_is_asked_for,
        an_answer_can_be_held_to_a_schema,
    };
    return test_main("anthropic_messages", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
