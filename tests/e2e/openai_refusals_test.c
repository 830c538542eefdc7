/* SPDX-License-Identifier: Apache-2.0 */
/* What module "openai" refuses, and in which words: by the host, by the tables of members, deep in
 * messages and items. Also the models, which are what most clients ask for first. */
#include "support/openai.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(&(struct gateway_options){
        .config = "slots: {nonstreaming: 1}\n"
                  "modules: {settings: {openai: {models: {gpt-4o: sonnet}}}}\n"});
}

static void teardown(void) {
    gateway_stop(gateway);
}

#define INVALID "invalid_request_error"

/* ---- the host's refusals */

START_TEST(the_host_refuses_in_the_apis_words)
{
    struct http_response answer = http_post_as(gateway, "", CHAT, json_object());
    openai_assert_error(&answer, 401, INVALID, "invalid_api_key", NULL);
    http_response_finish(&answer);
    answer = http_post_as(gateway, "nobodys-key", CHAT, json_object());
    openai_assert_error(&answer, 401, INVALID, "invalid_api_key", NULL);
    http_response_finish(&answer);
    answer = http_get(gateway, "/v1/nothing");
    openai_assert_error(&answer, 404, INVALID, NULL, NULL);
    http_response_finish(&answer);
    answer = http_get(gateway, CHAT);
    openai_assert_error(&answer, 405, INVALID, "method_not_supported", NULL);
    http_response_finish(&answer);
}
END_TEST

START_TEST(no_slot_is_a_rate_limit)
{
    json_t *body = openai_chat("{'stream':true}");
    openai_say_scenario(body, "{'text':'half and half','delta_bytes':7,'hang':'mid_text'}");
    struct sse_stream *stream = sse_open_stream(gateway, CHAT, json_incref(body));
    struct http_response answer = openai_send(gateway, CHAT, body);
    openai_assert_error(&answer, 429, "requests", "rate_limit_exceeded", NULL);
    char *retry_after = http_header(&answer, "Retry-After");
    ck_assert_pstr_eq(retry_after, "5");
    free(retry_after);
    http_response_finish(&answer);
    sse_stream_close(stream);
    json_decref(body);
}
END_TEST

START_TEST(the_models_api_is_told_by_its_status)
{
    static const struct {
        int status;
        const char *type, *code;
    } cases[] = {{400, INVALID, NULL}, {429, "requests", "rate_limit_exceeded"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *scenario =
            scratch_text("{'is_error':{'text':'API Error: %d no','api_error_status':%d}}",
                         cases[i].status, cases[i].status);
        json_t *body = openai_chat(NULL);
        openai_say_scenario(body, scenario);
        struct http_response answer = openai_send(gateway, CHAT, body);
        openai_assert_error(&answer, cases[i].status, cases[i].type, cases[i].code, NULL);
        http_response_finish(&answer);
        json_decref(body);
        free(scenario);
    }
}
END_TEST

/* ---- models and endpoints */

START_TEST(models_are_listed)
{
    struct http_response answer = http_get(gateway, "/v1/models");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "object"), "list");
    ck_assert_str_eq(http_string(&answer, "data.0.id"), "gpt-4o");
    ck_assert_str_eq(http_string(&answer, "data.0.object"), "model");
    ck_assert_int_gt(http_integer(&answer, "data.0.created"), 1700000000);
    ck_assert_str_eq(http_string(&answer, "data.0.owned_by"), "anthropic");
    ck_assert_uint_ge(json_array_size(http_member(&answer, "data")), 4);
    http_response_finish(&answer);
    answer = http_get(gateway, "/v1/models/gpt-4o");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "id"), "gpt-4o");
    http_response_finish(&answer);
    answer = http_get(gateway, "/v1/models/claude-sonnet-4-5");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_unknown_model_does_not_exist)
{
    json_t *body = openai_chat("{'model':'gpt-unheard-of'}");
    openai_say(body, "user", "x");
    struct http_response answer = openai_send(gateway, CHAT, body);
    openai_assert_error(&answer, 404, INVALID, "model_not_found", "model");
    http_response_finish(&answer);
    answer = http_get(gateway, "/v1/models/gpt-unheard-of");
    openai_assert_error(&answer, 404, INVALID, "model_not_found", "model");
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(endpoints_that_are_not_there_are_named)
{
    static const char *const paths[] = {"/v1/embeddings", "/v1/completions", "/v1/moderations",
                                        "/v1/audio/speech", "/v1/images/generations"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct http_response answer = http_post(gateway, paths[i], json_object());
        openai_assert_error(&answer, 404, INVALID, NULL, NULL);
        ck_assert_msg(strstr(answer.body, paths[i]) != NULL, "%s", answer.body);
        http_response_finish(&answer);
    }
    struct http_response answer = http_get(gateway, "/v1/responses/resp_1");
    openai_assert_error(&answer, 404, INVALID, NULL, NULL);
    ck_assert_msg(strstr(answer.body, "not stored") != NULL, "%s", answer.body);
    http_response_finish(&answer);
}
END_TEST

/* ---- bodies: each is refused at that place */

struct refusal {
    const char *body, *param, *code;
};

static void assert_refused(const char *path, const struct refusal *refusal) {
    struct http_response answer = http_post(gateway, path, quoted_json(refusal->body));
    ck_assert_msg(answer.status == 400, "%s: %ld %s", refusal->body, answer.status, answer.body);
    openai_assert_error(&answer, 400, INVALID, refusal->code, refusal->param);
    http_response_finish(&answer);
}

#define USER "'messages':[{'role':'user','content':'x'}]"
#define CHAT_WITH(fields) "{'model':'sonnet'," USER "," fields "}"
#define MESSAGE(message) "{'model':'sonnet','messages':[" message "]}"
#define PART(part) MESSAGE("{'role':'user','content':[" part "]}")
#define FUNCTION(members) "'tools':[{'type':'function','function':{" members "}}]"

/* Each of them would be a problem of its own, and their check keeps everybody else waiting. */
START_TEST(conversations_of_more_than_a_hundred_thousand_items)
{
    static const struct {
        const char *path, *list;
    } endpoints[] = {{"/v1/chat/completions", "messages"}, {"/v1/responses", "input"}};
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
        json_t *items = json_array();
        for (size_t at = 0; at <= 100000; at++)
            json_array_append_new(items, json_integer(7));
        struct http_response answer =
            http_post(gateway, endpoints[i].path,
                      json_pack("{ssso}", "model", "sonnet", endpoints[i].list, items));
        openai_assert_error(&answer, 400, INVALID, NULL, endpoints[i].list);
        ck_assert_ptr_nonnull(strstr(answer.body, "must hold at most 100000 items, got 100001"));
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(members_of_chat)
{
    static const struct refusal refusals[] = {
        {"{" USER "}", "model", "missing_required_parameter"},
        {"{'model':'sonnet'}", "messages", "missing_required_parameter"},
        {"{'model':'sonnet','messages':[]}", "messages", NULL},
        {CHAT_WITH("'colour':'red'"), "colour", "unknown_parameter"},
        {CHAT_WITH("'n':2"), "n", "unsupported_parameter"},
        {CHAT_WITH("'stop':'x'"), "stop", "unsupported_parameter"},
        {CHAT_WITH("'logprobs':true"), "logprobs", "unsupported_parameter"},
        {CHAT_WITH("'top_logprobs':2"), "top_logprobs", "unsupported_parameter"},
        {CHAT_WITH("'logit_bias':{'1':2}"), "logit_bias", "unsupported_parameter"},
        {CHAT_WITH("'modalities':['text','audio']"), "modalities", "unsupported_parameter"},
        {CHAT_WITH("'audio':{}"), "audio", "unsupported_parameter"},
        {CHAT_WITH("'prediction':{}"), "prediction", "unsupported_parameter"},
        {CHAT_WITH("'web_search_options':{}"), "web_search_options", "unsupported_parameter"},
        {CHAT_WITH("'functions':[{}]"), "functions", "unsupported_parameter"},
        {CHAT_WITH("'function_call':'auto'"), "function_call", "unsupported_parameter"},
        {CHAT_WITH("'stream':'yes'"), "stream", NULL},
        {CHAT_WITH("'max_tokens':0"), "max_tokens", NULL},
        {CHAT_WITH("'max_tokens':1,'max_completion_tokens':2"), "max_tokens", NULL},
        {CHAT_WITH("'stream_options':{'include_usage':true}"), "stream_options", NULL},
        {CHAT_WITH("'stream':true,'stream_options':{'include_usage':1}"),
         "stream_options.include_usage", NULL},
        {CHAT_WITH("'reasoning_effort':'huge'"), "reasoning_effort", NULL},
        {CHAT_WITH("'response_format':{'type':'xml'}"), "response_format.type", NULL},
        {CHAT_WITH("'response_format':{'type':'json_schema'}"), "response_format.json_schema",
         NULL},
        {CHAT_WITH("'response_format':{'type':'json_schema','json_schema':{'name':'x'}}"),
         "response_format.json_schema.schema", "missing_required_parameter"},
        {CHAT_WITH("'response_format':{'type':'json_schema','json_schema':{'name':'x','schema':"
                   "{'type':'object','properties':{'a':{'type':'strin'}}}}}"),
         "response_format.json_schema.schema.properties.a.type", NULL},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_refused(CHAT, &refusals[i]);
}
END_TEST

START_TEST(messages_of_chat)
{
    static const struct refusal refusals[] = {
        {MESSAGE("'x'"), "messages[0]", NULL},
        {MESSAGE("{'role':'function','content':'x'}"), "messages[0].role", NULL},
        {MESSAGE("{'role':'user'}"), "messages[0].content", NULL},
        {MESSAGE("{'role':'user','content':'x','colour':1}"), "messages[0]", NULL},
        {MESSAGE("{'role':'system','content':'x'}"), "messages", NULL},
        {MESSAGE("{'role':'system','content':'x'},{'role':'assistant','content':'y'}"),
         "messages[1]", NULL},
        {MESSAGE("{'role':'user','content':'x'},{'role':'assistant','content':'y'}"), "messages[1]",
         NULL},
        {MESSAGE("{'role':'user','content':'x'},{'role':'tool','content':'y'}"),
         "messages[1].tool_call_id", "missing_required_parameter"},
        {MESSAGE("{'role':'user','content':'x'},{'role':'tool','tool_call_id':'1','content':'y'}"),
         "messages[1]", NULL},
        {MESSAGE("{'role':'user','content':'x'},{'role':'assistant','tool_calls':[{'id':'1','type':"
                 "'function','function':{'name':'f','arguments':'{'}}]}"),
         "messages[1].tool_calls[0].function.arguments", NULL},
        {MESSAGE("{'role':'user','content':'x'},{'role':'assistant','tool_calls':[{'id':'1','type':"
                 "'custom'}]}"),
         "messages[1].tool_calls[0].type", NULL},
        {MESSAGE("{'role':'user','content':'x'},{'role':'assistant','audio':{'id':'a'}}"),
         "messages[1]", NULL},
        {PART("{'type':'video'}"), "messages[0].content[0].type", NULL},
        {PART("{'type':'text'}"), "messages[0].content[0].text", NULL},
        {PART("{'type':'input_audio','input_audio':{}}"), "messages[0].content[0]",
         "unsupported_parameter"},
        {PART("{'type':'image_url','image_url':{'url':'file:///etc/passwd'}}"),
         "messages[0].content[0].image_url.url", NULL},
        {PART("{'type':'image_url','image_url':{'url':'data:image/svg+xml;base64,AA=='}}"),
         "messages[0].content[0].image_url.url", NULL},
        {PART("{'type':'image_url','image_url':{'url':'data:image/png,AA'}}"),
         "messages[0].content[0].image_url.url", NULL},
        {PART("{'type':'file','file':{'file_id':'file-1'}}"), "messages[0].content[0].file.file_id",
         "unsupported_parameter"},
        {PART("{'type':'file','file':{'file_data':'data:text/plain;base64,/w=='}}"),
         "messages[0].content[0].file.file_data", NULL},
        {PART("{'type':'file','file':{'file_data':'data:application/zip;base64,AA=='}}"),
         "messages[0].content[0].file.file_data", NULL},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_refused(CHAT, &refusals[i]);
}
END_TEST

START_TEST(tools_of_chat)
{
    static const struct refusal refusals[] = {
        {CHAT_WITH("'tools':[{'type':'custom','custom':{}}]"), "tools[0].type", NULL},
        {CHAT_WITH("'tools':[{'type':'function'}]"), "tools[0].function", NULL},
        {CHAT_WITH(FUNCTION("'description':'x'")), "tools[0].function.name",
         "missing_required_parameter"},
        {CHAT_WITH(FUNCTION("'name':'a b'")), "tools[0].function", NULL},
        {CHAT_WITH(FUNCTION("'name':'a','parameters':[]")), "tools[0].function.parameters", NULL},
        {CHAT_WITH(FUNCTION("'name':'a','parameters':{'type':'array'}")), "tools[0].function",
         NULL},
        {CHAT_WITH("'tool_choice':'required'"), "tool_choice", NULL},
        {CHAT_WITH("'tool_choice':'any'"), "tool_choice", NULL},
        {CHAT_WITH(
             "'tool_choice':{'type':'function','function':{'name':'b'}}," FUNCTION("'name':'a'")),
         "tool_choice.function", NULL},
        {CHAT_WITH("'tool_choice':{'type':'allowed_tools'}," FUNCTION("'name':'a'")),
         "tool_choice.type", NULL},
        {CHAT_WITH("'tool_choice':'required','tools':[{'type':'function','function':{'name':'a'}},"
                   "{'type':'function','function':{'name':'b'}}]"),
         "tool_choice", "unsupported_parameter"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_refused(CHAT, &refusals[i]);
}
END_TEST

#define RESPONSE_WITH(fields) "{'model':'sonnet','input':'x'," fields "}"
#define INPUT(items) "{'model':'sonnet','input':" items "}"

START_TEST(members_and_items_of_responses)
{
    static const struct refusal refusals[] = {
        {"{'model':'sonnet'}", "input", "missing_required_parameter"},
        {"{'input':'x'}", "model", "missing_required_parameter"},
        {RESPONSE_WITH("'colour':1"), "colour", "unknown_parameter"},
        {RESPONSE_WITH("'previous_response_id':'resp_1'"), "previous_response_id",
         "unsupported_parameter"},
        {RESPONSE_WITH("'conversation':'conv_1'"), "conversation", "unsupported_parameter"},
        {RESPONSE_WITH("'background':true"), "background", "unsupported_parameter"},
        {RESPONSE_WITH("'prompt':{'id':'x'}"), "prompt", "unsupported_parameter"},
        {RESPONSE_WITH("'truncation':'auto'"), "truncation", "unsupported_parameter"},
        {RESPONSE_WITH("'top_logprobs':1"), "top_logprobs", "unsupported_parameter"},
        {RESPONSE_WITH("'include':['message.output_text.logprobs']"), "include[0]",
         "unsupported_parameter"},
        {RESPONSE_WITH("'reasoning':{'effort':'huge'}"), "reasoning.effort", NULL},
        {RESPONSE_WITH("'text':{'format':{'type':'json_schema'}}"), "text.format.schema",
         "missing_required_parameter"},
        {RESPONSE_WITH("'tools':[{'type':'web_search'}]"), "tools[0].type", NULL},
        {RESPONSE_WITH("'tools':[{'type':'function'}]"), "tools[0].name",
         "missing_required_parameter"},
        {RESPONSE_WITH("'tool_choice':{'type':'web_search'}"), "tool_choice.type", NULL},
        {INPUT("7"), "input", NULL},
        {INPUT("''"), "input", NULL},
        {INPUT("[7]"), "input[0]", NULL},
        {INPUT("[{'type':'item_reference','id':'x'}]"), "input[0]", "unsupported_parameter"},
        {INPUT("[{'type':'computer_call'}]"), "input[0].type", NULL},
        {INPUT("[{'role':'tool','content':'x'}]"), "input[0].role", NULL},
        {INPUT("[{'role':'user','content':[{'type':'output_text','text':'x'}]}]"),
         "input[0].content[0].type", NULL},
        {INPUT("[{'role':'user','content':[{'type':'input_file','file_id':'x'}]}]"),
         "input[0].content[0].file_id", "unsupported_parameter"},
        {INPUT("[{'type':'function_call','name':'f','arguments':'{}'}]"), "input[0].call_id",
         "missing_required_parameter"},
        {INPUT("[{'role':'user','content':'x'},{'type':'function_call_output','call_id':'1',"
               "'output':'y'}]"),
         "input[1]", NULL},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_refused(RESPONSES, &refusals[i]);
}
END_TEST

START_TEST(all_problems_are_told_at_once)
{
    struct http_response answer =
        http_post(gateway, CHAT, quoted_json(CHAT_WITH("'n':2,'stop':'x','colour':1")));
    http_assert_status(&answer, 400);
    static const char *const words[] = {"3 problems", "n: ", "stop: ", "colour: "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(answer.body, words[i]) != NULL, "%s: %s", words[i], answer.body);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_host_refuses_in_the_apis_words,
        no_slot_is_a_rate_limit,
        the_models_api_is_told_by_its_status,
        models_are_listed,
        an_unknown_model_does_not_exist,
        endpoints_that_are_not_there_are_named,
        conversations_of_more_than_a_hundred_thousand_items,
        members_of_chat,
        messages_of_chat,
        tools_of_chat,
        members_and_items_of_responses,
        all_problems_are_told_at_once,
    };
    return test_main("openai_refusals", setup, teardown, tests, sizeof tests / sizeof *tests);
}
