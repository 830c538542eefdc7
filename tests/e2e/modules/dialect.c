/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another API's dialect: errors in its own shape from module and host alike, the key from X-Api-Key
 * or Bearer, a path parameter, and a stream tied to a run. POST /v1/echo/{name} streams the run's
 * text.
 */
#include <koine/koine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dialect {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_runner *runner;
};

struct stream {
    struct dialect *self;
};

static void write_text(struct dialect *self, koine_request request, struct koine_text text) {
    self->http->stream_write(self->host, request, text);
}

static void on_event(void *data, const struct koine_run_event *event) {
    struct dialect *self = ((struct stream *)data)->self;
    switch (event->type) {
    case KOINE_RUN_TEXT:
        write_text(self, event->request, event->text);
        break;
    case KOINE_RUN_FAILURE:
        write_text(self, event->request, KOINE_TEXT("\n[failed] "));
        write_text(self, event->request, event->failure->code);
        break;
    case KOINE_RUN_END:
        write_text(self, event->request, KOINE_TEXT("\n[end]"));
        self->http->stream_end(self->host, event->request);
        break;
    default:
        break;
    }
}

static void echo(void *data, koine_request request) {
    struct dialect *self = data;
    struct koine_run_options options = {.size = sizeof(options), .flags = KOINE_RUN_TIE_STREAM};
    struct koine_stream_options stream = {.size = sizeof(stream),
                                          .content_type = KOINE_TEXT("text/plain"),
                                          .keep_alive = KOINE_TEXT("")};
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_text name = {NULL, 0};
    koine_run run;
    struct stream *state = self->http->alloc(self->host, request, sizeof(*state));
    if (!state)
        return;
    state->self = self;
    self->http->param(self->host, request, "name", &name);
    self->http->body(self->host, request, &options.prompt);
    self->http->set_header(self->host, request, KOINE_TEXT("X-Name"), name);
    if (self->runner->start(self->host, request, &options, on_event, state, &run, &failure) ==
        KOINE_OK)
        self->http->stream_begin(self->host, request, &stream);
    else
        self->http->fail(self->host, request, &failure);
}

static int32_t render(void *self, const struct koine_failure *failure, char *out, size_t capacity,
                      size_t *length, const char **content_type) {
    (void)self;
    int size = snprintf(out, capacity, "{\"type\":\"error\",\"error\":{\"type\":\"%.*s\"}}",
                        (int)failure->code.size, failure->code.data);
    *content_type = "application/json";
    *length = (size_t)size;
    return size > 0 && (size_t)size < capacity ? KOINE_OK : KOINE_INVALID;
}

static int32_t create(const struct koine_host *host, void **self) {
    struct dialect *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct dialect *self = data;
    (void)config;
    self->http = self->host->service(self->host, KOINE_HTTP);
    self->runner = self->host->service(self->host, KOINE_RUNNER);
    struct koine_route route = {.size = sizeof(route),
                                .method = "POST",
                                .path = "/v1/echo/{name}",
                                .key_places = KOINE_KEY_BEARER | KOINE_KEY_X_API_KEY,
                                .slot_class = KOINE_SLOT_STREAMING,
                                .handler = echo,
                                .render_failure = render,
                                .failure_prefix = "/v1/"};
    int32_t result = self->http->route(self->host, &route);
    if (result != KOINE_OK)
        snprintf(error->message, error->capacity, "the route was refused");
    return result;
}

static const void *extension(void *self, const char *id) {
    static const struct koine_document schema = {
        .size = sizeof(struct koine_document),
        .text = {"{\"type\":\"object\",\"additionalProperties\":false,"
                 "\"properties\":{\"greeting\":{\"type\":\"string\"}}}",
                 90}};
    (void)self;
    return strcmp(id, KOINE_EXTENSION_CONFIG_SCHEMA) == 0 ? &schema : NULL;
}

static void destroy(void *self) {
    free(self);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = KOINE_ABI_MAJOR,
        .abi_minor = KOINE_ABI_MINOR,
        .size = sizeof(struct koine_module),
        .name = "dialect",
        .version = "1.0.0",
        .summary = "Another API's dialect",
        .create = create,
        .init = init,
        .destroy = destroy,
        .extension = extension,
    };
    return &module;
}
