/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that is nothing but one request, for the tests of the module SDK's request bodies: what
 * the body was answered with is a string.
 */
#ifndef UNIT_BODY_FIXTURE_H
#define UNIT_BODY_FIXTURE_H

#include <check.h>
#include <jansson.h>
#include <koine-module/body.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ALLOCATIONS = 16 };

struct exchange {
    struct koine_host host; /* first: the host's functions find the rest by it */
    struct koine_http http;
    struct koine_text body;
    const char *content_type;
    void *allocated[ALLOCATIONS];
    size_t allocations;
    void (*ended)(void *data, koine_request request, int32_t how);
    void *ended_data;
    char answer[4096]; /* "STATUS CODE message", or "" */
    char issues[4096];
};

/* Counts down to the allocation that fails; below 0: none does. */
static long allocations_left = -1;

static inline bool allocation_fails(void) {
    return allocations_left >= 0 && allocations_left-- == 0;
}

static inline void *json_allocate(size_t bytes) {
    return allocation_fails() ? NULL : malloc(bytes);
}

static inline struct exchange *exchange_of(const struct koine_host *host) {
    return (struct exchange *)(uintptr_t)host;
}

static inline const void *host_service(const struct koine_host *host, const char *id) {
    return strcmp(id, KOINE_HTTP) ? NULL : &exchange_of(host)->http;
}

static inline int32_t host_header(const struct koine_host *host, koine_request request,
                                  const char *name, struct koine_text *out) {
    const char *value = strcmp(name, "Content-Type") ? NULL : exchange_of(host)->content_type;
    (void)request;
    *out = value ? (struct koine_text){value, strlen(value)} : (struct koine_text){NULL, 0};
    return value ? KOINE_OK : KOINE_NOT_FOUND;
}

static inline int32_t host_body(const struct koine_host *host, koine_request request,
                                struct koine_text *out) {
    (void)request;
    *out = exchange_of(host)->body;
    return KOINE_OK;
}

static inline void *host_alloc(const struct koine_host *host, koine_request request, size_t bytes) {
    struct exchange *exchange = exchange_of(host);
    (void)request;
    ck_assert_uint_lt(exchange->allocations, ALLOCATIONS);
    void *memory = allocation_fails() ? NULL : calloc(1, bytes);
    exchange->allocated[exchange->allocations++] = memory;
    return memory;
}

static inline int32_t host_on_end(const struct koine_host *host, koine_request request,
                                  void (*callback)(void *, koine_request, int32_t), void *data) {
    (void)request;
    exchange_of(host)->ended = callback;
    exchange_of(host)->ended_data = data;
    return KOINE_OK;
}

static inline void end_request(struct exchange *exchange) {
    if (exchange->ended)
        exchange->ended(exchange->ended_data, (koine_request){1}, KOINE_END_ANSWERED);
    exchange->ended = NULL;
    while (exchange->allocations)
        free(exchange->allocated[--exchange->allocations]);
}

/* As the host does: the request has ended, with all its memory, when this returns. */
static inline int32_t host_fail(const struct koine_host *host, koine_request request,
                                const struct koine_failure *failure) {
    struct exchange *exchange = exchange_of(host);
    (void)request;
    ck_assert_str_eq(exchange->answer, "");
    ck_assert_uint_eq(failure->size, sizeof(*failure));
    snprintf(exchange->answer, sizeof(exchange->answer), "%u %.*s %.*s", failure->status,
             (int)failure->code.size, failure->code.data, (int)failure->message.size,
             failure->message.data);
    snprintf(exchange->issues, sizeof(exchange->issues), "%.*s", (int)failure->issues.size,
             failure->issues.data ? failure->issues.data : "");
    end_request(exchange);
    return KOINE_OK;
}

static inline void begin_bytes(struct exchange *exchange, const char *data, size_t size) {
    *exchange = (struct exchange){
        .host = {sizeof(struct koine_host), 1, 0, host_service},
        .http = {.size = sizeof(struct koine_http),
                 .header = host_header,
                 .body = host_body,
                 .alloc = host_alloc,
                 .on_end = host_on_end,
                 .fail = host_fail},
        .body = {data, size},
    };
}

static inline void begin(struct exchange *exchange, const char *body) {
    begin_bytes(exchange, body, strlen(body));
}

#endif
