/* SPDX-License-Identifier: Apache-2.0 */
/* POST /stream-object: how often partials come, from small objects to large ones, from fast CLIs to
 * slow and silent ones, and what becomes of a client that does not keep up. */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/sse_client.h"
#include "support/test_main.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define ANY "'schema':{'type':'object'}"

enum {
    SMALL_BYTES = 4096, /* up to here each delta gives a partial */
    PAUSE_MS = 250,     /* above, a partial waits for no longer */
    SILENCE_MS = 1500   /* and this is for machines that are busy with other tests */
};

static struct gateway *gateway;

static void setup(void) {
    gateway = gateway_start(NULL);
}

static void teardown(void) {
    gateway_stop(gateway);
}

static void restart(const char *config) {
    gateway_stop(gateway);
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

/* An object whose text has that many bytes, {"s":"000…"}, with further keys of a scenario. */
static json_t *body(size_t bytes, const char *keys, const char *fields) {
    json_t *request = quoted_json(fields), *scenario = quoted_json(keys);
    char *zeros = scratch_text("%0*d", (int)(bytes - strlen("{\"s\":\"\"}")), 0);
    json_object_set_new(scenario, "object", json_pack("{ss}", "s", zeros));
    char *text = json_dumps(scenario, JSON_COMPACT);
    json_object_set_new(request, "prompt", json_sprintf("standin:%s", text));
    json_decref(scenario);
    free(zeros);
    free(text);
    return request;
}

static struct sse_stream *begin(size_t bytes, const char *keys, const char *fields) {
    return sse_open_stream(gateway, "/stream-object", body(bytes, keys, fields));
}

static size_t partial_bytes(const struct sse_event *event) {
    return strlen(sse_string(event, "partial"));
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Reads partials to the first that holds at least that many bytes. Returns how many it holds. */
static size_t await_partial(struct sse_stream *stream, size_t bytes) {
    size_t seen;
    do
        seen = partial_bytes(sse_await(stream, "partial-object"));
    while (seen < bytes);
    return seen;
}

/* ---- small and large */

START_TEST(up_to_4_kib_each_delta_gives_a_partial)
{
    struct sse_stream *stream = begin(SMALL_BYTES, "{'delta_bytes':16}", "{" ANY "}");
    sse_expect(stream, "session");
    for (size_t bytes = 16; bytes <= SMALL_BYTES; bytes += 16)
        ck_assert_uint_eq(partial_bytes(sse_expect(stream, "partial-object")), bytes);
    sse_expect(stream, "object");
    sse_stream_close(stream);
}
END_TEST

START_TEST(partials_of_a_large_object_are_few)
{
    enum { BYTES = 100000, DELTA = 20 };
    struct sse_stream *stream = begin(BYTES, "{'delta_bytes':20}", "{" ANY "}");
    struct sse_recording events = sse_read_all(stream);
    sse_assert_outline(&events, "session partial-object object result done");
    size_t count = sse_count(&events, "partial-object");
    ck_assert_uint_lt(count, 600);
    ck_assert_uint_gt(count, SMALL_BYTES / DELTA); /* and they went on above */
    size_t before = 0;
    for (size_t i = 1; i <= count; i++) {
        size_t bytes = partial_bytes(&events.events[i]);
        ck_assert_msg(before < SMALL_BYTES || bytes < before + before / 16 || bytes == BYTES,
                      "from %zu to %zu bytes at once", before, bytes);
        before = bytes;
    }
    ck_assert_uint_eq(before, BYTES); /* the last one before the object is complete */
    sse_recording_finish(&events);
    sse_stream_close(stream);
}
END_TEST

START_TEST(deltas_cost_no_more_than_the_object)
{
    enum { BYTES = 100000 };
    struct sse_stream *stream = begin(BYTES, "{'delta_bytes':20}", "{" ANY ",'partials':'delta'}");
    sse_expect(stream, "session");
    size_t bytes = 0;
    while (bytes < BYTES)
        bytes += strlen(sse_string(sse_expect(stream, "object-delta"), "delta"));
    ck_assert_uint_eq(bytes, BYTES);
    sse_expect(stream, "object");
    ck_assert_uint_lt(sse_bytes(stream), BYTES * 8);
    sse_stream_close(stream);
}
END_TEST

START_TEST(a_restart_begins_with_small_partials_again)
{
    char *keys = scratch_text("{'object_rejects':1,'rejected_object':{'long':'%09000d'},"
                              "'delta_bytes':500}",
                              0);
    struct sse_stream *stream = begin(400, keys, "{" ANY "}");
    await_partial(stream, strlen("{\"long\":\"\"}") + 9000);
    sse_expect(stream, "warning");
    ck_assert_uint_eq(partial_bytes(sse_expect(stream, "partial-object")), 400);
    sse_expect(stream, "object");
    sse_stream_close(stream);
    free(keys);
}
END_TEST

/* ---- slow and silent CLIs */

/* Fast at first, then so slow that the text grows by less than 1/64 in all that follows. */
START_TEST(a_slow_cli_gives_a_partial_now_and_then)
{
    enum { FAST = 16000, BYTES = 16160 };
    struct sse_stream *stream =
        begin(BYTES, "{'delta_bytes':8,'delay_ms':80,'delay_after':16000}", "{" ANY "}");
    await_partial(stream, FAST - FAST / 64);
    uint64_t begin_ms = now_ms(), count = 0;
    const struct sse_event *event;
    while (strcmp((event = sse_next(stream))->name, "partial-object") == 0)
        count++;
    uint64_t ms = now_ms() - begin_ms;
    ck_assert_str_eq(event->name, "object");
    ck_assert_uint_ge(ms, 1000); /* else nothing was slow */
    /* 1.6 s: six of them, and one for what growth gives or takes */
    ck_assert_msg(count >= 4 && count <= ms / PAUSE_MS + 3, "%u partials in %u ms", (unsigned)count,
                  (unsigned)ms);
    sse_stream_close(stream);
}
END_TEST

/* What the last deltas before a silence said is not withheld until the silence ends. */
START_TEST(a_silent_cli_leaves_nothing_untold)
{
    enum { BYTES = 20000, HALF = 10005 }; /* the deltas' 15 bytes count from the first */
    struct sse_stream *stream =
        begin(BYTES, "{'delta_bytes':15,'hang':'mid_text'}", "{" ANY ",'timeoutMs':8000}");
    uint64_t begin_ms = now_ms();
    ck_assert_uint_eq(await_partial(stream, HALF), HALF);
    ck_assert_uint_lt(now_ms() - begin_ms, SILENCE_MS);
    sse_stream_close(stream);
}
END_TEST

/* Its time to read a partial must not make the next one due at the next delta: with partials of
 * half a megabyte for each twenty bytes of object it would never come to the end. */
START_TEST(a_slow_reader_is_told_no_oftener_than_a_fast_one)
{
    enum { BYTES = 300000, FAST_BYTES = 280000, SLOW_READER_MS = 300 };
    const struct sse_request request = {
        .path = "/stream-object",
        .body = body(BYTES, "{'delta_bytes':20,'delay_after':280000,'delay_ms':1}", "{" ANY "}"),
        .receive_buffer_bytes = 32768,
    };
    struct sse_stream *stream = sse_open_request(gateway, &request);
    await_partial(stream, FAST_BYTES);
    const struct sse_event *event;
    size_t count = 0;
    while (strcmp((event = sse_next(stream))->name, "partial-object") == 0) {
        ck_assert_uint_lt(++count, 30);
        poll(NULL, 0, SLOW_READER_MS);
    }
    ck_assert_str_eq(event->name, "object");
    sse_stream_close(stream);
}
END_TEST

START_TEST(what_is_untold_when_the_run_fails_is_void)
{
    struct sse_stream *stream =
        begin(20000, "{'delta_bytes':15,'exit':{'code':5,'when':'mid_text'}}", "{" ANY "}");
    struct sse_recording events = sse_read_all(stream);
    sse_assert_outline(&events, "session partial-object error done");
    ck_assert_int_eq(sse_integer(sse_find(&events, "done"), "code"), 5);
    sse_recording_finish(&events);
    sse_stream_close(stream);
}
END_TEST

/* ---- slow clients */

static struct sse_stream *begin_narrow(json_t *request) {
    return sse_open_request(gateway, &(struct sse_request){.path = "/stream-object",
                                                           .body = request,
                                                           .receive_buffer_bytes = 4096});
}

/* Asks until the gateway holds what it can for a client that does not read: no more of the CLI is
 * read then. */
static void await_standstill(void) {
    uint64_t before = UINT64_MAX, seen;
    const struct timespec pause = {0, 100 * 1000 * 1000};
    while ((seen = process_bytes_read(gateway_pid(gateway))) != before) {
        before = seen;
        nanosleep(&pause, NULL);
    }
}

START_TEST(a_client_that_does_not_read_holds_up_the_run)
{
    enum { BYTES = 200000 };
    restart("http: {stream_buffer_bytes: 64KiB}\n");
    struct sse_stream *stream = begin_narrow(body(BYTES, "{'delta_bytes':100}", "{" ANY "}"));
    sse_expect(stream, "session");
    uint64_t resident = gateway_resident_bytes(gateway);
    await_standstill();
    /* All of its partials are 20 MB. */
    ck_assert_uint_lt(gateway_resident_bytes(gateway), resident + (10 << 20));
    size_t seen = 0, count = 0;
    const struct sse_event *event;
    while (strcmp((event = sse_next(stream))->name, "partial-object") == 0) {
        ck_assert_uint_gt(partial_bytes(event), seen);
        seen = partial_bytes(event);
        count++;
    }
    ck_assert_str_eq(event->name, "object");
    ck_assert_uint_eq(seen, BYTES);
    ck_assert_uint_lt(count, 600);
    if (!getenv("KOINE_SLOW")) /* a sanitizer keeps what was freed */
        ck_assert_uint_lt(gateway_resident_bytes(gateway), resident + (10 << 20));
    sse_stream_close(stream);
}
END_TEST

/* The run fails while the client's buffer is full; then the client reads. */
START_TEST(a_client_that_reads_again_after_the_failure)
{
    restart("http: {stream_buffer_bytes: 16KiB}\nrunner: {kill_grace_ms: 2000}\n");
    struct sse_stream *stream = begin_narrow(
        body(1000000, "{'delta_bytes':100,'ignore_sigterm':true}", "{" ANY ",'timeoutMs':1000}"));
    sse_expect(stream, "session");
    gateway_await_log(gateway, "TIMEOUT_ERROR");
    struct sse_recording events = sse_read_all(stream);
    /* a machine that is too busy for a partial in that time fails all the same */
    if (strcmp(events.outline, "error done") != 0)
        sse_assert_outline(&events, "partial-object error done");
    ck_assert_str_eq(sse_string(sse_find(&events, "error"), "code"), "TIMEOUT_ERROR");
    ck_assert_str_eq(sse_string(sse_find(&events, "done"), "reason"), "timeout");
    sse_recording_finish(&events);
    sse_stream_close(stream);
}
END_TEST

START_TEST(a_client_that_leaves_with_a_full_buffer)
{
    restart("http: {stream_buffer_bytes: 16KiB}\n");
    struct sse_stream *stream = begin_narrow(body(1000000, "{'delta_bytes':100}", "{" ANY "}"));
    sse_expect(stream, "session");
    await_standstill();
    sse_stream_reset(stream);
    stream = begin(400, "{}", "{" ANY "}");
    struct sse_recording events = sse_read_all(stream);
    sse_assert_outline(&events, "session partial-object object result done");
    sse_recording_finish(&events);
    sse_stream_close(stream);
}
END_TEST

/* ---- the limit */

START_TEST(partials_stop_at_the_configured_limit)
{
    restart("modules: {settings: {stream-object: {max_partial_bytes: 8192}}}\n");
    struct sse_stream *stream = begin(20000, "{'delta_bytes':100}", "{" ANY "}");
    struct sse_recording events = sse_read_all(stream);
    sse_assert_outline(&events, "session partial-object warning object result done");
    ck_assert_str_eq(sse_string(sse_find(&events, "warning"), "code"), "PARTIALS_STOPPED");
    ck_assert_uint_eq(strlen(sse_string(sse_find(&events, "object"), "object.s")), 20000 - 8);
    sse_recording_finish(&events);
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        up_to_4_kib_each_delta_gives_a_partial,
        partials_of_a_large_object_are_few,
        deltas_cost_no_more_than_the_object,
        a_restart_begins_with_small_partials_again,
        a_slow_cli_gives_a_partial_now_and_then,
        a_silent_cli_leaves_nothing_untold,
        a_slow_reader_is_told_no_oftener_than_a_fast_one,
        what_is_untold_when_the_run_fails_is_void,
        a_client_that_does_not_read_holds_up_the_run,
        a_client_that_reads_again_after_the_failure,
        a_client_that_leaves_with_a_full_buffer,
        partials_stop_at_the_configured_limit,
    };
    return test_main("stream_object_pacing", setup, teardown, tests, sizeof tests / sizeof *tests);
}
