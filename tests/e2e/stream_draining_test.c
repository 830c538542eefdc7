/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways that are told to end while POST /stream runs: streams go on to their end, or are told
 * why they do not, and none keeps the gateway from ending. */
#include "support/process_search.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

enum { APPEAR_MS = 10000, GONE_MS = 3000 };

static struct gateway *gateway;
static char *mark; /* in the command line of every process that a tool starts */

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
    mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
}

static void teardown(void) {
    gateway_stop(gateway);
    free(mark);
}

/* A stream whose tool runs the command; told when it runs. */
static struct sse_stream *begin_tool(const char *command) {
    json_t *body = tool_body("{}", command);
    json_object_set_new(body, "events", json_pack("[s]", "tool"));
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", body);
    sse_expect(stream, "session");
    sse_expect(stream, "tool"); /* started */
    sse_expect(stream, "tool"); /* its input */
    return stream;
}

START_TEST(draining_lets_a_stream_go_on_to_its_done)
{
    start(NULL);
    char *file = gateway_path(gateway, "go");
    char *command = scratch_text("until test -e %s; do sleep 0.02; done; echo went on", file);
    struct sse_stream *running = begin_tool(command);
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining");
    struct sse_stream *refused = begin_stream(gateway, "{}", NULL);
    struct http_response answer = sse_refusal(refused);
    http_assert_error(&answer, 503, "UNAVAILABLE");
    http_response_finish(&answer);
    sse_stream_close(refused);
    scratch_write(file, "");
    struct sse_recording rest = sse_read_all(running);
    sse_assert_outline(&rest, "tool text result done");
    ck_assert_str_eq(rest.text, "went on");
    ck_assert_int_eq(sse_integer(sse_find(&rest, "done"), "code"), 0);
    sse_recording_finish(&rest);
    sse_stream_close(running);
    gateway_join(gateway);
    gateway = NULL;
    free(command);
    free(file);
}
END_TEST

static void assert_shut_down(struct sse_stream *stream) {
    const struct sse_event *error = sse_await(stream, "error");
    ck_assert_str_eq(sse_string(error, "code"), "UNAVAILABLE");
    const struct sse_event *done = sse_expect(stream, "done");
    ck_assert_str_eq(sse_string(done, "reason"), "shutdown");
    ck_assert(json_is_null(sse_member(done, "code")));
    sse_expect_end(stream);
    sse_stream_close(stream);
}

START_TEST(at_its_limit_draining_tells_the_streams_that_still_run)
{
    start("drain_seconds: 1\n");
    char *command =
        scratch_text("sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' %s", mark);
    struct sse_stream *tool = begin_tool(command);
    ck_assert(process_search_await(mark, 1, APPEAR_MS));
    struct sse_stream *silent = begin_stream(gateway, "{'text':'half','hang':'mid_text'}", NULL);
    struct sse_stream *flowing =
        begin_stream(gateway, "{'text':'drip ','repeat':100000,'delay_ms':20}", NULL);
    sse_await(flowing, "text");
    gateway_terminate(gateway);
    gateway_await_log(gateway, "draining");
    assert_shut_down(flowing);
    assert_shut_down(silent);
    assert_shut_down(tool);
    gateway_join(gateway);
    gateway = NULL;
    ck_assert_msg(process_search_await(mark, 0, GONE_MS), "%d processes are left",
                  process_search_count(mark));
    free(command);
}
END_TEST

/* Who does not read cannot be told, and keeps the gateway from ending for three seconds at most. */
START_TEST(at_its_limit_draining_does_not_wait_for_a_client_that_does_not_read)
{
    start("drain_seconds: 0\n");
    struct sse_stream *stream = sse_open_request(
        gateway,
        &(struct sse_request){.path = "/stream",
                              .receive_buffer_bytes = 4096,
                              .body = scenario_body("{'text':'0123456789abcdef0123456789abcdef',"
                                                    "'repeat':10000000,'short_result':true}",
                                                    NULL)});
    sse_await(stream, "text");
    ck_assert(await_reading_paused(gateway_pid(gateway), APPEAR_MS));
    gateway_terminate(gateway);
    gateway_join(gateway);
    gateway = NULL;
    sse_stream_close(stream);
}
END_TEST

START_TEST(without_drain_time_streams_are_told_at_once)
{
    start("drain_seconds: 0\n");
    struct sse_stream *stream = begin_stream(gateway, "{'text':'half','hang':'mid_text'}", NULL);
    sse_await(stream, "text");
    gateway_terminate(gateway);
    assert_shut_down(stream);
    gateway_join(gateway);
    gateway = NULL;
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        draining_lets_a_stream_go_on_to_its_done,
        at_its_limit_draining_tells_the_streams_that_still_run,
        at_its_limit_draining_does_not_wait_for_a_client_that_does_not_read,
        without_drain_time_streams_are_told_at_once,
    };
    return test_main("stream_draining", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
