/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of POST /stream that do not read while something else happens: the run ends, the CLI
 * fails, or http.write_timeout_ms passes; and those that read just enough. */
#include "support/paused_stream.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/test_main.h"

#include <time.h>

enum { APPEAR_MS = 10000 };

static struct gateway *gateway;

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config, .no_pool = true});
}

static void teardown(void) {
    gateway_stop(gateway);
}

static bool has_no_child(const void *pid) {
    return processes_of_parent(*(const pid_t *)pid) == 0;
}

/* The run ends in time although its client does not read; the client learns of it when it does. */
START_TEST(a_time_limit_holds_while_the_client_pauses)
{
    start(NULL);
    pid_t pid = gateway_pid(gateway);
    struct sse_stream *stream = paused_begin(gateway, "", "{'timeoutMs':1500}");
    ck_assert_msg(await(has_no_child, &pid, 5000), "the CLI is still there");
    ck_assert_uint_lt(paused_read_text(stream, "error"), PAUSED_TEXT_BYTES);
    ck_assert_str_eq(sse_string(sse_expect(stream, "done"), "reason"), "timeout");
    sse_expect_end(stream);
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

/* What the CLI said before it failed is told before the failure is. */
START_TEST(a_cli_that_fails_while_the_client_pauses)
{
    start(NULL);
    struct sse_stream *stream = paused_begin(gateway, ",'exit':{'code':9,'when':'mid_text'}", NULL);
    ck_assert_uint_eq(paused_read_text(stream, "error"), PAUSED_TEXT_BYTES / 2);
    ck_assert_int_eq(sse_integer(sse_expect(stream, "done"), "code"), 9);
    sse_expect_end(stream);
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

START_TEST(a_client_that_takes_nothing_for_too_long_is_dropped)
{
    start("slots: {streaming: 1}\nhttp: {write_timeout_ms: 500}\n");
    pid_t pid = gateway_pid(gateway);
    struct sse_stream *stream = paused_begin(gateway, "", NULL);
    await_active_streams(gateway, 0, 5000);
    ck_assert_msg(await(has_no_child, &pid, 3000), "the CLI of the dropped client is still there");
    struct sse_recording next = stream_all(gateway, "{'text':'next'}", NULL);
    ck_assert_str_eq(next.text, "next");
    sse_recording_finish(&next);
    sse_expect_cut(stream, 5000);
    sse_stream_close(stream);
}
END_TEST

START_TEST(a_client_that_takes_little_is_not_dropped)
{
    start("http: {write_timeout_ms: 1500}\n");
    struct sse_stream *stream = paused_begin(gateway, "", NULL);
    for (int i = 0; i < 30; i++) { /* longer than the limit in all */
        nanosleep(&(struct timespec){0, 70000000}, NULL);
        for (int j = 0; j < 30; j++)
            ck_assert_ptr_nonnull(sse_next(stream));
    }
    await_active_streams(gateway, 1, 0);
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

struct sockets {
    pid_t pid;
    int count;
};

static bool holds_sockets(const void *data) {
    const struct sockets *sockets = data;
    return process_sockets(sockets->pid) == sockets->count;
}

/* What the client has not read when the answer is complete is subject to the same limit. */
START_TEST(a_client_that_never_reads_the_end_is_dropped)
{
    start("http: {write_timeout_ms: 500, stream_buffer_bytes: 64MiB}\n");
    pid_t pid = gateway_pid(gateway);
    const struct sockets before = {pid, process_sockets(pid)};
    struct sse_stream *stream = paused_open(gateway, paused_body("", NULL));
    sse_await(stream, "text");
    ck_assert_msg(await(has_no_child, &pid, APPEAR_MS), "the CLI does not end");
    await_active_streams(gateway, 0, 1000);
    ck_assert_msg(await(holds_sockets, &before, 5000), "the connection is still there");
    sse_expect_cut(stream, 5000);
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_time_limit_holds_while_the_client_pauses,
        a_cli_that_fails_while_the_client_pauses,
        a_client_that_takes_nothing_for_too_long_is_dropped,
        a_client_that_takes_little_is_not_dropped,
        a_client_that_never_reads_the_end_is_dropped,
    };
    return test_main("stream_too_slow", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
