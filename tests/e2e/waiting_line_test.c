/* SPDX-License-Identifier: Apache-2.0 */
/* The line of requests that wait for a slot: who is next, for how long, how many, and what the
 * others are told. */
#include "support/cli_watch.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

#define OTHER_KEY "other-key-0123456789abcdef"
#define OTHER_HASH "ef930a905aa029f128cd4ccc511beea86303b75a64904812bf9637466c2b82d9"
#define TWO_KEYS "keys:\n- name: other\n  sha256: " OTHER_HASH "\n"
#define ONE_SLOT "slots: {nonstreaming: 1, streaming: 1, queue: 5}\n"

#define WAITING "concurrency.nonStreaming.waiting"
#define STREAMS_WAITING "concurrency.streaming.waiting"

static struct gateway *gateway;
static char *directory;

static void start(const char *config) {
    directory = scratch_directory_create();
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static void teardown(void) {
    gateway_stop(gateway);
    scratch_directory_destroy(directory);
}

/* ---- requests */

/* Holds a slot until release(name). */
static json_t *holding_body(const char *name) {
    char *command = scratch_text(
        "until [ -e %s/release-%s ] || ! kill -0 $PPID; do sleep 0.02; done", directory, name);
    json_t *body = tool_body("{'text':'done'}", command);
    free(command);
    return body;
}

static struct http_call *hold(const char *key, const char *name) {
    return http_begin_post_as(gateway, key, "/generate-text", holding_body(name));
}

static void release(const char *name) {
    char *path = scratch_text("%s/release-%s", directory, name);
    scratch_write(path, "");
    free(path);
}

/* Leaves its name when it runs. */
static json_t *naming_body(const char *name) {
    char *command = scratch_text("echo %s >>%s/order", name, directory);
    json_t *body = tool_body("{'text':'done'}", command);
    free(command);
    return body;
}

static struct http_call *line_up(const char *key, const char *name) {
    return http_begin_post_as(gateway, key, "/generate-text", naming_body(name));
}

static void end(struct http_call *call) {
    struct http_response answer = http_wait(call);
    http_assert_status(&answer, 200);
    http_response_finish(&answer);
}

/* Asserts who has run, in which order, a name a line. */
static void assert_order(const char *names) {
    char *path = scratch_text("%s/order", directory), *order = scratch_read(path);
    ck_assert_pstr_eq(order, names);
    free(order);
    free(path);
}

/* A request that is refused; gives Retry-After. */
static long assert_refused(const char *key) {
    struct http_response answer =
        http_post_as(gateway, key, "/generate-text", naming_body("refused"));
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    ck_assert_str_eq(http_string(&answer, "error"), "Concurrency limit exceeded");
    char *retry = http_header(&answer, "Retry-After");
    ck_assert_ptr_nonnull(retry);
    long seconds = strtol(retry, NULL, 10);
    http_response_finish(&answer);
    free(retry);
    return seconds;
}

static bool metric_is(const char *name, const char *value) {
    struct http_response metrics = http_get(gateway, "/metrics");
    char *line = scratch_text("\n%s %s\n", name, value);
    bool found = strstr(metrics.body, line) != NULL;
    http_response_finish(&metrics);
    free(line);
    return found;
}

/* ---- who is next */

START_TEST(first_come_first_served)
{
    static const char *const names[] = {"A", "B", "C", "D"};
    struct http_call *calls[4];
    start(ONE_SLOT);
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    for (int i = 0; i < 4; i++) {
        calls[i] = line_up(NULL, names[i]);
        await_health(gateway, WAITING, i + 1);
    }
    assert_health(gateway, "concurrency.nonStreaming.active", 1);
    assert_health(gateway, "processes.running", 1);
    ck_assert(metric_is("koine_slots_waiting{class=\"nonStreaming\"}", "4"));
    release("x");
    end(holder);
    for (int i = 0; i < 4; i++)
        end(calls[i]);
    assert_order("A\nB\nC\nD\n");
    assert_health(gateway, WAITING, 0);
    await_active_slots(gateway, 0, 3000);
}
END_TEST

START_TEST(keys_take_turns)
{
    static const struct {
        const char *key, *name;
    } coming[] = {{NULL, "A1"}, {NULL, "A2"}, {NULL, "A3"}, {OTHER_KEY, "B1"}, {OTHER_KEY, "B2"}};
    struct http_call *calls[5];
    start(ONE_SLOT TWO_KEYS);
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    for (int i = 0; i < 5; i++) {
        calls[i] = line_up(coming[i].key, coming[i].name);
        await_health(gateway, WAITING, i + 1);
    }
    release("x");
    end(holder);
    for (int i = 0; i < 5; i++)
        end(calls[i]);
    assert_order("A1\nB1\nA2\nB2\nA3\n");
}
END_TEST

START_TEST(a_key_at_its_own_limit_is_passed_over)
{
    start("slots: {nonstreaming: 2, queue: 5}\n" TWO_KEYS "  max_nonstreaming: 1\n");
    struct http_call *others = hold(OTHER_KEY, "other"), *mine = hold(NULL, "mine");
    await_active_slots(gateway, 2, 10000);
    struct http_call *first = line_up(OTHER_KEY, "other");
    await_health(gateway, WAITING, 1);
    struct http_call *second = line_up(NULL, "mine");
    await_health(gateway, WAITING, 2);
    release("mine");
    end(mine);
    end(second);
    assert_health(gateway, WAITING, 1);
    release("other");
    end(others);
    end(first);
    assert_order("mine\nother\n");
}
END_TEST

START_TEST(streams_have_a_line_of_their_own)
{
    start(ONE_SLOT);
    struct sse_stream *holder = sse_open_stream(gateway, "/stream", holding_body("x"));
    sse_expect(holder, "session");
    const struct sse_request request = {.path = "/stream", .body = naming_body("stream")};
    char *text = sse_request_text(&request);
    struct raw_client *client = raw_connect(gateway);
    ck_assert(raw_send_text(client, text));
    await_health(gateway, STREAMS_WAITING, 1);
    assert_health(gateway, WAITING, 0);
    end(line_up(NULL, "text"));
    release("x");
    struct sse_recording first = sse_read_all(holder);
    sse_assert_outline(&first, "text result done");
    struct sse_stream *stream = sse_receive_stream(client);
    struct sse_recording second = sse_read_all(stream);
    sse_assert_outline(&second, "session text result done");
    assert_order("text\nstream\n");
    sse_recording_finish(&first);
    sse_recording_finish(&second);
    sse_stream_close(holder);
    sse_stream_close(stream);
    raw_close(client);
    free(text);
}
END_TEST

/* ---- who is not */

START_TEST(who_has_waited_long_enough_is_refused)
{
    start("slots: {nonstreaming: 1, streaming: 1, queue: 5, queue_timeout_ms: 300}\n");
    struct http_call *holder = hold(NULL, "x");
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", holding_body("x"));
    await_active_slots(gateway, 1, 10000);
    uint64_t begin = clock_ms();
    ck_assert_int_eq(assert_refused(NULL), 5);
    ck_assert_uint_ge(clock_ms() - begin, 290);
    struct http_response answer = http_post(gateway, "/stream", naming_body("refused"));
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    char *retry = http_header(&answer, "Retry-After");
    ck_assert_pstr_eq(retry, "5");
    ck_assert_uint_ge(clock_ms() - begin, 580);
    assert_health(gateway, WAITING, 0);
    assert_health(gateway, STREAMS_WAITING, 0);
    release("x");
    end(holder);
    end(line_up(NULL, "A"));
    assert_order("A\n");
    free(retry);
    http_response_finish(&answer);
    sse_stream_close(stream);
}
END_TEST

START_TEST(whose_own_time_is_over_is_told_so)
{
    start(ONE_SLOT);
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    json_t *body = naming_body("late");
    json_object_set_new(body, "timeoutMs", json_integer(300));
    struct http_response answer = http_post(gateway, "/generate-text", body);
    http_assert_error(&answer, 504, "TIMEOUT_ERROR");
    http_response_finish(&answer);
    await_health(gateway, WAITING, 0);
    release("x");
    end(holder);
    end(line_up(NULL, "A"));
    assert_order("A\n");
}
END_TEST

/* Beyond the places of the line the first of each key may wait, so none locks another out. */
START_TEST(a_full_line)
{
    start("slots: {nonstreaming: 1, queue: 1}\n" TWO_KEYS);
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    struct http_call *mine = line_up(NULL, "mine");
    await_health(gateway, WAITING, 1);
    assert_refused(NULL);
    struct http_call *others = line_up(OTHER_KEY, "other");
    await_health(gateway, WAITING, 2);
    assert_refused(OTHER_KEY);
    assert_health(gateway, WAITING, 2);
    release("x");
    end(holder);
    end(mine);
    end(others);
    assert_order("mine\nother\n");
}
END_TEST

START_TEST(a_client_that_leaves_leaves_its_place)
{
    start("slots: {nonstreaming: 1, queue: 1}\n");
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    const struct sse_request request = {.path = "/generate-text", .body = naming_body("left")};
    char *text = sse_request_text(&request);
    struct raw_client *leaving = raw_connect(gateway);
    ck_assert(raw_send_text(leaving, text));
    await_health(gateway, WAITING, 1);
    assert_refused(NULL);
    raw_close(leaving);
    await_health(gateway, WAITING, 0);
    struct http_call *staying = line_up(NULL, "stayed");
    await_health(gateway, WAITING, 1);
    release("x");
    end(holder);
    end(staying);
    assert_order("stayed\n");
    await_active_slots(gateway, 0, 3000);
    free(text);
}
END_TEST

/* ---- what they are told */

START_TEST(an_estimate_once_something_is_known)
{
    start("slots: {nonstreaming: 1, queue: 1}\n");
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "x" : "y";
        struct http_call *holder = hold(NULL, name);
        await_active_slots(gateway, 1, 10000);
        struct http_call *waiting = line_up(NULL, "A");
        await_health(gateway, WAITING, 1);
        long seconds = assert_refused(NULL);
        ck_assert_msg(i == 0 ? seconds == 5 : seconds >= 1 && seconds < 5, "Retry-After: %ld, %s",
                      seconds, i == 0 ? "expected 5" : "1 to 4 expected");
        release(name);
        end(holder);
        end(waiting);
        for (int more = 0; more < 4; more++)
            end(line_up(NULL, "A"));
    }
}
END_TEST

START_TEST(without_a_line_nobody_waits)
{
    start("slots: {nonstreaming: 1}\n");
    for (int i = 0; i < 4; i++)
        end(line_up(NULL, "A"));
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    ck_assert_int_eq(assert_refused(NULL), 5);
    assert_health(gateway, WAITING, 0);
    release("x");
    end(holder);
    assert_order("A\nA\nA\nA\n");
}
END_TEST

/* It came before the end was decided, so it is served. */
START_TEST(who_waits_is_served_while_the_gateway_drains)
{
    start(ONE_SLOT);
    struct http_call *holder = hold(NULL, "x");
    await_active_slots(gateway, 1, 10000);
    struct http_call *waiting = line_up(NULL, "A");
    await_health(gateway, WAITING, 1);
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining");
    release("x");
    end(holder);
    end(waiting);
    gateway_join(gateway);
    gateway = NULL;
    assert_order("A\n");
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        first_come_first_served,
        keys_take_turns,
        a_key_at_its_own_limit_is_passed_over,
        streams_have_a_line_of_their_own,
        who_has_waited_long_enough_is_refused,
        whose_own_time_is_over_is_told_so,
        a_full_line,
        a_client_that_leaves_leaves_its_place,
        an_estimate_once_something_is_known,
        without_a_line_nobody_waits,
        who_waits_is_served_while_the_gateway_drains,
    };
    return test_main("waiting_line", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
