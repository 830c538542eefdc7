/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.http/1": checks what a module hands in and calls the request. */
#include "http/header_name.h"
#include "http/server.h"
#include "modules/module.h"
#include "modules/service_request.h"
#include <stdio.h>
#include <string.h>

#define ROUTE_MINIMUM offsetof(struct koine_route, render_failure)

static int32_t http_route(const struct koine_host *host, const struct koine_route *given) {
    struct module *module = module_of(host);
    struct koine_route route;
    if (!module_may_call(module, "http->route", false))
        return KOINE_WRONG_STATE;
    if (module->state != MODULE_INITIALISING)
        return module_wrong_state(module, "http->route", "may be called in init only");
    int32_t result =
        module_read_struct(module, "http->route", &route, sizeof(route), given, ROUTE_MINIMUM);
    if (result != KOINE_OK)
        return result;
    if (route.authentication > KOINE_AUTH_NONE || route.key_places > 3)
        return module_invalid(module, "http->route", "unknown authentication or key places");
    return module_add_route(module, &route);
}

/* A reading call: finds the request and clears what is given back. */
static int32_t read_of(const struct koine_host *host, koine_request handle, const char *call,
                       struct koine_text *out, struct request **request) {
    if (!out) {
        module_invalid(module_of(host), call, "out must be given");
        return KOINE_INVALID;
    }
    *out = (struct koine_text){0};
    return service_request(host, handle, call, SERVICE_READS, request);
}

#define ACCESSOR(name, value)                                                                      \
    static int32_t http_##name(const struct koine_host *host, koine_request handle,                \
                               struct koine_text *out) {                                           \
        struct request *request;                                                                   \
        int32_t result = read_of(host, handle, "http->" #name, out, &request);                     \
        if (result == KOINE_OK)                                                                    \
            *out = (value);                                                                        \
        return result;                                                                             \
    }

static struct koine_text peer_text(const struct request *request) {
    const char *peer = gate_peer(request->connection);
    return (struct koine_text){peer, strlen(peer)};
}

ACCESSOR(method, request->method)
ACCESSOR(path, request->path)
ACCESSOR(query, request->query)
ACCESSOR(body, request->body)
ACCESSOR(request_id, request_id_text(request))
ACCESSOR(peer, peer_text(request))

static int32_t http_param(const struct koine_host *host, koine_request handle, const char *name,
                          struct koine_text *out) {
    struct request *request;
    int32_t result = read_of(host, handle, "http->param", out, &request);
    if (result != KOINE_OK)
        return result;
    int index = name ? route_param_index(request->route, name) : -1;
    if (index < 0)
        return KOINE_NOT_FOUND;
    *out = request->params[index];
    return KOINE_OK;
}

static int32_t http_header(const struct koine_host *host, koine_request handle, const char *name,
                           struct koine_text *out) {
    struct request *request;
    int32_t result = read_of(host, handle, "http->header", out, &request);
    if (result != KOINE_OK)
        return result;
    if (!name || header_name_is_withheld(name))
        return KOINE_NOT_FOUND;
    return gate_field(request->fields, name, out) ? KOINE_OK : KOINE_NOT_FOUND;
}

static void *http_alloc(const struct koine_host *host, koine_request handle, size_t bytes) {
    struct request *request;
    return service_request(host, handle, "http->alloc", SERVICE_READS, &request) == KOINE_OK
               ? request_alloc(request, bytes)
               : NULL;
}

static int32_t http_on_end(const struct koine_host *host, koine_request handle,
                           void (*callback)(void *, koine_request, int32_t), void *data) {
    struct request *request;
    int32_t result = service_request(host, handle, "http->on_end", SERVICE_READS, &request);
    if (result != KOINE_OK)
        return result;
    return callback ? request_on_end(request, callback, data)
                    : module_invalid(module_of(host), "http->on_end", "callback must be given");
}

/* What the request refuses, in the log. */
static int32_t report(const struct koine_host *host, const char *call, int32_t result,
                      const char *invalid, const char *wrong_state) {
    if (result == KOINE_INVALID)
        module_invalid(module_of(host), call, invalid);
    else if (result == KOINE_WRONG_STATE)
        module_wrong_state(module_of(host), call, wrong_state);
    return result;
}

static const char streaming[] = "a stream has begun, which can only be written on and ended";
static const char not_streaming[] = "no stream has begun; call stream_begin first";

static int32_t http_set_header(const struct koine_host *host, koine_request handle,
                               struct koine_text name, struct koine_text value) {
    static const char call[] = "http->set_header";
    struct request *request;
    int32_t result = service_request(host, handle, call, SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module_of(host), call, name) ||
        !module_text_is_sane(module_of(host), call, value))
        return KOINE_INVALID;
    return report(host, call, request_add_header(request, name, value),
                  "a name must be a token that is not the host's, a value one line",
                  "the head is out: headers come before stream_begin");
}

static int32_t http_respond(const struct koine_host *host, koine_request handle, int32_t status,
                            struct koine_text content_type, struct koine_text body) {
    static const char call[] = "http->respond";
    struct request *request;
    int32_t result = service_request(host, handle, call, SERVICE_ANSWERS, &request);
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module_of(host), call, content_type) ||
        !module_text_is_sane(module_of(host), call, body))
        return KOINE_INVALID;
    return report(host, call, request_respond(request, status, content_type, body),
                  "the status must be 200 to 599, the content type one line", streaming);
}

static int32_t http_fail(const struct koine_host *host, koine_request handle,
                         const struct koine_failure *given) {
    static const char call[] = "http->fail";
    struct module *module = module_of(host);
    struct request *request;
    struct koine_failure failure;
    int32_t result = service_request(host, handle, call, SERVICE_ANSWERS, &request);
    if (result == KOINE_OK)
        result = module_read_struct(module, call, &failure, sizeof(failure), given,
                                    LENGTH_WITH(koine_failure, issues));
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module, call, failure.code) ||
        !module_text_is_sane(module, call, failure.message) ||
        !module_text_is_sane(module, call, failure.issues))
        return KOINE_INVALID;
    return report(host, call, request_fail(request, &failure), "", streaming);
}

static int32_t http_stream_begin(const struct koine_host *host, koine_request handle,
                                 const struct koine_stream_options *given) {
    static const char call[] = "http->stream_begin";
    struct module *module = module_of(host);
    struct request *request;
    struct koine_stream_options options;
    int32_t result = service_request(host, handle, call, SERVICE_ANSWERS, &request);
    if (result == KOINE_OK)
        result = module_read_struct(module, call, &options, sizeof(options), given,
                                    offsetof(struct koine_stream_options, content_type));
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module, call, options.content_type) ||
        !module_text_is_sane(module, call, options.keep_alive))
        return KOINE_INVALID;
    return report(host, call, request_stream_begin(request, &options),
                  "the status must be 200 to 599, the content type one line", streaming);
}

static int32_t http_stream_write(const struct koine_host *host, koine_request handle,
                                 struct koine_text bytes) {
    static const char call[] = "http->stream_write";
    struct request *request;
    int32_t result = service_request(host, handle, call, SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return result;
    if (!module_text_is_sane(module_of(host), call, bytes))
        return KOINE_INVALID;
    return report(host, call, request_stream_write(request, bytes), "", not_streaming);
}

static int32_t http_stream_end(const struct koine_host *host, koine_request handle) {
    struct request *request;
    int32_t result = service_request(host, handle, "http->stream_end", SERVICE_ACTS, &request);
    if (result != KOINE_OK)
        return result;
    return report(host, "http->stream_end", request_stream_end(request), "", not_streaming);
}

static int32_t http_set_deadline(const struct koine_host *host, koine_request handle,
                                 uint32_t deadline_ms) {
    struct request *request;
    int32_t result = service_request(host, handle, "http->set_deadline", SERVICE_ACTS, &request);
    return result == KOINE_OK ? request_set_deadline(request, deadline_ms) : result;
}

const struct koine_http service_http = {
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
