/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.http/1": checks what a module hands in and calls the request. */
#include "http/header_name.h"
#include "modules/struct_size.h"
#include "test-host/answer.h"
#include "test-host/call.h"
#include <stdlib.h>
#include <string.h>

#define ROUTE_MINIMUM offsetof(struct koine_route, render_failure)

/* ---- the request behind a handle */

static const struct koine_test_answer *find_ended(const struct koine_test_host *host, uint64_t id) {
    for (size_t i = 0; id && i < host->answer_count; i++)
        if (host->answers[i]->handle == id)
            return host->answers[i];
    return NULL;
}

/* Late is harmless; twice is not. */
static void judge_late(const struct call *call, uint64_t id, enum request_use use) {
    const struct koine_test_answer *ended = find_ended(call->host, id);
    if (!ended)
        call_gone(call, HANDLE_REQUEST, id);
    else if (use == REQUEST_ANSWERING && ended->by_module)
        finding_add(call->host, "answered-twice",
                    "%s was called for %s, which the module had answered before", call->name,
                    answer_name(ended));
}

struct koine_test_answer *call_request(struct call *call, const struct koine_host *host,
                                       const char *name, koine_request handle,
                                       enum request_use use) {
    if (!call_begin(call, host, name, CALL_FROM_START)) {
        return NULL;
    }
    struct koine_test_answer *request = handle_get(call->host, HANDLE_REQUEST, handle.id);
    bool good =
        request && (use == REQUEST_ANY ? request->state != ANSWER_ENDED : answer_is_open(request));
    if (good)
        return request;
    judge_late(call, handle.id, use);
    call->result = KOINE_GONE;
    return NULL;
}

/* ---- routes */

/* Why the gateway would not have the route besides its router, or NULL. */
static const char *route_problem(const struct call *call, struct route *route) {
    const char *problem = router_problem(&route->as);
    if (problem)
        return problem;
    if (router_count(call->host->router) >= ROUTER_MODULE_ROUTES)
        return ROUTER_TOO_MANY;
    if (route->as.authentication > KOINE_AUTH_NONE || route->as.key_places > 3)
        return "unknown authentication or key places";
    if (!route->as.slot_class)
        return NULL;
    route->slot_class = slot_class_find(call->host, route->as.slot_class);
    return route->slot_class ? NULL : "unknown slot class; declare it with slots->declare first";
}

/* Whether somebody else answers the route: another module, the gateway itself, this module. */
static bool is_taken(const struct call *call, const struct koine_route *route) {
    const struct route *taken = router_taken(call->host->router, route);
    bool page = router_is_page(route->path);
    struct route_name mine, theirs;
    if (taken)
        finding_add(call->host, "route-conflict",
                    "http->route: %s answers the same requests as %s, which is taken",
                    route_name(route, &mine), route_name(&taken->as, &theirs));
    else if (page)
        finding_add(call->host, "route-conflict", "%s %s: the gateway answers %s itself",
                    route->method, route->path, route->path);
    return taken || page;
}

static int32_t http_route(const struct koine_host *seen, const struct koine_route *given) {
    struct call call;
    if (!call_begin(&call, seen, "http->route", CALL_IN_INIT))
        return call_end(&call, call.result);
    struct route route = {.module = (struct module *)(void *)call.host};
    int32_t result =
        call_read(&call, &route.as, sizeof(route.as), given, ROUTE_MINIMUM, "koine_route");
    if (result != KOINE_OK)
        return call_end(&call, result);
    const char *problem = route_problem(&call, &route);
    if (problem)
        return call_end(&call, call_invalid(&call, problem));
    if (!host_may_allocate(call.host))
        return call_end(&call, KOINE_NO_MEMORY);
    if (is_taken(&call, &route.as))
        return call_end(&call, KOINE_EXISTS);
    return call_end(&call, router_add(call.host->router, &route));
}

/* ---- accessors */

#define ACCESSOR(name, value)                                                                      \
    static int32_t http_##name(const struct koine_host *host, koine_request handle,                \
                               struct koine_text *out) {                                           \
        struct call call;                                                                          \
        struct koine_test_answer *request =                                                        \
            call_request(&call, host, "http->" #name, handle, REQUEST_ANY);                        \
        *out = request ? (value) : (struct koine_text){0};                                         \
        return call_end(&call, call.result);                                                       \
    }

ACCESSOR(method, request->method)
ACCESSOR(path, request->path)
ACCESSOR(query, request->query)
ACCESSOR(body, request->body)
ACCESSOR(request_id, request->id)
ACCESSOR(peer, request->peer)

static int32_t http_param(const struct koine_host *host, koine_request handle, const char *name,
                          struct koine_text *out) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->param", handle, REQUEST_ANY);
    *out = (struct koine_text){0};
    if (!request)
        return call_end(&call, call.result);
    int index = name ? route_param_index(request->route, name) : -1;
    if (index < 0)
        return call_end(&call, KOINE_NOT_FOUND);
    *out = request->params[index];
    return call_end(&call, KOINE_OK);
}

static int32_t http_header(const struct koine_host *host, koine_request handle, const char *name,
                           struct koine_text *out) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->header", handle, REQUEST_ANY);
    *out = (struct koine_text){0};
    if (!request)
        return call_end(&call, call.result);
    const char *value = name && !header_name_is_withheld(name) ? client_field(request, name) : NULL;
    if (value)
        *out = request_copy(request, text_of(value));
    return call_end(&call, value ? KOINE_OK : KOINE_NOT_FOUND);
}

/* ---- what a request owns */

static void *http_alloc(const struct koine_host *host, koine_request handle, size_t bytes) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->alloc", handle, REQUEST_ANY);
    void *block = NULL;
    if (request && bytes <= SIZE_MAX / 2 && host_may_allocate(call.host))
        block = request_alloc(request, bytes);
    call_end(&call, block ? KOINE_OK : request ? KOINE_NO_MEMORY : KOINE_GONE);
    return block;
}

static int32_t http_on_end(const struct koine_host *host, koine_request handle,
                           void (*callback)(void *, koine_request, int32_t), void *data) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->on_end", handle, REQUEST_ANY);
    if (!request)
        return call_end(&call, call.result);
    if (!callback)
        return call_end(&call, call_invalid(&call, "callback must be given"));
    if (!host_may_allocate(call.host))
        return call_end(&call, KOINE_NO_MEMORY);
    request_on_end(request, callback, data);
    return call_end(&call, KOINE_OK);
}

/* ---- answers: neither respond nor fail answers KOINE_NO_MEMORY, by koine/http.h */

/* Says what a refusal of an answering call means; returns it. */
static int32_t judged(const struct call *call, const struct koine_test_answer *request,
                      int32_t result, const char *invalid) {
    if (result == KOINE_INVALID)
        call_invalid(call, invalid);
    else if (result == KOINE_WRONG_STATE)
        finding_add(call->host, "wrong-state", "%s was called for %s while its stream %s",
                    call->name, answer_name(request),
                    request->state == ANSWER_STREAMING ? "was open" : "had not begun");
    return result;
}

static int32_t http_set_header(const struct koine_host *host, koine_request handle,
                               struct koine_text name, struct koine_text value) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->set_header", handle, REQUEST_ANSWERING);
    if (!request)
        return call_end(&call, call.result);
    if (!host_may_allocate(call.host))
        return call_end(&call, KOINE_NO_MEMORY);
    return call_end(&call,
                    judged(&call, request, reply_add_header(request, name, value),
                           "a name must be a token that is not the host's, a value one line"));
}

/* As the gateway does when memory is short: the connection ends without an answer. */
static void cut(struct koine_test_answer *request) {
    request_end(request, KOINE_END_CLIENT_LEFT);
}

static int32_t http_respond(const struct koine_host *host, koine_request handle, int32_t status,
                            struct koine_text content_type, struct koine_text body) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->respond", handle, REQUEST_ANSWERING);
    if (!request)
        return call_end(&call, call.result);
    if (!host_may_allocate(call.host)) {
        cut(request);
        return call_end(&call, KOINE_GONE);
    }
    return call_end(&call,
                    judged(&call, request, reply_respond(request, status, content_type, body),
                           "the status must be 200 to 599, the content type one line"));
}

static int32_t http_fail(const struct koine_host *host, koine_request handle,
                         const struct koine_failure *given) {
    struct call call;
    struct koine_failure failure;
    struct koine_test_answer *request =
        call_request(&call, host, "http->fail", handle, REQUEST_ANSWERING);
    if (!request)
        return call_end(&call, call.result);
    int32_t result = call_read(&call, &failure, sizeof(failure), given,
                               LENGTH_WITH(koine_failure, issues), "koine_failure");
    if (result == KOINE_OK && !host_may_allocate(call.host)) {
        cut(request);
        result = KOINE_GONE;
    }
    if (result == KOINE_OK)
        result = judged(&call, request, reply_fail(request, &failure), "");
    return call_end(&call, result);
}

static int32_t http_stream_begin(const struct koine_host *host, koine_request handle,
                                 const struct koine_stream_options *given) {
    struct call call;
    struct koine_stream_options options;
    struct koine_test_answer *request =
        call_request(&call, host, "http->stream_begin", handle, REQUEST_ANSWERING);
    if (!request)
        return call_end(&call, call.result);
    int32_t result =
        call_read(&call, &options, sizeof(options), given,
                  offsetof(struct koine_stream_options, content_type), "koine_stream_options");
    if (result == KOINE_OK && !host_may_allocate(call.host))
        result = KOINE_NO_MEMORY;
    if (result == KOINE_OK)
        result = judged(&call, request, stream_begin(request, &options),
                        "the status must be 200 to 599, the content type one line");
    return call_end(&call, result);
}

static int32_t http_stream_write(const struct koine_host *host, koine_request handle,
                                 struct koine_text bytes) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->stream_write", handle, REQUEST_ANSWERING);
    if (!request)
        return call_end(&call, call.result);
    if (request->state == ANSWER_STREAMING && bytes.size && !host_may_allocate(call.host)) {
        cut(request); /* a stream with a hole in it is worse than a broken one */
        return call_end(&call, KOINE_GONE);
    }
    return call_end(&call, judged(&call, request, stream_write(request, bytes), ""));
}

static int32_t http_stream_end(const struct koine_host *host, koine_request handle) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->stream_end", handle, REQUEST_ANSWERING);
    return call_end(&call, request ? judged(&call, request, stream_end(request), "") : call.result);
}

static int32_t http_set_deadline(const struct koine_host *host, koine_request handle,
                                 uint32_t deadline_ms) {
    struct call call;
    struct koine_test_answer *request =
        call_request(&call, host, "http->set_deadline", handle, REQUEST_OPEN);
    if (request)
        request_set_deadline(request, deadline_ms);
    return call_end(&call, call.result);
}

const struct koine_http test_http = {
    .size = sizeof(struct koine_http),
    .route = http_route,
    .method = http_method,
    .path = http_path,
    .query = http_query,
    .param = http_param,
    .header = http_header,
    .body = http_body,
    .request_id = http_request_id,
    .peer = http_peer,
    .alloc = http_alloc,
    .on_end = http_on_end,
    .set_header = http_set_header,
    .respond = http_respond,
    .fail = http_fail,
    .stream_begin = http_stream_begin,
    .stream_write = http_stream_write,
    .stream_end = http_stream_end,
    .set_deadline = http_set_deadline,
};
