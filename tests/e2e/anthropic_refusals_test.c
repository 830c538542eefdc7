/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused on the routes of Anthropic's API: always in that API's form, with the place of
 * what is wrong; nothing that changes the answer is ignored. */
#include "anthropic_fixture.h"

/* A request that is good but for `fields`. */
static json_t *request_with(const char *fields) {
    json_t *body = ask(fields);
    if (!json_array_size(json_object_get(body, "messages")) &&
        json_is_array(json_object_get(body, "messages")) && !strstr(fields, "'messages'"))
        say_scenario(body, "{'text':'x'}");
    return body;
}

struct refusal {
    const char *fields;
    const char *problem; /* its path and the front of the sentence */
};

static void assert_refused(const char *path, const struct refusal *refusal) {
    struct http_response answer = http_post(gateway, path, request_with(refusal->fields));
    http_assert_status(&answer, 400);
    ck_assert_str_eq(http_string(&answer, "error.type"), "invalid_request_error");
    const char *message = http_string(&answer, "error.message");
    ck_assert_msg(strncmp(message, refusal->problem, strlen(refusal->problem)) == 0,
                  "%s: expected \"%s\", got \"%s\"", refusal->fields, refusal->problem, message);
    http_response_finish(&answer);
}

#define USER(content) "'messages':[{'role':'user','content':" content "}]"
#define BLOCK(block) "{" USER("[" block "]") "}"
#define SOURCE(type, source) BLOCK("{'type':'" type "','source':" source "}")

static const struct refusal refusals[] = {
    /* fields */
    {"{'max_tokens':null}", "max_tokens: is required"},
    {"{'max_tokens':0}", "max_tokens: must be a positive integer, got 0"},
    {"{'model':''}", "model: must not be empty"},
    {"{'messages':[]}", "messages: must not be empty"},
    {"{'stream':'yes'}", "stream: must be true or false"},
    {"{'temperature':1.5}", "temperature: must be at most 1"},
    {"{'service_tier':'fast'}", "service_tier: must be \"auto\" or \"standard_only\""},
    {"{'stop_sequences':['END']}", "stop_sequences: is not supported"},
    {"{'container':'c'}", "container: is not supported"},
    {"{'mcp_servers':[{'url':'x'}]}", "mcp_servers: is not supported"},
    {"{'context_management':{'edits':[{'type':'clear_tool_uses_20250919'}]}}",
     "context_management: is not supported"},
    {"{'inference_geo':'us'}", "inference_geo: is not supported"},
    {"{'n':1}", "n: is not known here"},
    /* messages */
    {"{'messages':[{'role':'system','content':'x'}]}",
     "messages[0].role: must be \"user\" or \"assistant\": instructions belong into system"},
    {"{'messages':[{'role':'user','content':'x'},{'role':'assistant','content':'I am'}]}",
     "messages[1]: must be of the user: an answer that begins with given words (prefill)"},
    {"{'messages':[{'role':'assistant','content':'x'},{'role':'user','content':'y'}]}",
     "messages[0]: must be the user's"},
    {"{'messages':[{'role':'user','content':'x','name':'Ada'}]}",
     "messages[0].name: is not known here"},
    {"{'messages':[{'role':'user'}]}", "messages[0].content: is required"},
    {"{'messages':['x']}", "messages[0]: must be an object, got a string"},
    {"{" USER("7") "}", "messages[0].content: must be a string or an array of content blocks"},
    {BLOCK("'x'"), "messages[0].content[0]: must be a content block (an object), got a string"},
    {BLOCK("{'text':'x'}"), "messages[0].content[0].type: is required"},
    {BLOCK("{'type':'sound'}"), "messages[0].content[0].type: must be one of these here: text, "
                                "image, document, tool_result"},
    {BLOCK("{'type':'search_result'}"), "messages[0].content[0].type: is not supported: send it"},
    {BLOCK("{'type':'web_search_tool_result'}"),
     "messages[0].content[0].type: is not supported: only tools of the client"},
    {BLOCK("{'type':'text','text':7}"),
     "messages[0].content[0].text: must be a string, got a number"},
    {BLOCK("{'type':'text','text':'x','colour':'red'}"),
     "messages[0].content[0].colour: is not known here"},
    {BLOCK("{'type':'tool_use','id':'a','name':'b','input':{}}"),
     "messages[0].content[0].type: must be one of these here"},
    {BLOCK("{'type':'tool_result','tool_use_id':'a'}"), "messages[0]: must hold results only"},
    {BLOCK("{'type':'tool_result','tool_use_id':'a','content':[{'type':'thinking'}]}"),
     "messages[0].content[0].content[0].type: must be one of these here: text, image, document"},
    {SOURCE("image", "{'type':'file','file_id':'f'}"),
     "messages[0].content[0].source.type: is not supported: no files are kept"},
    {SOURCE("image", "{'type':'base64','media_type':'image/bmp','data':'x'}"),
     "messages[0].content[0].source.media_type: must be \"image/jpeg\""},
    {SOURCE("image", "{'type':'base64','media_type':'image/png','data':''}"),
     "messages[0].content[0].source.data: must not be empty"},
    {SOURCE("document", "{'type':'content','content':[{'type':'document'}]}"),
     "messages[0].content[0].source.content[0].type: must be one of these here: text, image"},
    {BLOCK("{'type':'document','citations':{'enabled':true},'source':{'type':'url','url':'u'}}"),
     "messages[0].content[0].citations: is not supported"},
    /* system */
    {"{'system':7}", "system: must be a string or an array of content blocks"},
    {"{'system':[{'type':'image'}]}", "system[0].type: must be one of these here: text"},
    /* tools */
    {"{'tools':[{'type':'web_search_20250305','name':'web_search'}]}",
     "tools[0].type: is not supported: a tool of the API's own"},
    {"{'tools':[{'name':'a b','input_schema':{'type':'object'}}]}", "tools[0]: must have a name"},
    {"{'tools':[{'name':'a'}]}", "tools[0].input_schema: is required"},
    {"{'tools':[{'name':'a','input_schema':{'type':'string'}}]}",
     "tools[0]: must have a JSON Schema of the type object"},
    {"{'tools':[{'name':'a','input_schema':{'type':'object'},'input_examples':[{}]}]}",
     "tools[0].input_examples: is not supported"},
    {"{'tool_choice':{'type':'any'}}", "tool_choice.type: needs a tool"},
    {"{'tool_choice':{'type':'tool','name':'a'}}",
     "tool_choice.name: must be the name of one of the tools"},
    {"{'tool_choice':{'type':'any'},'tools':[{'name':'a','input_schema':{'type':'object'}},"
     "{'name':'b','input_schema':{'type':'object'}}]}",
     "tool_choice.type: \"any\" is not supported with several tools"},
    {"{'tool_choice':{'type':'all'}}", "tool_choice.type: must be \"auto\", \"any\""},
    /* options */
    {"{'thinking':{'type':'enabled'}}", "thinking.budget_tokens: is required"},
    {"{'thinking':{'type':'enabled','budget_tokens':10}}",
     "thinking.budget_tokens: must be a number of at least 1024"},
    {"{'max_tokens':1500,'thinking':{'type':'enabled','budget_tokens':1500}}",
     "thinking.budget_tokens: must be below max_tokens"},
    {"{'output_config':{'effort':'extreme'}}", "output_config.effort: must be \"low\""},
    {"{'output_config':{'task_budget':{'type':'tokens','total':9}}}",
     "output_config.task_budget: is not supported"},
    {"{'output_config':{'format':{'type':'json_schema','schema':{'type':'object','properties':"
     "{'a':{'type':'int'}}}}}}",
     "output_config.format.schema.properties.a.type: must be one of"},
    {"{'output_format':{'type':'json_schema','schema':{'type':'array'}}}",
     "output_format.schema.type: must be \"object\""},
};

START_TEST(what_cannot_be_done_is_refused_at_its_place)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
        assert_refused(MESSAGES, &refusals[i]);
}
END_TEST

START_TEST(all_problems_are_told_at_once)
{
    struct http_response answer = http_post(
        gateway, MESSAGES,
        request_with("{'model':null,'top_k':-1,'stop_sequences':['x'],'tools':[{'name':'a'}],"
                     "'messages':[{'role':'user','content':[{'type':'text'},{'type':'image'}]}]}"));
    assert_api_error(&answer, 400, "invalid_request_error", "6 problems: ");
    http_response_finish(&answer);
}
END_TEST

/* Millions of problems fit into a body: the gateway does not spend its time on their sentences. */
START_TEST(of_very_many_problems_some_are_told)
{
    json_t *body = ask(NULL), *content = json_array();
    for (int i = 0; i < 1000000; i++)
        json_array_append_new(content, json_integer(1));
    json_array_append_new(json_object_get(body, "messages"),
                          json_pack("{s:s,s:o}", "role", "user", "content", content));
    struct http_response answer = http_post(gateway, MESSAGES, body);
    assert_api_error(&answer, 400, "invalid_request_error", "100 problems: messages[0].content[0]");
    ck_assert_uint_lt(answer.body_size, 4096);
    http_response_finish(&answer);
}
END_TEST

/* These words make clients that know threads send the whole conversation instead. */
START_TEST(a_thread_is_refused_so_that_its_client_can_do_without)
{
    struct http_response answer =
        http_post(gateway, MESSAGES, request_with("{'thread':{'type':'create'}}"));
    assert_api_error(&answer, 400, "invalid_request_error", "thread: is not supported");
    assert_member(&answer, "error.details",
                  "{'error_code':'thread_unsupported_request','unsupported':['thread']}");
    http_response_finish(&answer);
    answer = http_post(gateway, MESSAGES, request_with("{'thread':null}"));
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}
END_TEST

/* Clients send what asks for nothing. */
START_TEST(what_asks_for_nothing_is_no_problem)
{
    struct http_response answer = http_post(
        gateway, MESSAGES,
        request_with(
            "{'stop_sequences':[],'container':null,'mcp_servers':[],'context_management':null,"
            "'temperature':0.2,'top_p':0.9,'top_k':40,'metadata':{'user_id':'u'},'service_tier':"
            "'auto','cache_control':{'type':'ephemeral'},'inference_geo':'global','tools':[],"
            "'tool_choice':{'type':'auto'},'thinking':{'type':'disabled'},'output_config':{},"
            "'system':'','stream':false}"));
    http_assert_status(&answer, 200);
    assert_member(&answer, "content.0.text", "'x'");
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_unknown_model_is_404)
{
    struct http_response answer = http_post(gateway, MESSAGES, request_with("{'model':'gpt-9'}"));
    assert_api_error(&answer, 404, "not_found_error", "model: gpt-9");
    http_response_finish(&answer);
}
END_TEST

START_TEST(odd_bodies_are_refused_in_the_apis_form)
{
    static const char *const bodies[] = {"", "[]", "{", "{\"model\":1,\"model\":2}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct http_response answer = http_send(
            gateway, &(struct http_request){.method = "POST", .path = MESSAGES, .body = bodies[i]});
        assert_api_error(&answer, 400, "invalid_request_error", "");
        http_response_finish(&answer);
    }
}
END_TEST

/* A member with a name that no path can hold, or longer than anybody would read. */
START_TEST(odd_names_are_told_and_cut)
{
    json_t *body = ask(NULL);
    say(body, "user", "[{'type':'text','text':'x','a.b[c':1}]");
    struct http_response answer = send_body(MESSAGES, body);
    assert_api_error(&answer, 400, "invalid_request_error",
                     "messages[0].content[0]: has a member that is not known here: \"a.b[c\"");
    http_response_finish(&answer);
    json_t *block = json_array_get(
        json_object_get(json_array_get(json_object_get(body, "messages"), 0), "content"), 0);
    char name[302];
    for (size_t i = 0; i < 300; i += 2)
        memcpy(name + i, "ä", 2);
    name[0] = 'x';
    name[1] = 'y';
    name[300] = '\0';
    json_object_del(block, "a.b[c");
    json_object_set_new(block, name, json_true());
    answer = send_body(MESSAGES, body);
    assert_api_error(&answer, 400, "invalid_request_error", "has a member that is not known here");
    ck_assert_uint_lt(answer.body_size, 400);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

/* ---- refusals of the gateway */

START_TEST(the_gateways_own_refusals_have_the_apis_form)
{
    static const char *const version[] = {"anthropic-version: 2023-06-01", NULL};
    static const struct {
        const char *method, *path, *key;
        long status;
        const char *type;
    } cases[] = {
        {"POST", MESSAGES, "wrong", 401, "authentication_error"},
        {"POST", MESSAGES, "", 401, "authentication_error"},
        {"GET", MESSAGES, NULL, 405, "invalid_request_error"},
        {"POST", MESSAGES "/batches", NULL, 404, "not_found_error"},
        {"GET", "/v1/files", NULL, 404, "not_found_error"},
        {"GET", "/v1/models", "wrong", 401, "authentication_error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct http_response answer =
            http_send(gateway, &(struct http_request){.method = cases[i].method,
                                                      .path = cases[i].path,
                                                      .key = cases[i].key,
                                                      .headers = version});
        assert_api_error(&answer, cases[i].status, cases[i].type, "");
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(a_body_that_is_too_large_is_413)
{
    start_with("http: {max_body_bytes: 2000}\n");
    json_t *body = ask(NULL);
    char text[4000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    json_array_append_new(json_object_get(body, "messages"),
                          json_pack("{s:s,s:s}", "role", "user", "content", text));
    struct http_response answer = http_post(gateway, MESSAGES, body);
    assert_api_error(&answer, 413, "request_too_large", "");
    http_response_finish(&answer);
}
END_TEST

START_TEST(more_than_there_are_slots_is_429_with_a_time_to_wait)
{
    start_with("slots: {nonstreaming: 1}\n");
    struct http_call *busy = http_begin_post(
        gateway, MESSAGES, ask_scenario("{'text':'x','first_delay_ms':3000}", NULL));
    await_active_slots(gateway, 1, 5000);
    struct http_response answer =
        http_post(gateway, MESSAGES, ask_scenario("{'text':'x'}", "{'stream':true}"));
    char *wait = http_header(&answer, "Retry-After");
    assert_api_error(&answer, 429, "rate_limit_error", "");
    ck_assert_ptr_nonnull(wait);
    free(wait);
    http_response_finish(&answer);
    answer = http_wait(busy);
    http_response_finish(&answer);
}
END_TEST

START_TEST(failures_of_the_model_have_the_apis_status)
{
    struct http_response answer = http_post(
        gateway, MESSAGES,
        ask_scenario("{'is_error':{'text':'API Error: 529 busy','api_error_status':529}}", NULL));
    char *wait = http_header(&answer, "Retry-After"), *id = http_header(&answer, "request-id");
    assert_api_error(&answer, 529, "overloaded_error", "");
    ck_assert_ptr_nonnull(wait);
    ck_assert_ptr_nonnull(id);
    free(id);
    free(wait);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        what_cannot_be_done_is_refused_at_its_place,
        all_problems_are_told_at_once,
        of_very_many_problems_some_are_told,
        a_thread_is_refused_so_that_its_client_can_do_without,
        what_asks_for_nothing_is_no_problem,
        an_unknown_model_is_404,
        odd_bodies_are_refused_in_the_apis_form,
        odd_names_are_told_and_cut,
        the_gateways_own_refusals_have_the_apis_form,
        a_body_that_is_too_large_is_413,
        more_than_there_are_slots_is_429_with_a_time_to_wait,
        failures_of_the_model_have_the_apis_status,
    };
    return test_main("anthropic_refusals", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
