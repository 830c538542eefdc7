/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate when memory is short: in a fixed conversation the gate's n-th allocation fails, for
 * every n until none does. A connection may be lost by it; nothing may leak, hang or be left
 * without its end, and the next client is served. Skips where a sanitizer holds malloc. Only the
 * gate's own: evhttp 2.1.12 does not survive it (evhttp_request_new, accept).
 */
#include "http/gate_connection.h"
#include "unit/gate_fixture.h"

#include <dlfcn.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATOR_IS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATOR_IS_TAKEN
#endif

#ifdef ALLOCATOR_IS_TAKEN
int main(void) {
    puts("gate, memory: skipped, a sanitizer holds malloc");
    return EXIT_SUCCESS;
}
#else

/* Volatile because the compiler takes malloc to read and write nothing of ours. */
static volatile struct {
    bool counting;
    bool failing;
    long successes_left;
    long failures;
    long living;         /* blocks allocated and not freed while counting */
    size_t failing_size; /* a calloc of this size fails */
} heap;

extern const char __executable_start[];
extern const char etext[];

/* Whether an allocation that returns to `caller` is to succeed. */
static bool may_allocate(const char *caller) {
    bool ours = caller >= __executable_start && caller < etext;
    if (!heap.failing || !ours || heap.successes_left-- != 0) {
        return true;
    }
    heap.failures++;
    return false;
}

static void *counted(void *block) {
    heap.living += heap.counting && block != NULL;
    return block;
}

void *malloc(size_t size) {
    static void *(*next)(size_t);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "malloc");
    }
    return may_allocate(__builtin_return_address(0)) ? counted(next(size)) : NULL;
}

void *calloc(size_t count, size_t size) {
    static void *(*next)(size_t, size_t);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "calloc");
    }
    if (size == heap.failing_size && size > 0) {
        return NULL;
    }
    return may_allocate(__builtin_return_address(0)) ? counted(next(count, size)) : NULL;
}

void *realloc(void *block, size_t size) {
    static void *(*next)(void *, size_t);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "realloc");
    }
    if (!may_allocate(__builtin_return_address(0))) {
        return NULL;
    }
    return block == NULL ? counted(next(block, size)) : next(block, size);
}

void free(void *block) {
    static void (*next)(void *);
    if (next == NULL) {
        next = dlsym(RTLD_NEXT, "free");
    }
    heap.living -= heap.counting && block != NULL;
    next(block);
}

static struct fixture fixture;

/* Turns the loop, with allocations failing as planned, and drops what comes. */
static void exchange(int fd, const char *text) {
    char sink[4096];
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    heap.failing = true;
    for (int i = 0; i < 12; i++) {
        fixture_turn(&fixture);
    }
    heap.failing = false;
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
    heap.living = 0;
    heap.counting = true;
    fixture_init(&fixture, fixture_default_options());
    fixture.on_request = stream_a_little;
    heap.successes_left = n;
    heap.failures = 0;
    converse();
    long failures = heap.failures;
    expect_service();
    fixture_finish(&fixture); /* compares what passed with what ended */
    heap.counting = false;
    ck_assert_msg(heap.living == 0 || n < 0, "%ld blocks leaked when allocation %ld failed",
                  heap.living, n);
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
    heap.failing_size = sizeof(struct gate_connection);
    int fd = client_connect(&fixture);
    client_send(&fixture, fd, GET("/open"));
    client_expect_close(&fixture, fd, &received);
    heap.failing_size = 0;
    ck_assert_ptr_null(strstr(received.data, "pong"));
    ck_assert_uint_eq(fixture.requests, 0);
    expect_service();
    close(fd);
    received_finish(&received);
    fixture_finish(&fixture);
}
END_TEST

/* valgrind puts its own allocator in front of this one. */
static bool malloc_is_ours(void) {
    heap.failing_size = 54321;
    void *block = calloc(1, heap.failing_size);
    heap.failing_size = 0;
    free(block);
    return block == NULL;
}

int main(void) {
    if (!malloc_is_ours()) {
        puts("gate, memory: skipped, a tool holds malloc");
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
#endif
