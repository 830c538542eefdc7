/* SPDX-License-Identifier: Apache-2.0 */
/* Objects through the real CLI: schemas as generators write them, objects that it rejects, schemas
 * that it refuses, and what a stream of it tells. */
#include "support/real_cli.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/sse_client.h"

#include <stdlib.h>
#include <string.h>

/* As zod's toJSONSchema writes it. */
#define PERSON                                                                                     \
    "'schema':{'$schema':'https://json-schema.org/draft/2020-12/schema','type':'object',"          \
    "'properties':{'name':{'type':'string','minLength':1},'age':{'type':'integer','minimum':0,"    \
    "'maximum':9007199254740991},'born':{'type':'string','format':'date'},'mail':{'anyOf':["       \
    "{'type':'string','format':'email','pattern':'^[^@]+@[^@]+$'},{'type':'null'}]},'tags':{"      \
    "'type':'array','items':{'type':'string'}}},'required':['name','age','born','mail','tags'],"   \
    "'additionalProperties':false}"
#define ADA                                                                                        \
    "{'name':'Ada \xe2\x82\xac \xf0\x9f\x90\x98','age':36,'born':'1815-12-10','mail':null,"        \
    "'tags':['a','b']}"
/* As the same generator's older versions, and others, write it. */
#define DRAFT_7                                                                                    \
    "'schema':{'$schema':'http://json-schema.org/draft-07/schema#','type':'object','properties':"  \
    "{'url':{'type':'string','format':'uri'},'n':{'$ref':'#/definitions/n'}},'required':['url'],"  \
    "'definitions':{'n':{'type':'number'}},'additionalProperties':false}"

static struct real_cli *cli;

static void start(int version) {
    cli = real_cli_start(version, NULL, NULL);
}

static void teardown(void) {
    real_cli_stop(cli);
}

static struct http_response ask(const char *script, const char *fields) {
    return http_post(real_cli_gateway(cli), "/generate-object",
                     real_cli_body("Describe Ada", script, fields));
}

static struct sse_recording ask_for_stream(const char *script, const char *fields) {
    struct sse_stream *stream = sse_open_stream(real_cli_gateway(cli), "/stream-object",
                                                real_cli_body("Describe Ada", script, fields));
    struct sse_recording events = sse_read_all(stream);
    sse_stream_close(stream);
    return events;
}

static void assert_object(const struct http_response *answer, const char *expected) {
    http_assert_status(answer, 200);
    json_t *wanted = quoted_json(expected);
    json_t *raw = json_loads(http_string(answer, "rawText"), JSON_DECODE_ANY, NULL);
    ck_assert_msg(json_equal(http_member(answer, "object"), wanted), "%s", answer->body);
    ck_assert_msg(json_equal(raw, wanted), "%s", answer->body);
    json_decref(raw);
    json_decref(wanted);
}

START_TEST(a_schema_as_generators_write_it)
{
    start(_i);
    struct http_response answer = ask("{'object':" ADA "}", "{" PERSON "}");
    assert_object(&answer, ADA);
    ck_assert_int_gt(http_integer(&answer, "usage.outputTokens"), 0);
    ck_assert_uint_eq(strlen(http_string(&answer, "sessionId")), 36);
    json_t *request = real_cli_request(cli);
    ck_assert(real_cli_offers(request, "StructuredOutput"));
    json_decref(request);
    http_response_finish(&answer);
    answer = ask("{'object':{'url':'https://example.org','n':1.5}}", "{" DRAFT_7 "}");
    assert_object(&answer, "{'url':'https://example.org','n':1.5}");
    http_response_finish(&answer);
}
END_TEST

/* The model sees what the client asks for, not what is left for the CLI's compiler. */
START_TEST(the_model_sees_the_schema)
{
    start(_i);
    struct http_response answer = ask("{'object':" ADA "}", "{" PERSON "}");
    http_assert_status(&answer, 200);
    json_t *request = real_cli_request(cli), *tool;
    char *shown = NULL;
    size_t i;
    json_array_foreach(json_object_get(request, "tools"), i, tool) {
        if (strcmp(json_string_value(json_object_get(tool, "name")), "StructuredOutput") == 0)
            shown = json_dumps(json_object_get(tool, "input_schema"), JSON_COMPACT);
    }
    ck_assert_msg(shown && strstr(shown, "\"pattern\":\"^[^@]+@[^@]+$\""), "%s", shown);
    ck_assert_msg(strstr(shown, "\"additionalProperties\":false") != NULL, "%s", shown);
    free(shown);
    json_decref(request);
    http_response_finish(&answer);
}
END_TEST

START_TEST(numbers_as_the_cli_writes_them)
{
    static const char object[] =
        "{'sum':0.30000000000000004,'huge':1.7976931348623157e308,'tiny':5e-324,'minus':-0.5}";
    start(_i);
    char *script = scratch_text("{'object':%s}", object);
    struct http_response answer = ask(script, "{'schema':{'type':'object'}}");
    assert_object(&answer, object);
    http_response_finish(&answer);
    free(script);
    /* The CLI writes 2 to the power of 64 without an exponent: an integer of more than 64 bits. */
    answer = ask("{'object':{'big':1.8446744073709552e19}}", "{'schema':{'type':'object'}}");
    http_assert_status(&answer, 200);
    ck_assert_msg(strstr(answer.body, "\"object\":{\"big\":18446744073709552000}"), "%s",
                  answer.body);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_object_that_does_not_fit_is_sent_back)
{
    start(_i);
    struct http_response answer =
        ask("{'object':{'name':'','age':'old'},'then':{'object':" ADA "}}", "{" PERSON "}");
    assert_object(&answer, ADA);
    ck_assert_uint_ge(real_cli_request_count(cli), 2);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_object_that_never_fits)
{
    start(_i);
    struct http_response answer =
        ask("{'object':{'name':7},'rounds':50}", "{" PERSON ",'timeoutMs':40000}");
    http_assert_error(&answer, 500, "PARSE_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_model_that_only_talks)
{
    start(_i);
    struct http_response answer =
        ask("{'text':'I would rather talk.','rounds':50}", "{" PERSON ",'timeoutMs':40000}");
    http_assert_error(&answer, 500, "PARSE_ERROR");
    http_response_finish(&answer);
}
END_TEST

/* The root is an object, what refers to it need not be one; "#" begins at the nearest $id. */
START_TEST(a_schema_that_refers_to_itself)
{
    static const char *const schemas[] = {
        "{'schema':{'type':['object','string'],'properties':{'next':{'$ref':'#'}},"
        "'required':['next']}}",
        "{'schema':{'$id':'https://example.org/list','anyOf':[{'type':'string'},{'type':'object',"
        "'properties':{'next':{'$ref':'https://example.org/list'}},'required':['next']}]}}",
        "{'schema':{'type':'object','$defs':{'end':{}},'properties':{'next':{'$id':'Next','$defs':{"
        "'end':{'type':'string'}},'type':'object','properties':{'next':{'$ref':'#/$defs/end'}},"
        "'required':['next']}},'required':['next']}}"};
    start(_i);
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct http_response answer = ask("{'object':{'next':7},'then':{'object':{'next':{'next':"
                                          "'end'}}}}",
                                          schemas[i]);
        assert_object(&answer, "{'next':{'next':'end'}}");
        http_response_finish(&answer);
    }
}
END_TEST

/* What only the CLI can see: the gateway compiles no patterns. */
START_TEST(a_schema_that_the_cli_refuses)
{
    static const char fields[] =
        "{'schema':{'type':'object','properties':{'a':{'type':'string','pattern':'('}}}}";
    start(_i);
    struct http_response answer = ask("{'object':{'a':'b'}}", fields);
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    json_t *path = quoted_json("['schema']");
    ck_assert_msg(json_equal(http_member(&answer, "issues.0.path"), path), "%s", answer.body);
    json_decref(path);
    http_response_finish(&answer);
    struct sse_recording events = ask_for_stream("{'object':{'a':'b'}}", fields);
    sse_assert_outline(&events, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&events, "error"), "code"), "VALIDATION_ERROR");
    sse_recording_finish(&events);
}
END_TEST

START_TEST(an_object_without_any_other_tool)
{
    start(_i);
    struct http_response answer = ask("{'object':" ADA "}", "{" PERSON ",'disallowedTools':['*']}");
    assert_object(&answer, ADA);
    json_t *request = real_cli_request(cli);
    ck_assert(real_cli_offers(request, "StructuredOutput"));
    ck_assert(!real_cli_offers(request, "Bash"));
    json_decref(request);
    http_response_finish(&answer);
    answer = ask("{'object':" ADA "}", "{" PERSON ",'allowedTools':['Read']}");
    assert_object(&answer, ADA);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_session_goes_on_with_another_schema)
{
    start(_i);
    struct http_response answer = ask("{'object':" ADA "}", "{" PERSON "}");
    http_assert_status(&answer, 200);
    char *fields =
        scratch_text("{" DRAFT_7 ",'sessionId':'%s'}", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
    answer = ask("{'object':{'url':'https://example.org'}}", fields);
    assert_object(&answer, "{'url':'https://example.org'}");
    http_response_finish(&answer);
    free(fields);
}
END_TEST

START_TEST(a_failure_of_the_api)
{
    start(_i);
    struct http_response answer =
        ask("{'status':529,'type':'overloaded_error','message':'Overloaded'}", "{" PERSON "}");
    http_assert_error(&answer, 502, "UPSTREAM_ERROR");
    http_response_finish(&answer);
}
END_TEST

START_TEST(max_tokens_cuts_the_object)
{
    start(_i);
    struct http_response answer =
        ask("{'object':{'name':'Ada'},'stop_reason':'max_tokens'}", "{" PERSON ",'maxTokens':3}");
    http_assert_error(&answer, 500, "PARSE_ERROR");
    http_response_finish(&answer);
}
END_TEST

/* ---- streams */

/* Asserts that the partials from event `first` on end with the object. Returns their number. */
static size_t assert_partials(const struct sse_recording *events, size_t first,
                              const char *object) {
    json_t *wanted = quoted_json(object);
    size_t count = 0, bytes = 0;
    while (strcmp(events->events[first + count].name, "partial-object") == 0) {
        const char *partial = sse_string(&events->events[first + count], "partial");
        ck_assert_uint_gt(strlen(partial), bytes);
        bytes = strlen(partial);
        count++;
    }
    ck_assert_uint_ge(count, 1);
    const struct sse_event *last = &events->events[first + count - 1];
    json_t *text = json_loads(sse_string(last, "partial"), JSON_DECODE_ANY, NULL);
    ck_assert_msg(json_equal(sse_member(last, "parsed"), wanted), "%s", last->data);
    ck_assert_msg(json_equal(text, wanted), "%s", last->data);
    json_decref(text);
    json_decref(wanted);
    return count;
}

START_TEST(partials_of_a_stream)
{
    start(_i);
    struct sse_recording events = ask_for_stream("{'object':" ADA ",'deltas':12}", "{" PERSON "}");
    sse_assert_outline(&events, "session partial-object object result done");
    ck_assert_uint_ge(assert_partials(&events, 1, ADA), 5);
    json_t *wanted = quoted_json(ADA);
    ck_assert(json_equal(sse_member(sse_find(&events, "object"), "object"), wanted));
    json_decref(wanted);
    ck_assert_int_gt(sse_integer(sse_find(&events, "result"), "usage.outputTokens"), 0);
    ck_assert_str_eq(sse_find(&events, "done")->data, "{\"code\":0,\"signal\":null}");
    sse_recording_finish(&events);
}
END_TEST

START_TEST(deltas_of_a_stream)
{
    start(_i);
    struct sse_recording events =
        ask_for_stream("{'object':" ADA ",'deltas':12}", "{" PERSON ",'partials':'delta'}");
    sse_assert_outline(&events, "session object-delta object result done");
    char *text = scratch_text("%s", "");
    for (size_t i = 1; i <= sse_count(&events, "object-delta"); i++) {
        char *longer = scratch_text("%s%s", text, sse_string(&events.events[i], "delta"));
        free(text);
        text = longer;
    }
    json_t *object = json_loads(text, 0, NULL), *wanted = quoted_json(ADA);
    ck_assert_msg(json_equal(object, wanted), "%s", text);
    json_decref(object);
    json_decref(wanted);
    free(text);
    sse_recording_finish(&events);
}
END_TEST

START_TEST(a_stream_begins_its_object_anew)
{
    start(_i);
    struct sse_recording events = ask_for_stream(
        "{'object':{'name':'','age':'old'},'then':{'object':" ADA "}}", "{" PERSON "}");
    sse_assert_outline(&events, "session partial-object warning partial-object object result done");
    size_t count = assert_partials(&events, 1, "{'name':'','age':'old'}");
    ck_assert_str_eq(sse_string(&events.events[1 + count], "code"), "OBJECT_RESTARTED");
    assert_partials(&events, 2 + count, ADA);
    sse_recording_finish(&events);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_schema_as_generators_write_it,
        the_model_sees_the_schema,
        numbers_as_the_cli_writes_them,
        an_object_that_does_not_fit_is_sent_back,
        an_object_that_never_fits,
        a_model_that_only_talks,
        a_schema_that_refers_to_itself,
        a_schema_that_the_cli_refuses,
        an_object_without_any_other_tool,
        a_session_goes_on_with_another_schema,
        a_failure_of_the_api,
        max_tokens_cuts_the_object,
        partials_of_a_stream,
        deltas_of_a_stream,
        a_stream_begins_its_object_anew,
    };
    return real_cli_main("real_cli_object", teardown, tests, sizeof tests / sizeof *tests);
}
