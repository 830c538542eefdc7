/* SPDX-License-Identifier: Apache-2.0 */
/* The example `clock` in a gateway: who is refused, how a stream ends, what is counted. A client
 * that does not read is tested where time is virtual: examples/modules/clock/tests. */
#include "support/process_table.h"
#include "support/scratch_directory.h"
#include "support/sse_client.h"
#include "support/test_main.h"
#include "support/test_modules.h"

#include <string.h>
#include <time.h>

static struct gateway *gateway;

static void setup(void) {
    static const char *const modules[] = {"clock", NULL};
    gateway = modules_start(modules, "  settings: {clock: {default_every_ms: 20}}\n",
                            "slots: {classes: {clock: 2}}\n", NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static struct sse_stream *subscribe(const char *path) {
    return sse_open_request(gateway,
                            &(struct sse_request){.method = "GET", .path = path, .key = ""});
}

static void assert_invalid(const char *query, const char *sentence) {
    char *path = scratch_text("/clock?%s", query);
    struct http_response answer = http_get(gateway, path);
    http_assert_error(&answer, 400, "VALIDATION_ERROR");
    ck_assert_str_eq(http_string(&answer, "issues.0.path.0"), "every_ms");
    ck_assert_str_eq(http_string(&answer, "issues.0.message"), sentence);
    http_response_finish(&answer);
    free(path);
}

START_TEST(a_time_between_ticks_that_cannot_be)
{
    assert_invalid("every_ms=9", "must be at least 10, got 9");
    assert_invalid("every_ms=60001", "must be at most 60000, got 60001");
    assert_invalid("every_ms=0", "must be a positive integer, got 0");
    assert_invalid("every_ms=1.5", "must be a positive integer, got 1.5");
    assert_invalid("every_ms=soon", "must be a positive integer, got a string");
    assert_invalid("every_ms", "must be a positive integer, got a string");
    assert_invalid("a=b&every_ms=20&every_ms=20", "must be given once");
    assert_invalid("every_ms=%zz", "must be UTF-8, percent-encoded");
    modules_await_metric(gateway, "koine_clock_subscribers 0");
}
END_TEST

START_TEST(more_clients_than_slots)
{
    struct sse_stream *first = subscribe("/clock"), *second = subscribe("/clock");
    sse_expect(first, "tick");
    sse_expect(second, "tick");
    struct sse_stream *third = subscribe("/clock");
    struct http_response answer = sse_refusal(third);
    http_assert_error(&answer, 429, "CONCURRENCY_LIMIT_ERROR");
    http_response_finish(&answer);
    sse_stream_close(third);
    sse_stream_close(first); /* makes room */
    modules_await_metric(gateway, "koine_clock_subscribers 1");
    third = subscribe("/clock");
    sse_expect(third, "tick");
    sse_stream_close(third);
    sse_stream_close(second);
}
END_TEST

START_TEST(clients_that_leave_are_forgotten)
{
    struct sse_stream *leaves = subscribe("/clock?every_ms=10");
    struct sse_stream *resets = subscribe("/clock?every_ms=10");
    sse_expect(leaves, "tick");
    sse_expect(resets, "tick");
    sse_stream_close(leaves);
    modules_await_metric(gateway, "koine_clock_subscribers 1");
    sse_expect(resets, "tick");
    sse_stream_reset(resets);
    modules_await_metric(gateway, "koine_clock_subscribers 0");
}
END_TEST

START_TEST(draining_ends_a_stream_that_never_would)
{
    struct sse_stream *stream = subscribe("/clock?every_ms=60000");
    sse_expect(stream, "tick");
    gateway_terminate(gateway);
    const struct sse_event *end = sse_expect(stream, "end");
    ck_assert_str_eq(sse_string(end, "reason"), "shutdown");
    sse_expect_end(stream);
    sse_stream_close(stream);
    gateway_join(gateway); /* asserts that it ends with 0 */
    gateway = NULL;
}
END_TEST

START_TEST(ticks_come_one_after_the_other)
{
    struct sse_stream *stream = subscribe("/clock");
    json_int_t previous = (json_int_t)time(NULL) * 1000 - 1000;
    for (int i = 1; i <= 5; i++) {
        const struct sse_event *tick = sse_expect(stream, "tick");
        ck_assert_int_eq(atoi(tick->id), i);
        ck_assert_int_eq(sse_integer(tick, "missed"), 0);
        ck_assert_int_gt(sse_integer(tick, "unixMs"), previous);
        previous = sse_integer(tick, "unixMs");
    }
    sse_stream_close(stream);
}
END_TEST

START_TEST(clients_have_their_own_pace)
{
    struct sse_stream *slow = subscribe("/clock?every_ms=60000");
    struct sse_stream *fast = subscribe("/clock?every_ms=10");
    sse_expect(slow, "tick");
    for (int i = 0; i < 10; i++)
        sse_expect(fast, "tick");
    ck_assert(!raw_readable(sse_connection(slow), 0));
    sse_stream_close(fast);
    sse_stream_close(slow);
}
END_TEST

START_TEST(a_metric_of_a_module_bears_its_name)
{
    struct sse_stream *stream = subscribe("/clock?every_ms=60000");
    sse_expect(stream, "tick");
    modules_await_metric(gateway, "koine_clock_ticks_total 1");
    modules_await_metric(gateway, "# TYPE koine_clock_ticks_total counter");
    modules_await_metric(gateway, "koine_clock_skipped_total 0");
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_time_between_ticks_that_cannot_be, more_clients_than_slots,
        clients_that_leave_are_forgotten,    draining_ends_a_stream_that_never_would,
        ticks_come_one_after_the_other,      clients_have_their_own_pace,
        a_metric_of_a_module_bears_its_name,
    };
    return test_main("example_clock", setup, teardown, tests, sizeof tests / sizeof *tests);
}
