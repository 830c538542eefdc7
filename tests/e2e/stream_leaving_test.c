/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of POST /stream that leave in every way and at every moment: no process stays, the slot
 * is free. */
#include "support/process_search.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>

/* From the client's leaving to the last process. Sanitizers and valgrind take their time. */
enum { GONE_MS = 1000, GONE_SLOWLY_MS = 3000, APPEAR_MS = 10000 };

/* Shells that only wait, with the mark as an argument. */
#define WAITER "sh -c 'while :; do sleep 1000; done' "
#define STUBBORN "sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1000; done' "

static struct gateway *gateway;
static char *mark; /* in the command line of every process that a tool starts */

static unsigned gone_ms(void) {
    return getenv("KOINE_SLOW") ? GONE_SLOWLY_MS : GONE_MS;
}

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config, .no_pool = true});
    mark = scratch_text("MARK-%d-%u", (int)gateway_pid(gateway), gateway_port(gateway));
}

static void teardown(void) {
    gateway_stop(gateway);
    free(mark);
}

/* A stream whose tool runs a shell that waits; both are there. */
static struct sse_stream *begin_tool(void) {
    char *command = scratch_text("setsid " STUBBORN "%s & " WAITER "%s", mark, mark);
    struct sse_stream *stream = sse_open_stream(gateway, "/stream", tool_body("{}", command));
    sse_expect(stream, "session");
    ck_assert_msg(process_search_await(mark, 2, APPEAR_MS), "%d processes, expected 2",
                  process_search_count(mark));
    await_active_streams(gateway, 1, 1000);
    free(command);
    return stream;
}

static bool has_no_child(const void *pid) {
    return processes_of_parent(*(const pid_t *)pid) == 0;
}

static void assert_all_gone(void) {
    pid_t pid = gateway_pid(gateway);
    ck_assert_msg(process_search_await(mark, 0, gone_ms()), "%d processes are left after %u ms",
                  process_search_count(mark), gone_ms());
    await_active_streams(gateway, 0, gone_ms());
    ck_assert_msg(await(has_no_child, &pid, gone_ms()), "the gateway still has a child");
}

START_TEST(a_close_is_a_leave)
{
    start(NULL);
    sse_stream_close(begin_tool());
    assert_all_gone();
}
END_TEST

START_TEST(a_reset_is_a_leave)
{
    start(NULL);
    sse_stream_reset(begin_tool());
    assert_all_gone();
}
END_TEST

START_TEST(a_half_close_is_a_leave)
{
    start(NULL);
    struct sse_stream *stream = begin_tool();
    raw_half_close(sse_connection(stream));
    assert_all_gone();
    sse_stream_close(stream);
}
END_TEST

START_TEST(a_leave_behind_pipelined_bytes_is_seen)
{
    start(NULL);
    struct sse_stream *stream = begin_tool();
    raw_send_text(sse_connection(stream), "GET /livez HTTP/1.1\r\n" RAW_HOST "\r\n");
    sse_stream_close(stream);
    assert_all_gone();
}
END_TEST

START_TEST(a_leave_amid_flowing_text)
{
    start("slots: {streaming: 1}\n");
    for (int i = 0; i < 10; i++) {
        struct sse_stream *stream = begin_stream(
            gateway, "{'text':'on and on ','repeat':10000000,'short_result':true}", NULL);
        for (int events = 0; events < 100 * i + 2; events++)
            ck_assert_ptr_nonnull(sse_next(stream));
        if (i % 2)
            sse_stream_close(stream);
        else
            sse_stream_reset(stream);
        assert_all_gone();
    }
}
END_TEST

/* The CLI has been paused: the leave must be seen although nothing can be written. */
START_TEST(a_leave_of_a_client_that_does_not_read)
{
    start(NULL);
    struct sse_stream *stream = sse_open_request(
        gateway,
        &(struct sse_request){.path = "/stream",
                              .receive_buffer_bytes = 4096,
                              .body = scenario_body("{'text':'0123456789abcdef0123456789abcdef',"
                                                    "'repeat':10000000,'short_result':true}",
                                                    NULL)});
    sse_await(stream, "text");
    ck_assert(await_reading_paused(gateway_pid(gateway), APPEAR_MS));
    sse_stream_close(stream);
    assert_all_gone();
}
END_TEST

START_TEST(a_leave_before_the_head_is_read)
{
    start("slots: {streaming: 1}\n");
    char *request = sse_request_text(&(struct sse_request){
        .path = "/stream", .body = scenario_body("{'hang':'after_init'}", NULL)});
    for (int i = 0; i < 10; i++) {
        struct raw_client *client = raw_connect(gateway);
        raw_send_text(client, request);
        if (i % 2)
            raw_close(client);
        else
            raw_reset(client);
        await_active_streams(gateway, 0, gone_ms());
    }
    assert_all_gone();
    free(request);
}
END_TEST

START_TEST(a_leave_frees_the_slot_for_the_next)
{
    start("slots: {streaming: 1}\n");
    sse_stream_close(begin_tool());
    assert_all_gone();
    struct sse_recording all = stream_all(gateway, "{'text':'next'}", NULL);
    ck_assert_str_eq(all.text, "next");
    sse_recording_finish(&all);
}
END_TEST

START_TEST(a_timeout_ends_the_tools_as_well)
{
    start("http: {request_timeout_ms: 1500}\n");
    struct sse_stream *stream = begin_tool();
    ck_assert_str_eq(sse_string(sse_await(stream, "error"), "code"), "TIMEOUT_ERROR");
    ck_assert_str_eq(sse_string(sse_expect(stream, "done"), "reason"), "timeout");
    sse_expect_end(stream);
    assert_all_gone();
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_close_is_a_leave,
        a_reset_is_a_leave,
        a_half_close_is_a_leave,
        a_leave_behind_pipelined_bytes_is_seen,
        a_leave_amid_flowing_text,
        a_leave_of_a_client_that_does_not_read,
        a_leave_before_the_head_is_read,
        a_leave_frees_the_slot_for_the_next,
        a_timeout_ends_the_tools_as_well,
    };
    return test_main("stream_leaving", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
