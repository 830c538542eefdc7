/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate when memory is short: in a fixed conversation the gate's n-th allocation fails, for
 * every n until none does. A connection may be lost by it; nothing may leak, hang or be left
 * without its end, and the next client is served. Only the gate's own: evhttp 2.1.12 does not
 * survive it (evhttp_request_new, accept).
 */
#include "http/gate_connection.h"
#include "support/failing_heap.h"
#include "unit/gate_fixture.h"

static struct fixture fixture;

/* Turns the loop, with allocations failing as planned, and drops what comes. */
static void exchange(int fd, const char *text) {
    char sink[4096];
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    failing_heap_resume();
    for (int i = 0; i < 12; i++) {
        fixture_turn(&fixture);
    }
    failing_heap_pause();
    while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0) {
    }
}

static void stream_a_little(struct fixture *from, struct gate_connection *connection) {
    struct gate_stream_options options = {4096, KOINE_TEXT(": alive\n\n"), 1000};
    (void)from;
    if (gate_stream_begin(connection, 200, JSON_FIELDS, &options) == KOINE_OK) {
        gate_stream_write(connection, KOINE_TEXT("some text"));
        gate_stream_end(connection);
    }
}

/* Every way that a connection goes. */
static void converse(void) {
    int fd = client_connect(&fixture);
    exchange(fd, GET("/locked"));
    exchange(fd, GET("/open"));
    exchange(fd, POST("/echo", "11") "hello");
    exchange(fd, " world");
    exchange(fd, POST_CHUNKED("/echo") "5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n");
    exchange(fd, GET("/later") GET("/open"));
    exchange(fd, "POST /small HTTP/1.1\r\nHost: t\r\nContent-Length: 17\r\n\r\n");
    close(fd);
    exchange(-1, "");
}

static void expect_service(void) {
    struct received received;
    received_init(&received);
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/open"));
    client_expect(&fixture, fd, &received, "pong");
    close(fd);
    received_finish(&received);
}

/* One conversation in which allocation `n` fails; returns how many failed: 0 past the last. */
static long fail_once(long n) {
    long blocks = failing_heap_blocks();
    fixture_init(&fixture, fixture_default_options());
    fixture.on_request = stream_a_little;
    failing_heap_fail_nth(n);
    failing_heap_pause(); /* exchange resumes: what the test does itself succeeds */
    converse();
    long failures = failing_heap_stop();
    expect_service();
    fixture_finish(&fixture); /* compares what passed with what ended */
    long leaked = failing_heap_blocks() - blocks;
    ck_assert_msg(leaked == 0 || n < 0, "%ld blocks leaked when allocation %ld failed", leaked, n);
    return failures;
}

static void ignore_log(int severity, const char *message) {
    (void)severity;
    (void)message;
}

START_TEST(any_allocation_may_fail)
{
    long n = 0;
    event_set_log_callback(ignore_log);
    fail_once(-1); /* what libevent and the C library keep for ever is allocated here */
    while (fail_once(n) > 0) {
        n++;
    }
    ck_assert_int_ge(n, 8); /* record, heads, stream, batch */
}
END_TEST

START_TEST(without_a_record_nobody_gets_past_the_gate)
{
    struct received received;
    fixture_init(&fixture, fixture_default_options());
    received_init(&received);
    failing_heap_fail_size(sizeof(struct gate_connection));
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/open"));
    client_expect_close(&fixture, fd, &received);
    ck_assert_int_gt(failing_heap_stop(), 0);
    ck_assert_ptr_null(strstr(received.data, "pong"));
    ck_assert_uint_eq(fixture.requests, 0);
    expect_service();
    close(fd);
    received_finish(&received);
    fixture_finish(&fixture);
}
END_TEST

int main(void) {
    if (!failing_heap_works("gate, memory")) {
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("gate, memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, any_allocation_may_fail);
    tcase_add_test(tests, without_a_record_nobody_gets_past_the_gate);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
