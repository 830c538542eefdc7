/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another API's dialect: errors in its own shape from module and host alike, the key from X-Api-Key
 * or Bearer, a path parameter, and a stream tied to a run. POST /v1/echo/{name} streams the run's
 * text.
 */
#include <koine-module/module.h>
#include <stdio.h>

static void write_text(const struct koine_self *self, koine_request request,
                       struct koine_text text) {
    self->http->stream_write(self->host, request, text);
}

static void on_event(void *data, const struct koine_run_event *event) {
    const struct koine_self *self = koine_self_of(data);
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
    struct koine_self *self = koine_self_of(data);
    struct koine_run_options options = {.size = sizeof(options), .flags = KOINE_RUN_TIE_STREAM};
    struct koine_stream_options stream = {.size = sizeof(stream),
                                          .content_type = KOINE_TEXT("text/plain"),
                                          .keep_alive = KOINE_TEXT("")};
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_text name = {NULL, 0};
    koine_run run;
    self->http->param(self->host, request, "name", &name);
    self->http->body(self->host, request, &options.prompt);
    self->http->set_header(self->host, request, KOINE_TEXT("X-Name"), name);
    if (self->runner->start(self->host, request, &options, on_event, self, &run, &failure) ==
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

static const struct koine_route routes[] = {{.size = sizeof(struct koine_route),
                                             .method = "POST",
                                             .path = "/v1/echo/{name}",
                                             .key_places = KOINE_KEY_BEARER | KOINE_KEY_X_API_KEY,
                                             .slot_class = KOINE_SLOT_STREAMING,
                                             .handler = echo,
                                             .render_failure = render,
                                             .failure_prefix = "/v1/"}};
static const struct koine_document schema = {
    .size = sizeof(struct koine_document),
    .text = {"{\"type\":\"object\",\"additionalProperties\":false,"
             "\"properties\":{\"greeting\":{\"type\":\"string\"}}}",
             90}};
static const struct koine_plan plan = {
    .routes = routes, .route_count = KOINE_COUNT(routes), .config_schema = &schema};
KOINE_MODULE_DEFINE("dialect", "1.0.0", "Another API's dialect", plan);
