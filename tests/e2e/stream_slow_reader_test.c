/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of POST /stream that read slowly or late: the CLI waits for them, memory stays where it
 * is, others are served, and nothing is lost. Those that never read are stream_too_slow_test's. */
#include "support/paused_stream.h"
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <time.h>

enum { STREAM_BUFFER_BYTES = 262144, APPEAR_MS = 10000 };

static struct gateway *gateway;

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config, .no_pool = true});
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* Beside the buffer. A sanitizer keeps up to 256 MB of what has been freed. */
static uint64_t memory_allowance(void) {
    return STREAM_BUFFER_BYTES + (getenv("KOINE_SLOW") ? 512 << 20 : 1 << 20);
}

START_TEST(a_client_that_pauses_loses_nothing)
{
    start(NULL);
    struct sse_stream *stream = paused_begin(gateway, "", NULL);
    ck_assert_int_eq(processes_of_parent(gateway_pid(gateway)), 1); /* the CLI waits */
    await_active_streams(gateway, 1, 0);
    sse_set_piece(stream, 65536);
    paused_read_rest(stream);
    sse_stream_close(stream);
    await_active_streams(gateway, 0, 3000);
}
END_TEST

START_TEST(memory_stays_while_a_client_pauses)
{
    start(NULL);
    struct sse_recording warm = stream_all(gateway, "{'text':'warm up'}", NULL);
    sse_recording_finish(&warm);
    uint64_t before = gateway_resident_bytes(gateway);
    struct sse_stream *stream = paused_begin(gateway, "", NULL);
    uint64_t paused = gateway_resident_bytes(gateway);
    ck_assert_msg(paused < before + memory_allowance(), "%llu KiB more than before",
                  (unsigned long long)(paused - before) / 1024);
    uint64_t read = process_bytes_read(gateway_pid(gateway));
    ck_assert_msg(read < PAUSED_TEXT_BYTES / 2,
                  "the CLI was not paused: %llu bytes of it were read", (unsigned long long)read);
    paused_read_rest(stream);
    uint64_t after = gateway_resident_bytes(gateway);
    ck_assert_msg(after < before + memory_allowance(), "%llu KiB more than before",
                  (unsigned long long)(after - before) / 1024);
    sse_stream_close(stream);
}
END_TEST

START_TEST(others_are_served_meanwhile)
{
    start("slots: {streaming: 3}\n");
    struct sse_stream *first = paused_begin(gateway, "", NULL),
                      *second = paused_begin(gateway, "", NULL);
    for (int i = 0; i < 3; i++) {
        struct sse_recording all = stream_all(gateway, "{'text':'quick','repeat':1000}", NULL);
        ck_assert_uint_eq(sse_count(&all, "text"), 1000);
        sse_recording_finish(&all);
        struct http_response answer = generate(gateway, "{'text':'quick'}", NULL);
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
    paused_read_rest(first);
    sse_stream_close(first);
    sse_stream_close(second);
}
END_TEST

/* Numbered lines instead of one text again and again, through the smallest buffer there is. */
START_TEST(order_is_kept_through_many_pauses)
{
    start("http: {stream_buffer_bytes: 1KiB}\n");
    size_t size = 0, wanted = 1 << 20;
    char *text = malloc(wanted + 32);
    ck_assert_ptr_nonnull(text);
    for (int i = 0; size < wanted; i++)
        size += (size_t)sprintf(text + size, "line %d\n", i);
    json_t *scenario = json_pack("{ss si}", "text", text, "delta_bytes", 200);
    char *script = json_dumps(scenario, JSON_COMPACT);
    struct sse_stream *stream =
        paused_open(gateway, json_pack("{so}", "prompt", json_sprintf("standin:%s", script)));
    sse_set_piece(stream, 3000);
    struct sse_recording all = sse_read_all(stream);
    assert_stream_form(&all);
    sse_assert_outline(&all, "session text result done");
    ck_assert_uint_eq(all.text_size, size);
    ck_assert_int_eq(memcmp(all.text, text, size), 0);
    sse_recording_finish(&all);
    sse_stream_close(stream);
    json_decref(scenario);
    free(script);
    free(text);
}
END_TEST

/* One event that is far larger than the buffer is no reason to cut. */
START_TEST(an_event_larger_than_the_buffer)
{
    start("http: {stream_buffer_bytes: 1KiB}\n");
    enum { SIZE = 3 << 20 };
    char *text = malloc(SIZE + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    json_t *scenario = json_pack("{ss si}", "text", text, "delta_bytes", (int)SIZE);
    char *script = json_dumps(scenario, JSON_COMPACT);
    struct sse_stream *stream =
        paused_open(gateway, json_pack("{so}", "prompt", json_sprintf("standin:%s", script)));
    sse_expect(stream, "session");
    ck_assert(await_reading_paused(gateway_pid(gateway), APPEAR_MS));
    struct sse_recording rest = sse_read_all(stream);
    sse_assert_outline(&rest, "text result done");
    ck_assert_uint_eq(rest.text_size, SIZE);
    sse_recording_finish(&rest);
    sse_stream_close(stream);
    json_decref(scenario);
    free(script);
    free(text);
}
END_TEST

/* The client's pause is no silence of the CLI's. */
START_TEST(a_pause_of_the_client_is_not_held_against_the_cli)
{
    start("runner: {silence_timeout_ms: 1000}\n");
    struct sse_stream *stream = paused_begin(gateway, "", NULL);
    nanosleep(&(struct timespec){1, 300000000}, NULL); /* what is tested: time that passes */
    paused_read_rest(stream);
    sse_stream_close(stream);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        a_client_that_pauses_loses_nothing, memory_stays_while_a_client_pauses,
        others_are_served_meanwhile,        order_is_kept_through_many_pauses,
        an_event_larger_than_the_buffer,    a_pause_of_the_client_is_not_held_against_the_cli,
    };
    return test_main("stream_slow_reader", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
