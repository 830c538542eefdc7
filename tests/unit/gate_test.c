/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole gate and raw sockets: what is answered at the head, what passes, what is refused and how
 * a connection goes on or ends. Streams are tested in gate_stream_test.c, the syntax of heads in
 * gate_head_test.c.
 */
#include "unit/gate_fixture.h"

#include <sys/resource.h>

/* AddressSanitizer keeps freed memory; the test of memory use would measure that. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "quarantine_size_mb=1";
}

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

/* ---- answers at the head --------------------------------------------------------------------- */

START_TEST(an_answer_at_the_head_keeps_the_connection)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/locked"));
    expect(fd, "HTTP/1.1 401 Unauthorized\r\n");
    expect(fd, "Content-Length: 23\r\n");
    expect(fd, "Date: ");
    expect(fd, "\r\n\r\n{\"code\":\"UNAUTHORIZED\"}");
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "pong");
    ck_assert_uint_eq(fixture.passed, 1);
    ck_assert_ptr_null(strstr(received.data, "Connection: close"));
    end(fd);
}
END_TEST

START_TEST(a_short_unwanted_body_is_read_past)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/locked", "40"));
    expect(fd, "UNAUTHORIZED");
    client_send(&fixture, fd, "GET /open HTTP/1.1\r\nHost: not this\r\n\r\n");
    client_send(&fixture, fd, "x" GET("/open"));
    expect(fd, "pong");
    ck_assert_uint_eq(fixture.requests, 1);
    end(fd);
}
END_TEST

START_TEST(a_long_unwanted_body_ends_the_connection)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/locked", "65537") "some of it");
    expect(fd, "HTTP/1.1 401");
    expect(fd, "Connection: close\r\n");
    expect(fd, "UNAUTHORIZED");
    client_send(&fixture, fd, GET("/open"));
    client_expect_close(&fixture, fd, &received);
    ck_assert(!received.reset);
    ck_assert_uint_eq(fixture.passed, 0);
    end(fd);
}
END_TEST

START_TEST(who_is_refused_is_not_told_to_continue)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd,
                "POST /locked HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
                "Expect: 100-continue\r\n\r\n");
    expect(fd, "HTTP/1.1 401");
    client_expect_close(&fixture, fd, &received);
    ck_assert_ptr_null(strstr(received.data, "100 Continue"));
    end(fd);
}
END_TEST

START_TEST(who_passes_is_told_to_continue)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd,
                "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
                "Expect: 100-continue\r\n\r\n");
    expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&fixture, fd, "hello");
    expect(fd, "HTTP/1.1 200 OK\r\n");
    expect(fd, "\r\n\r\nhello");
    end(fd);
}
END_TEST

static size_t resident_bytes(void) {
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(statm);
    ck_assert_int_eq(fscanf(statm, "%*s %zu", &pages), 1);
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(bodies_without_a_key_cost_no_memory)
{
    enum { CLIENTS = 200, ROUNDS = 40, PIECE = 32768 };
    static char piece[PIECE];
    int fds[CLIENTS];
    size_t sent = 0;
    begin();
    size_t before = resident_bytes();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = client_connect(&fixture);
        client_send(&fixture, fds[i], POST("/locked", "9000000"));
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            ssize_t count = send(fds[i], piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT);
            sent += count > 0 ? (size_t)count : 0;
        }
        fixture_turn(&fixture);
    }
    ck_assert_uint_gt(sent, 100U << 20);
    ck_assert_uint_lt(resident_bytes() - before, 24U << 20);
    for (int i = 0; i < CLIENTS; i++) {
        char answer[16] = "";
        ck_assert_int_gt(recv(fds[i], answer, sizeof(answer) - 1, MSG_DONTWAIT), 0);
        ck_assert_str_eq(answer, "HTTP/1.1 401 Un");
        close(fds[i]);
    }
    fixture_finish(&fixture);
    received_finish(&received);
}
END_TEST

/* ---- requests that pass ---------------------------------------------------------------------- */

START_TEST(a_body_arrives_whole_however_it_is_cut)
{
    static const char *const pieces[] = {"POST /echo HTTP/1.1\r\nHost: t\r\nCont",
                                         "ent-Length: 11\r",
                                         "\n\r\nhello",
                                         " ",
                                         "world" GET("/op"),
                                         "en HTTP/1.1\r\nHost: t\r\n\r\n"};
    begin();
    int fd = client_connect(&fixture);
    for (size_t i = 0; i < 5; i++) {
        client_send(&fixture, fd, pieces[i]);
    }
    expect(fd, "\r\n\r\nhello world");
    end(fd);
}
END_TEST

START_TEST(a_chunked_body_is_put_together)
{
    static const char request[] =
        POST_CHUNKED("/echo") "5\r\nhello\r\n00000A\r\n, chunked!\r\n0\r\n\r\n";
    begin();
    int fd = client_connect(&fixture);
    for (size_t i = 0; i < sizeof(request) - 1; i++) { /* a byte at a time */
        ck_assert_uint_eq(client_send_bytes(&fixture, fd, request + i, 1), 1);
    }
    expect(fd, "Content-Length: 15\r\n");
    expect(fd, "\r\n\r\nhello, chunked!");
    client_send(&fixture, fd, POST_CHUNKED("/open") "0\r\n\r\n" GET("/open"));
    client_expect_times(&fixture, fd, &received, "pong", 2);
    end(fd);
}
END_TEST

START_TEST(a_megabyte_of_body_arrives_whole)
{
    enum { SIZE = FIXTURE_BODY_LIMIT };
    static char body[SIZE];
    memset(body, 'b', sizeof(body));
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/echo", "1048576"));
    ck_assert_uint_eq(client_send_bytes(&fixture, fd, body, sizeof(body)), sizeof(body));
    expect(fd, "\r\n\r\n");
    size_t head = (size_t)(strstr(received.data, "\r\n\r\n") + 4 - received.data);
    while (received.size < head + SIZE && !received.closed) {
        client_receive_some(&fixture, fd, &received);
    }
    ck_assert_uint_eq(received.size, head + SIZE);
    ck_assert_int_eq(memcmp(received.data + head, body, SIZE), 0);
    ck_assert_uint_eq(fixture.body_size, SIZE);
    ck_assert_uint_eq(fixture.fields_size, strlen("Host: t\r\nContent-Length: 1048576\r\n"));
    end(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    char pipeline[8192] = "";
    begin();
    for (int i = 0; i < 25; i++) {
        strcat(pipeline,
               GET("/locked") POST("/echo", "3") "abc" GET("/open") POST("/locked", "2") "..");
    }
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, pipeline);
    client_expect_times(&fixture, fd, &received, "HTTP/1.1 ", 100);
    const char *at = received.data;
    for (int i = 0; i < 25; i++) {
        at = strstr(at, "401 ");
        ck_assert_ptr_nonnull(at);
        at = strstr(at, "\r\n\r\nabc");
        ck_assert_ptr_nonnull(at);
        at = strstr(at, "\r\n\r\npong");
        ck_assert_ptr_nonnull(at);
        at = strstr(at, "401 ");
        ck_assert_ptr_nonnull(at);
    }
    ck_assert_uint_eq(fixture.requests, 50);
    end(fd);
}
END_TEST

START_TEST(bytes_that_come_while_a_request_is_pending_wait)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/later") "G");
    fixture_await(&fixture, &fixture.requests, 1);
    client_send(&fixture, fd, "ET /open HTTP/1.1\r\nHost: t\r\n\r\n");
    fixture_pass_time(&fixture, 20);
    ck_assert_uint_eq(fixture.requests, 1);
    ck_assert_int_eq(fixture_reply(&fixture, fixture.pending, KOINE_TEXT("first")), KOINE_OK);
    ck_assert_int_eq(fixture_reply(&fixture, fixture.pending, KOINE_TEXT("again")),
                     KOINE_WRONG_STATE);
    expect(fd, "first");
    expect(fd, "pong");
    ck_assert_ptr_null(strstr(received.data, "again"));
    ck_assert_int_eq(fixture.how, GATE_SENT);
    end(fd);
}
END_TEST

START_TEST(head_gets_no_body)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, "HEAD /open HTTP/1.1\r\nHost: t\r\n\r\n");
    expect(fd, "Content-Length: 4\r\n");
    client_send(&fixture, fd, "HEAD /locked HTTP/1.1\r\nHost: t\r\n\r\n");
    expect(fd, "Content-Length: 23\r\n");
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "pong");
    ck_assert_uint_eq(count_of(&received, "pong"), 1);
    ck_assert_ptr_null(strstr(received.data, "UNAUTHORIZED"));
    end(fd);
}
END_TEST

START_TEST(http_1_0_ends_unless_asked_to_stay)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, "GET /open HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(fd, "Connection: keep-alive\r\n");
    expect(fd, "pong");
    client_send(&fixture, fd, "GET /open HTTP/1.0\r\n\r\n");
    expect(fd, "Connection: close\r\n");
    client_expect_close(&fixture, fd, &received);
    ck_assert_uint_eq(count_of(&received, "pong"), 2);
    end(fd);
}
END_TEST

START_TEST(connection_close_is_obeyed)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd,
                "GET /open HTTP/1.1\r\nHost: t\r\nConnection: x, close\r\n\r\n" GET("/open"));
    expect(fd, "Connection: close\r\n");
    client_expect_close(&fixture, fd, &received);
    ck_assert(!received.reset);
    ck_assert_uint_eq(fixture.requests, 1);
    end(fd);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

struct refused_input {
    const char *status;
    const char *bytes;
    size_t size;
};

#define REFUSED(status, bytes)                                                                     \
    { "HTTP/1.1 " status " ", bytes, sizeof(bytes) - 1 }
#define NEXT GET("/open")

/* Behind each stands a request that a reader who is fooled would answer. */
static const struct refused_input refused_inputs[] = {
    REFUSED("400", "GET /open HTTP/1.1\nHost: t\n\n" NEXT),
    REFUSED("400", "GET /open HTTP/1.1\r\nHost: t\r\n x\r\n\r\n" NEXT),
    REFUSED("400", "POST /open HTTP/1.1\r\nHost: t\r\nContent-Length : 5\r\n\r\n" NEXT),
    REFUSED(
        "400",
        "POST /open HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" NEXT),
    REFUSED("400", "POST /open HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n" NEXT),
    REFUSED("400", "POST /open HTTP/1.1\r\nHost: t\r\nContent-Length: +5\r\n\r\n" NEXT),
    REFUSED("400", "GET /open HTTP/1.1\r\nHost: t\r\n\0: x\r\n\r\n" NEXT),
    REFUSED("400", "GET /open HTTP/1.1\r\n\r\n" NEXT),
    REFUSED("400", "HEAD /open HTTP/1.1\r\nHost: t\r\nContent-Length: 50\r\n\r\n" NEXT),
    REFUSED("400", "TRACE /open HTTP/1.1\r\nHost: t\r\nContent-Length: 50\r\n\r\n" NEXT),
    REFUSED("400", "BREW /open HTTP/1.1\r\nHost: t\r\nContent-Length: 50\r\n\r\n" NEXT),
    REFUSED("400", "\r\n\r\n" NEXT),
    REFUSED("400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    REFUSED("417", "POST /open HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: x\r\n\r\n" NEXT),
    REFUSED(
        "501",
        "POST /open HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" NEXT),
    REFUSED("505", "GET /open HTTP/1.9\r\nHost: t\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "0x5\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "+5\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "-5\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") " 5\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5 \r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5;a=b\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5\nhello\n0\n\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5\r\nhello0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5\r\nhello\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5\r\nhello!\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5\rhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "0000000000000005\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("400", POST_CHUNKED("/open") "ffffffffffffffff\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("413", POST_CHUNKED("/open") "fffffffffffffff\r\nhello\r\n0\r\n\r\n" NEXT),
    REFUSED("413", POST_CHUNKED("/small") "10\r\n0123456789abcdef\r\n1\r\nx\r\n0\r\n\r\n" NEXT),
    REFUSED("413", POST("/small", "17") "0123456789abcdefg" NEXT),
    REFUSED("413", POST("/open", "9223372036854775000") NEXT),
};

static const int refused_count = (int)(sizeof(refused_inputs) / sizeof(refused_inputs[0]));

START_TEST(what_is_ambiguous_is_refused_once_and_ends_the_connection)
{
    const struct refused_input *input = &refused_inputs[_i];
    begin();
    int fd = client_connect(&fixture);
    client_send_bytes(&fixture, fd, input->bytes, input->size);
    expect(fd, input->status);
    client_expect_close(&fixture, fd, &received);
    ck_assert(!received.reset);
    expect(fd, "Connection: close\r\n");
    expect(fd, "application/json");
    expect(fd, "\"}");
    ck_assert_uint_eq(count_of(&received, "\r\nDate: "), 1);
    ck_assert_uint_eq(fixture.requests, 0);
    ck_assert_uint_eq(fixture.refused, 1);
    end(fd);
}
END_TEST

START_TEST(a_declared_length_over_the_limit_is_refused_before_the_body)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/small", "17"));
    expect(fd, "HTTP/1.1 413 ");
    expect(fd, "PAYLOAD_TOO_LARGE");
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_SENT);
    end(fd);
}
END_TEST

START_TEST(an_endless_head_is_cut_at_its_limit)
{
    static char field[20000];
    begin();
    memset(field, 'a', sizeof(field));
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, "GET /open HTTP/1.1\r\nX: ");
    client_send_bytes(&fixture, fd, field, sizeof(field));
    expect(fd, "HTTP/1.1 431 ");
    expect(fd, "HEADERS_TOO_LARGE");
    client_expect_close(&fixture, fd, &received);
    end(fd);
}
END_TEST

START_TEST(an_endless_chunk_size_is_cut_at_once)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST_CHUNKED("/open") "0000000000000000");
    expect(fd, "HTTP/1.1 400 ");
    client_expect_close(&fixture, fd, &received);
    end(fd);
}
END_TEST

START_TEST(a_blank_line_before_a_request_is_forgiven)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, "\r\n" GET("/open"));
    client_send(&fixture, fd, "\r");
    client_send(&fixture, fd, "\n" GET("/open"));
    client_expect_times(&fixture, fd, &received, "pong", 2);
    end(fd);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(a_slow_head_is_refused)
{
    struct gate_options options = fixture_default_options();
    options.head_timeout_ms = 100;
    begin_with(options);
    int fd = client_connect(&fixture);
    for (int i = 0; i < 8 && !received.closed; i++) { /* never silent for the whole time */
        client_send_bytes(&fixture, fd, &"GET /open"[i], 1);
        fixture_pass_time(&fixture, 20);
    }
    expect(fd, "HTTP/1.1 408 ");
    expect(fd, "REQUEST_TIMEOUT");
    client_expect_close(&fixture, fd, &received);
    end(fd);
}
END_TEST

START_TEST(a_silent_body_is_refused)
{
    struct gate_options options = fixture_default_options();
    options.body_timeout_ms = 50;
    begin_with(options);
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/open", "5") "hel");
    expect(fd, "HTTP/1.1 408 ");
    client_expect_close(&fixture, fd, &received);
    ck_assert_uint_eq(fixture.requests, 0);
    end(fd);
}
END_TEST

START_TEST(a_body_that_only_drips_is_refused)
{
    struct gate_options options = fixture_default_options();
    options.body_timeout_ms = 200;
    begin_with(options);
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/open", "100000"));
    uint64_t begin_ms = fixture_now_ms();
    while (received.size == 0 && fixture_now_ms() - begin_ms < 5000) {
        client_send_bytes(&fixture, fd, "x", 1);
        fixture_pass_time(&fixture, 10);
        client_receive_some(&fixture, fd, &received);
    }
    expect(fd, "HTTP/1.1 408 ");
    end(fd);
}
END_TEST

START_TEST(idle_connections_are_closed)
{
    struct gate_options options = fixture_default_options();
    options.idle_timeout_ms = 50;
    begin_with(options);
    int fresh = client_connect(&fixture);
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "pong");
    client_expect_close(&fixture, fd, &received);
    received.closed = false;
    client_expect_close(&fixture, fresh, &received);
    close(fresh);
    end(fd);
}
END_TEST

/* ---- leaving --------------------------------------------------------------------------------- */

START_TEST(a_client_that_closes_ends_its_request)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/later"));
    fixture_await(&fixture, &fixture.requests, 1);
    shutdown(fd, SHUT_WR);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_CLIENT_LEFT);
    ck_assert_uint_eq(fixture_connections(&fixture), 0);
    end(fd);
}
END_TEST

START_TEST(a_client_that_resets_ends_its_request)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/later"));
    fixture_await(&fixture, &fixture.requests, 1);
    client_reset(fd);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_CLIENT_LEFT);
    end(-1);
}
END_TEST

START_TEST(leaving_is_noticed_behind_unread_bytes)
{
    static char more[200000];
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/later"));
    fixture_await(&fixture, &fixture.requests, 1);
    for (int i = 0; i < 50; i++) { /* more than the gate holds for later */
        (void)!send(fd, more, sizeof(more), MSG_NOSIGNAL | MSG_DONTWAIT);
        fixture_turn(&fixture);
    }
    ck_assert_uint_eq(fixture.ended, 0);
    client_reset(fd);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_CLIENT_LEFT);
    end(-1);
}
END_TEST

START_TEST(leaving_within_a_body_ends_what_had_passed)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/open", "5") "he");
    fixture_await(&fixture, &fixture.passed, 1);
    shutdown(fd, SHUT_WR);
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_CLIENT_LEFT);
    ck_assert_uint_eq(fixture.requests, 0);
    end(fd);
}
END_TEST

START_TEST(abort_works_in_every_callback)
{
    static const char *const requests[] = {GET("/abort-head"), POST("/abort-head", "5"),
                                           GET("/abort-request")};
    begin();
    for (unsigned i = 0; i < 3; i++) {
        int fd = client_connect(&fixture);
        client_send(&fixture, fd, requests[i]);
        fixture_await(&fixture, &fixture.ended, i + 1);
        ck_assert_int_eq(fixture.how, GATE_ABORTED);
        client_expect_close(&fixture, fd, &received);
        received.closed = false;
        close(fd);
    }
    ck_assert_uint_eq(fixture_connections(&fixture), 0);
    end(-1);
}
END_TEST

START_TEST(destroy_ends_what_is_pending)
{
    begin();
    int later = client_connect(&fixture);
    int body = client_connect(&fixture);
    int fresh = client_connect(&fixture);
    client_send(&fixture, later, GET("/later"));
    client_send(&fixture, body, POST("/open", "5"));
    fixture_await(&fixture, &fixture.passed, 2);
    ck_assert_uint_eq(fixture_connections(&fixture), 3);
    end(later); /* compares passed and ended */
    ck_assert_int_eq(fixture.how, GATE_ABORTED);
    close(body);
    close(fresh);
}
END_TEST

/* ---- accepting and draining ------------------------------------------------------------------ */

START_TEST(connections_over_the_limit_wait_their_turn)
{
    struct gate_options options = fixture_default_options();
    options.max_connections = 2;
    begin_with(options);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = client_connect(&fixture);
        client_send(&fixture, fds[i], GET("/open"));
    }
    fixture_await(&fixture, &fixture.requests, 2);
    fixture_pass_time(&fixture, 30);
    ck_assert_uint_eq(fixture.requests, 2);
    ck_assert_uint_eq(fixture_connections(&fixture), 2);
    close(fds[0]);
    expect(fds[2], "pong");
    close(fds[1]);
    end(fds[2]);
}
END_TEST

START_TEST(without_descriptors_accept_pauses_and_recovers)
{
    struct rlimit before;
    struct gate_counters counters;
    int fds[6];
    begin();
    fixture_turn(&fixture);
    for (int i = 0; i < 6; i++) {
        fds[i] = client_connect(&fixture);
    }
    getrlimit(RLIMIT_NOFILE, &before);
    struct rlimit few = {(rlim_t)fds[5] + 3, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    fixture_pass_time(&fixture, 350);
    gate_count(fixture.gate, &counters);
    ck_assert_uint_eq(counters.accepted, 2);
    ck_assert_uint_ge(counters.accept_pauses, 2);
    ck_assert_uint_le(counters.accept_pauses, 5); /* a busy loop would have thousands */
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/open"));
    expect(fd, "pong");
    for (int i = 0; i < 6; i++) {
        close(fds[i]);
    }
    end(fd);
}
END_TEST

START_TEST(draining_answers_closes_and_lets_the_idle_go)
{
    begin();
    int idle = client_connect(&fixture);
    int busy = client_connect(&fixture);
    client_send(&fixture, busy, GET("/later"));
    fixture_await(&fixture, &fixture.requests, 1);
    gate_drain(fixture.gate, 50);
    client_expect_close(&fixture, idle, &received);
    received.closed = false;
    fixture_reply(&fixture, fixture.pending, KOINE_TEXT("late"));
    expect(busy, "Connection: close\r\n");
    expect(busy, "late");
    client_expect_close(&fixture, busy, &received);
    int fresh = client_connect(&fixture);
    received.closed = false;
    client_send(&fixture, fresh, GET("/open"));
    client_expect_times(&fixture, fresh, &received, "Connection: close\r\n", 2);
    gate_stop_accepting(fixture.gate);
    close(idle);
    close(fresh);
    end(busy);
}
END_TEST

START_TEST(a_body_that_is_no_longer_awaited_is_refused)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/later", "5") "he");
    fixture_await(&fixture, &fixture.passed, 1);
    gate_refuse_body(fixture.passing, 503, "UNAVAILABLE", "Too late.");
    ck_assert_uint_eq(fixture.ended, 0); /* not inside the call */
    gate_refuse_body(fixture.passing, 503, "UNAVAILABLE", "Too late.");
    expect(fd, "HTTP/1.1 503 ");
    expect(fd, "Connection: close\r\n");
    fixture_await(&fixture, &fixture.ended, 1);
    ck_assert_int_eq(fixture.how, GATE_SENT);
    client_send_bytes(&fixture, fd, "llo", 3);
    client_expect_close(&fixture, fd, &received);
    ck_assert(!received.reset);
    ck_assert_uint_eq(count_of(&received, "HTTP/1.1 "), 1);
    ck_assert_uint_eq(fixture.requests, 0);
    end(fd);
}
END_TEST

START_TEST(a_request_whose_body_is_here_is_not_refused)
{
    begin();
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, POST("/later", "5") "hello");
    fixture_await(&fixture, &fixture.requests, 1);
    gate_refuse_body(fixture.pending, 503, "UNAVAILABLE", "Too late.");
    fixture_reply(&fixture, fixture.pending, KOINE_TEXT("late"));
    expect(fd, "HTTP/1.1 200 ");
    end(fd);
}
END_TEST

START_TEST(the_peer_is_named)
{
    begin();
    int fd = client_connect(&fixture);
    struct sockaddr_in own = {0};
    socklen_t size = sizeof(own);
    char expected[64];
    getsockname(fd, (struct sockaddr *)&own, &size);
    snprintf(expected, sizeof(expected), "127.0.0.1:%d", ntohs(own.sin_port));
    client_send(&fixture, fd, GET("/later"));
    fixture_await(&fixture, &fixture.requests, 1);
    ck_assert_str_eq(gate_peer(fixture.pending), expected);
    end(fd);
}
END_TEST

static TCase *answers(void) {
    TCase *tests = tcase_create("answers at the head");
    tcase_add_test(tests, an_answer_at_the_head_keeps_the_connection);
    tcase_add_test(tests, a_short_unwanted_body_is_read_past);
    tcase_add_test(tests, a_long_unwanted_body_ends_the_connection);
    tcase_add_test(tests, who_is_refused_is_not_told_to_continue);
    tcase_add_test(tests, who_passes_is_told_to_continue);
    tcase_add_test(tests, bodies_without_a_key_cost_no_memory);
    return tests;
}

static TCase *passing(void) {
    TCase *tests = tcase_create("requests that pass");
    tcase_add_test(tests, a_body_arrives_whole_however_it_is_cut);
    tcase_add_test(tests, a_chunked_body_is_put_together);
    tcase_add_test(tests, a_megabyte_of_body_arrives_whole);
    tcase_add_test(tests, pipelined_requests_are_answered_in_order);
    tcase_add_test(tests, bytes_that_come_while_a_request_is_pending_wait);
    tcase_add_test(tests, head_gets_no_body);
    tcase_add_test(tests, http_1_0_ends_unless_asked_to_stay);
    tcase_add_test(tests, connection_close_is_obeyed);
    tcase_add_test(tests, the_peer_is_named);
    return tests;
}

static TCase *refusals(void) {
    TCase *tests = tcase_create("refusals");
    tcase_add_loop_test(tests, what_is_ambiguous_is_refused_once_and_ends_the_connection, 0,
                        refused_count);
    tcase_add_test(tests, a_declared_length_over_the_limit_is_refused_before_the_body);
    tcase_add_test(tests, an_endless_head_is_cut_at_its_limit);
    tcase_add_test(tests, an_endless_chunk_size_is_cut_at_once);
    tcase_add_test(tests, a_blank_line_before_a_request_is_forgiven);
    return tests;
}

static TCase *times_and_ends(void) {
    TCase *tests = tcase_create("time, leaving, accepting");
    tcase_add_test(tests, a_slow_head_is_refused);
    tcase_add_test(tests, a_silent_body_is_refused);
    tcase_add_test(tests, a_body_that_only_drips_is_refused);
    tcase_add_test(tests, idle_connections_are_closed);
    tcase_add_test(tests, a_client_that_closes_ends_its_request);
    tcase_add_test(tests, a_client_that_resets_ends_its_request);
    tcase_add_test(tests, leaving_is_noticed_behind_unread_bytes);
    tcase_add_test(tests, leaving_within_a_body_ends_what_had_passed);
    tcase_add_test(tests, abort_works_in_every_callback);
    tcase_add_test(tests, destroy_ends_what_is_pending);
    tcase_add_test(tests, connections_over_the_limit_wait_their_turn);
    tcase_add_test(tests, without_descriptors_accept_pauses_and_recovers);
    tcase_add_test(tests, draining_answers_closes_and_lets_the_idle_go);
    tcase_add_test(tests, a_body_that_is_no_longer_awaited_is_refused);
    tcase_add_test(tests, a_request_whose_body_is_here_is_not_refused);
    return tests;
}

int main(void) {
    Suite *suite = suite_create("gate");
    TCase *cases[] = {answers(), passing(), refusals(), times_and_ends()};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(suite, cases[i]);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
