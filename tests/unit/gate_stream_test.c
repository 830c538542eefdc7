/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in pieces through a whole gate: framing, batching, backpressure, signs of life, ends, and
 * a storm of clients that leave at every moment. Whole answers are tested in gate_test.c.
 */
#include "unit/gate_fixture.h"

enum { BUFFER_BYTES = 262144 };

#define STREAM_FIELDS KOINE_TEXT("Content-Type: text/event-stream\r\n")

static struct fixture fixture;
static struct received received;

static void begin_with(struct gate_options options) {
    fixture_init(&fixture, options);
    received_init(&received);
}

static void begin(void) {
    begin_with(fixture_default_options());
}

static void end(int fd) {
    close(fd);
    fixture_finish(&fixture);
    received_finish(&received);
}

static void expect(int fd, const char *needle) {
    client_expect(&fixture, fd, &received, needle);
}

static void begin_stream_with(struct gate_connection *connection, const char *keep_alive,
                              uint32_t keep_alive_ms) {
    struct gate_stream_options options = {BUFFER_BYTES, {NULL, 0}, keep_alive_ms};
    if (keep_alive != NULL) {
        options.keep_alive = fixture_text(keep_alive);
    }
    ck_assert_int_eq(gate_stream_begin(connection, 200, STREAM_FIELDS, &options), KOINE_OK);
}

static void begin_stream(struct fixture *from, struct gate_connection *connection) {
    (void)from;
    begin_stream_with(connection, NULL, 0);
}

static int write_text(const char *text) {
    fixture.inside = true;
    int result = gate_stream_write(fixture.pending, fixture_text(text));
    fixture.inside = false;
    return result;
}

static void end_stream(void) {
    fixture.inside = true;
    ck_assert_int_eq(gate_stream_end(fixture.pending), KOINE_OK);
    fixture.inside = false;
}

/* A client whose request to /later has been answered with the head of a stream. */
static int open_stream(const char *request) {
    fixture.on_request = begin_stream;
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, request);
    fixture_await(&fixture, &fixture.requests, 1);
    expect(fd, "\r\n\r\n");
    return fd;
}

START_TEST(the_head_goes_out_at_once)
{
    begin();
    int fd = open_stream(GET("/later"));
    expect(fd, "HTTP/1.1 200 OK\r\n");
    expect(fd, "Transfer-Encoding: chunked\r\n");
    expect(fd, "Content-Type: text/event-stream\r\n");
    ck_assert_ptr_null(strstr(received.data, "Content-Length"));
    end(fd);
}
END_TEST

START_TEST(writes_of_one_turn_are_one_chunk)
{
    begin();
    int fd = open_stream(GET("/later"));
    ck_assert_int_eq(write_text("one "), KOINE_OK);
    ck_assert_int_eq(write_text("two "), KOINE_OK);
    ck_assert_int_eq(write_text("three"), KOINE_OK);
    ck_assert_uint_eq(gate_stream_queued(fixture.pending), 13);
    expect(fd, "\r\n\r\nd\r\none two three\r\n");
    ck_assert_uint_eq(gate_stream_queued(fixture.pending), 0);
    write_text("four");
    end_stream();
    expect(fd, "three\r\n4\r\nfour\r\n0\r\n\r\n");
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_SENT);
    end(fd);
}
END_TEST

START_TEST(an_empty_stream_is_one_last_chunk)
{
    begin();
    int fd = open_stream(GET("/later"));
    write_text("");
    end_stream();
    expect(fd, "\r\n\r\n0\r\n\r\n");
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "pong");
    end(fd);
}
END_TEST

START_TEST(calls_at_the_wrong_moment_are_refused)
{
    begin();
    fixture.on_request = NULL;
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/later"));
    fixture_await(&fixture, &fixture.requests, 1);
    struct gate_stream_options options = {BUFFER_BYTES, {NULL, 0}, 0};
    ck_assert_int_eq(write_text("x"), KOINE_WRONG_STATE);
    ck_assert_int_eq(gate_stream_end(fixture.pending), KOINE_WRONG_STATE);
    ck_assert_uint_eq(gate_stream_queued(fixture.pending), 0);
    begin_stream(&fixture, fixture.pending);
    ck_assert_int_eq(gate_stream_begin(fixture.pending, 200, STREAM_FIELDS, &options),
                     KOINE_WRONG_STATE);
    ck_assert_int_eq(fixture_reply(&fixture, fixture.pending, KOINE_TEXT("x")), KOINE_WRONG_STATE);
    end_stream();
    ck_assert_int_eq(write_text("x"), KOINE_WRONG_STATE);
    ck_assert_int_eq(gate_stream_end(fixture.pending), KOINE_WRONG_STATE);
    expect(fd, "\r\n\r\n0\r\n\r\n");
    end(fd);
}
END_TEST

START_TEST(head_gets_the_head_alone)
{
    begin();
    int fd = open_stream("HEAD /later HTTP/1.1\r\nHost: t\r\n\r\n");
    ck_assert_int_eq(write_text("swallowed"), KOINE_OK);
    ck_assert_uint_eq(gate_stream_queued(fixture.pending), 0);
    end_stream();
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "\r\n\r\nHTTP/1.1 200 OK\r\n");
    expect(fd, "pong");
    end(fd);
}
END_TEST

START_TEST(http_1_0_is_not_chunked_and_ends_with_the_connection)
{
    begin();
    int fd = open_stream("GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    write_text("plain");
    end_stream();
    client_expect_close(&fixture, fd, &received);
    expect(fd, "Connection: close\r\n");
    expect(fd, "\r\n\r\nplain");
    ck_assert_ptr_null(strstr(received.data, "chunked"));
    ck_assert_str_eq(received.data + received.size - 5, "plain");
    end(fd);
}
END_TEST

START_TEST(a_request_sent_during_a_stream_is_answered_behind_it)
{
    begin();
    int fd = open_stream(GET("/later") GET("/open"));
    write_text("first");
    fixture_pass_time(&fixture, 10);
    ck_assert_uint_eq(fixture.requests, 1);
    end_stream();
    expect(fd, "first\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    expect(fd, "pong");
    end(fd);
}
END_TEST

/* ---- backpressure ---------------------------------------------------------------------------- */

static char block[4096];

/* Writes blocks until the gate says FULL or all are written. */
static void write_blocks(struct fixture *from, struct gate_connection *connection) {
    (void)from;
    while (fixture.left > 0) {
        size_t size = fixture.left < sizeof(block) ? fixture.left : sizeof(block);
        int result = gate_stream_write(connection, (struct koine_text){block, size});
        ck_assert_int_ge(result, KOINE_OK);
        fixture.left -= size;
        if (result == KOINE_FULL) {
            return;
        }
    }
    ck_assert_int_eq(gate_stream_end(connection), KOINE_OK);
}

/* Data within the chunks that were received; -1 when they are malformed or not ended. */
static long dechunked_size(const char *body) {
    long total = 0;
    for (;;) {
        char *behind = NULL;
        long size = strtol(body, &behind, 16);
        if (behind == body || strncmp(behind, "\r\n", 2) != 0) {
            return -1;
        }
        if (size == 0) {
            return strcmp(behind, "\r\n\r\n") == 0 ? total : -1;
        }
        body = behind + 2 + size;
        if (strncmp(body, "\r\n", 2) != 0) {
            return -1;
        }
        body += 2;
        total += size;
    }
}

static void shrink_client_buffer(int fd) {
    int size = 131072; /* less than a segment of the loopback would make TCP crawl */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

START_TEST(a_client_that_does_not_read_stops_the_writer)
{
    enum { TOTAL = 3 << 20 };
    memset(block, 'x', sizeof(block));
    begin();
    int fd = open_stream(GET("/later"));
    shrink_client_buffer(fd);
    fixture.on_drained = write_blocks;
    fixture.left = (size_t)1 << 40;
    unsigned before = 0;
    do { /* until the kernel takes no more and drained does not come */
        before = fixture.drained;
        write_blocks(&fixture, fixture.pending);
        fixture_pass_time(&fixture, 20);
    } while (fixture.drained != before);
    size_t queued = gate_stream_queued(fixture.pending);
    ck_assert_uint_gt(queued, BUFFER_BYTES / 4);
    ck_assert_uint_le(queued, BUFFER_BYTES + 3 * sizeof(block));
    fixture.left = TOTAL;
    struct received sink = {.data = calloc(1, FIXTURE_RECEIVED_BYTES + 1)};
    while (fixture.ended == 0 || !sink.closed) { /* now it reads, and everything moves again */
        client_receive_some(&fixture, fd, &sink);
        sink.size = 0;
        sink.closed = fixture.ended > 0 && recv(fd, sink.data, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
    }
    ck_assert_int_eq(fixture.how, GATE_SENT);
    ck_assert_uint_gt(fixture.drained, before);
    free(sink.data);
    end(fd);
}
END_TEST

START_TEST(a_megabyte_arrives_whole)
{
    enum { TOTAL = 1000000 };
    memset(block, 'x', sizeof(block));
    begin();
    int fd = open_stream(GET("/later"));
    shrink_client_buffer(fd);
    fixture.on_drained = write_blocks;
    fixture.left = TOTAL;
    write_blocks(&fixture, fixture.pending);
    expect(fd, "\r\n0\r\n\r\n");
    ck_assert_int_eq(dechunked_size(strstr(received.data, "\r\n\r\n") + 4), TOTAL);
    fixture_await(&fixture, &fixture.ended, 1);
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "pong");
    end(fd);
}
END_TEST

START_TEST(an_end_behind_a_full_queue_loses_nothing)
{
    enum { TOTAL = 3500000 };
    static char all[TOTAL];
    memset(all, 'y', sizeof(all));
    begin();
    int fd = open_stream(GET("/later"));
    shrink_client_buffer(fd);
    ck_assert_int_eq(gate_stream_write(fixture.pending, (struct koine_text){all, TOTAL}),
                     KOINE_FULL);
    end_stream();
    expect(fd, "\r\n0\r\n\r\n");
    ck_assert_int_eq(dechunked_size(strstr(received.data, "\r\n\r\n") + 4), TOTAL);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_SENT);
    ck_assert_uint_eq(fixture.drained, 0);
    end(fd);
}
END_TEST

START_TEST(who_never_reads_is_cut)
{
    struct gate_options options = fixture_default_options();
    options.write_timeout_ms = 100;
    begin_with(options);
    int fd = open_stream(GET("/later"));
    shrink_client_buffer(fd);
    fixture.left = (size_t)1 << 40;
    fixture.on_drained = write_blocks;
    write_blocks(&fixture, fixture.pending);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_TIMED_OUT);
    end(fd);
}
END_TEST

/* ---- silence --------------------------------------------------------------------------------- */

static void begin_living_stream(struct fixture *from, struct gate_connection *connection) {
    (void)from;
    begin_stream_with(connection, ": alive\n\n", 40);
}

START_TEST(silence_is_filled)
{
    begin();
    fixture.on_request = begin_living_stream;
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/later"));
    client_expect_times(&fixture, fd, &received, "9\r\n: alive\n\n\r\n", 3);
    write_text("event");
    expect(fd, "5\r\nevent\r\n");
    end_stream();
    expect(fd, "0\r\n\r\n");
    end(fd);
}
END_TEST

START_TEST(a_stream_outlives_the_idle_timeout)
{
    struct gate_options options = fixture_default_options();
    options.idle_timeout_ms = options.head_timeout_ms = options.body_timeout_ms = 30;
    begin_with(options);
    int fd = open_stream(GET("/later"));
    fixture_pass_time(&fixture, 120);
    ck_assert_uint_eq(fixture.ended, 0);
    write_text("still here");
    expect(fd, "still here");
    end(fd);
}
END_TEST

/* ---- leaving --------------------------------------------------------------------------------- */

START_TEST(a_client_that_leaves_ends_its_stream)
{
    begin();
    int fd = open_stream(GET("/later"));
    close(fd);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_CLIENT_LEFT);
    end(-1);
}
END_TEST

START_TEST(abort_cuts_a_stream)
{
    begin();
    int fd = open_stream(GET("/later"));
    write_text("never seen");
    gate_abort(fixture.pending);
    ck_assert_uint_eq(fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_ABORTED);
    client_expect_close(&fixture, fd, &received);
    ck_assert_ptr_null(strstr(received.data, "0\r\n\r\n"));
    end(fd);
}
END_TEST

/* An answer that depends on chance: none yet, a stream, or a stream that has begun to flow. */
static void answer_somehow(struct fixture *from, struct gate_connection *connection) {
    switch (rand() % 4) {
    case 0:
        break;
    case 1:
        begin_stream(from, connection);
        break;
    case 2:
        begin_living_stream(from, connection);
        gate_stream_write(connection, KOINE_TEXT("some"));
        break;
    default:
        begin_stream(from, connection);
        from->left = 600000;
        write_blocks(from, connection);
        break;
    }
}

static void act_somehow(int *fd) {
    static const char *const requests[] = {GET("/open"),
                                           GET("/later"),
                                           GET("/locked") GET("/later"),
                                           POST("/echo", "5") "hello",
                                           POST("/later", "50000") "only a part",
                                           POST_CHUNKED("/echo") "5\r\nhello\r\n",
                                           POST_CHUNKED("/later") "0\r\n\r\nGET /o",
                                           "GET /half HTTP/1.1\r\nHo",
                                           "nonsense\n",
                                           POST("/locked", "5")};
    char sink[4096];
    const char *request = requests[rand() % 10];
    switch (rand() % 8) {
    case 0:
        shutdown(*fd, SHUT_WR);
        break;
    case 1:
        close(*fd);
        *fd = -1;
        break;
    case 2:
        client_reset(*fd);
        *fd = -1;
        break;
    case 3:
    case 4:
        (void)!recv(*fd, sink, sizeof(sink), MSG_DONTWAIT);
        break;
    default:
        (void)!send(*fd, request, strlen(request), MSG_NOSIGNAL | MSG_DONTWAIT);
        break;
    }
}

START_TEST(a_storm_of_leaving_clients_leaves_nothing_behind)
{
    enum { CLIENTS = 20, TOTAL = 500 };
    int fds[CLIENTS];
    int made = 0;
    begin();
    srand(4711);
    fixture.on_request = answer_somehow;
    memset(fds, -1, sizeof(fds));
    for (int steps = 0; made < TOTAL || steps % CLIENTS != 0; steps++) {
        int *fd = &fds[rand() % CLIENTS];
        if (*fd == -1) {
            *fd = client_connect(&fixture);
            made++;
        }
        act_somehow(fd);
        if (rand() % 3 == 0) {
            fixture_turn(&fixture);
        }
        if (fixture.pending != NULL && rand() % 4 == 0) {
            fixture_reply(&fixture, fixture.pending, KOINE_TEXT("at last"));
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        if (fds[i] != -1) {
            close(fds[i]);
        }
    }
    uint64_t end_ms = fixture_now_ms() + FIXTURE_WAIT_MS;
    while (fixture_connections(&fixture) > 0 && fixture_now_ms() < end_ms) {
        fixture_turn(&fixture);
    }
    ck_assert_uint_eq(fixture_connections(&fixture), 0);
    ck_assert_uint_gt(fixture.requests, 50);
    end(-1); /* which compares what passed with what ended */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gate_stream");
    TCase *tests = tcase_create("streams");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_head_goes_out_at_once);
    tcase_add_test(tests, writes_of_one_turn_are_one_chunk);
    tcase_add_test(tests, an_empty_stream_is_one_last_chunk);
    tcase_add_test(tests, calls_at_the_wrong_moment_are_refused);
    tcase_add_test(tests, head_gets_the_head_alone);
    tcase_add_test(tests, http_1_0_is_not_chunked_and_ends_with_the_connection);
    tcase_add_test(tests, a_request_sent_during_a_stream_is_answered_behind_it);
    tcase_add_test(tests, a_client_that_does_not_read_stops_the_writer);
    tcase_add_test(tests, a_megabyte_arrives_whole);
    tcase_add_test(tests, an_end_behind_a_full_queue_loses_nothing);
    tcase_add_test(tests, who_never_reads_is_cut);
    tcase_add_test(tests, silence_is_filled);
    tcase_add_test(tests, a_stream_outlives_the_idle_timeout);
    tcase_add_test(tests, a_client_that_leaves_ends_its_stream);
    tcase_add_test(tests, abort_cuts_a_stream);
    tcase_add_test(tests, a_storm_of_leaving_clients_leaves_nothing_behind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
