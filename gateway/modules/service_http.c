/* SPDX-License-Identifier: Apache-2.0 */
/* "koine.http/1": checks what a module hands in and calls the request. */
#include "http/server.h"
#include "modules/module.h"
#include <stdio.h>
#include <string.h>

#define ROUTE_MINIMUM offsetof(struct koine_route, render_failure)

/* The request behind a handle, if it is this module's; NULL: gone. */
static struct request *find(const struct koine_host *host, koine_request handle, const char *call) {
    struct module *module = module_of(host);
    if (!module_may_call(module, call, true))
        return NULL;
    struct request *request = request_find(module->worker, handle);
    return request && request->route->module == module && request->state != REQUEST_ENDED ? request
                                                                                          : NULL;
}

/* … and an answer is still owed. */
static struct request *find_open(const struct koine_host *host, koine_request handle,
                                 const char *call) {
    struct request *request = find(host, handle, call);
    return request_is_open(request) ? request : NULL;
}

static int32_t http_route(const struct koine_host *host, const struct koine_route *given) {
    struct module *module = module_of(host);
    struct koine_route route;
    if (!module_may_call(module, "http->route", false))
        return KOINE_WRONG_STATE;
    if (module->state != MODULE_INITIALISING) {
        module_invalid(module, "http->route", "may be called in init only");
        return KOINE_WRONG_STATE;
    }
    int32_t result = module_read_struct(&route, sizeof(route), given, ROUTE_MINIMUM);
    if (result != KOINE_OK)
        return module_invalid(module, "http->route", "the struct's size is wrong or too new"),
               result;
    if (route.authentication > KOINE_AUTH_NONE || route.key_places > 3)
        return module_invalid(module, "http->route", "unknown authentication or key places");
    return module_add_route(module, &route);
}

static int32_t give(struct request *request, struct koine_text text, struct koine_text *out) {
    *out = text;
    return request ? KOINE_OK : KOINE_GONE;
}

#define ACCESSOR(name, value)                                                                      \
    static int32_t http_##name(const struct koine_host *host, koine_request handle,                \
                               struct koine_text *out) {                                           \
        struct request *request = find(host, handle, "http->" #name);                              \
        return give(request, request ? (value) : (struct koine_text){0}, out);                     \
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
    struct request *request = find(host, handle, "http->param");
    *out = (struct koine_text){0};
    if (!request)
        return KOINE_GONE;
    int index = name ? route_param_index(request->route, name) : -1;
    if (index < 0)
        return KOINE_NOT_FOUND;
    *out = request->params[index];
    return KOINE_OK;
}

static int32_t http_header(const struct koine_host *host, koine_request handle, const char *name,
                           struct koine_text *out) {
    static const char *const withheld[] = {"Authorization", "X-Api-Key", "Cookie",
                                           "Proxy-Authorization"};
    struct request *request = find(host, handle, "http->header");
    *out = (struct koine_text){0};
    if (!request)
        return KOINE_GONE;
    for (size_t i = 0; name && i < sizeof(withheld) / sizeof(*withheld); i++)
        if (strcasecmp(withheld[i], name) == 0)
            return KOINE_NOT_FOUND;
    return name && gate_field(request->fields, name, out) ? KOINE_OK : KOINE_NOT_FOUND;
}

static void *http_alloc(const struct koine_host *host, koine_request handle, size_t bytes) {
    struct request *request = find(host, handle, "http->alloc");
    return request ? request_alloc(request, bytes) : NULL;
}

static int32_t http_on_end(const struct koine_host *host, koine_request handle,
                           void (*callback)(void *, koine_request, int32_t), void *data) {
    struct request *request = find(host, handle, "http->on_end");
    if (!request)
        return KOINE_GONE;
    return callback ? request_on_end(request, callback, data) : KOINE_INVALID;
}

static int32_t http_set_header(const struct koine_host *host, koine_request handle,
                               struct koine_text name, struct koine_text value) {
    struct request *request = find_open(host, handle, "http->set_header");
    if (!request)
        return KOINE_GONE;
    int32_t result = request_add_header(request, name, value);
    return result == KOINE_INVALID
               ? module_invalid(module_of(host), "http->set_header",
                                "a name must be a token that is not the host's, a value one line")
               : result;
}

static int32_t http_respond(const struct koine_host *host, koine_request handle, int32_t status,
                            struct koine_text content_type, struct koine_text body) {
    struct request *request = find_open(host, handle, "http->respond");
    return request ? request_respond(request, status, content_type, body) : KOINE_GONE;
}

static int32_t http_fail(const struct koine_host *host, koine_request handle,
                         const struct koine_failure *given) {
    struct request *request = find_open(host, handle, "http->fail");
    struct koine_failure failure;
    if (!request)
        return KOINE_GONE;
    int32_t result =
        module_read_struct(&failure, sizeof(failure), given, LENGTH_WITH(koine_failure, issues));
    if (result != KOINE_OK)
        return module_invalid(module_of(host), "http->fail", "the struct's size is wrong"), result;
    return request_fail(request, &failure);
}

static int32_t http_stream_begin(const struct koine_host *host, koine_request handle,
                                 const struct koine_stream_options *given) {
    struct request *request = find_open(host, handle, "http->stream_begin");
    struct koine_stream_options options;
    if (!request)
        return KOINE_GONE;
    int32_t result = module_read_struct(&options, sizeof(options), given, 8);
    return result == KOINE_OK ? request_stream_begin(request, &options) : result;
}

static int32_t http_stream_write(const struct koine_host *host, koine_request handle,
                                 struct koine_text bytes) {
    struct request *request = find_open(host, handle, "http->stream_write");
    return request ? request_stream_write(request, bytes) : KOINE_GONE;
}

static int32_t http_stream_end(const struct koine_host *host, koine_request handle) {
    struct request *request = find_open(host, handle, "http->stream_end");
    return request ? request_stream_end(request) : KOINE_GONE;
}

static int32_t http_set_deadline(const struct koine_host *host, koine_request handle,
                                 uint32_t deadline_ms) {
    struct request *request = find_open(host, handle, "http->set_deadline");
    return request ? request_set_deadline(request, deadline_ms) : KOINE_GONE;
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
