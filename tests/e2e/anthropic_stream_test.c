/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/messages with a stream: the API's own events in their order, while the model writes;
 * what goes wrong before the first is an answer with its status, what goes wrong later an error
 * event. */
#include "anthropic_fixture.h"

static struct sse_stream *open_stream(json_t *body) {
    json_object_set_new(body, "stream", json_true());
    return sse_open_stream(gateway, MESSAGES, body);
}

/* Every event says its name twice. */
static struct sse_recording record(json_t *body) {
    struct sse_stream *stream = open_stream(body);
    struct sse_recording all = sse_read_all(stream);
    sse_stream_close(stream);
    for (size_t i = 0; i < all.count; i++) {
        ck_assert_str_eq(sse_string(&all.events[i], "type"), all.events[i].name);
        ck_assert_str_eq(all.events[i].id, "");
    }
    return all;
}

/* The texts of all deltas of that kind, joined; the caller frees. */
static char *joined(const struct sse_recording *all, const char *member) {
    char *text = strdup("");
    for (size_t i = 0; i < all->count; i++) {
        json_t *delta = json_object_get(all->events[i].json, "delta");
        const char *piece = json_string_value(json_object_get(delta, member));
        if (!piece)
            continue;
        char *longer = scratch_text("%s%s", text, piece);
        free(text);
        text = longer;
    }
    return text;
}

static void assert_joined(const struct sse_recording *all, const char *member,
                          const char *expected) {
    char *text = joined(all, member);
    ck_assert_str_eq(text, expected);
    free(text);
}

static void assert_data(const struct sse_event *event, const char *expected) {
    assert_json(event->json, expected);
}

START_TEST(an_answer_is_events_in_the_apis_order)
{
    struct sse_recording all =
        record(ask_scenario("{'text':'A text that takes more than one delta',"
                            "'message_usage':{'input_tokens':7,'cache_read_input_tokens':5,"
                            "'cache_creation_input_tokens':2}}",
                            NULL));
    sse_assert_outline(&all, "message_start ping content_block_start content_block_delta "
                             "content_block_stop message_delta message_stop");
    const struct sse_event *start = sse_find(&all, "message_start");
    ck_assert_int_eq(strncmp(sse_string(start, "message.id"), "msg_", 4), 0);
    assert_json(sse_member(start, "message.content"), "[]");
    assert_json(sse_member(start, "message.stop_reason"), "null");
    ck_assert_int_eq(sse_integer(start, "message.usage.input_tokens"), 7);
    ck_assert_int_eq(sse_integer(start, "message.usage.cache_read_input_tokens"), 5);
    assert_data(sse_find(&all, "ping"), "{'type':'ping'}");
    assert_data(
        sse_find(&all, "content_block_start"),
        "{'type':'content_block_start','index':0,'content_block':{'type':'text','text':''}}");
    ck_assert_str_eq(sse_string(sse_find(&all, "content_block_delta"), "delta.type"), "text_delta");
    assert_joined(&all, "text", "A text that takes more than one delta");
    assert_data(sse_find(&all, "content_block_stop"), "{'type':'content_block_stop','index':0}");
    const struct sse_event *end = sse_find(&all, "message_delta");
    assert_json(sse_member(end, "delta"), "{'stop_reason':'end_turn','stop_sequence':null,"
                                          "'stop_details':null,'container':null}");
    ck_assert_int_eq(sse_integer(end, "usage.cache_creation_input_tokens"), 2);
    ck_assert_int_gt(sse_integer(end, "usage.output_tokens"), 0);
    assert_data(sse_find(&all, "message_stop"), "{'type':'message_stop'}");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(the_head_is_that_of_a_stream)
{
    struct sse_stream *stream = open_stream(ask_scenario("{'text':'x'}", NULL));
    char *type = sse_header(stream, "Content-Type"), *id = sse_header(stream, "request-id");
    ck_assert_int_eq(sse_status(stream), 200);
    ck_assert_int_eq(strncmp(type, "text/event-stream", strlen("text/event-stream")), 0);
    ck_assert_ptr_nonnull(id);
    free(id);
    free(type);
    sse_stream_close(stream);
}
END_TEST

START_TEST(thinking_is_a_block_of_its_own)
{
    static const char scenario[] = "{'thinking':'deep','text':'yes'}";
    struct sse_recording shown = record(ask_scenario(scenario, "{'thinking':{'type':'adaptive'}}"));
    sse_assert_outline(&shown, "message_start ping content_block_start content_block_delta "
                               "content_block_stop content_block_start content_block_delta "
                               "content_block_stop message_delta message_stop");
    assert_json(sse_member(sse_find(&shown, "content_block_start"), "content_block"),
                "{'type':'thinking','thinking':'','signature':''}");
    assert_joined(&shown, "thinking", "deep");
    assert_joined(&shown, "signature", "c3RhbmQtaW4=");
    assert_joined(&shown, "text", "yes");
    sse_recording_finish(&shown);
    struct sse_recording omitted =
        record(ask_scenario(scenario, "{'thinking':{'type':'adaptive','display':'omitted'}}"));
    assert_joined(&omitted, "thinking", "");
    assert_joined(&omitted, "signature", "c3RhbmQtaW4=");
    sse_recording_finish(&omitted);
}
END_TEST

START_TEST(structured_output_is_streamed_as_text)
{
    struct sse_recording all =
        record(ask_scenario("{'object':{'city':'Oslo','people':700000}}",
                            "{'output_config':{'format':{'type':'json_schema','schema':{'type':"
                            "'object','properties':{'city':{'type':'string'}}}}}}"));
    char *text = joined(&all, "text");
    json_t *object = json_loads(text, 0, NULL);
    assert_json(object, "{'city':'Oslo','people':700000}");
    json_decref(object);
    free(text);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(text_does_not_wait_for_more_text)
{
    struct sse_stream *stream =
        open_stream(ask_scenario("{'text':'ab','delta_bytes':1,'delay_ms':400}", NULL));
    sse_expect(stream, "message_start");
    sse_await(stream, "content_block_delta");
    const struct sse_event *event = sse_expect(stream, "content_block_delta");
    ck_assert_str_eq(sse_string(event, "delta.text"), "b");
    sse_stream_close(stream);
}
END_TEST

START_TEST(silence_is_filled_with_pings)
{
    start_with("http: {keep_alive_ms: 100}\n");
    struct sse_recording all =
        record(ask_scenario("{'text':'late','delta_bytes':2,'delay_ms':700}", NULL));
    ck_assert_uint_gt(sse_count(&all, "ping"), 2);
    assert_joined(&all, "text", "late");
    sse_recording_finish(&all);
}
END_TEST

/* ---- failures */

START_TEST(what_fails_before_the_model_begins_is_answered_with_its_status)
{
    static const struct {
        const char *scenario;
        long status;
        const char *type;
    } cases[] = {
        {"{'is_error':{'text':'API Error: 529 busy','api_error_status':529}}", 529,
         "overloaded_error"},
        {"{'is_error':{'text':'API Error: 429 slow down','api_error_status':429}}", 429,
         "rate_limit_error"},
        {"{'is_error':{'text':'API Error: 400 bad','api_error_status':400}}", 400,
         "invalid_request_error"},
        {"{'is_error':{'text':'API Error: 500 oh','api_error_status':500}}", 502, "api_error"},
        {"{'exit':{'code':3,'when':'after_init'}}", 500, "api_error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sse_stream *stream = open_stream(ask_scenario(cases[i].scenario, NULL));
        struct http_response answer = sse_refusal(stream);
        assert_api_error(&answer, cases[i].status, cases[i].type, "");
        http_response_finish(&answer);
        sse_stream_close(stream);
    }
}
END_TEST

START_TEST(what_fails_later_is_an_error_event)
{
    struct sse_stream *stream = open_stream(ask_scenario(
        "{'text':'half of it','delta_bytes':4,'exit':{'code':3,'when':'mid_text'}}", NULL));
    char *id = sse_header(stream, "request-id");
    const struct sse_event *event = sse_await(stream, "error");
    ck_assert_str_eq(sse_string(event, "type"), "error");
    ck_assert_str_eq(sse_string(event, "error.type"), "api_error");
    ck_assert_uint_gt(strlen(sse_string(event, "error.message")), 0);
    ck_assert_str_eq(sse_string(event, "request_id"), id);
    sse_expect_end(stream);
    sse_stream_close(stream);
    free(id);
    await_active_slots(gateway, 0, 5000);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_run)
{
    struct sse_stream *stream =
        open_stream(ask_scenario("{'text':'abcdef','delta_bytes':1,'delay_ms':5000}", NULL));
    sse_await(stream, "content_block_start");
    await_active_slots(gateway, 1, 5000);
    sse_stream_close(stream);
    await_active_slots(gateway, 0, 5000);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_answer_is_events_in_the_apis_order,
        the_head_is_that_of_a_stream,
        thinking_is_a_block_of_its_own,
        structured_output_is_streamed_as_text,
        text_does_not_wait_for_more_text,
        silence_is_filled_with_pings,
        what_fails_before_the_model_begins_is_answered_with_its_status,
        what_fails_later_is_an_error_event,
        a_client_that_leaves_ends_the_run,
    };
    return test_main("anthropic_stream", setup, teardown, tests, sizeof(tests) / sizeof(*tests));
}
