/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/chat/completions with whole answers: what is answered, and what of the request reaches
 * the CLI. Streams, functions and refusals have their own programs. */
#include "support/openai.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(&(struct gateway_options){
        .config = "modules: {settings: {openai: {models: {gpt-4o: opus}}}}\n"});
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* What the CLI was given, with the last message being the question for it. */
static json_t *state_of(json_t *body) {
    return openai_echoed(gateway, CHAT, body, "state");
}

static void assert_member(const json_t *state, const char *name, const char *expected) {
    openai_assert_json(json_object_get(state, name), expected);
}

/* ---- the answer */

START_TEST(the_answer_is_a_chat_completion)
{
    struct http_response answer =
        openai_ask(gateway, CHAT,
                   "{'text':'Hello!','streamed':false,'usage':{'input_tokens':7,"
                   "'output_tokens':5,'cache_read_input_tokens':30,"
                   "'cache_creation_input_tokens':3}}",
                   NULL);
    ck_assert_int_eq(strncmp(http_string(&answer, "id"), "chatcmpl-", 9), 0);
    ck_assert_str_eq(http_string(&answer, "object"), "chat.completion");
    ck_assert_int_gt(http_integer(&answer, "created"), 1700000000);
    ck_assert_str_eq(http_string(&answer, "model"), "sonnet");
    openai_assert_json(http_member(&answer, "choices"),
                       "[{'index':0,'message':{'role':'assistant','content':'Hello!',"
                       "'refusal':null,'annotations':[]},'logprobs':null,'finish_reason':'stop'}]");
    openai_assert_json(http_member(&answer, "usage"),
                       "{'prompt_tokens':40,'completion_tokens':5,'total_tokens':45,"
                       "'prompt_tokens_details':{'audio_tokens':0,'cached_tokens':30},"
                       "'completion_tokens_details':{'reasoning_tokens':0,'audio_tokens':0,"
                       "'accepted_prediction_tokens':0,'rejected_prediction_tokens':0}}");
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_answer_that_is_cut_says_length)
{
    struct http_response answer = openai_ask(
        gateway, CHAT, "{'cut_message':'Once upon a','text':' time'}", "{'max_tokens':3}");
    ck_assert_str_eq(http_string(&answer, "choices.0.message.content"), "Once upon a");
    ck_assert_str_eq(http_string(&answer, "choices.0.finish_reason"), "length");
    http_response_finish(&answer);
}
END_TEST

START_TEST(max_completion_tokens_is_the_same_limit)
{
    struct http_response answer =
        openai_ask(gateway, CHAT, "{'cut_message':'Once upon a','text':' time'}",
                   "{'max_completion_tokens':3,'max_tokens':null}");
    ck_assert_str_eq(http_string(&answer, "choices.0.finish_reason"), "length");
    http_response_finish(&answer);
}
END_TEST

/* ---- the request */

START_TEST(system_and_developer_messages_are_the_system_prompt)
{
    json_t *body = openai_chat(NULL);
    openai_say(body, "developer", "Be brief.");
    openai_say(body, "user", "Hi");
    openai_say(body, "assistant", "Hello");
    openai_add(body, "{'role':'system','content':[{'type':'text','text':'Be kind.'},"
                     "{'type':'text','text':'Be French.'}]}");
    json_t *state = state_of(body);
    assert_member(state, "system_prompt", "'Be brief.\\n\\nBe kind.\\n\\nBe French.'");
    json_decref(state);
    json_decref(body);
}
END_TEST

START_TEST(a_model_may_have_the_operators_name)
{
    json_t *body = openai_chat("{'model':'gpt-4o'}");
    json_t *state = state_of(body);
    assert_member(state, "model", "'opus'");
    json_decref(state);
    json_decref(body);
}
END_TEST

START_TEST(the_conversation_goes_on_in_its_process)
{
    json_t *body = openai_chat(NULL);
    json_t *first = openai_echoed(gateway, CHAT, body, "pid");
    char *pid = json_dumps(first, JSON_ENCODE_ANY);
    openai_say(body, "assistant", pid);
    json_t *second = openai_echoed(gateway, CHAT, body, "pid");
    ck_assert_int_eq(json_integer_value(first), json_integer_value(second));
    json_decref(second);
    json_decref(first);
    free(pid);
    json_decref(body);
}
END_TEST

START_TEST(a_conversation_that_nobody_knows_is_replayed)
{
    json_t *body = openai_chat(NULL);
    openai_say(body, "user", "Hi");
    openai_add(body, "{'role':'assistant','content':[{'type':'text','text':'Hel'},"
                     "{'type':'refusal','refusal':'lo'}],'refusal':null,'annotations':[],"
                     "'tool_calls':null}");
    json_t *history = openai_echoed(gateway, CHAT, body, "history");
    assert_member(history, "messages", "2");
    json_decref(history);
    json_decref(body);
}
END_TEST

/* 1 pixel, and what is no PDF: nobody looks at it before the API. */
#define PNG "iVBORw0KGgo="
#define PDF "JVBERi0xLjQK"

START_TEST(images_and_files_are_blocks)
{
    json_t *body = openai_chat(NULL), *prompt = scenario_body("{'echo':'stdin'}", NULL);
    openai_add(body, "{'role':'user','content':["
                     "{'type':'image_url','image_url':{'url':'data:image/jpg;base64," PNG
                     "','detail':'high'}},"
                     "{'type':'image_url','image_url':{'url':'https://example.com/cat.png'}},"
                     "{'type':'file','file':{'filename':'a.pdf','file_data':"
                     "'data:application/pdf;base64," PDF "'}},"
                     "{'type':'file','file':{'file_data':'data:text/markdown;charset=utf-8;base64,"
                     "IyBIw6k='}}]}");
    json_t *content = http_json_at(body, "messages.0.content");
    json_array_append_new(
        content, json_pack("{sssO}", "type", "text", "text", json_object_get(prompt, "prompt")));
    struct http_response answer = openai_send(gateway, CHAT, body);
    http_assert_status(&answer, 200);
    json_t *blocks = json_loads(openai_text_of(&answer), 0, NULL);
    while (json_array_size(blocks) > 4) /* the question for it, and what the gateway puts behind */
        json_array_remove(blocks, 4);
    openai_assert_json(
        blocks, "[{'type':'image','source':{'type':'base64','media_type':'image/jpeg','data':'" PNG
                "'}},{'type':'image','source':{'type':'url','url':'https://example.com/cat.png'}},"
                "{'type':'document','source':{'type':'base64','media_type':'application/pdf',"
                "'data':'" PDF "'},'title':'a.pdf'},"
                "{'type':'document','source':{'type':'text','media_type':'text/plain',"
                "'data':'# H\xc3\xa9'}}]");
    json_decref(blocks);
    http_response_finish(&answer);
    json_decref(prompt);
    json_decref(body);
}
END_TEST

START_TEST(reasoning_effort_is_the_clis)
{
    static const char *const words[][2] = {
        {"none", "low"}, {"minimal", "low"}, {"medium", "medium"}, {"xhigh", "xhigh"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        json_t *body = openai_chat(NULL);
        json_object_set_new(body, "reasoning_effort", json_string(words[i][0]));
        json_t *argv = openai_echoed(gateway, CHAT, body, "argv");
        char *arguments = json_dumps(argv, 0);
        ck_assert_msg(strstr(arguments, "--effort=") && !strncmp(strstr(arguments, "--effort=") + 9,
                                                                 words[i][1], strlen(words[i][1])),
                      "%s: %s", words[i][0], arguments);
        free(arguments);
        json_decref(argv);
        json_decref(body);
    }
}
END_TEST

/* ---- structured output */

START_TEST(a_json_schema_is_the_clis_structured_output)
{
    struct http_response answer = openai_ask(
        gateway, CHAT, "{'object':{'city':'Rome'}}",
        "{'response_format':{'type':'json_schema','json_schema':{'name':'place','strict':true,"
        "'schema':{'$schema':'http://json-schema.org/draft-07/schema#','type':'object',"
        "'properties':{'city':{'type':'string'}},'required':['city'],"
        "'additionalProperties':false}}}}");
    json_t *object = json_loads(openai_text_of(&answer), 0, NULL);
    openai_assert_json(object, "{'city':'Rome'}");
    ck_assert_str_eq(http_string(&answer, "choices.0.finish_reason"), "stop");
    json_decref(object);
    http_response_finish(&answer);
}
END_TEST

START_TEST(json_object_is_any_object)
{
    struct http_response answer = openai_ask(gateway, CHAT, "{'object':{'any':[1,2]}}",
                                             "{'response_format':{'type':'json_object'}}");
    json_t *object = json_loads(openai_text_of(&answer), 0, NULL);
    openai_assert_json(object, "{'any':[1,2]}");
    json_decref(object);
    http_response_finish(&answer);
}
END_TEST

START_TEST(members_without_effect_are_taken)
{
    struct http_response answer = openai_ask(
        gateway, CHAT, "{'text':'x'}",
        "{'temperature':0.2,'top_p':1,'presence_penalty':0,'frequency_penalty':0,'seed':7,"
        "'user':'u','store':true,'metadata':{'a':'b'},'service_tier':'auto','n':1,'stop':null,"
        "'logprobs':false,'logit_bias':null,'modalities':['text'],'audio':null,'verbosity':'"
        "low',"
        "'parallel_tool_calls':true,'response_format':{'type':'text'},'stream':false,"
        "'tools':null,'tool_choice':'auto','reasoning_effort':null,'stream_options':null}");
    ck_assert_str_eq(openai_text_of(&answer), "x");
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_answer_is_a_chat_completion,
        an_answer_that_is_cut_says_length,
        max_completion_tokens_is_the_same_limit,
        system_and_developer_messages_are_the_system_prompt,
        a_model_may_have_the_operators_name,
        the_conversation_goes_on_in_its_process,
        a_conversation_that_nobody_knows_is_replayed,
        images_and_files_are_blocks,
        reasoning_effort_is_the_clis,
        a_json_schema_is_the_clis_structured_output,
        json_object_is_any_object,
        members_without_effect_are_taken,
    };
    return test_main("openai_chat", setup, teardown, tests, sizeof tests / sizeof *tests);
}
