/* SPDX-License-Identifier: Apache-2.0 */
/* POST /stream when all goes well: order, numbers, fields, the head, silence, other protocols. What
 * the texts may hold, opt-in events, refusals, failures, slow and leaving clients have their own
 * programs. */
#include "support/scenario.h"
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

static void restart(const char *config, const char *const *environment) {
    gateway_stop(gateway);
    gateway =
        gateway_start(&(struct gateway_options){.config = config, .environment = environment});
}

static void assert_header(const struct sse_stream *stream, const char *name, const char *value) {
    char *got = sse_header(stream, name);
    ck_assert_msg(got ? value && strcmp(got, value) == 0 : !value, "%s: %s, expected %s", name,
                  got ? got : "none", value ? value : "none");
    free(got);
}

static void assert_member(const struct sse_event *event, const char *json) {
    json_t *wanted = quoted_json(json);
    ck_assert_msg(json_equal(event->json, wanted), "%s: %s, expected %s", event->name, event->data,
                  json);
    json_decref(wanted);
}

START_TEST(events_come_in_their_order)
{
    struct sse_recording all = stream_all(
        gateway,
        "{'text':'Hello, dear world.','delta_bytes':6,'usage':{'input_tokens':7,'output_tokens':5},"
        "'cost_usd':0.0123}",
        NULL);
    sse_assert_outline(&all, "session text result done");
    ck_assert_uint_eq(sse_count(&all, "session"), 1);
    ck_assert_uint_eq(sse_count(&all, "text"), 3);
    ck_assert_uint_eq(sse_count(&all, "result"), 1);
    ck_assert_str_eq(all.text, "Hello, dear world.");
    const struct sse_event *result = sse_find(&all, "result"), *session = sse_find(&all, "session");
    ck_assert_uint_eq(strlen(sse_string(session, "sessionId")), 36);
    ck_assert_str_eq(sse_string(result, "sessionId"), sse_string(session, "sessionId"));
    ck_assert_int_eq(sse_integer(result, "usage.inputTokens"), 7);
    ck_assert_int_eq(sse_integer(result, "usage.outputTokens"), 5);
    ck_assert_int_eq(sse_integer(result, "usage.totalTokens"), 12);
    sse_integer(result, "usage.cacheReadInputTokens");
    sse_integer(result, "usage.cacheCreationInputTokens");
    ck_assert_str_eq(sse_string(result, "model"), "claude-standin");
    ck_assert_str_eq(sse_string(result, "stopReason"), "end_turn");
    ck_assert_int_eq(sse_integer(result, "numTurns"), 1);
    ck_assert_int_ge(sse_integer(result, "durationMs"), 0);
    ck_assert_ptr_nonnull(strstr(result->data, "\"costUsd\":0.0123,"));
    ck_assert_uint_eq(json_array_size(sse_member(result, "permissionDenials")), 0);
    assert_member(sse_find(&all, "done"), "{'code':0,'signal':null}");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(the_head_says_what_a_proxy_must_know)
{
    const char *const headers[] = {"X-Request-Id: my-stream-17", NULL};
    struct sse_stream *stream = sse_open_request(
        gateway, &(struct sse_request){
                     .path = "/stream", .headers = headers, .body = scenario_body("{}", NULL)});
    ck_assert_int_eq(sse_status(stream), 200);
    char *type = sse_header(stream, "Content-Type");
    ck_assert_msg(type && strncmp(type, "text/event-stream", 17) == 0, "%s", type ? type : "none");
    free(type);
    assert_header(stream, "Cache-Control", "no-cache");
    assert_header(stream, "X-Accel-Buffering", "no");
    assert_header(stream, "X-Request-Id", "my-stream-17");
    assert_header(stream, "Transfer-Encoding", "chunked");
    assert_header(stream, "Content-Length", NULL);
    sse_stream_close(stream);
}
END_TEST

/* The CLI never says a word, and yet the client knows that it is served and under which id. */
START_TEST(head_and_session_do_not_wait_for_the_cli)
{
    const char *const environment[] = {"CLAUDE_CODE_STANDIN={\"hang\":\"start\"}", NULL};
    restart(NULL, environment);
    struct sse_stream *stream = begin_stream(gateway, "{}", NULL);
    ck_assert_int_eq(sse_status(stream), 200);
    ck_assert_uint_eq(strlen(sse_string(sse_expect(stream, "session"), "sessionId")), 36);
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

/* Each piece leaves when it is there: the CLI stands still amid its answer. */
START_TEST(text_does_not_wait_for_more_text)
{
    struct sse_stream *stream =
        begin_stream(gateway, "{'text':'half and half','delta_bytes':7,'hang':'mid_text'}", NULL);
    sse_expect(stream, "session");
    ck_assert_str_eq(sse_string(sse_expect(stream, "text"), "text"), "half an");
    sse_stream_close(stream);
}
END_TEST

START_TEST(an_answer_that_had_no_deltas_is_one_text_event)
{
    restart("profiles: {full: {flags: [], slash_commands: true}}\n", NULL);
    struct sse_stream *stream =
        sse_open_stream(gateway, "/stream", json_pack("{s:s}", "prompt", "/context"));
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    sse_assert_outline(&all, "session text result done");
    ck_assert_uint_eq(sse_count(&all, "text"), 1);
    ck_assert_str_eq(all.text, "/context was run as a command, no model was asked.");
    sse_recording_finish(&all);
    sse_stream_close(stream);
}
END_TEST

START_TEST(an_empty_answer_has_no_text_event)
{
    struct sse_recording all = stream_all(gateway, "{'text':''}", NULL);
    sse_assert_outline(&all, "session result done");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(max_tokens_cuts)
{
    struct sse_recording all =
        stream_all(gateway, "{'cut_message':'Once upon a','text':' time'}", "{'maxTokens':3}");
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "Once upon a");
    ck_assert_str_eq(sse_string(sse_find(&all, "result"), "stopReason"), "max_tokens");
    assert_member(sse_find(&all, "done"), "{'code':0,'signal':null}");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(without_max_tokens_the_model_goes_on)
{
    struct sse_recording all =
        stream_all(gateway, "{'cut_message':'Once upon a','text':' time'}", NULL);
    ck_assert_str_eq(all.text, "Once upon a time");
    ck_assert_str_eq(sse_string(sse_find(&all, "result"), "stopReason"), "end_turn");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(what_a_sub_agent_says_is_not_the_answer)
{
    struct sse_recording all =
        stream_all(gateway, "{'sub_agent':'I am the other one','text':'mine'}", NULL);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "mine");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(denied_tools_are_listed_in_the_result)
{
    struct sse_recording all = stream_all(
        gateway, "{'tool':{'name':'Bash','input':{'command':'touch x'},'run':'true'},'text':'y'}",
        "{'allowedTools':['Bash(git:*)']}");
    ck_assert_str_eq(sse_string(sse_find(&all, "result"), "permissionDenials.0.tool_name"), "Bash");
    sse_recording_finish(&all);
}
END_TEST

/* ---- silence */

START_TEST(silence_is_filled_with_comments)
{
    restart("http: {keep_alive_ms: 50}\n", NULL);
    struct sse_stream *stream =
        begin_stream(gateway, "{'text':'at last','first_delay_ms':600}", NULL);
    sse_expect(stream, "session");
    ck_assert_str_eq(sse_string(sse_expect(stream, "text"), "text"), "at last");
    ck_assert_uint_ge(sse_comments(stream), 3);
    ck_assert_str_eq(sse_last_comment(stream), " keep-alive");
    sse_expect(stream, "result");
    sse_expect(stream, "done");
    sse_expect_end(stream);
    sse_stream_close(stream);
}
END_TEST

START_TEST(no_comments_while_events_flow)
{
    restart("http: {keep_alive_ms: 1000}\n", NULL);
    struct sse_stream *stream =
        begin_stream(gateway, "{'text':'tick ','repeat':30,'delay_ms':50}", NULL);
    struct sse_recording all = sse_read_all(stream);
    ck_assert_uint_eq(sse_count(&all, "text"), 30);
    ck_assert_uint_eq(sse_comments(stream), 0);
    sse_recording_finish(&all);
    sse_stream_close(stream);
}
END_TEST

/* ---- clients and protocols */

START_TEST(a_client_may_read_byte_by_byte)
{
    struct sse_stream *stream =
        begin_stream(gateway, "{'text':'one \xe2\x82\xac two \xf0\x9f\x90\x98 three'}", NULL);
    sse_set_piece(stream, 1);
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "one \xe2\x82\xac two \xf0\x9f\x90\x98 three");
    sse_recording_finish(&all);
    sse_stream_close(stream);
}
END_TEST

START_TEST(http_1_0_gets_the_stream_unframed)
{
    struct sse_stream *stream = sse_open_request(
        gateway, &(struct sse_request){.path = "/stream",
                                       .protocol = "HTTP/1.0",
                                       .body = scenario_body("{'text':'old'}", NULL)});
    ck_assert_int_eq(sse_status(stream), 200);
    assert_header(stream, "Transfer-Encoding", NULL);
    assert_header(stream, "Content-Length", NULL);
    struct sse_recording all = sse_read_all(stream); /* the close is the end */
    assert_stream_form(&all);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "old");
    sse_recording_finish(&all);
    sse_stream_close(stream);
}
END_TEST

START_TEST(other_methods_are_405)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct http_response answer =
            http_send(gateway, &(struct http_request){.method = methods[i], .path = "/stream"});
        http_assert_status(&answer, 405);
        char *allow = http_header(&answer, "Allow");
        ck_assert_pstr_eq(allow, "POST");
        free(allow);
        http_response_finish(&answer);
    }
}
END_TEST

START_TEST(requests_behind_a_stream_are_answered_behind_it)
{
    struct raw_client *client = raw_connect(gateway);
    char *first = sse_request_text(
        &(struct sse_request){.path = "/stream", .body = scenario_body("{'text':'first'}", NULL)});
    char *second = sse_request_text(
        &(struct sse_request){.path = "/stream", .body = scenario_body("{'text':'second'}", NULL)});
    char *both = scratch_text("%s%sGET /livez HTTP/1.1\r\n" RAW_HOST "\r\n", first, second);
    ck_assert(raw_send_text(client, both));
    static const char *const texts[] = {"first", "second"};
    for (size_t i = 0; i < 2; i++) {
        struct sse_stream *stream = sse_receive_stream(client);
        struct sse_recording all = sse_read_all(stream);
        assert_stream_form(&all);
        ck_assert_str_eq(all.text, texts[i]);
        sse_recording_finish(&all);
        sse_stream_close(stream);
    }
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_int_eq(answer.status, 200);
    raw_answer_finish(&answer);
    raw_close(client);
    free(both);
    free(second);
    free(first);
}
END_TEST

START_TEST(unknown_fields_are_ignored)
{
    struct sse_recording all = stream_all(gateway, "{'text':'x'}", "{'temperature':0.5}");
    sse_assert_outline(&all, "session text result done");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_stray_line_and_noise_do_not_disturb)
{
    struct sse_recording all = stream_all(
        gateway, "{'text':'still here','garbage':'data: {}','stderr_bytes':300000}", NULL);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(all.text, "still here");
    sse_recording_finish(&all);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        events_come_in_their_order,
        the_head_says_what_a_proxy_must_know,
        head_and_session_do_not_wait_for_the_cli,
        text_does_not_wait_for_more_text,
        an_answer_that_had_no_deltas_is_one_text_event,
        an_empty_answer_has_no_text_event,
        max_tokens_cuts,
        without_max_tokens_the_model_goes_on,
        what_a_sub_agent_says_is_not_the_answer,
        denied_tools_are_listed_in_the_result,
        silence_is_filled_with_comments,
        no_comments_while_events_flow,
        a_client_may_read_byte_by_byte,
        http_1_0_gets_the_stream_unframed,
        other_methods_are_405,
        requests_behind_a_stream_are_answered_behind_it,
        unknown_fields_are_ignored,
        a_stray_line_and_noise_do_not_disturb,
    };
    return test_main("stream", setup, teardown, tests, sizeof tests / sizeof *tests);
}
