/* SPDX-License-Identifier: Apache-2.0 */
/* POST /generate-object: objects of every kind, the schema on its way to the CLI, schemas that are
 * none, models that find no fitting object, and what the endpoint shares with /generate-text. */
#include "support/raw_client.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

/* Where the schema does not matter. */
#define ANY "'schema':{'type':'object'}"
/* Its pattern is none, which only the CLI can see. */
#define UNBALANCED "{'schema':{'type':'object','properties':{'a':{'type':'string','pattern':'('}}}}"

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static void restart(const char *config) {
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static struct http_response ask(const char *scenario, const char *fields) {
    return http_post(gateway, "/generate-object", scenario_body(scenario, fields));
}

/* The `object` of an answer with status 200, whose rawText says the same. */
static json_t *object_of(const struct http_response *answer) {
    http_assert_status(answer, 200);
    json_t *object = http_member(answer, "object");
    json_t *raw = json_loads(http_string(answer, "rawText"), JSON_DECODE_ANY, NULL);
    ck_assert_msg(json_equal(raw, object), "rawText is another object: %.1000s", answer->body);
    json_decref(raw);
    return object;
}

static void assert_object(const struct http_response *answer, const char *expected) {
    json_t *wanted = quoted_json(expected);
    ck_assert_msg(json_equal(object_of(answer), wanted), "%.1000s is not %.1000s", answer->body,
                  expected);
    json_decref(wanted);
}

/* ---- answers */

START_TEST(the_answer_has_every_field_of_the_contract)
{
    struct http_response answer = ask("{'object':{'name':'Ada','age':36},'usage':"
                                      "{'input_tokens':7,'output_tokens':5}}",
                                      "{" ANY "}");
    assert_object(&answer, "{'name':'Ada','age':36}");
    ck_assert_int_eq(http_integer(&answer, "usage.inputTokens"), 7);
    ck_assert_int_eq(http_integer(&answer, "usage.outputTokens"), 5);
    ck_assert_int_eq(http_integer(&answer, "usage.totalTokens"), 12);
    ck_assert_uint_eq(strlen(http_string(&answer, "sessionId")), 36);
    ck_assert_str_eq(http_string(&answer, "model"), "claude-standin");
    ck_assert_int_eq(http_integer(&answer, "numTurns"), 2); /* the object, and what it is told */
    ck_assert_int_ge(http_integer(&answer, "durationMs"), 0);
    ck_assert(json_is_real(http_member(&answer, "costUsd")));
    ck_assert_uint_eq(json_array_size(http_member(&answer, "permissionDenials")), 0);
    char *type = http_header(&answer, "Content-Type");
    ck_assert_pstr_eq(type, "application/json; charset=utf-8");
    free(type);
    http_response_finish(&answer);
}
END_TEST

START_TEST(objects_of_every_kind)
{
    static const char *const objects[] = {
        "{}",
        "{'a':[]}",
        "{'a':[[[]],[{}],[[1,[2]],{'b':[{'c':[null]}]}]]}",
        "{'t':true,'f':false,'n':null}",
        "{'':'an empty key','a b':'a blank','a\\\"b':'a quote','\\u00e9\\ud83d\\ude00':'unicode'}",
        ("{'s':'tab\\t line\\n return\\r quote\\\" back\\\\slash \\u0001 \\u007f \\u2028 "
         "\xe2\x82\xac \xf0\x9f\x90\x98'}"),
        "{'zero':0,'minus':-1,'many':9007199254740993,'least':-9223372036854775808}",
        "{'half':0.5,'tenth':0.1,'sum':0.30000000000000004,'pi':3.141592653589793}",
        "{'huge':1.7976931348623157e308,'tiny':5e-324,'exponent':1e21,'minus':-1.5e-7}",
        "{'object':{'object':{'rawText':'no field of the answer'}}}",
        "{'html':'</script><!--','sse':'data: x\\n\\nevent: done'}",
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char *scenario = scratch_text("{'object':%s}", objects[i]);
        struct http_response answer = ask(scenario, "{" ANY "}");
        assert_object(&answer, objects[i]);
        http_response_finish(&answer);
        free(scenario);
    }
}
END_TEST

/* JSON allows it, and tools written in C are wont to cut there. */
START_TEST(a_nul_within_a_string)
{
    struct http_response answer =
        ask("{'object_json':'{\\\"a\\\":\\\"b\\\\u0000c\\\"}'}", "{" ANY "}");
    http_assert_status(&answer, 200);
    ck_assert_msg(strstr(answer.body, "\"object\":{\"a\":\"b\\u0000c\"}"), "%s", answer.body);
    ck_assert_msg(strstr(answer.body, "\"rawText\":\"{\\\"a\\\":\\\"b\\\\u0000c\\\"}\""), "%s",
                  answer.body);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_object_of_a_megabyte)
{
    struct http_response answer =
        ask("{'object':{'text':'0123456789abcdef'},'object_repeat':40000,'delta_bytes':4096}",
            "{" ANY "}");
    ck_assert_uint_eq(json_array_size(http_json_at(object_of(&answer), "items")), 40000);
    http_response_finish(&answer);
}
END_TEST

START_TEST(the_object_comes_without_a_block_of_its_own)
{
    struct http_response answer = ask("{'object':{'a':1},'object_streamed':false}", "{" ANY "}");
    assert_object(&answer, "{'a':1}");
    http_response_finish(&answer);
}
END_TEST

/* ---- the schema on its way */

/* What the stand-in was told as schema. */
static json_t *schema_that_arrived(const char *schema) {
    char *fields = scratch_text("{'schema':%s}", schema);
    struct http_response answer = ask("{'object_echo':'state'}", fields);
    json_t *arrived = json_incref(http_json_at(object_of(&answer), "json_schema"));
    http_response_finish(&answer);
    free(fields);
    return arrived;
}

static void assert_schema(const char *sent, const char *expected) {
    json_t *arrived = schema_that_arrived(sent), *wanted = quoted_json(expected);
    char *shown = json_dumps(arrived, JSON_ENCODE_ANY);
    ck_assert_msg(json_equal(arrived, wanted), "%s became %s, expected %s", sent, shown, expected);
    free(shown);
    json_decref(arrived);
    json_decref(wanted);
}

START_TEST(a_schema_arrives_as_it_is)
{
    static const char *const schemas[] = {
        "{'type':'object','properties':{'name':{'type':'string','minLength':1},'tags':{'type':"
        "'array','items':{'type':'string'},'uniqueItems':true}},'required':['name'],"
        "'additionalProperties':false}",
        "{'type':'object','anyOf':[{'required':['a']},{'$ref':'#/$defs/b'}],"
        "'$defs':{'b':{'required':['b']}}}",
        "{'type':'object','description':'\xe2\x82\xac \\\"quoted\\\" \\ud83d\\ude00','properties':"
        "{'n':{'type':['integer','null'],'minimum':-1,'exclusiveMaximum':1.5}}}",
    };
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        assert_schema(schemas[i], schemas[i]);
}
END_TEST

/* The API takes no tool without it. */
START_TEST(the_type_of_the_whole_is_added)
{
    assert_schema("{'properties':{'a':{'const':1}}}",
                  "{'type':'object','properties':{'a':{'const':1}}}");
}
END_TEST

START_TEST(what_the_cli_cannot_compile_is_left_out)
{
    assert_schema("{'$schema':'https://json-schema.org/draft/2020-12/schema','type':'object',"
                  "'properties':{'when':{'type':'string','format':'date-time'}}}",
                  "{'type':'object','properties':{'when':{'type':'string'}}}");
    assert_schema("{'$schema':'http://json-schema.org/draft-07/schema#','type':'object',"
                  "'properties':{'list':{'type':'array','items':{'anyOf':[{'type':'string',"
                  "'format':'email'},{'type':'null'}]}}},'$defs':{'url':{'type':'string',"
                  "'format':'uri'}}}",
                  "{'type':'object','properties':{'list':{'type':'array','items':{'anyOf':[{'type':"
                  "'string'},{'type':'null'}]}}},'$defs':{'url':{'type':'string'}}}");
}
END_TEST

START_TEST(a_property_may_have_the_name_of_a_keyword)
{
    assert_schema("{'type':'object','properties':{'format':{'type':'string','format':'uuid'},"
                  "'$schema':{'type':'string'},'type':{'const':'format'}},'required':['format']}",
                  "{'type':'object','properties':{'format':{'type':'string'},"
                  "'$schema':{'type':'string'},'type':{'const':'format'}},'required':['format']}");
}
END_TEST

START_TEST(values_within_a_schema_are_no_schemas)
{
    static const char schema[] =
        "{'type':'object','properties':{'a':{'enum':[{'format':'x'},{'$schema':'y'}]},'b':{'const':"
        "{'format':'z'}},'c':{'default':{'format':'d'},'examples':[{'format':'e'}]}}}";
    assert_schema(schema, schema);
}
END_TEST

START_TEST(without_a_scenario_the_object_fits_the_schema)
{
    struct http_response answer = http_post(
        gateway, "/generate-object",
        quoted_json("{'prompt':'Who was Ada?','schema':{'type':'object','properties':"
                    "{'name':{'type':'string'},'age':{'type':'integer','minimum':36}}}}"));
    assert_object(&answer, "{'name':'stand-in','age':36}");
    http_response_finish(&answer);
}
END_TEST

/* ---- schemas that are none */

START_TEST(a_wrong_schema_is_named_by_its_place)
{
    static const struct {
        const char *fields, *path;
    } cases[] = {
        {"{}", "['schema']"},
        {"{'schema':null}", "['schema']"},
        {"{'schema':'object'}", "['schema']"},
        {"{'schema':7}", "['schema']"},
        {"{'schema':[]}", "['schema']"},
        {"{'schema':true}", "['schema']"},
        {"{'schema':{}}", "['schema']"},
        {"{'schema':{'name':'string','age':'number'}}", "['schema']"},
        {"{'schema':{'type':'objekt'}}", "['schema','type']"},
        {"{'schema':{'type':7}}", "['schema','type']"},
        {"{'schema':{'type':'string'}}", "['schema','type']"},
        {"{'schema':{'type':['string','zahl']}}", "['schema','type',1]"},
        {"{'schema':{'type':'object','properties':[]}}", "['schema','properties']"},
        {"{'schema':{'type':'object','properties':{'age':{'type':'nummer'}}}}",
         "['schema','properties','age','type']"},
        {"{'schema':{'type':'object','properties':{'age':'integer'}}}",
         "['schema','properties','age']"},
        {"{'schema':{'type':'object','required':'name'}}", "['schema','required']"},
        {"{'schema':{'type':'array','items':{'type':null}}}", "['schema','items','type']"},
        {"{'schema':{'anyOf':[{'type':'string'},{'type':'text'}]}}", "['schema','anyOf',1,'type']"},
        {"{'schema':{'type':'object','$defs':{'a':{'minLength':-1}}}}",
         "['schema','$defs','a','minLength']"},
        {"{'schema':{'type':'object','properties':{'a/b':{'enum':'x'}}}}",
         "['schema','properties','a/b','enum']"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_response answer = ask("{}", cases[i].fields);
        json_t *path = quoted_json(cases[i].path);
        ck_assert_msg(answer.status == 400, "%s: %ld %s", cases[i].fields, answer.status,
                      answer.body);
        http_assert_error(&answer, 400, "VALIDATION_ERROR");
        ck_assert_msg(json_equal(http_member(&answer, "issues.0.path"), path), "%s: %s, not %s",
                      cases[i].fields, answer.body, cases[i].path);
        json_t *raw = json_loads(http_string(&answer, "rawText"), 0, NULL);
        ck_assert_msg(json_equal(raw, http_member(&answer, "issues")), "%s", answer.body);
        json_decref(raw);
        json_decref(path);
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(a_schema_that_the_cli_drops)
{
    struct http_response answer = ask("{'text':'{\\\"a\\\":1}'}", UNBALANCED);
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    json_t *path = quoted_json("['schema']");
    ck_assert_msg(json_equal(http_member(&answer, "issues.0.path"), path), "%s", answer.body);
    json_decref(path);
    http_response_finish(&answer);
    await_active_slots(gateway, 0, 3000);
}
END_TEST

static bool has_issue(const struct http_response *answer, const char *path) {
    json_t *wanted = quoted_json(path), *issue;
    bool found = false;
    size_t i;
    json_array_foreach(http_member(answer, "issues"), i, issue) {
        found |= json_equal(json_object_get(issue, "path"), wanted);
    }
    json_decref(wanted);
    return found;
}

START_TEST(everything_that_is_wrong_is_said_at_once)
{
    struct http_response answer =
        ask("{}", "{'maxTokens':-1,'allowedTools':'Read','schema':{'type':'object','properties':"
                  "{'a':{'type':'wrong'},'b':{'required':1},'c':{'type':'string'}}}}");
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    ck_assert_msg(has_issue(&answer, "['maxTokens']"), "%s", answer.body);
    ck_assert_msg(has_issue(&answer, "['allowedTools']"), "%s", answer.body);
    ck_assert_msg(has_issue(&answer, "['schema','properties','a','type']"), "%s", answer.body);
    ck_assert_msg(has_issue(&answer, "['schema','properties','b','required']"), "%s", answer.body);
    ck_assert_uint_eq(json_array_size(http_member(&answer, "issues")), 4);
    http_response_finish(&answer);
}
END_TEST

/* ---- models that do not find the object */

START_TEST(an_object_that_was_rejected_twice)
{
    struct http_response answer = ask("{'object':{'age':36},'object_rejects':2,"
                                      "'rejected_object':{'age':'old'}}",
                                      "{" ANY "}");
    assert_object(&answer, "{'age':36}");
    ck_assert_int_eq(http_integer(&answer, "numTurns"), 4);
    http_response_finish(&answer);
}
END_TEST

/* One slot only: a slot that is not given back shows in the very next request. */
START_TEST(runs_without_an_object)
{
    static const struct {
        const char *scenario, *fields;
        long status;
        const char *code;
    } cases[] = {
        {"{'object_rejects':3,'object':{'age':'old'},"
         "'subtype':'error_max_structured_output_retries'}",
         "{" ANY "}", 500, "PARSE_ERROR"},
        {"{'subtype':'error_max_structured_output_retries'}", "{" ANY "}", 500, "PARSE_ERROR"},
        {"{'text':'I would rather talk about it.'}", "{" ANY "}", 500, "PARSE_ERROR"},
        {"{'text':'{\\\"looks\\\":\\\"like an object\\\"}'}", "{" ANY "}", 500, "PARSE_ERROR"},
        {"{'object_json':'{\\\"text\\\":\\\"cut he','stop_reason':'max_tokens'}",
         "{" ANY ",'maxTokens':5}", 500, "PARSE_ERROR"},
        {"{'is_error':{'text':'API Error: 529 busy','api_error_status':529}}", "{" ANY "}", 502,
         "UPSTREAM_ERROR"},
        {"{'exit':{'code':3,'when':'after_init'}}", "{" ANY "}", 500, "CLI_EXIT_ERROR"},
        {"{'object':{'a':'half an object'},'delta_bytes':4,'exit':{'code':0,'when':'mid_text'}}",
         "{" ANY "}", 500, "CLI_EXIT_ERROR"},
        {"{'object':{'a':1},'no_result':true}", "{" ANY ",'timeoutMs':300}", 504, "TIMEOUT_ERROR"},
        {"{'object':{'a':1},'hang':'mid_text'}", "{" ANY ",'timeoutMs':300}", 504, "TIMEOUT_ERROR"},
        {"{'subtype':'error_max_turns'}", "{" ANY ",'maxTurns':1}", 422, "LIMIT_REACHED"},
        {"{'subtype':'error_max_budget_usd'}", "{" ANY ",'maxBudgetUsd':0.01}", 422,
         "LIMIT_REACHED"},
    };
    restart("slots: {nonstreaming: 1}\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_response answer = ask(cases[i].scenario, cases[i].fields);
        ck_assert_msg(answer.status == cases[i].status, "%s: %ld %.500s", cases[i].scenario,
                      answer.status, answer.body);
        http_assert_error(&answer, cases[i].status, cases[i].code);
        ck_assert_ptr_null(json_object_get(answer.json, "object"));
        http_response_finish(&answer);
        await_active_slots(gateway, 0, 3000);
    }
}
END_TEST

/* ---- what the endpoint shares with /generate-text */

START_TEST(a_session_goes_on)
{
    struct http_response first = ask("{'object':{'a':1}}", "{" ANY "}");
    char *fields = scratch_text("{" ANY ",'sessionId':'%s'}", http_string(&first, "sessionId"));
    struct http_response second = ask("{'object_echo':'history'}", fields);
    ck_assert_int_eq(json_integer_value(http_json_at(object_of(&second), "messages")), 2);
    ck_assert_str_eq(http_string(&second, "sessionId"), http_string(&first, "sessionId"));
    struct http_response third = generate(gateway, "{'text':'words'}", "{}");
    char *other = scratch_text("{" ANY ",'sessionId':'%s'}", http_string(&third, "sessionId"));
    struct http_response fourth = ask("{'object_echo':'history'}", other);
    ck_assert_int_eq(json_integer_value(http_json_at(object_of(&fourth), "messages")), 2);
    http_response_finish(&first);
    http_response_finish(&second);
    http_response_finish(&third);
    http_response_finish(&fourth);
    free(fields);
    free(other);
}
END_TEST

START_TEST(system_texts_reach_the_model_beside_the_schema)
{
    struct http_response answer =
        ask("{'object_echo':'state'}",
            "{'schema':{'type':'object'},'system':'Be brief.','appendSystem':'In verse.'}");
    json_t *state = object_of(&answer);
    ck_assert_pstr_eq(json_string_value(http_json_at(state, "system_prompt")), "Be brief.");
    ck_assert_pstr_eq(json_string_value(http_json_at(state, "append_system_prompt")), "In verse.");
    ck_assert_pstr_eq(json_string_value(http_json_at(state, "json_schema.type")), "object");
    http_response_finish(&answer);
}
END_TEST

static void assert_tools_flag(const char *fields, const char *expected) {
    struct http_response answer = ask("{'object_echo':'argv'}", fields);
    json_t *argv = object_of(&answer), *argument;
    const char *found = NULL;
    size_t i;
    json_array_foreach(argv, i, argument) {
        if (strncmp(json_string_value(argument), "--tools=", 8) == 0)
            found = json_string_value(argument);
    }
    ck_assert_pstr_eq(found, expected);
    http_response_finish(&answer);
}

START_TEST(tools_are_narrowed)
{
    assert_tools_flag("{" ANY "}", NULL);
    assert_tools_flag("{" ANY ",'allowedTools':['Read','Bash(git:*)']}", "--tools=Read,Bash");
    assert_tools_flag("{" ANY ",'disallowedTools':['*']}", "--tools=");
    struct http_response answer = ask("{'object':{}}", "{" ANY ",'allowedTools':[]}");
    http_assert_error(&answer, 400, "NO_TOOLS_AVAILABLE");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_tool_that_may_not_run_is_reported)
{
    struct http_response answer = ask("{'tool':{'name':'Bash','input':{'command':'touch proof'},"
                                      "'output':'ran'},'object':{'a':1}}",
                                      "{" ANY ",'allowedTools':['Read']}");
    assert_object(&answer, "{'a':1}");
    http_response_finish(&answer);
    answer = ask("{'tool':{'name':'Bash','input':{'command':'touch proof'},'output':'ran'},"
                 "'object':{'a':1}}",
                 "{" ANY "}");
    assert_object(&answer, "{'a':1}");
    ck_assert_str_eq(http_string(&answer, "permissionDenials.0.tool_name"), "Bash");
    http_response_finish(&answer);
}
END_TEST

START_TEST(it_takes_a_slot_of_the_nonstreaming_ones)
{
    restart("slots: {nonstreaming: 1, streaming: 0}\n");
    struct http_call *running = http_begin_post(
        gateway, "/generate-object",
        scenario_body("{'object':{'a':1},'hang':'mid_text'}", "{" ANY ",'timeoutMs':2000}"));
    await_active_slots(gateway, 1, 2000);
    struct http_response answer = ask("{'object':{}}", "{" ANY "}");
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    ck_assert_str_eq(http_string(&answer, "error"), "Concurrency limit exceeded");
    http_response_finish(&answer);
    answer = http_wait(running);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    await_active_slots(gateway, 0, 3000);
    answer = ask("{'object':{'a':1}}", "{" ANY "}");
    assert_object(&answer, "{'a':1}");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_run)
{
    json_t *body = scenario_body("{'object':{'a':1},'hang':'mid_text'}", "{" ANY "}");
    char *text = json_dumps(body, JSON_COMPACT);
    char *request = scratch_text("POST /generate-object HTTP/1.1\r\n" RAW_HOST RAW_AUTHORIZATION
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                 strlen(text), text);
    struct raw_client *client = raw_connect(gateway);
    ck_assert(raw_send_text(client, request));
    await_active_slots(gateway, 1, 3000);
    raw_close(client);
    await_active_slots(gateway, 0, 3000);
    json_decref(body);
    free(request);
    free(text);
}
END_TEST

START_TEST(the_path_knows_post_alone)
{
    struct http_response answer = http_get(gateway, "/generate-object");
    http_assert_error(&answer, 405, "METHOD_NOT_ALLOWED");
    char *allow = http_header(&answer, "Allow");
    ck_assert_pstr_eq(allow, "POST");
    free(allow);
    http_response_finish(&answer);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_answer_has_every_field_of_the_contract,
        objects_of_every_kind,
        a_nul_within_a_string,
        an_object_of_a_megabyte,
        the_object_comes_without_a_block_of_its_own,
        a_schema_arrives_as_it_is,
        the_type_of_the_whole_is_added,
        what_the_cli_cannot_compile_is_left_out,
        a_property_may_have_the_name_of_a_keyword,
        values_within_a_schema_are_no_schemas,
        without_a_scenario_the_object_fits_the_schema,
        a_wrong_schema_is_named_by_its_place,
        a_schema_that_the_cli_drops,
        everything_that_is_wrong_is_said_at_once,
        an_object_that_was_rejected_twice,
        runs_without_an_object,
        a_session_goes_on,
        system_texts_reach_the_model_beside_the_schema,
        tools_are_narrowed,
        a_tool_that_may_not_run_is_reported,
        it_takes_a_slot_of_the_nonstreaming_ones,
        a_client_that_leaves_ends_the_run,
        the_path_knows_post_alone,
    };
    return test_main("generate_object", setup, teardown, tests, sizeof tests / sizeof *tests);
}
