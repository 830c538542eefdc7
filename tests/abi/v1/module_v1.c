/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module of ABI 1.0 that calls every function of every service. The binary beside it was built
 * from this folder and is never built again: every later gateway must load and serve it. Uses the
 * ABI headers and libc alone. It was built on Debian 12, x86-64, gcc 12.2, with
 *
 *     gcc -std=c11 -D_GNU_SOURCE -O2 -fPIC -fvisibility=hidden -Iinclude -shared \
 *         -Wl,-z,defs -Wl,-z,relro,-z,now,--build-id=none -s -o tests/abi/v1/module_v1.so \
 *         tests/abi/v1/module_v1.c tests/abi/v1/policy.c tests/abi/v1/requests.c \
 *         tests/abi/v1/runs.c
 *
 * and the headers as they were at ABI 1.0 (tests/abi/records/1.0.abi). This file: the lifecycle.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- pages */

void page_add(struct page *page, const char *label, struct koine_text text) {
    int n = snprintf(page->text + page->size, sizeof(page->text) - page->size, "%s=%.*s\n", label,
                     (int)text.size, text.size ? text.data : "");
    if (n > 0 && (size_t)n < sizeof(page->text) - page->size)
        page->size += (size_t)n;
}

void page_add_number(struct page *page, const char *label, double number) {
    char text[32];
    int n = snprintf(text, sizeof(text), "%.6g", number);
    page_add(page, label, (struct koine_text){text, (size_t)n});
}

struct page *page_new(void *data, koine_request request) {
    struct fixture *self = data;
    struct page *page = self->http->alloc(self->host, request, sizeof(*page));
    if (page) {
        page->self = self;
        page->request = request;
    }
    return page;
}

void page_send(struct page *page) {
    const struct koine_http *http = page->self->http;
    http->set_header(page->self->host, page->request, KOINE_TEXT("X-Fixture"), KOINE_TEXT("v1"));
    http->respond(page->self->host, page->request, 200, KOINE_TEXT("text/plain"),
                  (struct koine_text){page->text, page->size});
}

/* ---- refusals */

struct guarded_failure failure_new(void) {
    struct guarded_failure guarded = {.failure = {.size = sizeof(struct koine_failure)}};
    for (size_t i = 0; i < sizeof(guarded.behind); i++)
        guarded.behind[i] = (unsigned char)(i + 1);
    return guarded;
}

const struct koine_failure *failure_checked(const struct guarded_failure *guarded) {
    for (size_t i = 0; i < sizeof(guarded->behind); i++)
        if (guarded->behind[i] != (unsigned char)(i + 1)) {
            fputs("fixture: the host has written behind a koine_failure of ABI 1.0\n", stderr);
            abort();
        }
    return &guarded->failure;
}

/* ---- extensions */

static void shout(void *data, const struct koine_tool_call *call) {
    answer_call(data, call->call, KOINE_TEXT("SHOUTED BY V1"));
}

static const struct koine_tool shout_tool = {.size = sizeof(struct koine_tool),
                                             .name = {"shout", 5},
                                             .description = {"Shouts", 6},
                                             .input_schema = {"{\"type\":\"object\"}", 17},
                                             .call = shout};
static const struct koine_tool *const offered[] = {&shout_tool};

static const void *extension(void *self, const char *id) {
    static const struct koine_tool_set tools = {sizeof(tools), 1, offered};
    static const char fragment[] = "paths: {/fixture/run: {post: {responses: "
                                   "{'200': {description: The events of a run}}}}}\n";
    static const char keywords[] =
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"text\":{\"type\":\"string\"},\"number\":{\"type\":\"number\"},"
        "\"boolean\":{\"type\":\"boolean\"},\"nested\":{\"type\":\"object\"}}}";
    static const struct koine_document openapi = {
        sizeof(openapi), 0, {fragment, sizeof(fragment) - 1}};
    static const struct koine_document schema = {
        sizeof(schema), 0, {keywords, sizeof(keywords) - 1}};
    (void)self;
    if (strcmp(id, KOINE_EXTENSION_TOOLS) == 0)
        return &tools;
    if (strcmp(id, KOINE_EXTENSION_OPENAPI) == 0)
        return &openapi;
    return strcmp(id, KOINE_EXTENSION_CONFIG_SCHEMA) == 0 ? &schema : NULL;
}

/* ---- lifecycle */

static int32_t create(const struct koine_host *host, void **self) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return KOINE_NO_MEMORY;
    fixture->host = host;
    *self = fixture;
    return KOINE_OK;
}

static int32_t find_services(struct fixture *self) {
    const struct koine_host *host = self->host;
    self->http = host->service(host, KOINE_HTTP);
    self->runner = host->service(host, KOINE_RUNNER);
    self->slots = host->service(host, KOINE_SLOTS);
    self->tools = host->service(host, KOINE_TOOLS);
    self->auth = host->service(host, KOINE_AUTH);
    self->log = host->service(host, KOINE_LOG);
    self->config = host->service(host, KOINE_CONFIG);
    self->loop = host->service(host, KOINE_LOOP);
    self->metrics = host->service(host, KOINE_METRICS);
    return self->http && self->runner && self->slots && self->tools && self->auth && self->log &&
                   self->config && self->loop && self->metrics &&
                   KOINE_HAS(self->http, set_deadline) && !host->service(host, "koine.unknown/1")
               ? KOINE_OK
               : KOINE_UNSUPPORTED;
}

static int32_t define_metrics(struct fixture *self) {
    static const struct koine_label labels[] = {{{"kind", 4}, {"run", 3}}};
    static const double buckets[] = {0.1, 1};
    struct koine_metric_options options = {.size = sizeof(options),
                                           .type = KOINE_METRIC_COUNTER,
                                           .name = "runs_total",
                                           .help = "Runs.",
                                           .labels = labels,
                                           .label_count = 1};
    int32_t result = self->metrics->define(self->host, &options, &self->runs_total);
    options = (struct koine_metric_options){
        .size = sizeof(options), .type = KOINE_METRIC_GAUGE, .name = "level", .help = "A level."};
    if (result == KOINE_OK)
        result = self->metrics->define(self->host, &options, &self->level);
    options = (struct koine_metric_options){.size = sizeof(options),
                                            .type = KOINE_METRIC_HISTOGRAM,
                                            .name = "wait_seconds",
                                            .help = "Waiting.",
                                            .buckets = buckets,
                                            .bucket_count = 2};
    if (result == KOINE_OK)
        result = self->metrics->define(self->host, &options, &self->wait_seconds);
    if (result == KOINE_OK)
        result = self->metrics->set(self->host, self->level, 4);
    return result == KOINE_OK ? self->metrics->add(self->host, self->wait_seconds, 0.5) : result;
}

#define ROUTE(verb, where, class, function)                                                        \
    {                                                                                              \
        .size = sizeof(struct koine_route), .method = (verb), .path = (where),                     \
        .slot_class = (class), .handler = (function)                                               \
    }

static int32_t add_routes(struct fixture *self) {
    struct koine_route routes[] = {
        ROUTE("PUT", "/fixture/request/{name}", NULL, show_request),
        ROUTE("GET", "/fixture/deadline", NULL, wait_for_deadline),
        ROUTE("GET", "/fixture/refuse", NULL, refuse),
        ROUTE("GET", "/fixture/ticks", NULL, ticks),
        ROUTE("GET", "/fixture/thread", NULL, on_thread),
        ROUTE("GET", "/fixture/pipe", NULL, through_pipe),
        ROUTE("POST", "/fixture/narrow", NULL, narrow),
        ROUTE("GET", "/fixture/slot", "fixtureClass", take_slot),
        ROUTE("GET", "/fixture/who", NULL, who),
        ROUTE("GET", "/fixture/config", NULL, show_config),
        ROUTE("POST", "/fixture/run", KOINE_SLOT_NONSTREAMING, run),
        ROUTE("POST", "/fixture/cancelled", KOINE_SLOT_NONSTREAMING, cancelled),
        ROUTE("POST", "/fixture/stream", KOINE_SLOT_STREAMING, stream),
        ROUTE("POST", "/fixture/park", KOINE_SLOT_NONSTREAMING, park),
        ROUTE("POST", "/fixture/adopt", KOINE_SLOT_NONSTREAMING, adopt),
        {.size = sizeof(struct koine_route),
         .key_places = KOINE_KEY_BEARER | KOINE_KEY_X_API_KEY,
         .deadline_ms = 20000,
         .method = "POST",
         .path = "/fixture-dialect/refuse",
         .max_body_bytes = 16,
         .handler = refuse,
         .render_failure = render,
         .failure_prefix = "/fixture-dialect/"},
    };
    routes[8].authentication = KOINE_AUTH_NONE;
    int32_t result = self->slots->declare(self->host, "fixtureClass", 3);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes) && result == KOINE_OK; i++)
        result = self->http->route(self->host, &routes[i]);
    return result;
}

static int32_t init(void *data, struct koine_text config, struct koine_error *error) {
    struct fixture *self = data;
    int32_t result = find_services(self);
    if (result == KOINE_OK)
        result = define_metrics(self);
    if (result == KOINE_OK)
        result = add_routes(self);
    if (result != KOINE_OK)
        snprintf(error->message, error->capacity, "something of ABI 1.0 is missing (config: %.*s)",
                 (int)config.size, config.data);
    return result;
}

static int32_t start(void *data, struct koine_error *error) {
    struct fixture *self = data;
    (void)error;
    self->loaded_ms = self->loop->now_ms(self->host);
    self->started = 1;
    return KOINE_OK;
}

static void quiesce(void *data) {
    struct fixture *self = data;
    self->log->write(self->host, KOINE_LOG_INFO, (koine_request){0}, KOINE_TEXT("quiesce"));
}

static void destroy(void *self) {
    free(self);
}

const struct koine_module *koine_module(void) {
    static const struct koine_module module = {
        .magic = KOINE_MODULE_MAGIC,
        .abi_major = 1,
        .abi_minor = 0,
        .size = sizeof(struct koine_module),
        .name = "fixture",
        .version = "1.0.0",
        .summary = "Calls every function of ABI 1.0",
        .create = create,
        .init = init,
        .start = start,
        .quiesce = quiesce,
        .destroy = destroy,
        .extension = extension,
    };
    return &module;
}
