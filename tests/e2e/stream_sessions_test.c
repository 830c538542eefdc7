/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of POST /stream: ids that hold, sessions that go on here and elsewhere, sessions
 * that are busy, foreign or not there. */
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define OTHER_KEY "other-key-0123456789abcdef"
#define OTHER_HASH "ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9"
#define NOBODYS "11111111-2222-4333-8444-555555555555"

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static char *session_of(const struct sse_recording *all) {
    const char *id = sse_string(sse_find(all, "session"), "sessionId");
    ck_assert_str_eq(sse_string(sse_find(all, "result"), "sessionId"), id);
    return scratch_text("%s", id);
}

/* A finished stream's session; the caller frees. */
static char *begin_session(void) {
    struct sse_recording all = stream_all(gateway, "{'text':'hello'}", NULL);
    char *id = session_of(&all);
    sse_recording_finish(&all);
    return id;
}

static char *with_session(const char *id, const char *more) {
    return scratch_text("{'sessionId':'%s'%s}", id, more);
}

/* How many messages the session held before this turn, told by a stream. */
static json_int_t messages_by_stream(const char *id) {
    char *fields = with_session(id, "");
    struct sse_recording all = stream_all(gateway, "{'echo':'history'}", fields);
    char *told = session_of(&all);
    ck_assert_str_eq(told, id);
    json_t *history = json_loads(all.text, 0, NULL);
    json_int_t count = json_integer_value(json_object_get(history, "messages"));
    json_decref(history);
    sse_recording_finish(&all);
    free(told);
    free(fields);
    return count;
}

static json_int_t messages_by_text(const char *id) {
    char *fields = with_session(id, "");
    struct http_response answer = generate(gateway, "{'echo':'history'}", fields);
    json_t *history = echoed(&answer);
    json_int_t count = json_integer_value(json_object_get(history, "messages"));
    json_decref(history);
    http_response_finish(&answer);
    free(fields);
    return count;
}

START_TEST(a_session_goes_on_in_either_form)
{
    char *id = begin_session();
    ck_assert_int_eq(messages_by_stream(id), 2);
    ck_assert_int_eq(messages_by_text(id), 4);
    ck_assert_int_eq(messages_by_stream(id), 6);
    free(id);
}
END_TEST

START_TEST(a_session_of_generate_text_is_streamed_on)
{
    struct http_response answer = generate(gateway, "{'text':'hello'}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_int_eq(messages_by_stream(http_string(&answer, "sessionId")), 2);
    http_response_finish(&answer);
}
END_TEST

/* Known before the first token, and true: the CLI, which has not spoken yet, works under it. */
START_TEST(the_id_of_a_new_session_is_known_at_once)
{
    struct sse_stream *stream =
        begin_stream(gateway, "{'echo':'session','first_delay_ms':300}", NULL);
    char *id = scratch_text("%s", sse_string(sse_expect(stream, "session"), "sessionId"));
    struct sse_recording rest = sse_read_all(stream);
    ck_assert_str_eq(rest.text, id);
    ck_assert_str_eq(sse_string(sse_find(&rest, "result"), "sessionId"), id);
    ck_assert_int_eq(messages_by_stream(id), 2);
    sse_recording_finish(&rest);
    sse_stream_close(stream);
    free(id);
}
END_TEST

/* The client asks again the moment that it reads `done`, while the CLI is still on its way out. */
START_TEST(the_next_turn_may_follow_done_at_once)
{
    char *id = begin_session();
    for (json_int_t turn = 1; turn <= 8; turn++)
        ck_assert_int_eq(messages_by_stream(id), 2 * turn);
    free(id);
}
END_TEST

START_TEST(a_fork_has_an_id_of_its_own)
{
    char *id = begin_session(), *fields = with_session(id, ",'forkSession':true");
    struct sse_recording all = stream_all(gateway, "{'echo':'history'}", fields);
    char *copy = session_of(&all);
    ck_assert_str_ne(copy, id);
    ck_assert_int_eq(messages_by_stream(id), 2);
    ck_assert_int_eq(messages_by_stream(copy), 4);
    sse_recording_finish(&all);
    free(copy);
    free(fields);
    free(id);
}
END_TEST

START_TEST(a_session_does_one_turn_at_a_time)
{
    char *id = begin_session(), *fields = with_session(id, "");
    struct sse_stream *running = begin_stream(gateway, "{'hang':'mid_text'}", fields);
    sse_expect(running, "session");
    struct sse_stream *second = begin_stream(gateway, "{}", fields);
    struct http_response answer = sse_refusal(second);
    http_assert_error(&answer, 409, "SESSION_BUSY");
    http_response_finish(&answer);
    sse_stream_close(second);
    answer = generate(gateway, "{}", fields);
    http_assert_error(&answer, 409, "SESSION_BUSY");
    http_response_finish(&answer);
    sse_stream_close(running);
    await_active_streams(gateway, 0, 3000);
    free(fields);
    free(id);
}
END_TEST

START_TEST(a_session_can_be_taken_up_after_its_client_has_left)
{
    char *id = begin_session(), *fields = with_session(id, "");
    struct sse_stream *stream = begin_stream(gateway, "{'hang':'mid_text'}", fields);
    sse_await(stream, "text");
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
    ck_assert_int_ge(messages_by_stream(id), 2);
    free(fields);
    free(id);
}
END_TEST

START_TEST(a_foreign_session_is_refused_before_any_event)
{
    gateway_stop(gateway);
    gateway = gateway_start(
        &(struct gateway_options){.config = "keys:\n- name: other\n  sha256: " OTHER_HASH "\n"});
    char *id = begin_session(), *fields = with_session(id, "");
    struct sse_stream *stream = sse_open_request(
        gateway, &(struct sse_request){
                     .path = "/stream", .key = OTHER_KEY, .body = scenario_body("{}", fields)});
    struct http_response answer = sse_refusal(stream);
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
    sse_stream_close(stream);
    stream = begin_stream(gateway, "{}", "{'sessionId':'11111111-2222-8333-8444-555555555555'}");
    answer = sse_refusal(stream);
    http_assert_error(&answer, 404, "SESSION_NOT_FOUND");
    http_response_finish(&answer);
    sse_stream_close(stream);
    free(fields);
    free(id);
}
END_TEST

/* With a single key only the CLI can tell, and it is asked after the head has gone out. */
START_TEST(a_session_that_the_cli_does_not_know_is_an_error_event)
{
    struct sse_recording all = stream_all(gateway, "{}", "{'sessionId':'" NOBODYS "'}");
    sse_assert_outline(&all, "session error done");
    ck_assert_str_eq(sse_string(sse_find(&all, "error"), "code"), "SESSION_NOT_FOUND");
    ck_assert_uint_gt(strlen(sse_string(sse_find(&all, "error"), "error")), 0);
    sse_recording_finish(&all);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

START_TEST(a_history_of_the_clients_own)
{
    struct sse_recording all = stream_all(gateway, "{'echo':'history'}",
                                          "{'history':[{'role':'user','content':'Who are you?'},"
                                          "{'role':'assistant','content':'A stand-in.'}]}");
    ck_assert_msg(strstr(all.text, "Who are you?") && strstr(all.text, "\"messages\":2"), "%s",
                  all.text);
    sse_recording_finish(&all);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_session_goes_on_in_either_form,
        a_session_of_generate_text_is_streamed_on,
        the_id_of_a_new_session_is_known_at_once,
        the_next_turn_may_follow_done_at_once,
        a_fork_has_an_id_of_its_own,
        a_session_does_one_turn_at_a_time,
        a_session_can_be_taken_up_after_its_client_has_left,
        a_foreign_session_is_refused_before_any_event,
        a_session_that_the_cli_does_not_know_is_an_error_event,
        a_history_of_the_clients_own,
    };
    return test_main("stream_sessions", setup, teardown, tests, sizeof tests / sizeof *tests);
}
