/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/chat/completions with "stream": chunks, their order and form, usage, failures before and
 * after the head. */
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

/* The choices of an event, without what all have. */
static void assert_delta(const struct sse_event *event, const char *delta, const char *reason) {
    char *expected =
        scratch_text("[{'index':0,'delta':%s,'logprobs':null,'finish_reason':%s}]", delta, reason);
    ck_assert_str_eq(event->name, "message");
    ck_assert_str_eq(sse_string(event, "object"), "chat.completion.chunk");
    openai_assert_json(sse_member(event, "choices"), expected);
    free(expected);
}

static const struct sse_event *last_event(const struct sse_recording *all) {
    return &all->events[all->count - 1];
}

START_TEST(an_answer_is_chunks_and_done)
{
    struct sse_recording all =
        openai_stream(gateway, CHAT, "{'text':'Hello, dear world.','delta_bytes':6}", NULL);
    ck_assert_uint_eq(all.count, 6);
    assert_delta(&all.events[0], "{'role':'assistant','content':'','refusal':null}", "null");
    assert_delta(&all.events[1], "{'content':'Hello,'}", "null");
    assert_delta(&all.events[2], "{'content':' dear '}", "null");
    assert_delta(&all.events[3], "{'content':'world.'}", "null");
    assert_delta(&all.events[4], "{}", "'stop'");
    ck_assert_str_eq(all.events[5].data, "[DONE]");
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(sse_string(&all.events[i], "id"), sse_string(&all.events[0], "id"));
        ck_assert_str_eq(sse_string(&all.events[i], "model"), "sonnet");
        ck_assert_ptr_null(json_object_get(all.events[i].json, "usage"));
        ck_assert_str_eq(all.events[i].id, "");
    }
    sse_recording_finish(&all);
}
END_TEST

START_TEST(usage_is_the_last_chunk_where_it_is_asked_for)
{
    struct sse_recording all = openai_stream(
        gateway, CHAT, "{'text':'x','streamed':false,'usage':{'input_tokens':7,'output_tokens':5}}",
        "{'stream_options':{'include_usage':true,'include_obfuscation':false}}");
    const struct sse_event *usage = &all.events[all.count - 2];
    ck_assert_uint_eq(json_array_size(sse_member(usage, "choices")), 0);
    ck_assert_int_eq(sse_integer(usage, "usage.prompt_tokens"), 7);
    ck_assert_int_eq(sse_integer(usage, "usage.total_tokens"), 12);
    ck_assert(json_is_null(sse_member(&all.events[0], "usage")));
    ck_assert_str_eq(last_event(&all)->data, "[DONE]");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_structured_answer_is_text_that_grows)
{
    struct sse_recording all =
        openai_stream(gateway, CHAT, "{'object':{'city':'Rome'},'delta_bytes':5}",
                      "{'response_format':{'type':'json_object'}}");
    char text[100] = "";
    for (size_t i = 1; i + 2 < all.count; i++)
        strcat(text, sse_string(&all.events[i], "choices.0.delta.content"));
    ck_assert_str_eq(text, "{\"city\":\"Rome\"}");
    ck_assert_uint_gt(all.count, 5);
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_text_may_hold_any_character)
{
    struct sse_recording all = openai_stream(
        gateway, CHAT, "{'text':'\\u0001 \\n \\\\ \xe2\x82\xac data: [DONE]','delta_bytes':100}",
        NULL);
    ck_assert_str_eq(sse_string(&all.events[1], "choices.0.delta.content"),
                     "\x01 \n \\ \xe2\x82\xac data: [DONE]");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(long_pieces_are_one_frame)
{
    struct sse_recording all =
        openai_stream(gateway, CHAT, "{'text':'0123456789','repeat':1,'delta_bytes':100000}", NULL);
    sse_recording_finish(&all);
    char piece[5001];
    memset(piece, 'x', 5000);
    piece[5000] = '\0';
    char *scenario = scratch_text("{'text':'%s','delta_bytes':10000}", piece);
    all = openai_stream(gateway, CHAT, scenario, NULL);
    ck_assert_str_eq(sse_string(&all.events[1], "choices.0.delta.content"), piece);
    ck_assert_uint_eq(all.count, 4);
    sse_recording_finish(&all);
    free(scenario);
}
END_TEST

/* ---- failures */

static json_t *streamed(const char *scenario) {
    json_t *body = openai_chat("{'stream':true}");
    openai_say_scenario(body, scenario);
    return body;
}

START_TEST(what_fails_before_the_model_speaks_has_its_status)
{
    struct sse_stream *stream =
        sse_open_stream(gateway, CHAT,
                        streamed("{'is_error':{'text':'API Error: 429 slow down',"
                                 "'api_error_status':429}}"));
    struct http_response answer = sse_refusal(stream);
    openai_assert_error(&answer, 429, "requests", "rate_limit_exceeded", NULL);
    http_response_finish(&answer);
    sse_stream_close(stream);
}
END_TEST

START_TEST(what_fails_later_is_an_error_and_the_end)
{
    struct sse_stream *stream = sse_open_stream(
        gateway, CHAT, streamed("{'text':'half an answer','exit':{'code':1,'when':'mid_text'}}"));
    struct sse_recording all = sse_read_all(stream);
    const json_t *error = json_object_get(last_event(&all)->json, "error");
    ck_assert_msg(json_is_object(error), "%s", last_event(&all)->data);
    ck_assert_str_eq(json_string_value(json_object_get(error, "type")), "server_error");
    ck_assert_uint_gt(json_string_length(json_object_get(error, "message")), 0);
    sse_recording_finish(&all);
    sse_stream_close(stream);
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_run)
{
    struct sse_stream *stream = sse_open_stream(
        gateway, CHAT, streamed("{'text':'half and half','delta_bytes':7,'hang':'mid_text'}"));
    ck_assert_str_eq(sse_string(sse_next(stream), "choices.0.delta.role"), "assistant");
    ck_assert_str_eq(sse_string(sse_next(stream), "choices.0.delta.content"), "half an");
    sse_stream_close(stream);
    await_active_slots(gateway, 0, 5000);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        an_answer_is_chunks_and_done,
        usage_is_the_last_chunk_where_it_is_asked_for,
        a_structured_answer_is_text_that_grows,
        a_text_may_hold_any_character,
        long_pieces_are_one_frame,
        what_fails_before_the_model_speaks_has_its_status,
        what_fails_later_is_an_error_and_the_end,
        a_client_that_leaves_ends_the_run,
    };
    return test_main("openai_chat_stream", setup, teardown, tests, sizeof tests / sizeof *tests);
}
