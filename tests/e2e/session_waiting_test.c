/* SPDX-License-Identifier: Apache-2.0 */
/* Turns of one session that meet: refused at once, or waiting for each other, and clients that
 * leave meanwhile. */
#include "support/cli_watch.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define PATIENT "sessions: {wait_ms: 30000}\n"

static struct gateway *gateway;
static char *id; /* of the session, which holds two messages */

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_status(&answer, 200);
    id = scratch_text("%s", http_string(&answer, "sessionId"));
    http_response_finish(&answer);
}

static void teardown(void) {
    gateway_stop(gateway);
    free(id);
}

static json_t *turn_body(const char *scenario) {
    json_t *body = scenario_body(scenario, NULL);
    json_object_set_new(body, "sessionId", json_string(id));
    return body;
}

static struct http_response turn(const char *scenario) {
    return http_post(gateway, "/generate-text", turn_body(scenario));
}

/* What the gateway was sent before, it has heard when it has answered this: it looks at its
 * connections in turn. */
static void await_heard(void) {
    struct http_response answer = http_get(gateway, "/livez");
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}

/* A turn on a connection that can be left, and that the gateway has certainly heard of. */
static struct raw_client *begin_turn(const char *path, const char *scenario) {
    const struct sse_request request = {.path = path, .body = turn_body(scenario)};
    char *text = sse_request_text(&request);
    struct raw_client *client = raw_connect(gateway);
    ck_assert(raw_send_text(client, text));
    await_heard();
    free(text);
    return client;
}

static void leave(struct raw_client *client) {
    raw_close(client);
    await_heard();
}

static struct raw_client *begin_running_turn(const char *scenario) {
    struct raw_client *running = begin_turn("/generate-text", scenario);
    await_health(gateway, "processes.running", 1);
    return running;
}

static void end_turn(struct raw_client *client) {
    struct raw_answer answer = raw_receive(client, false);
    ck_assert_msg(answer.status == 200, "status %d: %s", answer.status, answer.body);
    raw_answer_finish(&answer);
    raw_close(client);
}

/* How many messages there were before the turn that answers with its history. */
static json_int_t messages_told(const char *answer) {
    json_t *body = json_loads(answer, 0, NULL);
    const char *text = json_string_value(json_object_get(body, "text"));
    json_t *history = text ? json_loads(text, 0, NULL) : NULL;
    ck_assert_msg(json_is_object(history), "no history was told: %s", answer);
    json_int_t messages = json_integer_value(json_object_get(history, "messages"));
    json_decref(history);
    json_decref(body);
    return messages;
}

static void assert_messages(json_int_t messages) {
    struct http_response answer = turn("{'echo':'history'}");
    http_assert_status(&answer, 200);
    ck_assert_int_eq(messages_told(answer.body), messages);
    http_response_finish(&answer);
}

/* ---- refused */

static void assert_busy(const char *path) {
    struct http_response answer = http_post(gateway, path, turn_body("{}"));
    http_assert_error(&answer, 409, "SESSION_BUSY");
    http_response_finish(&answer);
}

START_TEST(a_turn_of_a_running_session_is_refused_at_once)
{
    start(NULL);
    struct raw_client *running = begin_running_turn("{'first_delay_ms':1500}");
    uint64_t begin = clock_ms();
    assert_busy("/generate-text");
    assert_busy("/stream");
    ck_assert_uint_lt(clock_ms() - begin, 1500);
    assert_health(gateway, "processes.running", 1);
    end_turn(running);
    assert_messages(4);
}
END_TEST

START_TEST(a_turn_that_has_waited_long_enough_is_refused)
{
    start("sessions: {wait_ms: 300}\n");
    struct raw_client *running = begin_running_turn("{'first_delay_ms':2500}");
    static const char *const paths[] = {"/generate-text", "/stream"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        uint64_t begin = clock_ms();
        struct http_response answer = http_post(gateway, paths[i], turn_body("{}"));
        http_assert_error(&answer, 409, "SESSION_BUSY");
        ck_assert_msg(strstr(http_string(&answer, "error"), "sessions.wait_ms") != NULL, "%s",
                      answer.body);
        ck_assert_uint_ge(clock_ms() - begin, 290);
        http_response_finish(&answer);
        await_active_streams(gateway, 0, 3000);
    }
    end_turn(running);
    assert_messages(4);
}
END_TEST

START_TEST(other_sessions_need_not_wait)
{
    start(PATIENT);
    struct raw_client *running = begin_running_turn("{'first_delay_ms':1500}");
    uint64_t begin = clock_ms();
    struct http_response answer = generate(gateway, "{}", NULL);
    http_assert_status(&answer, 200);
    ck_assert_uint_lt(clock_ms() - begin, 1500);
    http_response_finish(&answer);
    end_turn(running);
}
END_TEST

/* ---- waiting */

START_TEST(turns_that_wait_come_in_the_order_in_which_they_came)
{
    enum { WAITING = 3 };
    struct raw_client *waiting[WAITING];
    start(PATIENT);
    struct raw_client *running = begin_running_turn("{'first_delay_ms':700}");
    for (int i = 0; i < WAITING; i++)
        waiting[i] = begin_turn("/generate-text", "{'echo':'history','first_delay_ms':50}");
    assert_health(gateway, "concurrency.nonStreaming.active", 1); /* who waits holds no slot */
    end_turn(running);
    for (int i = 0; i < WAITING; i++) {
        struct raw_answer answer = raw_receive(waiting[i], false);
        ck_assert_int_eq(messages_told(answer.body), 4 + 2 * i);
        raw_answer_finish(&answer);
        raw_close(waiting[i]);
    }
    assert_messages(10);
}
END_TEST

START_TEST(a_stream_waits_too_and_then_begins)
{
    start(PATIENT);
    struct raw_client *running = begin_running_turn("{'first_delay_ms':500}");
    struct raw_client *client = begin_turn("/stream", "{'echo':'history'}");
    end_turn(running);
    struct sse_stream *stream = sse_receive_stream(client);
    struct sse_recording all = sse_read_all(stream);
    sse_assert_outline(&all, "session text result done");
    ck_assert_str_eq(sse_string(sse_find(&all, "session"), "sessionId"), id);
    ck_assert_ptr_nonnull(strstr(all.text, "\"messages\":4"));
    sse_recording_finish(&all);
    sse_stream_close(stream);
    raw_close(client);
}
END_TEST

/* The whole request has its time, of which waiting is a part. */
START_TEST(a_turn_that_waits_has_its_own_time_limit)
{
    start(PATIENT);
    struct raw_client *running = begin_running_turn("{'first_delay_ms':2000}");
    json_t *body = turn_body("{}");
    json_object_set_new(body, "timeoutMs", json_integer(300));
    struct http_response answer = http_post(gateway, "/generate-text", body);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    end_turn(running);
    assert_messages(4);
}
END_TEST

START_TEST(a_turn_whose_client_leaves_while_it_waits_does_not_run)
{
    start(PATIENT);
    struct raw_client *running = begin_running_turn("{'first_delay_ms':700}");
    struct raw_client *leaving = begin_turn("/generate-text", "{}");
    struct raw_client *streaming = begin_turn("/stream", "{}");
    struct raw_client *staying = begin_turn("/generate-text", "{'echo':'history'}");
    leave(leaving);
    leave(streaming);
    end_turn(running);
    struct raw_answer answer = raw_receive(staying, false);
    ck_assert_int_eq(messages_told(answer.body), 4);
    raw_answer_finish(&answer);
    raw_close(staying);
    assert_messages(6);
}
END_TEST

/* ---- a turn after one that was left */

/* The CLI has certainly taken the prompt, for it has begun to answer. */
static void assert_goes_on_after(const char *left) {
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", turn_body(left));
    sse_await(stream, "text");
    sse_stream_close(stream);
    await_heard();
    struct http_response answer = turn("{'text':'here again'}");
    http_assert_status(&answer, 200);
    ck_assert_str_eq(http_string(&answer, "text"), "here again");
    ck_assert_str_eq(http_string(&answer, "sessionId"), id);
    http_response_finish(&answer);
}

START_TEST(a_turn_after_one_that_was_left_waits_for_its_end)
{
    start(NULL);
    assert_goes_on_after("{'text':'half of it, and then more','delay_ms':60000}");
    assert_goes_on_after("{'text':'half of it','hang':'mid_text'}");
    assert_goes_on_after("{'text':'half','hang':{'when':'mid_text','ignore_sigterm':true}}");
    assert_messages(2 + 3 * (1 + 2)); /* of those that were left the prompts alone */
    await_health(gateway, "processes.running", 0);
    await_health(gateway, "processes.ending", 0);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_turn_of_a_running_session_is_refused_at_once,
        a_turn_that_has_waited_long_enough_is_refused,
        other_sessions_need_not_wait,
        turns_that_wait_come_in_the_order_in_which_they_came,
        a_stream_waits_too_and_then_begins,
        a_turn_that_waits_has_its_own_time_limit,
        a_turn_whose_client_leaves_while_it_waits_does_not_run,
        a_turn_after_one_that_was_left_waits_for_its_end,
    };
    return test_main("session_waiting", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
