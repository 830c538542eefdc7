/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of POST /stream that read slowly, late or never: the CLI waits for them, memory stays
 * where it is, others are served, and nothing is lost, unless they take nothing for too long. */
#include "support/process_table.h"
#include "support/scenario.h"
#include "support/scratch_directory.h"
#include "support/test_main.h"

#include <string.h>
#include <time.h>

/* More than what the kernel holds for a connection, on both its sides, and for a pipe. */
enum { PIECE_BYTES = 1024, PIECES = 6144, MUCH = PIECE_BYTES * PIECES };
enum { RECEIVE_BUFFER_BYTES = 8192, APPEAR_MS = 10000, STREAM_BUFFER_BYTES = 262144 };

static struct gateway *gateway;

static void start(const char *config) {
    gateway = gateway_start(&(struct gateway_options){.config = config});
}

static void teardown(void) {
    gateway_stop(gateway);
}

/* The allowance of the contract; a sanitizer keeps freed memory for a while. */
static uint64_t memory_allowance(void) {
    return STREAM_BUFFER_BYTES + (getenv("KOINE_SLOW") ? 16 << 20 : 1 << 20);
}

static json_t *much_text_body(void) {
    char *piece = malloc(PIECE_BYTES + 1);
    ck_assert_ptr_nonnull(piece);
    for (size_t i = 0; i < PIECE_BYTES; i++)
        piece[i] = (char)('a' + i % 26);
    piece[PIECE_BYTES] = '\0';
    char *scenario =
        scratch_text("{'text':'%s','repeat':%d,'short_result':true}", piece, (int)PIECES);
    json_t *body = scenario_body(scenario, NULL);
    free(scenario);
    free(piece);
    return body;
}

static struct sse_stream *open_narrow(json_t *body) {
    return sse_open_request(gateway,
                            &(struct sse_request){.path = "/stream",
                                                  .receive_buffer_bytes = RECEIVE_BUFFER_BYTES,
                                                  .body = body});
}

/* Much text, of which only the first piece is read until the CLI has been paused. */
static struct sse_stream *begin_paused(void) {
    struct sse_stream *stream = open_narrow(much_text_body());
    sse_expect(stream, "session");
    ck_assert_uint_eq(strlen(sse_string(sse_expect(stream, "text"), "text")), PIECE_BYTES);
    ck_assert(await_reading_paused(gateway_pid(gateway), APPEAR_MS));
    return stream;
}

/* Everything behind the first piece: complete, in order, ending as it should. */
static void read_rest(struct sse_stream *stream) {
    const struct sse_event *event;
    size_t id = 2, size = PIECE_BYTES;
    while ((event = sse_next(stream)) && strcmp(event->name, "text") == 0) {
        ck_assert_uint_eq(strtoul(event->id, NULL, 10), ++id);
        size += strlen(sse_string(event, "text"));
    }
    ck_assert_uint_eq(size, MUCH);
    ck_assert_msg(event && strcmp(event->name, "result") == 0, "%s behind the text",
                  event ? event->name : "nothing");
    sse_expect(stream, "done");
    sse_expect_end(stream);
}

START_TEST(a_client_that_pauses_loses_nothing)
{
    start(NULL);
    struct sse_stream *stream = begin_paused();
    ck_assert_int_eq(processes_of_parent(gateway_pid(gateway)), 1); /* the CLI waits */
    await_active_streams(gateway, 1, 0);
    sse_set_piece(stream, 65536);
    read_rest(stream);
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
    struct sse_stream *stream = begin_paused();
    uint64_t paused = gateway_resident_bytes(gateway);
    ck_assert_msg(paused < before + memory_allowance(), "%llu KiB more than before",
                  (unsigned long long)(paused - before) / 1024);
    uint64_t read = process_bytes_read(gateway_pid(gateway));
    ck_assert_msg(read < MUCH / 2, "the CLI was not paused: %llu bytes of it were read",
                  (unsigned long long)read);
    read_rest(stream);
    uint64_t after = gateway_resident_bytes(gateway);
    ck_assert_msg(after < before + memory_allowance(), "%llu KiB more than before",
                  (unsigned long long)(after - before) / 1024);
    sse_stream_close(stream);
}
END_TEST

START_TEST(others_are_served_meanwhile)
{
    start("slots: {streaming: 3}\n");
    struct sse_stream *first = begin_paused(), *second = begin_paused();
    for (int i = 0; i < 3; i++) {
        struct sse_recording all = stream_all(gateway, "{'text':'quick','repeat':1000}", NULL);
        ck_assert_uint_eq(sse_count(&all, "text"), 1000);
        sse_recording_finish(&all);
        struct http_response answer = generate(gateway, "{'text':'quick'}", NULL);
        http_assert_status(&answer, 200);
        http_response_finish(&answer);
    }
    read_rest(second);
    read_rest(first);
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
        open_narrow(json_pack("{so}", "prompt", json_sprintf("standin:%s", script)));
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
        open_narrow(json_pack("{so}", "prompt", json_sprintf("standin:%s", script)));
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
    start("runner: {silence_timeout_ms: 400}\n");
    struct sse_stream *stream = begin_paused();
    nanosleep(&(struct timespec){0, 700000000}, NULL); /* what is tested: time that passes */
    read_rest(stream);
    sse_stream_close(stream);
}
END_TEST

/* ---- too slow */

static bool has_no_child(const void *pid) {
    return processes_of_parent(*(const pid_t *)pid) == 0;
}

START_TEST(a_client_that_takes_nothing_for_too_long_is_dropped)
{
    start("slots: {streaming: 1}\nhttp: {write_timeout_ms: 500}\n");
    pid_t pid = gateway_pid(gateway);
    struct sse_stream *stream = begin_paused();
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
    start("http: {write_timeout_ms: 1000}\n");
    struct sse_stream *stream = begin_paused();
    size_t events = 2;
    for (int i = 0; i < 30; i++) { /* twice the limit in all */
        nanosleep(&(struct timespec){0, 70000000}, NULL);
        for (int j = 0; j < 50; j++, events++)
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
    struct sse_stream *stream = open_narrow(much_text_body());
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
        a_client_that_pauses_loses_nothing,
        memory_stays_while_a_client_pauses,
        others_are_served_meanwhile,
        order_is_kept_through_many_pauses,
        an_event_larger_than_the_buffer,
        a_pause_of_the_client_is_not_held_against_the_cli,
        a_client_that_takes_nothing_for_too_long_is_dropped,
        a_client_that_takes_little_is_not_dropped,
        a_client_that_never_reads_the_end_is_dropped,
    };
    return test_main("stream_slow_reader", NULL, teardown, tests, sizeof tests / sizeof *tests);
}
