/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that calls from a thread of its own what only the event loop may: GET /stray/http and
 * /stray/others do, and answer with what the host said to each call. GET /stray/crash and
 * /stray/trap have the thread abort and run an instruction that there is not.
 */
#include <koine/koine.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_NOTES = 40 };

struct stray {
    const struct koine_host *host;
    const struct koine_http *http;
    const struct koine_runner *runner;
    const struct koine_slots *slots;
    const struct koine_tools *tools;
    const struct koine_auth *auth;
    const struct koine_config *config;
    const struct koine_loop *loop;
    const struct koine_metrics *metrics;
    koine_metric metric;
    koine_timer repeating;
    koine_request request; /* of the thread */
    int32_t notes[MAXIMUM_NOTES];
    size_t note_count;
};

static const struct koine_text none = {NULL, 0};

static void note(struct stray *self, int32_t result) {
    if (self->note_count < MAXIMUM_NOTES)
        self->notes[self->note_count++] = result;
}

static void on_end(void *data, koine_request request, int32_t how) {
    (void)data;
    (void)request;
    (void)how;
}

static void on_nothing(void *data, const struct koine_run_event *event) {
    (void)data;
    (void)event;
}

static void on_tick(void *data, koine_timer timer) {
    (void)data;
    (void)timer;
}

/* ---- on the thread */

static void *call_http(void *data) {
    struct stray *self = data;
    struct koine_stream_options options = {.size = sizeof(options)};
    struct koine_failure failure = {.size = sizeof(failure), .status = 400};
    const struct koine_http *http = self->http;
    const struct koine_host *host = self->host;
    koine_request request = self->request;
    struct koine_text text;
    note(self, http->method(host, request, &text));
    note(self, http->path(host, request, &text));
    note(self, http->query(host, request, &text));
    note(self, http->param(host, request, "deed", &text));
    note(self, http->header(host, request, "Host", &text));
    note(self, http->body(host, request, &text));
    note(self, http->request_id(host, request, &text));
    note(self, http->peer(host, request, &text));
    note(self, http->alloc(host, request, 1) ? KOINE_OK : KOINE_WRONG_STATE);
    note(self, http->on_end(host, request, on_end, self));
    note(self, http->set_header(host, request, KOINE_TEXT("X-Thread"), KOINE_TEXT("1")));
    note(self, http->stream_begin(host, request, &options));
    note(self, http->stream_write(host, request, KOINE_TEXT("x")));
    note(self, http->stream_end(host, request));
    note(self, http->set_deadline(host, request, 1));
    note(self, http->fail(host, request, &failure));
    note(self, http->respond(host, request, 200, none, none));
    return NULL;
}

static void *call_others(void *data) {
    struct stray *self = data;
    const struct koine_host *host = self->host;
    struct koine_failure failure = {.size = sizeof(failure)};
    struct koine_run_options options = {.size = sizeof(options), .prompt = KOINE_TEXT("x")};
    struct koine_tool_result result = {.size = sizeof(result)};
    struct koine_metric_options metric = {.size = sizeof(metric)};
    struct koine_text text;
    koine_request request = self->request;
    koine_run run = {0};
    koine_timer timer;
    koine_watch watch;
    uint32_t active, limit;
    int32_t boolean;
    note(self, self->runner->start(host, request, &options, on_nothing, self, &run, &failure));
    note(self, self->runner->cancel(host, run));
    note(self, self->runner->pause(host, run));
    note(self, self->runner->tool_result(host, (koine_call){1}, &result));
    note(self, self->runner->park(host, run, 0));
    note(self, self->runner->adopt(host, run, request, on_nothing, self, &failure));
    note(self, self->slots->acquire(host, request, &failure));
    note(self, self->slots->release(host, request));
    note(self, self->slots->usage(host, KOINE_SLOT_STREAMING, &active, &limit));
    note(self, self->tools->narrow(host, request, NULL, 0, NULL, 0, &failure));
    note(self, self->tools->judge(host, request, KOINE_TEXT("Bash")));
    note(self, self->tools->effective(host, request, &text));
    note(self, self->auth->key_name(host, request, &text));
    note(self, self->auth->authenticate(host, request, &failure));
    note(self, self->auth->act_as(host, request, "default", &failure));
    note(self, self->auth->check_session(host, request, KOINE_TEXT("x"), &failure));
    note(self, self->config->section(host, &text));
    note(self, self->config->boolean(host, "x", &boolean));
    note(self, self->config->state_directory(host, &text));
    note(self, self->metrics->define(host, &metric, &self->metric));
    note(self, self->metrics->add(host, self->metric, 1));
    note(self, self->metrics->set(host, self->metric, 1));
    note(self, self->loop->timer_start(host, 0, 0, NULL, self, &timer));
    note(self, self->loop->timer_stop(host, self->repeating));
    note(self, self->loop->watch(host, 0, KOINE_WATCH_READ, NULL, self, &watch));
    note(self, self->loop->unwatch(host, (koine_watch){1}));
    return NULL;
}

static void *crash(void *data) {
    (void)data;
    abort();
}

static void *trap(void *data) {
    (void)data;
    __builtin_trap();
}

/* ---- on the loop */

/* Waits for the thread, for the test's sake: a real module must not. */
static void run_thread(struct stray *self, void *(*body)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, self) == 0)
        pthread_join(thread, NULL);
}

static void answer(struct stray *self, koine_request request) {
    char text[MAXIMUM_NOTES * 12 + 1];
    size_t size = 0;
    for (size_t i = 0; i < self->note_count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%d", i ? " " : "",
                                 (int)self->notes[i]);
    self->note_count = 0;
    self->http->respond(self->host, request, 200, KOINE_TEXT("text/plain"),
                        (struct koine_text){text, size});
}

/* The loop is elsewhere when the thread crashes. */
static void leave_thread(struct stray *self, void *(*body)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, self) == 0)
        pthread_detach(thread);
}

static void handler(void *data, koine_request request) {
    struct stray *self = data;
    struct koine_text deed = none;
    self->http->param(self->host, request, "deed", &deed);
    self->request = request;
    switch (deed.size ? *deed.data : 0) {
    case 'c':
        leave_thread(self, crash);
        break;
    case 't':
        leave_thread(self, trap);
        break;
    default:
        run_thread(self, deed.size == strlen("http") ? call_http : call_others);
        answer(self, request);
    }
}

/* ---- lifecycle */

static int32_t create(const struct koine_host *host, void **self) {
    struct stray *module = calloc(1, sizeof(*module));
    if (!module)
        return KOINE_NO_MEMORY;
    module->host = host;
    *self = module;
    return KOINE_OK;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct stray *self = data;
    const struct koine_host *host = self->host;
    const struct koine_metric_options gauge = {
        .size = sizeof(gauge), .type = KOINE_METRIC_GAUGE, .name = "level", .help = "A level."};
    const struct koine_route route = {
        .size = sizeof(route), .method = "GET", .path = "/stray/{deed}", .handler = handler};
    (void)config;
    (void)error;
    self->http = host->service(host, KOINE_HTTP);
    self->runner = host->service(host, KOINE_RUNNER);
    self->slots = host->service(host, KOINE_SLOTS);
    self->tools = host->service(host, KOINE_TOOLS);
    self->auth = host->service(host, KOINE_AUTH);
    self->config = host->service(host, KOINE_CONFIG);
    self->loop = host->service(host, KOINE_LOOP);
    self->metrics = host->service(host, KOINE_METRICS);
    self->metrics->define(host, &gauge, &self->metric);
    return self->http->route(host, &route);
}

static int32_t start(void *data, struct koine_error *error) {
    struct stray *self = data;
    (void)error;
    return self->loop->timer_start(self->host, 3600000, 1000, on_tick, self, &self->repeating);
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
        .name = "stray",
        .version = "1.0.0",
        .summary = "Calls from threads",
        .create = create,
        .init = init,
        .start = start,
        .destroy = destroy,
    };
    return &module;
}
