/* SPDX-License-Identifier: Apache-2.0 */
/* What modules with one route that asks Claude have in common, from create to the answer. */
#include "module/endpoint.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENDPOINT_MAGIC = 0x6b656e64 };

struct koine_endpoint *koine_endpoint_of(void *data) {
    struct koine_endpoint *self = data;
    if (!self || self->magic != ENDPOINT_MAGIC)
        abort();
    return self;
}

int32_t koine_endpoint_create(const struct koine_host *host, const struct koine_route *route,
                              const char *openapi, uint64_t openapi_size, void **out) {
    struct koine_endpoint *self = calloc(1, sizeof(*self));
    if (!self)
        return KOINE_NO_MEMORY;
    self->magic = ENDPOINT_MAGIC;
    self->host = host;
    self->route = route;
    self->openapi = (struct koine_document){.size = sizeof(self->openapi),
                                            .text = {openapi, (size_t)openapi_size}};
    *out = self;
    return KOINE_OK;
}

void koine_endpoint_destroy(void *self) {
    free(koine_endpoint_of(self));
}

static const void *find_service(const struct koine_host *host, const char *id,
                                struct koine_error *error) {
    const void *service = host->service(host, id);
    if (!service)
        snprintf(error->message, error->capacity, "this gateway lacks %s", id);
    return service;
}

int32_t koine_endpoint_init(void *data, struct koine_text config, struct koine_error *error) {
    struct koine_endpoint *self = koine_endpoint_of(data);
    const struct koine_host *host = self->host;
    const struct koine_route *route = self->route;
    (void)config;
    if (!(self->http = find_service(host, KOINE_HTTP, error)) ||
        !(self->tools = find_service(host, KOINE_TOOLS, error)) ||
        !(self->runner = find_service(host, KOINE_RUNNER, error)) ||
        !(self->loop = find_service(host, KOINE_LOOP, error)) ||
        !(self->config = find_service(host, KOINE_CONFIG, error)))
        return KOINE_UNSUPPORTED;
    int32_t result = self->http->route(host, route);
    if (result != KOINE_OK)
        snprintf(error->message, error->capacity, "%s %s cannot be registered (%d)", route->method,
                 route->path, (int)result);
    return result;
}

const void *koine_endpoint_extension(void *data, const char *id) {
    const struct koine_endpoint *self = koine_endpoint_of(data);
    if (strcmp(id, KOINE_EXTENSION_OPENAPI) == 0)
        return &self->openapi;
    if (strcmp(id, KOINE_EXTENSION_CONFIG_SCHEMA) == 0 && self->config_schema.size)
        return &self->config_schema;
    return NULL;
}

bool koine_endpoint_start(const struct koine_endpoint *self, koine_request request,
                          const struct koine_generate *common,
                          const struct koine_run_options *options, koine_run_callback on_event,
                          void *data) {
    struct koine_failure failure = {.size = sizeof(failure)};
    koine_run run;
    if (self->tools->narrow(self->host, request, common->allowed_tools.items,
                            common->allowed_tools.count, common->disallowed_tools.items,
                            common->disallowed_tools.count, &failure) == KOINE_OK &&
        self->runner->start(self->host, request, options, on_event, data, &run, &failure) ==
            KOINE_OK)
        return true;
    self->http->fail(self->host, request, &failure);
    return false;
}

void koine_endpoint_fail_for_memory(const struct koine_endpoint *self, koine_request request) {
    struct koine_failure failure = {
        .size = sizeof(failure),
        .status = 500,
        .code = KOINE_TEXT("INTERNAL_ERROR"),
        .message = KOINE_TEXT("The gateway is short of memory; try again later"),
    };
    self->http->fail(self->host, request, &failure);
}

void koine_endpoint_answer(const struct koine_endpoint *self, koine_request request,
                           struct koine_json_text *json) {
    if (json->no_memory)
        koine_endpoint_fail_for_memory(self, request);
    else
        self->http->respond(self->host, request, 200, (struct koine_text){NULL, 0},
                            (struct koine_text){json->bytes, json->size});
    koine_json_text_finish(json);
}
