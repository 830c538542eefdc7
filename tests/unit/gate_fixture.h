/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gate on a free port with raw client sockets, all on one loop and in one thread: the client's
 * waiting is what turns the loop, so nothing sleeps. Used by the gate's tests alone.
 */
#ifndef UNIT_GATE_FIXTURE_H
#define UNIT_GATE_FIXTURE_H

#include "http/gate.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define JSON_FIELDS KOINE_TEXT("Content-Type: application/json; charset=utf-8\r\n")
#define GET(path) "GET " path " HTTP/1.1\r\nHost: t\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: t\r\nContent-Length: " length "\r\n\r\n"
#define POST_CHUNKED(path) "POST " path " HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"

enum { FIXTURE_WAIT_MS = 20000, FIXTURE_RECEIVED_BYTES = 4 << 20, FIXTURE_BODY_LIMIT = 1 << 20 };

/*
 * What the gate's user does follows from the path: /locked is answered at the head, /open replies
 * "pong" at once, /echo the body, /small takes 16 bytes only, /later waits for the test,
 * /abort-head and /abort-request leave.
 */
struct fixture {
    struct event_base *base;
    struct gate *gate;
    struct gate_options options;
    int port;
    unsigned passed; /* heads */
    unsigned requests;
    unsigned ended;
    unsigned drained;
    unsigned refused;
    unsigned violations; /* callbacks at a forbidden moment; Check's asserts need memory */
    enum gate_end how;   /* of the last `ended` */
    bool inside;         /* a gate_ call of the user is running */
    struct gate_connection *pending;
    struct gate_connection *passing; /* whose head was the last to pass */
    void (*on_request)(struct fixture *fixture, struct gate_connection *connection);
    void (*on_drained)(struct fixture *fixture, struct gate_connection *connection);
    size_t body_size; /* of the last request */
    size_t fields_size;
    size_t left; /* for what a test still has to write */
};

static inline uint64_t fixture_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline bool fixture_text_is(struct koine_text text, const char *expected) {
    return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static inline struct koine_text fixture_text(const char *text) {
    return (struct koine_text){text, strlen(text)};
}

static inline int fixture_reply(struct fixture *fixture, struct gate_connection *connection,
                                struct koine_text body) {
    fixture->inside = true;
    int result = gate_reply(connection, 200, JSON_FIELDS, body);
    fixture->inside = false;
    return result;
}

static inline enum gate_verdict fixture_on_head(void *data, struct gate_connection *connection,
                                                const struct gate_head *head,
                                                uint64_t *max_body_bytes, void **decision) {
    struct fixture *fixture = data;
    static const char *const kinds[] = {"/open", "/echo",       "/small",        "/later",
                                        "/none", "/abort-head", "/abort-request"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (fixture_text_is(head->path, kinds[i])) {
            *decision = strdup(kinds[i]);
            if (*decision == NULL) {
                break; /* in the test of short memory alone */
            }
            fixture->passed++;
            fixture->passing = connection;
            *max_body_bytes = i == 2 ? 16 : FIXTURE_BODY_LIMIT;
            if (i == 5) {
                gate_abort(connection);
            }
            return GATE_PASS;
        }
    }
    fixture->inside = true;
    gate_answer(connection, 401, JSON_FIELDS, KOINE_TEXT("{\"code\":\"UNAUTHORIZED\"}"));
    fixture->inside = false;
    return GATE_ANSWERED;
}

static inline void fixture_on_request(void *data, struct gate_connection *connection,
                                      void *decision, struct koine_text fields,
                                      struct koine_text body) {
    struct fixture *fixture = data;
    const char *kind = decision;
    fixture->requests++;
    fixture->body_size = body.size;
    fixture->fields_size = fields.size;
    if (strcmp(kind, "/abort-request") == 0) {
        gate_abort(connection);
    } else if (strcmp(kind, "/later") == 0) {
        fixture->pending = connection;
        if (fixture->on_request != NULL) {
            fixture->on_request(fixture, connection);
        }
    } else {
        fixture_reply(fixture, connection, strcmp(kind, "/echo") == 0 ? body : KOINE_TEXT("pong"));
    }
}

static inline void fixture_on_ended(void *data, struct gate_connection *connection, void *decision,
                                    enum gate_end how) {
    struct fixture *fixture = data;
    fixture->violations += fixture->inside;
    fixture->ended++;
    fixture->how = how;
    if (fixture->pending == connection) {
        fixture->pending = NULL;
    }
    free(decision); /* a second `ended` would be a double free */
}

static inline void fixture_on_drained(void *data, struct gate_connection *connection,
                                      void *decision) {
    struct fixture *fixture = data;
    (void)decision;
    fixture->violations += fixture->inside;
    fixture->drained++;
    if (fixture->on_drained != NULL) {
        fixture->on_drained(fixture, connection);
    }
}

static inline void fixture_on_refuse(void *data, struct gate_connection *connection,
                                     const struct gate_head *head, void *decision, int status,
                                     const char *code, const char *message) {
    struct fixture *fixture = data;
    char body[512];
    (void)head;
    (void)decision;
    int size = snprintf(body, sizeof(body), "{\"error\":\"%s\",\"code\":\"%s\"}", message, code);
    fixture->violations += size >= (int)sizeof(body);
    fixture->refused++;
    gate_answer(connection, status, JSON_FIELDS, (struct koine_text){body, (size_t)size});
}

static inline struct gate_options fixture_default_options(void) {
    return (struct gate_options){.max_head_bytes = 8192,
                                 .head_timeout_ms = 10000,
                                 .body_timeout_ms = 10000,
                                 .idle_timeout_ms = 60000,
                                 .write_timeout_ms = 10000};
}

static inline int fixture_listen(struct fixture *fixture) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listener, 511), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    fixture->port = ntohs(address.sin_port);
    return listener;
}

static inline void fixture_init(struct fixture *fixture, struct gate_options options) {
    static const struct gate_callbacks callbacks = {fixture_on_head,   fixture_on_request,
                                                    fixture_on_ended,  fixture_on_drained,
                                                    fixture_on_refuse, NULL};
    struct event_config *config = event_config_new();
    *fixture = (struct fixture){.options = options};
    signal(SIGPIPE, SIG_IGN);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    fixture->base = event_base_new_with_config(config);
    event_config_free(config);
    ck_assert_ptr_nonnull(fixture->base);
    fixture->gate = gate_create(fixture->base, &options, &callbacks, fixture);
    ck_assert_ptr_nonnull(fixture->gate);
    ck_assert_int_eq(gate_listen(fixture->gate, fixture_listen(fixture)), 0);
}

/* Every request that passed must have ended by now, once. */
static inline void fixture_finish(struct fixture *fixture) {
    gate_destroy(fixture->gate);
    ck_assert_uint_eq(fixture->ended, fixture->passed);
    ck_assert_uint_eq(fixture->violations, 0);
    event_base_free(fixture->base);
}

static inline void fixture_turn(struct fixture *fixture) {
    event_base_loop(fixture->base, EVLOOP_NONBLOCK);
}

/* Turns the loop until `*counter` has reached `value`. */
static inline void fixture_await(struct fixture *fixture, const unsigned *counter, unsigned value) {
    uint64_t end_ms = fixture_now_ms() + FIXTURE_WAIT_MS;
    while (*counter < value && fixture_now_ms() < end_ms) {
        fixture_turn(fixture);
    }
    ck_assert_uint_eq(*counter, value);
}

static inline void fixture_pass_time(struct fixture *fixture, uint64_t time_ms) {
    uint64_t end_ms = fixture_now_ms() + time_ms;
    while (fixture_now_ms() < end_ms) {
        fixture_turn(fixture);
    }
}

static inline uint64_t fixture_connections(const struct fixture *fixture) {
    struct gate_counters counters;
    gate_count(fixture->gate, &counters);
    return counters.connections;
}

static inline int client_connect(const struct fixture *fixture) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(fixture->port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    int on = 1; /* what is sent has arrived when the loop turns */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* Sends everything, turning the loop while the socket is full; less when the gate has closed. */
static inline size_t client_send_bytes(struct fixture *fixture, int fd, const char *data,
                                       size_t size) {
    uint64_t end_ms = fixture_now_ms() + FIXTURE_WAIT_MS;
    size_t done = 0;
    while (done < size && fixture_now_ms() < end_ms) {
        ssize_t sent = send(fd, data + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            break;
        }
        done += sent > 0 ? (size_t)sent : 0;
        fixture_turn(fixture);
    }
    return done;
}

static inline void client_send(struct fixture *fixture, int fd, const char *text) {
    ck_assert_uint_eq(client_send_bytes(fixture, fd, text, strlen(text)), strlen(text));
}

/* What a client has received, always terminated. */
struct received {
    char *data;
    size_t size;
    bool closed;
    bool reset;
};

static inline void received_init(struct received *received) {
    *received = (struct received){.data = calloc(1, FIXTURE_RECEIVED_BYTES + 1)};
    ck_assert_ptr_nonnull(received->data);
}

static inline void received_finish(struct received *received) {
    free(received->data);
}

static inline void client_receive_some(struct fixture *fixture, int fd, struct received *received) {
    fixture_turn(fixture);
    ssize_t count = recv(fd, received->data + received->size,
                         FIXTURE_RECEIVED_BYTES - received->size, MSG_DONTWAIT);
    if (count > 0) {
        received->size += (size_t)count;
        received->data[received->size] = '\0';
    } else if (count == 0) {
        received->closed = true;
    } else if (errno != EAGAIN) {
        received->closed = received->reset = true;
    }
}

/* Receives until `needle` has come `times` times; the test fails when it does not come. */
static inline void client_expect_times(struct fixture *fixture, int fd, struct received *received,
                                       const char *needle, unsigned times) {
    uint64_t end_ms = fixture_now_ms() + FIXTURE_WAIT_MS;
    unsigned found = 0;
    size_t from = 0;
    while (found < times) {
        const char *hit = strstr(received->data + from, needle);
        if (hit != NULL) {
            found++;
            from = (size_t)(hit - received->data) + strlen(needle);
            continue;
        }
        ck_assert_msg(!received->closed && fixture_now_ms() < end_ms,
                      "waited for %u times '%s', had %u, closed %d, received: %.600s", times,
                      needle, found, received->closed, received->data);
        client_receive_some(fixture, fd, received);
    }
}

static inline void client_expect(struct fixture *fixture, int fd, struct received *received,
                                 const char *needle) {
    client_expect_times(fixture, fd, received, needle, 1);
}

static inline void client_expect_close(struct fixture *fixture, int fd, struct received *received) {
    uint64_t end_ms = fixture_now_ms() + FIXTURE_WAIT_MS;
    while (!received->closed && fixture_now_ms() < end_ms) {
        client_receive_some(fixture, fd, received);
    }
    ck_assert_msg(received->closed, "the gate did not close; received: %.600s", received->data);
}

static inline unsigned count_of(const struct received *received, const char *needle) {
    unsigned count = 0;
    for (const char *at = received->data; (at = strstr(at, needle)) != NULL; at += strlen(needle)) {
        count++;
    }
    return count;
}

static inline void client_reset(int fd) {
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

#endif
