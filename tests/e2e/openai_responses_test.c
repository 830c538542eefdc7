/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/responses: the object, its events, and what of the request reaches the CLI. Functions
 * and refusals have their own programs. */
#include "support/openai.h"
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

/* ---- whole */

START_TEST(the_answer_is_a_response)
{
    struct http_response answer = openai_ask(
        gateway, RESPONSES,
        "{'text':'Hello!','streamed':false,'usage':{'input_tokens':7,'output_tokens':5,"
        "'cache_read_input_tokens':30,'cache_creation_input_tokens':3}}",
        "{'metadata':{'a':'b'},'instructions':'Be kind.','max_output_tokens':50,'user':'u',"
        "'reasoning':{'effort':'low','summary':'auto'},'temperature':0.3,'store':true,"
        "'include':['reasoning.encrypted_content'],'truncation':'disabled','background':false,"
        "'previous_response_id':null,'text':{'format':{'type':'text'},'verbosity':'low'}}");
    ck_assert_int_eq(strncmp(http_string(&answer, "id"), "resp_", 5), 0);
    ck_assert_str_eq(http_string(&answer, "object"), "response");
    ck_assert_str_eq(http_string(&answer, "status"), "completed");
    ck_assert_str_eq(http_string(&answer, "model"), "sonnet");
    ck_assert_int_gt(http_integer(&answer, "created_at"), 1700000000);
    ck_assert_uint_eq(json_array_size(http_member(&answer, "output")), 1);
    ck_assert_int_eq(strncmp(http_string(&answer, "output.0.id"), "msg_", 4), 0);
    ck_assert_str_eq(http_string(&answer, "output.0.type"), "message");
    ck_assert_str_eq(http_string(&answer, "output.0.role"), "assistant");
    ck_assert_str_eq(http_string(&answer, "output.0.status"), "completed");
    openai_assert_json(http_member(&answer, "output.0.content"),
                       "[{'type':'output_text','text':'Hello!','annotations':[],'logprobs':[]}]");
    openai_assert_json(http_member(&answer, "usage"),
                       "{'input_tokens':40,'input_tokens_details':{'cached_tokens':30},"
                       "'output_tokens':5,'output_tokens_details':{'reasoning_tokens':0},"
                       "'total_tokens':45}");
    openai_assert_json(http_member(&answer, "metadata"), "{'a':'b'}");
    openai_assert_json(http_member(&answer, "text"),
                       "{'format':{'type':'text'},'verbosity':'low'}");
    openai_assert_json(http_member(&answer, "reasoning"), "{'effort':'low','summary':null}");
    ck_assert_str_eq(http_string(&answer, "instructions"), "Be kind.");
    ck_assert_int_eq(http_integer(&answer, "max_output_tokens"), 50);
    ck_assert(json_is_false(http_member(&answer, "store"))); /* nothing is stored */
    http_response_finish(&answer);
}
END_TEST

START_TEST(what_was_not_asked_for_is_told_as_it_is)
{
    struct http_response answer = openai_ask(gateway, RESPONSES, "{'text':'x'}", NULL);
    openai_assert_json(http_member(&answer, "metadata"), "{}");
    openai_assert_json(http_member(&answer, "tools"), "[]");
    openai_assert_json(http_member(&answer, "tool_choice"), "'auto'");
    openai_assert_json(http_member(&answer, "text"), "{'format':{'type':'text'}}");
    openai_assert_json(http_member(&answer, "reasoning"), "{'effort':null,'summary':null}");
    ck_assert(json_is_true(http_member(&answer, "parallel_tool_calls")));
    ck_assert(json_is_null(http_member(&answer, "instructions")));
    ck_assert(json_is_null(http_member(&answer, "error")));
    ck_assert(json_is_null(http_member(&answer, "incomplete_details")));
    http_response_finish(&answer);
}
END_TEST

START_TEST(input_may_be_a_text)
{
    json_t *body = quoted_json("{'model':'sonnet','input':'standin:{\\\"text\\\":\\\"yes\\\"}'}");
    struct http_response answer = openai_send(gateway, RESPONSES, body);
    http_assert_status(&answer, 200);
    ck_assert_str_eq(openai_text_of(&answer), "yes");
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(instructions_and_system_messages_are_the_system_prompt)
{
    json_t *body = openai_response("{'instructions':'First.'}");
    openai_add(body, "{'type':'message','role':'developer','content':[{'type':'input_text',"
                     "'text':'Second.'}]}");
    openai_say(body, "system", "Third.");
    json_t *state = openai_echoed(gateway, RESPONSES, body, "state");
    openai_assert_json(json_object_get(state, "system_prompt"),
                       "'First.\\n\\nSecond.\\n\\nThird.'");
    json_decref(state);
    json_decref(body);
}
END_TEST

START_TEST(items_are_the_conversation)
{
    json_t *body = openai_response(NULL);
    openai_say(body, "user", "Hi");
    openai_add(body, "{'type':'reasoning','id':'rs_1','summary':[],'encrypted_content':'abc'}");
    openai_add(body, "{'type':'message','id':'msg_1','status':'completed','role':'assistant',"
                     "'phase':null,'content':[{'type':'output_text','text':'Hello',"
                     "'annotations':[],'logprobs':[]}]}");
    openai_add(body,
               "{'role':'user','content':[{'type':'input_image','detail':'auto','image_url':"
               "'data:image/png;base64,iVBORw0KGgo='},{'type':'input_file','filename':'a.txt',"
               "'file_data':'data:text/plain;base64,SGk='},{'type':'input_file','file_url':"
               "'https://example.com/a.pdf'}]}");
    openai_say(body, "assistant", "Nice.");
    json_t *history = openai_echoed(gateway, RESPONSES, body, "history");
    openai_assert_json(json_object_get(history, "messages"), "4");
    json_decref(history);
    json_decref(body);
}
END_TEST

START_TEST(outputs_of_functions_may_hold_parts)
{
    json_t *body = openai_response(
        "{'tools':[{'type':'function','name':'look','parameters':{'type':'object'}}]}");
    openai_say(body, "user", "Look.");
    openai_add(body, "{'type':'function_call','id':'fc_1','call_id':'call_1','name':'look',"
                     "'arguments':'{}','status':'completed'}");
    openai_add(body, "{'type':'function_call_output','call_id':'call_1','output':[{'type':"
                     "'input_image','image_url':'data:image/png;base64,iVBORw0KGgo='}]}");
    struct http_response answer = openai_send(gateway, RESPONSES, body);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
    json_decref(body);
}
END_TEST

START_TEST(a_schema_is_the_clis_structured_output)
{
    struct http_response answer = openai_ask(
        gateway, RESPONSES, "{'object':{'city':'Rome'}}",
        "{'text':{'format':{'type':'json_schema','name':'place','strict':true,'schema':{'type':"
        "'object','properties':{'city':{'type':'string'}},'required':['city']}}}}");
    json_t *object = json_loads(openai_text_of(&answer), 0, NULL);
    openai_assert_json(object, "{'city':'Rome'}");
    json_decref(object);
    http_response_finish(&answer);
}
END_TEST

START_TEST(an_answer_that_is_cut_is_incomplete)
{
    struct http_response answer =
        openai_ask(gateway, RESPONSES, "{'cut_message':'Once upon a','text':' time'}",
                   "{'max_output_tokens':3}");
    ck_assert_str_eq(http_string(&answer, "status"), "incomplete");
    ck_assert_str_eq(http_string(&answer, "incomplete_details.reason"), "max_output_tokens");
    ck_assert_str_eq(http_string(&answer, "output.0.status"), "incomplete");
    ck_assert_str_eq(openai_text_of(&answer), "Once upon a");
    http_response_finish(&answer);
}
END_TEST

/* ---- streamed */

static void assert_numbered(const struct sse_recording *all) {
    for (size_t i = 0; i < all->count; i++) {
        ck_assert_int_eq(sse_integer(&all->events[i], "sequence_number"), (json_int_t)i);
        ck_assert_str_eq(sse_string(&all->events[i], "type"), all->events[i].name);
    }
}

START_TEST(a_response_grows_event_by_event)
{
    struct sse_recording all =
        openai_stream(gateway, RESPONSES, "{'text':'Hello, dear world.','delta_bytes':6}",
                      "{'metadata':{'a':'b'}}");
    sse_assert_outline(&all, "response.created response.in_progress response.output_item.added "
                             "response.content_part.added response.output_text.delta "
                             "response.output_text.done response.content_part.done "
                             "response.output_item.done response.completed");
    assert_numbered(&all);
    ck_assert_uint_eq(sse_count(&all, "response.output_text.delta"), 3);
    const struct sse_event *created = sse_find(&all, "response.created"),
                           *delta = sse_find(&all, "response.output_text.delta"),
                           *completed = sse_find(&all, "response.completed");
    ck_assert_str_eq(sse_string(created, "response.status"), "in_progress");
    openai_assert_json(sse_member(created, "response.output"), "[]");
    openai_assert_json(sse_member(created, "response.metadata"), "{'a':'b'}");
    ck_assert_str_eq(sse_string(delta, "delta"), "Hello,");
    ck_assert_str_eq(sse_string(delta, "item_id"), sse_string(completed, "response.output.0.id"));
    ck_assert_int_eq(sse_integer(delta, "output_index"), 0);
    ck_assert_int_eq(sse_integer(delta, "content_index"), 0);
    ck_assert_str_eq(sse_string(sse_find(&all, "response.output_text.done"), "text"),
                     "Hello, dear world.");
    ck_assert_str_eq(sse_string(completed, "response.status"), "completed");
    ck_assert_str_eq(sse_string(completed, "response.id"), sse_string(created, "response.id"));
    ck_assert_str_eq(sse_string(completed, "response.output.0.content.0.text"),
                     "Hello, dear world.");
    ck_assert_int_gt(sse_integer(completed, "response.usage.output_tokens"), 0);
    sse_recording_finish(&all);
}
END_TEST

/* What is repeated stands on one line, however the client has written it. */
START_TEST(a_body_on_many_lines_is_repeated_on_one)
{
    static const char body[] =
        "{\"model\":\"sonnet\",\n\"stream\":true,\r\n\"metadata\":{\n\"a\":"
        "\"b\"\n},\"tools\":[\n{\"type\":\"function\",\"name\":\"f\",\n"
        "\"parameters\":{}}\n],\"input\":\"standin:{\\\"text\\\":\\\"x\\\"}\"}";
    struct http_response answer =
        http_send(gateway, &(struct http_request){.path = RESPONSES, .body = body});
    http_assert_status(&answer, 200);
    const char *created = strstr(answer.body, "data: ");
    ck_assert_ptr_nonnull(created);
    json_t *event = json_loadb(created + 6, strcspn(created + 6, "\n"), 0, NULL);
    ck_assert_msg(event != NULL, "%s", answer.body);
    openai_assert_json(http_json_at(event, "response.metadata"), "{'a':'b'}");
    json_decref(event);
    http_response_finish(&answer);
}
END_TEST

START_TEST(a_cut_answer_ends_incomplete)
{
    struct sse_recording all =
        openai_stream(gateway, RESPONSES, "{'cut_message':'Once upon a','text':' time'}",
                      "{'max_output_tokens':3}");
    const struct sse_event *last = &all.events[all.count - 1];
    ck_assert_str_eq(last->name, "response.incomplete");
    ck_assert_str_eq(sse_string(last, "response.incomplete_details.reason"), "max_output_tokens");
    ck_assert_str_eq(sse_string(sse_find(&all, "response.output_item.done"), "item.status"),
                     "incomplete");
    assert_numbered(&all);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_failure_in_the_stream_is_error_and_failed)
{
    struct sse_recording all = openai_stream(
        gateway, RESPONSES, "{'text':'half an answer','exit':{'code':1,'when':'mid_text'}}", NULL);
    const struct sse_event *error = sse_find(&all, "error"), *last = &all.events[all.count - 1];
    ck_assert_str_eq(last->name, "response.failed");
    ck_assert_str_eq(sse_string(last, "response.status"), "failed");
    ck_assert_str_eq(sse_string(last, "response.error.code"), "server_error");
    ck_assert_str_eq(sse_string(last, "response.error.message"), sse_string(error, "message"));
    ck_assert_str_eq(sse_string(error, "error.type"), "server_error");
    assert_numbered(&all);
    sse_recording_finish(&all);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        the_answer_is_a_response,
        what_was_not_asked_for_is_told_as_it_is,
        input_may_be_a_text,
        instructions_and_system_messages_are_the_system_prompt,
        items_are_the_conversation,
        outputs_of_functions_may_hold_parts,
        a_schema_is_the_clis_structured_output,
        an_answer_that_is_cut_is_incomplete,
        a_response_grows_event_by_event,
        a_body_on_many_lines_is_repeated_on_one,
        a_cut_answer_ends_incomplete,
        a_failure_in_the_stream_is_error_and_failed,
    };
    return test_main("openai_responses", setup, teardown, tests, sizeof tests / sizeof *tests);
}
